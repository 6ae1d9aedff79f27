// A command being filled in: its name, its required options as pills, and a last field in which
// optional ones are added by typing or clicking. Keyboard first: Tab and Enter do what one hopes.

import { EASEL, decoration, h, icon } from "./dom.js";
import { KIND } from "./fields.js";
import { complete } from "./interactions.js";
import { makePill } from "./pill.js";

export class SlashForm {
  /** `command` as commands.js spreads it; `onSend({command, options, draft})`, `onLeave(text)`. */
  constructor(command, picker, { onSend, onLeave }) {
    Object.assign(this, { command, picker, onSend, onLeave, pills: [] });
    this.tail = h("input", {
      class: "tail-field", type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
      autocomplete: "off", spellcheck: "false", size: 10,
    });
    const chip = h("span", { class: "command-chip" }, decoration(EASEL, 18), `/${command.name}`);
    this.node = h("div", { class: "slash", role: "group", "aria-label": `Command ${command.name}` }, chip, this.tail);
    for (const option of command.options.filter((one) => one.required)) this.add(option);
    this.tail.addEventListener("focus", () => this.#offerOptions());
    this.tail.addEventListener("input", () => this.#tailTyped());
    this.tail.addEventListener("blur", () => this.picker.close(this.tail));
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.node.addEventListener("click", (event) => { if (event.target === this.node) this.focus(); });
    this.#count();
  }

  get rest() {
    return this.command.options.filter((option) => !this.pills.some((pill) => pill.option === option));
  }

  /** Fill from text pairs [["prompt", "a cat"], …]; unknown names are left out. */
  fill(pairs) {
    for (const [name, text] of pairs) {
      const pill = this.#pillFor(name);
      if (pill && pill.option.type !== KIND.attachment) pill.set(text);
    }
  }

  /** Fill from what an earlier form gave as its draft. */
  restore(draft) {
    for (const [name, held] of Object.entries(draft.values)) this.#pillFor(name)?.restore(held);
  }

  #pillFor(name) {
    const option = this.command.options.find((one) => one.name === name);
    return option && (this.pills.find((pill) => pill.option === option) ?? this.add(option));
  }

  get draft() {
    const values = Object.fromEntries(this.pills.map((pill) => [pill.option.name, pill.draft]));
    return { name: this.command.name, values };
  }

  add(option) {
    const pill = makePill(option, this);
    this.pills.push(pill);
    this.tail.before(pill.node);
    this.#count();
    return pill;
  }

  remove(pill) {
    const at = this.pills.indexOf(pill);
    this.pills.splice(at, 1);
    pill.node.remove();
    this.#count();
    (this.pills[at - 1] ?? { focus: () => this.tail.focus() }).focus();
  }

  /** Go to the first empty pill, else to the last field. */
  focus() {
    const empty = this.pills.find((pill) => pill.empty);
    if (empty) empty.focus();
    else this.tail.focus();
  }

  /** After a choice: the next empty required pill, else the last field. */
  next(pill) {
    const later = this.pills.slice(this.pills.indexOf(pill) + 1).find((one) => one.empty);
    if (later) later.focus();
    else this.tail.focus();
  }

  /** Dropped or pasted files go to the first free attachment option; false when there is none. */
  takeFiles(files) {
    let free = this.pills.find((pill) => pill.option.type === KIND.attachment && pill.empty);
    const option = free ? null : this.rest.find((one) => one.type === KIND.attachment);
    if (option) free = this.add(option);
    free ??= this.pills.find((pill) => pill.option.type === KIND.attachment);
    if (!free) return false;
    free.put(files[0]);
    free.focus();
    return true;
  }

  /** Check all; the first wrong field gets the focus, otherwise the command goes out. */
  async submit() {
    await Promise.all(this.pills.map((pill) => pill.ready));
    const wrong = this.pills.filter((pill) => !pill.check());
    if (this.tail.value.trim()) { this.#offerOptions(`There is no option “${this.tail.value.trim()}”.`); return; }
    if (wrong.length) {
      wrong[0].focus();
      wrong[0].offer();
      return;
    }
    this.onSend({ command: this.command, options: this.#values(), draft: this.draft });
  }

  #values(focused = null) {
    const made = new Map(this.pills.map((pill) => [pill.option, pill]));
    return this.command.options.filter((option) => made.has(option)).flatMap((option) => {
      const pill = made.get(option);
      if (pill === focused) return [{ name: option.name, type: option.type, value: pill.text, focused: true }];
      const { value } = pill.read();
      return value === undefined ? [] : [{ name: option.name, type: option.type, value }];
    });
  }

  complete(pill) {
    return complete(this.command.path, this.command.kinds, this.#values(pill));
  }

  #count() {
    const { length } = this.rest;
    this.tail.placeholder = length ? `+${length} optional` : "Enter to send";
    this.tail.setAttribute("aria-label", length ? "Add an option" : "Press Enter to send");
  }

  #offerOptions(error = "") {
    const text = this.tail.value.trim().toLowerCase();
    const found = this.rest.filter((option) => option.name.includes(text))
      .sort((a, b) => Number(b.name.startsWith(text)) - Number(a.name.startsWith(text)));
    const plus = () => h("span", { class: "picker-art" }, icon("plus", 16));
    const items = found.map((option) => ({ label: option.name, note: option.description, option, art: plus() }));
    this.picker.show(this.tail, {
      title: items.length || error ? "Options" : "",
      note: items.length ? "Choose one to add, or press Enter to send" : "",
      error, items, eager: Boolean(text), pick: ({ option }) => this.#addFromTail(option),
    });
  }

  #addFromTail(option) {
    this.tail.value = "";
    this.add(option).focus();
  }

  #tailTyped() {
    const named = /^([\p{L}\p{N}_-]+)(?::| )\s*$/u.exec(this.tail.value.toLowerCase());
    const option = named && this.rest.find((one) => one.name === named[1]);
    if (option) this.#addFromTail(option);
    else this.#offerOptions();
  }

  #key(event) {
    if (event.isComposing) return;
    const act = {
      ArrowDown: () => this.#walk(1), ArrowUp: () => this.#walk(-1), Enter: () => this.#enter(event),
      Tab: () => !event.shiftKey && this.#tab(), Escape: () => { this.onLeave(""); return true; },
      Backspace: () => this.#backspace(event.target),
    }[event.key];
    if (!act?.()) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #walk(step) {
    if (!this.picker.open) return false;
    this.picker.move(step);
    return true;
  }

  #enter({ target }) {
    const choosesFile = target.matches(".pill-file") && this.#pillOf(target).empty;
    if (choosesFile || target.matches(".pill-off")) return false;
    if (this.picker.active) this.picker.take();
    else this.submit();
    return true;
  }

  #tab() {
    if (!this.picker.active) return false;
    this.picker.take();
    return true;
  }

  #pillOf(control) {
    return this.pills.find((pill) => pill.control === control);
  }

  /** In an empty field: an optional pill goes; before the first one the command itself goes. */
  #backspace(control) {
    if (control.value) return false;
    if (control === this.tail && this.pills.length) { this.pills.at(-1).focus(); return true; }
    const pill = this.#pillOf(control);
    if (pill && !pill.empty) { pill.clear?.(); return true; }
    if (pill && !pill.option.required) { this.remove(pill); return true; }
    const at = this.pills.indexOf(pill);
    if (at > 0) this.pills[at - 1].focus();
    else if (this.pills.every((one) => one.empty)) this.onLeave(`/${this.command.name}`);
    return true;
  }
}
