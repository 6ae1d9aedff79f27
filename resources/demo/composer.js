// The writing desk: a box for plain messages in which "/" opens the command list, and which turns
// into the form of a command once one is chosen. Remembers the last command of each person.

import { Refused, sendMessage } from "./api.js";
import { EASEL, add, byId, decoration, h, iconButton, nameOf } from "./dom.js";
import { findSlash, leading, matching, optionsIn } from "./commands.js";
import { sendSlash } from "./interactions.js";
import { Picker } from "./picker.js";
import { Shelf } from "./shelf.js";
import { SlashForm } from "./slash.js";
import { store } from "./store.js";

export class Composer {
  constructor() {
    this.picker = new Picker();
    this.form = null;
    this.lastDrafts = new Map(); // user id -> the last command as a draft
    this.#build();
    store.addEventListener("state", () => this.refresh());
    store.addEventListener("channel", () => this.refresh());
    store.addEventListener("bot", () => this.refresh());
    store.addEventListener("commands", () => { if (this.picker.owner === this.box) this.#offerCommands(); });
    document.addEventListener("start-command", ({ detail }) => this.start(detail.name, detail.text));
  }

  #build() {
    this.box = h("textarea", {
      id: "box", class: "box-field", rows: 1, "aria-haspopup": "listbox", autocomplete: "off",
    });
    this.grow = h("span", { class: "grow wide" }, this.box);
    this.pick = h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true" });
    this.plus = iconButton("Attach files", "plus", () => this.pick.click(), { size: 22 });
    this.send = iconButton("Send", "send", () => this.submit(), { class: "icon-button send" });
    this.leave = iconButton("Leave the command", "close", () => this.toText(""), { hidden: true });
    this.middle = h("div", { class: "middle" }, this.grow);
    this.trouble = h("p", { class: "trouble", role: "alert" });
    this.notice = h("p", { class: "notice", role: "status" });
    this.shelf = new Shelf({
      onTrouble: (sentence) => { this.trouble.textContent = sentence; },
      onChange: () => this.box.focus(),
    });
    const line = h("div", { class: "line" }, this.plus, this.pick, this.middle, this.leave, this.send);
    const desk = h("div", { class: "box" }, this.shelf.node, line);
    add(byId("dock"), [this.picker.panel, this.notice, desk, this.trouble]);
    this.#listen();
  }

  #listen() {
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("focus", () => this.#offerCommands());
    this.box.addEventListener("blur", () => this.picker.close(this.box));
    this.pick.addEventListener("change", () => {
      this.takeFiles([...this.pick.files]);
      this.pick.value = "";
    });
  }

  /** Say where one writes, and whether the bot is there. */
  refresh() {
    const { channel, bot } = store;
    const where = channel?.type === 1 ? `@${nameOf(bot)}` : `#${channel?.name ?? ""}`;
    this.box.placeholder = bot.online ? `Message ${where}, or type / for commands` : `Message ${where}`;
    this.box.setAttribute("aria-label", `Message ${where}`);
    this.notice.textContent = bot.online ? "" : `${nameOf(bot)} is not online. Its commands wait until it is back.`;
    if (!bot.online && this.picker.owner === this.box) this.picker.close();
  }

  focus() {
    if (this.form) this.form.focus();
    else this.box.focus();
  }

  /** Open a command by its name, with the text of its options if there is some. */
  start(name, text = "") {
    const command = findSlash(name);
    if (!command) { this.toText(`/${name}`); return; }
    this.#open(command).fill(optionsIn(text, command));
    this.form.focus();
  }

  #open(command) {
    this.form?.node.remove();
    this.#write("");
    this.picker.close();
    this.form = new SlashForm(command, this.picker, {
      onSend: (filled) => this.#sendCommand(filled),
      onLeave: (text) => this.toText(text),
    });
    this.#swap(this.form.node);
    return this.form;
  }

  #swap(node) {
    this.middle.replaceChildren(node);
    this.plus.hidden = this.form !== null;
    this.leave.hidden = this.form === null;
    this.trouble.textContent = "";
  }

  /** Back to plain writing; what was filled in can be had again with the up arrow. */
  toText(text) {
    if (this.form) this.lastDrafts.set(store.me.id, this.form.draft);
    this.form = null;
    this.picker.close();
    this.#swap(this.grow);
    this.#write(text);
    this.box.focus();
    this.#offerCommands();
  }

  #write(text) {
    this.box.value = text;
    this.grow.dataset.text = text;
  }

  recall() {
    const draft = this.lastDrafts.get(store.me.id);
    const command = draft && findSlash(draft.name);
    if (!command) return false;
    this.#open(command).restore(draft);
    (this.form.pills[0] ?? this.form).focus();
    return true;
  }

  #typed() {
    this.grow.dataset.text = this.box.value;
    this.trouble.textContent = "";
    const line = this.box.value.startsWith("/") ? leading(this.box.value) : null;
    if (line) {
      this.#open(line.command).fill(optionsIn(line.rest, line.command));
      this.form.focus();
    } else {
      this.#offerCommands();
    }
  }

  #offerCommands() {
    const text = this.box.value;
    const asks = text.startsWith("/") && !text.includes("\n");
    this.#asCombobox(asks);
    if (!asks) { this.picker.close(this.box); return; }
    const found = matching(text.slice(1));
    const side = nameOf(store.bot);
    const art = () => decoration(EASEL, 32, "picker-face");
    const items = found.map((command) => (
      { label: `/${command.name}`, note: command.description, side, art: art(), command }));
    this.picker.show(this.box, {
      title: "Commands", note: items.length ? `${items.length}` : "", error: items.length ? "" : this.#noCommands(text),
      items, eager: true, pick: ({ command }) => { this.#open(command); this.form.focus(); },
    });
  }

  /** Plain writing is a text box; with "/" it is a box with a list, and says so to screen readers. */
  #asCombobox(asks) {
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"]]) {
      if (!asks) this.box.removeAttribute(name);
      else if (!this.box.hasAttribute(name)) this.box.setAttribute(name, value);
    }
  }

  #noCommands(text) {
    if (!store.bot.online && !store.commands.length) return `${nameOf(store.bot)} is not online yet.`;
    return `No command fits “${text}”.`;
  }

  #key(event) {
    if (event.isComposing) return;
    const listed = this.picker.owner === this.box && this.picker.open;
    const takes = listed && this.picker.active && !event.shiftKey;
    if (takes && ["Enter", "Tab"].includes(event.key)) this.picker.take();
    else if (event.key === "Enter" && !event.shiftKey) this.submit();
    else if (event.key === "ArrowDown" && listed) this.picker.move(1);
    else if (event.key === "ArrowUp" && listed) this.picker.move(-1);
    else if (event.key === "ArrowUp" && !this.box.value) { if (!this.recall()) return; }
    else if (event.key === "Escape" && listed) { this.#write(""); this.picker.close(); }
    else return;
    event.preventDefault();
  }

  submit() {
    if (this.form) return this.form.submit();
    return this.#sendText();
  }

  async #sendCommand({ command, options, draft }) {
    this.toText("");
    this.lastDrafts.set(store.me.id, draft);
    try {
      await sendSlash(command.path, command.kinds, options);
    } catch (error) {
      if (!this.form && !this.box.value) this.recall();
      this.#complain(error);
    }
  }

  async #sendText() {
    const content = this.box.value.trim();
    if (!content && !this.shelf.files.length) return;
    if (/^\/\S*$/.test(content) && store.commands.length) {
      this.trouble.textContent = this.#noCommands(content);
      return;
    }
    this.#write("");
    const files = this.shelf.clear();
    try {
      await Promise.all(files.map((held) => held.ready));
      const attachments = files.filter((held) => held.id).map((held) => held.id);
      await sendMessage({ user: store.me.id, channel: store.channelId, content, attachments });
    } catch (error) {
      if (!this.box.value) this.#write(content);
      this.shelf.restore(files);
      this.#complain(error);
    }
  }

  #complain(error) {
    if (!(error instanceof Refused)) throw error;
    this.trouble.textContent = error.message;
  }

  /** Files that were chosen, dropped or pasted: to the command's option, or onto the shelf. */
  takeFiles(files) {
    if (!files.length) return;
    if (this.form) {
      if (!this.form.takeFiles(files)) this.trouble.textContent = `/${this.form.command.name} takes no file.`;
      return;
    }
    this.shelf.put(files);
    this.box.focus();
  }
}
