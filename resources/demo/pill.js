// One option of a command as a pill: a name and a field that fits its type. A pill checks itself,
// says what is wrong right there, and offers its choices in the list above the composer.

import { decoration, fileSize, h, icon } from "./dom.js";
import { KIND, fitting, fixedChoices, limitsOf, readValue } from "./fields.js";
import { hold } from "./uploads.js";

const DEBOUNCE = 120; // ms of silence before the bot is asked for choices
let serial = 0;

/** The pill for an option; `form` is the slash form that it lives in. */
export function makePill(option, form) {
  return option.type === KIND.attachment ? new FilePill(option, form) : new TextPill(option, form);
}

class Pill {
  constructor(option, form) {
    Object.assign(this, { option, form, id: `option-${++serial}` });
    this.error = h("span", { class: "pill-error", id: `${this.id}-error` });
    this.node = h("div", { class: "pill", dataset: { option: option.name } });
  }

  build(label, field) {
    const drop = this.option.required ? null : h("button", {
      class: "pill-off", type: "button", tabindex: "-1", "aria-label": `Remove ${this.option.name}`,
      onclick: () => this.form.remove(this),
    }, icon("close", 13));
    this.node.append(h("span", { class: "pill-line" }, label, field, drop), this.error);
  }

  /** Show or clear what is wrong; returns whether all is well. */
  check() {
    const { problem } = this.read();
    this.error.textContent = problem ?? "";
    this.node.classList.toggle("wrong", Boolean(problem));
    this.control.setAttribute("aria-invalid", String(Boolean(problem)));
    return !problem;
  }

  get wrong() {
    return this.error.textContent;
  }

  head() {
    const { option } = this;
    const limits = limitsOf(option);
    const note = [option.description, limits && `(${limits})`].filter(Boolean).join(" ");
    return { title: option.name, note, error: this.wrong };
  }
}

class TextPill extends Pill {
  constructor(option, form) {
    super(option, form);
    this.choices = fixedChoices(option);
    this.listed = Boolean(this.choices || option.autocomplete);
    this.picked = null;
    this.asked = 0;
    this.control = this.#makeControl();
    const roomy = option.type === KIND.string && !this.listed;
    this.grow = h("span", { class: roomy ? "grow roomy" : "grow" }, this.control);
    this.build(h("label", { class: "pill-name", for: this.id }, option.name), this.grow);
    this.control.addEventListener("input", () => this.#typed());
    this.control.addEventListener("focus", () => this.offer(true));
    this.control.addEventListener("blur", () => this.#left());
  }

  #makeControl() {
    const numeric = [KIND.integer, KIND.number].includes(this.option.type);
    const props = {
      id: this.id, class: "pill-field", autocomplete: "off", spellcheck: "false",
      "aria-describedby": this.error.id, "aria-required": this.option.required ? "true" : null,
      inputmode: numeric ? "decimal" : null,
    };
    if (!this.listed) return h("textarea", { ...props, rows: 1, cols: 1 });
    const list = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false" };
    return h("input", { ...props, ...list, type: "text", size: 1 });
  }

  get text() {
    return this.control.value;
  }

  /** Put a text in; a fixed choice of that name is taken as picked. */
  set(text, picked = null) {
    this.control.value = text;
    const named = (one) => [one.name.toLowerCase(), String(one.value)].includes(text.toLowerCase());
    this.picked = picked ?? this.choices?.find(named) ?? null;
    if (this.picked) this.control.value = this.picked.name;
    this.grow.dataset.text = this.control.value;
  }

  read() {
    return readValue(this.option, this.text, this.picked);
  }

  get draft() {
    return { text: this.text, picked: this.picked };
  }

  restore({ text, picked }) {
    this.set(text, picked);
  }

  get empty() {
    return !this.text;
  }

  focus(select = false) {
    this.control.focus();
    if (select) this.control.select();
  }

  /** Show what this field is for and what can be chosen. */
  offer(first = false) {
    if (this.option.autocomplete && !this.choices) this.#ask(first ? 0 : DEBOUNCE);
    else this.#list(this.choices ? fitting(this.choices, this.picked ? "" : this.text) : []);
  }

  #list(choices) {
    const side = (choice) => (this.picked?.value === choice.value ? "chosen" : "");
    const items = choices.map((choice) => ({ label: choice.name, choice, side: side(choice) }));
    const eager = this.text.trim() !== "" && !this.picked;
    const pick = ({ choice }) => this.#take(choice);
    this.form.picker.show(this.control, { ...this.head(), items, eager, pick });
  }

  #take(choice) {
    this.set(choice.name, choice);
    this.check();
    this.form.next(this);
  }

  /** Ask the bot for choices; an answer to an older question is dropped. */
  #ask(delay) {
    clearTimeout(this.timer);
    const number = ++this.asked;
    if (this.form.picker.owner !== this.control) this.#list([]);
    this.form.picker.stale();
    this.timer = setTimeout(async () => {
      const choices = await this.form.complete(this);
      if (number !== this.asked || document.activeElement !== this.control) return;
      if (choices) this.#list(choices);
      else this.form.picker.show(this.control, { ...this.head(), error: "The choices could not be loaded." });
    }, delay);
  }

  #typed() {
    if (/[\r\n]/.test(this.control.value)) this.control.value = this.control.value.replace(/\s*[\r\n]+\s*/g, " ");
    const label = `${this.option.name}:`;
    if (this.control.value.startsWith(label)) this.control.value = this.control.value.slice(label.length).trimStart();
    this.picked = null;
    this.grow.dataset.text = this.control.value;
    if (this.wrong || this.read().problem === undefined) this.check();
    this.offer();
  }

  #left() {
    this.asked += 1;
    clearTimeout(this.timer);
    if (!this.empty) this.check();
    this.form.picker.close(this.control);
  }
}

class FilePill extends Pill {
  constructor(option, form) {
    super(option, form);
    this.file = null;
    this.input = h("input", { type: "file", tabindex: "-1", class: "unseen", "aria-hidden": "true" });
    const look = { class: "pill-file", id: this.id, type: "button", "aria-describedby": this.error.id };
    this.control = h("button", { ...look, onclick: () => this.input.click() });
    this.input.addEventListener("change", () => {
      if (this.input.files[0]) this.put(this.input.files[0]);
      this.input.value = "";
    });
    this.control.addEventListener("focus", () => form.picker.show(this.control, this.head()));
    this.control.addEventListener("blur", () => form.picker.close(this.control));
    this.build(
      h("span", { class: "pill-name", "aria-hidden": "true" }, option.name),
      h("span", { class: "pill-file-box" }, this.control, this.input));
    this.#paint();
  }

  /** Take a file and upload it at once; `ready` settles when that is done. */
  put(file) {
    const held = hold(file);
    this.file = held;
    this.ready = held.ready.then(() => this.#show(held));
    this.#show(held);
  }

  #show(held) {
    if (this.file !== held) return;
    this.#paint();
    this.check();
  }

  #paint() {
    const { file } = this;
    const state = file?.id ? fileSize(file.size) : (file?.trouble ? "not uploaded" : "uploading…");
    const says = file ? `${file.name} (${state})` : "Choose, drop or paste a file";
    this.control.replaceChildren(file?.preview ? decoration(file.preview, 22) : icon("image", 17), says);
    this.control.setAttribute("aria-label", `${this.option.name}: ${says}`);
  }

  read() {
    if (!this.file) return this.option.required ? { problem: "This option is required." } : { empty: true };
    if (this.file.trouble) return { problem: this.file.trouble };
    return this.file.id ? { value: this.file.id } : { waiting: true };
  }

  get draft() {
    return { file: this.file };
  }

  restore({ file }) {
    this.file = file?.id ? file : null;
    this.#paint();
  }

  get empty() {
    return !this.file;
  }

  clear() {
    this.file = null;
    this.#paint();
  }

  focus() {
    this.control.focus();
  }

  offer() {
    this.form.picker.show(this.control, this.head());
  }
}
