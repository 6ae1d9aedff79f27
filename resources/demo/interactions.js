// The errand runner: turns a command, a press, a dialog or a half-typed option into an interaction,
// and shows what came of it: a line "Sending command…", a dialog to fill in, or plain words.

import { Refused, sendInteraction } from "./api.js";
import { openModal } from "./modal.js";
import { store } from "./store.js";

const NO_ANSWER = "The application did not respond";
const FAILED = "This interaction failed";
const PATIENCE = 200; // ms before "Sending command…" is worth showing

const envelope = (fields) => ({ user: store.me.id, channel: store.channelId, ...fields });

/**
 * Send a slash command. `path` is ["settings", "me"], `options` are [{name, type, value}].
 * Throws Refused when the server says that it cannot be sent like this.
 */
export function sendSlash(path, kinds, options) {
  return command({ name: path[0], type: 1, options: nested(path, kinds, options) }, path.join(" "));
}

/** Send a message command ("Use as source") on a message. */
export function sendMessageCommand(name, targetId) {
  return command({ name, type: 3, target_id: targetId }, name);
}

/** `kinds` are the option types of the path below the command: 1 subcommand, 2 group. */
export function nested(path, kinds, options) {
  let inner = options;
  for (let at = path.length - 1; at > 0; at -= 1) inner = [{ name: path[at], type: kinds[at - 1], options: inner }];
  return inner;
}

async function command(data, title) {
  let line = null;
  const timer = setTimeout(() => { line = store.note({ local: "sending", command: title }); }, PATIENCE);
  const done = () => {
    clearTimeout(timer);
    if (line) store.drop(line.channel_id, line.id);
  };
  try {
    const body = envelope({ type: 2, data });
    const answer = await sendInteraction(body);
    done();
    if (answer.outcome === "failed") store.note({ local: "failed", command: title, content: NO_ANSWER });
    else if (answer.outcome === "modal") showModal(answer.modal, null, body);
  } catch (error) {
    done();
    throw error;
  }
}

/** Ask for the choices of the focused option; an error means none. */
export async function complete(path, kinds, options) {
  try {
    const data = { name: path[0], type: 1, options: nested(path, kinds, options) };
    const answer = await sendInteraction(envelope({ type: 4, data }));
    return answer.outcome === "choices" ? (answer.choices ?? []) : null;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** Press a button or choose in a select; resolves to null or to the words of what went wrong. */
export async function press(message, component, values) {
  const data = { custom_id: component.custom_id, component_type: component.type };
  if (values) data.values = values;
  const body = envelope({ channel: message.channel_id, type: 3, message: message.id, data });
  try {
    const answer = await sendInteraction(body);
    if (answer.outcome === "modal") showModal(answer.modal, message.id, body);
    return answer.outcome === "failed" ? FAILED : null;
  } catch (error) {
    return error instanceof Refused ? error.message : FAILED;
  }
}

function showModal(modal, messageId, { channel, user }) {
  openModal(modal, async (components) => {
    const data = { custom_id: modal.custom_id, components };
    const answer = await sendInteraction({ user, channel, type: 5, message: messageId, data });
    return answer.outcome !== "failed";
  });
}
