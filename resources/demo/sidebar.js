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
    this.#head();
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
    const choose = () => {
      store.choose(channel.id);
      this.#open(false);
      byId("box")?.focus();
    };
    return h("button", { class: `channel${here ? " here" : ""}`, type: "button", "aria-current": here ? "page" : null, onclick: choose },
      channel.type === 1 ? face(store.bot, 26) : icon("hash", 20), h("span", {}, channel.type === 1 ? nameOf(store.bot) : channel.name));
  }

  #self() {
    const button = h("button", { class: "self-button", type: "button", "aria-haspopup": "menu", "aria-label": `You are ${nameOf(store.me)}. Switch person`, onclick: () => openMenu(button, [
      { label: "Who you are", items: [...store.users.values()].filter((user) => !user.bot).map((user) => ({
        label: `${nameOf(user)}${user.admin ? " (admin)" : ""}`, checked: user.id === store.me.id, act: () => this.onUser(user.id),
      })) },
    ]) }, avatar(store.me, 34), h("span", { class: "self-words" }, h("b", {}, nameOf(store.me)), h("small", {}, store.me.admin ? "Admin" : "Member")), icon("people", 20));
    return button;
  }

  #head() {
    const { channel, bot } = store;
    const direct = channel?.type === 1;
    byId("top-mark").replaceChildren(direct ? icon("at", 22) : icon("hash", 22));
    byId("top-name").textContent = direct ? nameOf(bot) : (channel?.name ?? "");
    byId("top-topic").textContent = channel?.topic ?? "";
    byId("top-bot").replaceChildren(h("span", { class: `dot ${bot.online ? "on" : "off"}`, "aria-hidden": "true" }), h("span", {}, `${nameOf(bot)} is ${bot.online ? "online" : "offline"}`));
    document.title = `Easel — demo channel · ${direct ? `@${nameOf(bot)}` : `#${channel?.name ?? ""}`}`;
  }
}

/** A face with a dot that says whether its owner is there. */
function face(user, size) {
  return h("span", { class: "face" }, avatar(user, size), h("span", { class: `dot ${user.bot && !user.online ? "off" : "on"}`, "aria-hidden": "true" }));
}

function members() {
  const people = [...store.users.values()].filter((user) => !user.bot);
  const group = (title, list) => h("section", {}, h("h2", {}, `${title} — ${list.length}`), list.map((user) => h("div", { class: `person${user.bot && !user.online ? " away" : ""}` },
    face(user, 32), h("span", {}, nameOf(user)), user.bot && h("span", { class: "tag" }, "BOT"), user.admin && h("small", {}, "admin"))));
  return [group("App", [store.bot]), group("Members", people)];
}
