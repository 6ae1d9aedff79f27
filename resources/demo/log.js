// The channel's wall: keeps one node a message, in order, with days between them, and stays at the
// bottom only for those who are already there.

import { removeMessage } from "./api.js";
import { announce, avatar, byId, dots, h, icon, longDay, nameOf } from "./dom.js";
import { startCommand } from "./markdown.js";
import { fillMessage, jumpTo, messagePlace, messageText } from "./message.js";
import { messageMenu } from "./menu.js";
import { store } from "./store.js";

const NEAR = 48; // px from the bottom that still count as at the bottom
const TOGETHER = 7 * 60e3; // ms in which messages of one author stand under one name
const PATIENCE = 300; // ms until an open drawer of a changed message is looked at again

export class Log {
  constructor() {
    this.scroll = byId("scroll");
    this.log = byId("log");
    this.newer = byId("newer");
    this.places = new Map(); // message id -> {place, message}
    this.marks = new Map(); // welcome and days by what they say
    this.pinned = true;
    this.handlers = {
      onMenu: (message, anchor) => messageMenu(message, anchor),
      onDismiss: (message) => dismiss(message),
    };
    this.#listen();
  }

  #listen() {
    store.addEventListener("state", () => this.show());
    store.addEventListener("channel", () => { this.clear(); this.show(); });
    store.addEventListener("commands", () => this.arrange());
    store.addEventListener("bot", () => this.arrange());
    store.addEventListener("message", ({ detail }) => this.#changed(detail));
    store.addEventListener("removed", ({ detail }) => { if (detail.channelId === store.channelId) this.show(); });
    this.scroll.addEventListener("scroll", () => this.#look(), { passive: true });
    document.addEventListener("go-to", ({ detail }) => this.#goTo(detail));
    this.newer.addEventListener("click", () => this.toEnd());
    this.log.addEventListener("contextmenu", (event) => this.#contextMenu(event));
    new ResizeObserver(() => { if (this.pinned) this.toEnd(); }).observe(this.scroll);
    new ResizeObserver(() => { if (this.pinned) this.toEnd(); }).observe(this.log);
  }

  clear() {
    this.places.clear();
    this.marks.clear();
    this.log.replaceChildren();
    this.pinned = true;
  }

  show() {
    this.#keepingEnd(() => this.arrange());
  }

  toEnd() {
    this.pinned = true;
    this.newer.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #goTo({ channel, message }) {
    if (channel !== store.channelId) store.choose(channel);
    if (message) jumpTo(message);
  }

  #changed({ message, old }) {
    if (message.channel_id !== store.channelId) return;
    this.show();
    if (!old && isMine(message)) this.toEnd();
    else if (!old && !this.pinned) this.newer.hidden = false;
    if (old && !old.attachments?.length && message.attachments?.length) {
      announce(`${nameOf(store.author(message))}: ${message.attachments[0].description || messageText(message)}`);
    }
  }

  #keepingEnd(change) {
    change();
    if (this.pinned) this.toEnd();
  }

  #look() {
    const left = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight;
    this.pinned = left < NEAR;
    if (this.pinned) this.newer.hidden = true;
  }

  /** Bring the wall in line with the notebook: fill what changed, move what moved, drop what went. */
  arrange() {
    const list = store.messages(store.channelId);
    const { channel, bot, commands } = store;
    const empty = list.length === 0;
    const wanted = [this.#fixed(`${channel?.id} ${empty} ${bot.online} ${commands.length}`, () => welcome(empty))];
    list.forEach((message, at) => {
      const previous = list[at - 1];
      const day = longDay(message.timestamp);
      const newDay = !previous || longDay(previous.timestamp) !== day;
      if (newDay) wanted.push(this.#fixed(day, () => dayLine(day)));
      const place = this.#place(message);
      place.classList.toggle("compact", !newDay && follows(message, previous));
      wanted.push(place);
    });
    for (const id of [...this.places.keys()]) if (!store.message(store.channelId, id)) this.places.delete(id);
    this.#order(wanted);
  }

  /** Only nodes that are not where they belong are touched, so that pictures and focus stay. */
  #order(wanted) {
    const keep = new Set(wanted);
    for (const node of [...this.log.children]) if (!keep.has(node)) node.remove();
    let next = this.log.firstChild;
    for (const node of wanted) {
      if (node === next) next = next.nextSibling;
      else this.log.insertBefore(node, next);
    }
  }

  #place(message) {
    const known = this.places.get(message.id);
    if (known?.message === message) return known.place;
    const place = known?.place ?? messagePlace(message.id);
    if (place.querySelector('.select[aria-expanded="true"]')) {
      setTimeout(() => this.#keepingEnd(() => this.arrange()), PATIENCE);
      return place;
    }
    fillMessage(place, message, this.handlers);
    this.places.set(message.id, { place, message });
    return place;
  }

  #fixed(key, make) {
    if (!this.marks.has(key)) this.marks.set(key, make());
    return this.marks.get(key);
  }

  #contextMenu(event) {
    const place = event.target.closest(".message");
    const known = place && this.places.get(place.dataset.message);
    if (!known || known.message.local || event.shiftKey) return;
    event.preventDefault();
    messageMenu(known.message, { x: event.clientX, y: event.clientY, opener: place });
  }
}

const dayLine = (day) => h("div", { class: "day", role: "separator", "aria-label": day }, h("span", {}, day));

function isMine(message) {
  const asked = message.interaction_metadata?.user?.id;
  return Boolean(message.local) || [message.author?.id, asked].includes(store.me.id);
}

/** Whether a message stands under the name of the one before it. */
function follows(message, previous) {
  const soon = new Date(message.timestamp) - new Date(previous.timestamp) < TOGETHER;
  const answers = message.interaction_metadata?.name || message.message_reference || message.local;
  const alike = Boolean(previous.ephemeral) === Boolean(message.ephemeral);
  return soon && alike && !answers && previous.author?.id === message.author?.id;
}

async function dismiss(message) {
  if (!message.local) await removeMessage(message.channel_id, message.id, store.me.id);
  store.drop(message.channel_id, message.id);
  byId("box")?.focus();
}

function welcome(empty) {
  const { channel } = store;
  if (!channel) return h("div", { class: "welcome" });
  const direct = channel.type === 1;
  const name = nameOf(store.bot);
  const mark = direct ? avatar(store.bot, 68) : h("span", { class: "welcome-mark" }, icon("hash", 38));
  const words = direct
    ? `This is where you and ${name} talk privately.`
    : (channel.topic || `This is the beginning of #${channel.name}.`);
  return h("div", { class: "welcome" }, mark,
    h("h2", {}, direct ? name : `Welcome to #${channel.name}`), h("p", {}, words), empty ? hint() : null);
}

/** For the first visit: what to do, and a click that does it. */
function hint() {
  if (!store.bot.online) {
    const words = `Waiting for ${nameOf(store.bot)} to come online. Its commands will appear by themselves.`;
    return h("p", { class: "welcome-wait" }, dots(), words);
  }
  const draw = store.commands.find((one) => one.name === "draw") ?? store.commands.find((one) => (one.type ?? 1) === 1);
  if (!draw) return null;
  const start = () => startCommand(draw.name);
  return h("button", { class: "welcome-hint", type: "button", onclick: start }, icon("brush", 22),
    h("span", {}, "Type ", h("kbd", {}, "/"), " and choose ", h("b", {}, draw.name)), icon("right", 18));
}
