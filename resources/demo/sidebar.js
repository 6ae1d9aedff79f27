// The side walls: channels and the person one is on the left, members on the right, and the head of
// the room with the bot's dot. On narrow screens the left wall folds away.

import { avatar, byId, h, icon, nameOf } from "./dom.js";
import { openMenu } from "./menu.js";
import { store } from "./store.js";

export class Sidebar {
  constructor({ onUser }) {
    this.onUser = onUser;
    this.fold = byId("fold");
    this.fold.append(icon("menu", 22));
    this.fold.addEventListener("click", () => this.#open(!byId("app").classList.contains("side-open")));
    byId("veil").addEventListener("click", () => this.#open(false));
    byId("side").addEventListener("keydown", (event) => { if (event.key === "Escape") this.#open(false, true); });
    for (const type of ["state", "channel", "bot"]) store.addEventListener(type, () => this.paint());
  }

  paint() {
    byId("guild-name").textContent = store.guild?.name ?? "Easel";
    byId("channels").replaceChildren(...this.#channels());
    byId("self").replaceChildren(this.#self());
    byId("people").replaceChildren(...members());
    paintHead();
  }

  #open(open, focus = false) {
    byId("app").classList.toggle("side-open", open);
    this.fold.setAttribute("aria-expanded", String(open));
    byId("veil").hidden = !open;
    if (focus) this.fold.focus();
  }

  #channels() {
    const rooms = store.channels.filter((one) => one.type === 0);
    const direct = store.channels.filter((one) => one.type === 1);
    return [["Text channels", rooms], ["Direct messages", direct]].filter(([, list]) => list.length)
      .map(([title, list]) => h("section", {}, h("h2", {}, title), list.map((one) => this.#channel(one))));
  }

  #channel(channel) {
    const here = channel.id === store.channelId;
    const direct = channel.type === 1;
    const choose = () => {
      store.choose(channel.id);
      this.#open(false);
      byId("box")?.focus();
    };
    const look = { class: `channel${here ? " here" : ""}`, "aria-current": here ? "page" : null };
    return h("button", { ...look, type: "button", onclick: choose },
      direct ? face(store.bot, 26) : icon("hash", 20), h("span", {}, direct ? nameOf(store.bot) : channel.name));
  }

  #self() {
    const { me } = store;
    const button = h("button", {
      class: "self-button", type: "button", "aria-haspopup": "menu",
      "aria-label": `You are ${nameOf(me)}. Switch person`, onclick: () => this.#switch(button),
    },
    avatar(me, 34),
    h("span", { class: "self-words" }, h("b", {}, nameOf(me)), h("small", {}, me.admin ? "Server admin" : "Member")),
    icon("people", 20));
    return button;
  }

  #switch(button) {
    const people = [...store.users.values()].filter((user) => !user.bot);
    const items = people.map((user) => ({
      label: user.admin ? `${nameOf(user)} (server admin)` : nameOf(user),
      checked: user.id === store.me.id,
      act: () => this.onUser(user.id),
    }));
    openMenu(button, [{ label: "Be somebody else", items }]);
  }
}

function paintHead() {
  const { channel, bot } = store;
  const direct = channel?.type === 1;
  const name = direct ? nameOf(bot) : (channel?.name ?? "");
  byId("top-mark").replaceChildren(icon(direct ? "at" : "hash", 22));
  byId("top-name").textContent = name;
  byId("top-topic").textContent = channel?.topic ?? "";
  const state = `${nameOf(bot)} is ${bot.online ? "online" : "offline"}`;
  byId("top-bot").replaceChildren(dot(bot.online), h("span", {}, state));
  document.title = `Easel — demo channel · ${direct ? "@" : "#"}${name}`;
}

const dot = (on) => h("span", { class: `dot ${on ? "on" : "off"}`, "aria-hidden": "true" });
const isHere = (user) => !user.bot || user.online;

/** A face with a dot that says whether its owner is there. */
const face = (user, size) => h("span", { class: "face" }, avatar(user, size), dot(isHere(user)));

function members() {
  const people = [...store.users.values()].filter((user) => !user.bot);
  return [["App", [store.bot]], ["Members", people]]
    .map(([title, list]) => h("section", {}, h("h2", {}, `${title} — ${list.length}`), list.map(person)));
}

function person(user) {
  return h("div", { class: `person${isHere(user) ? "" : " away"}` }, face(user, 32), h("span", {}, nameOf(user)),
    user.bot && h("span", { class: "tag" }, "BOT"), user.admin && h("small", {}, "owner"));
}
