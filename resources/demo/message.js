// One message as it stands in the log: who, when, in answer to what, and all that it carries.
// A changed message is filled anew, but pictures that stay are kept so that nothing blinks.

import { attachments } from "./media.js";
import { add, avatar, dots, h, icon, iconButton, nameOf, pathOf, shortTime, whenText } from "./dom.js";
import { components, componentText } from "./components.js";
import { embed } from "./embeds.js";
import { inlineMarkdown, markdown, startCommand } from "./markdown.js";
import { store } from "./store.js";

const SUPPRESS_EMBEDS = 4; // message flag
const SNIPPET = 140; // characters of an answered message that its answer shows

/** An empty place for a message; `fillMessage` puts the words in. */
export function messagePlace(id) {
  return h("article", {
    class: "message", dataset: { message: id }, "aria-live": "off", "aria-labelledby": `head-${id}`, tabindex: "-1",
  });
}

/** Fill (again) the place of a message. */
export function fillMessage(place, message, { onMenu, onDismiss }) {
  const author = store.author(message);
  const mentioned = (message.mentions ?? []).some((user) => user.id === store.me.id);
  place.classList.toggle("ephemeral", Boolean(message.ephemeral));
  place.classList.toggle("mentions-me", mentioned && !message.ephemeral);
  const before = { pictures: [...place.querySelectorAll(".tile img")], focus: focusKey(place) };
  place.replaceChildren(
    above(message) ?? "",
    h("div", { class: "gutter", "aria-hidden": "true" },
      avatar(author), h("time", { class: "gutter-time" }, shortTime(message.timestamp))),
    h("div", { class: "main" },
      head(message, author), body(message), message.ephemeral && onlyYou(message, onDismiss)),
    message.local ? "" : tools(message, onMenu));
  keepPictures(place, before.pictures);
  if (before.focus !== null) refocus(place, before.focus);
}

function head(message, author) {
  return h("header", { class: "head", id: `head-${message.id}` },
    h("strong", { class: "name", style: { "--name": author?.bot ? "var(--accent)" : "" } }, nameOf(author)),
    author?.bot && h("span", { class: "tag" }, "BOT"),
    h("time", { class: "when", datetime: message.timestamp, title: new Date(message.timestamp).toLocaleString() },
      whenText(message.timestamp)));
}

function body(message) {
  const node = h("div", { class: "body" });
  if (message.local === "failed") return add(node, [h("div", { class: "failed-line" }, message.content)]);
  if (message.local === "sending") return add(node, [waiting("Sending command")]);
  if (message.loading) return add(node, [waiting(`${nameOf(store.author(message))} is thinking`)]);
  const words = message.content ? spoken(message.content) : null;
  const cards = message.flags & SUPPRESS_EMBEDS ? [] : (message.embeds ?? []).map(embed);
  add(node, [words, attachments(message.attachments ?? []), cards, components(message)]);
  if (message.edited_timestamp) markEdited(node, words);
  return node;
}

const waiting = (text) => h("div", { class: "thinking" }, dots(), `${text}…`);

const ONLY_EMOJI = /^[\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}\ufe0f\u200d\s]{1,60}$/u;

function spoken(text) {
  return h("div", { class: `words${ONLY_EMOJI.test(text) ? " jumbo" : ""}` }, markdown(text));
}

function markEdited(node, words) {
  const mark = h("span", { class: "edited" }, "(edited)");
  const last = words?.lastElementChild;
  if (last?.matches(".md-text, .md-h, .md-sub")) last.append(" ", mark);
  else if (words) words.append(mark);
  else node.append(mark);
}

/** The line over a message: the message it answers, or the command it comes from. */
function above(message) {
  if (message.local) return usedLine(store.me, message.command, true);
  const meta = message.interaction_metadata;
  if (message.message_reference && !(meta?.name)) return replyLine(message);
  return meta?.name ? usedLine(store.user(meta.user?.id) ?? meta.user, meta.name, meta.type === 2) : null;
}

const elbow = () => h("span", { class: "elbow", "aria-hidden": "true" });

function usedLine(user, name, isCommand) {
  const menu = store.commands.some((one) => one.name === name && one.type !== 1);
  const words = `${menu ? "" : "/"}${name}`;
  const start = { class: "above-command", type: "button", title: `Use ${words}`, onclick: () => startCommand(name) };
  return h("div", { class: "above" }, elbow(), avatar(user, 18),
    h("span", { class: "above-name" }, nameOf(user)), " used ",
    isCommand && !menu ? h("button", start, words) : h("span", { class: "above-menu" }, words));
}

function replyLine(message) {
  const { channel_id: channelId, message_id: id } = message.message_reference;
  const source = store.message(channelId ?? message.channel_id, id) ?? message.referenced_message;
  if (!source) return h("div", { class: "above" }, elbow(), h("em", {}, "The original message was deleted"));
  const author = store.author(source);
  return h("div", { class: "above" }, elbow(), avatar(author, 18), h("span", { class: "above-name" }, nameOf(author)),
    h("button", { class: "above-snippet", type: "button", onclick: () => jumpTo(source.id) }, snippet(source)));
}

function snippet(message) {
  const text = messageText(message).replace(BLOCK_MARKS, "").replace(/\s+/g, " ").trim();
  if (text) return plainWords(text.length > SNIPPET ? `${text.slice(0, SNIPPET)}…` : text);
  return h("em", {}, message.attachments?.length ? "Click to see the picture" : "Click to see the message");
}

const BLOCK_MARKS = /^(?:#{1,3}|-#|>{1,3}|[-*]) +|```\w*/gm;

/** The text without its marks; what is hidden stays hidden. */
function plainWords(text) {
  const words = inlineMarkdown(text);
  for (const hidden of words.querySelectorAll(".spoiler")) hidden.replaceWith("(spoiler)");
  return words.textContent;
}

/** Bring a message of this channel into view and let it shine for a moment. */
export function jumpTo(id) {
  const place = document.querySelector(`[data-message="${CSS.escape(id)}"]`);
  if (!place) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  place.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  place.classList.remove("flash");
  requestAnimationFrame(() => place.classList.add("flash"));
  place.focus({ preventScroll: true });
}

/** The words of a message, for copying and for previews. */
export function messageText(message) {
  const cards = (message.embeds ?? []).map((card) => [card.title, card.description].filter(Boolean).join("\n"));
  return [message.content, ...cards, componentText(message.components)].filter(Boolean).join("\n");
}

function onlyYou(message, onDismiss) {
  return h("div", { class: "only-you" }, icon("eye", 15), "Only you can see this",
    h("span", { "aria-hidden": "true" }, "•"),
    h("button", { class: "linkish", type: "button", onclick: () => onDismiss(message) }, "Dismiss message"));
}

function tools(message, onMenu) {
  const open = (event) => onMenu(message, event.currentTarget);
  const look = { "aria-haspopup": "menu", dataset: { key: "more" } };
  return h("div", { class: "tools" }, iconButton("More", "more", open, look));
}

/** Pictures that are still there keep their loaded node; a new one stands on the old until it is loaded. */
function keepPictures(place, old) {
  [...place.querySelectorAll(".tile img")].forEach((image, at) => {
    const same = old.find((one) => pathOf(one.getAttribute("src")) === pathOf(image.getAttribute("src")));
    if (same) {
      same.alt = image.alt;
      image.replaceWith(same);
    } else if (old[at]?.complete && old[at].naturalWidth) {
      const tile = image.closest(".tile");
      tile.style.setProperty("background-image", `url(${JSON.stringify(old[at].src)})`);
      image.addEventListener("load", () => tile.style.removeProperty("background-image"), { once: true });
    }
  });
}

function focusKey(place) {
  const active = document.activeElement;
  return active && active !== place && place.contains(active) ? (active.dataset.key ?? "") : null;
}

/** The pressed button is often gone after an edit: go on where the keyboard was, or near it. */
function refocus(place, key) {
  const same = [...place.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && !one.disabled);
  const near = [".body button:not(:disabled), .body a", ".tools button"]
    .map((selector) => place.querySelector(selector)).find(Boolean);
  (same ?? near ?? place).focus({ preventScroll: true });
}
