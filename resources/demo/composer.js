// The writing desk: a box for plain messages in which "/" opens the command list, and which turns
// into the form of a command once one is chosen. Remembers the last command of each person.

import { Refused, sendMessage, uploadFile } from "./api.js";
import { byId, fileSize, h, icon, nameOf } from "./dom.js";
import { findSlash, leading, matching, optionsIn } from "./commands.js";
import { sendSlash } from "./interactions.js";
import { Picker } from "./picker.js";
import { SlashForm } from "./slash.js";
import { store } from "./store.js";

const MOST_FILES = 10;

export class Composer {
  constructor() {
    this.picker = new Picker();
    this.form = null;
    this.files = []; // {name, size, id, promise}
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
    this.plus = h("button", { class: "icon-button", type: "button", "aria-label": "Attach files", title: "Attach files", onclick: () => this.pick.click() }, icon("plus", 22));
    this.send = h("button", { class: "icon-button send", type: "button", "aria-label": "Send", title: "Send", onclick: () => this.submit() }, icon("send", 20));
    this.leave = h("button", { class: "icon-button", type: "button", "aria-label": "Leave the command", title: "Leave (Esc)", hidden: true, onclick: () => this.toText("") }, icon("close", 20));
    this.middle = h("div", { class: "middle" }, this.grow);
    this.trouble = h("p", { class: "trouble", role: "alert" });
    this.notice = h("p", { class: "notice", role: "status" });
    this.shelf = h("div", { class: "shelf", hidden: true });
    byId("dock").append(this.picker.panel, this.notice, h("div", { class: "box" }, this.shelf, h("div", { class: "line" }, this.plus, this.pick, this.middle, this.leave, this.send)), this.trouble);
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("focus", () => this.#offerCommands());
    this.box.addEventListener("blur", () => this.picker.close(this.box));
    this.pick.addEventListener("change", () => { this.takeFiles([...this.pick.files]); this.pick.value = ""; });
  }

  /** Say where one writes, and whether the bot is there. */
  refresh() {
    const { channel, bot } = store;
    const where = channel?.type === 1 ? `@${nameOf(bot)}` : `#${channel?.name ?? ""}`;
    this.box.placeholder = bot.online ? `Message ${where}, or type / for commands` : `Message ${where}`;
    this.box.setAttribute("aria-label", `Message ${where}`);
    this.notice.textContent = bot.online ? "" : `${nameOf(bot)} is not online. Its commands wait until it is back; you can still write.`;
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
    const items = found.map((command) => ({ label: `/${command.name}`, note: command.description, side: nameOf(store.bot), art: h("img", { class: "picker-face", src: "/static/easel.svg", alt: "", width: 32, height: 32 }), command }));
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
    if (event.key === "Enter" && !event.shiftKey) { if (listed && this.picker.active) this.picker.take(); else this.submit(); }
    else if (event.key === "Tab" && !event.shiftKey && listed && this.picker.active) this.picker.take();
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
    const files = this.files;
    if (!content && !files.length) return;
    if (content.startsWith("/") && store.commands.length && !content.includes(" ")) { this.#complain(new Refused(this.#noCommands(content))); return; }
    this.#write("");
    this.files = [];
    this.#paintShelf();
    try {
      await Promise.all(files.map((one) => one.promise));
      await sendMessage({ user: store.me.id, channel: store.channelId, content, attachments: files.map((one) => one.id) });
    } catch (error) {
      if (!this.box.value) this.#write(content);
      this.files = files.filter((one) => one.id);
      this.#paintShelf();
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
    for (const file of files.slice(0, MOST_FILES - this.files.length)) {
      const one = { name: file.name || "pasted.png", size: file.size, preview: file.type.startsWith("image/") ? URL.createObjectURL(file) : null };
      one.promise = uploadFile(file).then((made) => { one.id = made.id; });
      one.promise.catch((error) => { this.files = this.files.filter((other) => other !== one); this.#paintShelf(); this.#complain(error); });
      this.files.push(one);
    }
    this.#paintShelf();
    this.box.focus();
  }

  #paintShelf() {
    this.shelf.hidden = !this.files.length;
    this.shelf.replaceChildren(...this.files.map((one) => h("div", { class: "shelf-item" },
      one.preview ? h("img", { src: one.preview, alt: "" }) : icon("file", 34),
      h("span", { class: "shelf-name" }, one.name), h("small", {}, fileSize(one.size)),
      h("button", { class: "chip-off", type: "button", "aria-label": `Remove ${one.name}`, onclick: () => { this.files = this.files.filter((other) => other !== one); this.#paintShelf(); this.box.focus(); } }, icon("close", 15)))));
  }
}
