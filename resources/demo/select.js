// The drawer with choices: one select for messages and dialogs alike, for texts, people and
// channels. One choice closes it; several are sent when it closes.

import { byId, h, icon, nameOf } from "./dom.js";
import { store } from "./store.js";

const TALLEST = 300; // px of the open drawer
let serial = 0;

/** What a select offers: [{label, value, description, emoji, default}]. */
function choicesOf(one) {
  const preset = new Set((one.default_values ?? []).map((value) => value.id));
  const line = (label, value) => ({ label, value, default: preset.has(value) });
  const people = [...store.users.values()].map((user) => line(nameOf(user), user.id));
  const rooms = store.channels.filter((room) => room.type === 0).map((room) => line(`#${room.name}`, room.id));
  return { 3: one.options ?? [], 5: people, 6: [], 7: people, 8: rooms }[one.type];
}

/** A component's emoji as text; a custom one by its name. */
export function emoji(sign) {
  if (!sign?.name) return null;
  return h("span", { class: "emoji", "aria-hidden": "true" }, sign.id ? `:${sign.name}:` : sign.name);
}

/** A select component as a node; `onChange(values)` once a choice is made. `node.values` tells it. */
export function selectMenu(one, onChange = () => {}) {
  const choices = choicesOf(one);
  const most = Math.min(one.max_values ?? 1, Math.max(choices.length, 1));
  const chosen = new Set(choices.filter((choice) => choice.default).map((choice) => choice.value));
  const id = `select-${++serial}`;
  const face = h("span", { class: "select-face" });
  const node = h("button", {
    class: "select", type: "button", role: "combobox", "aria-haspopup": "listbox", "aria-expanded": "false",
    "aria-controls": id, "aria-label": one.placeholder || "Choose", disabled: Boolean(one.disabled),
  }, face, icon("down", 18));
  const paint = () => {
    const names = choices.filter((choice) => chosen.has(choice.value)).map((choice) => choice.label);
    face.textContent = names.join(", ") || one.placeholder || "Choose";
    face.classList.toggle("hollow", names.length === 0);
  };
  const drawer = new Drawer(node, id, choices, chosen, { most, least: one.min_values ?? 1 }, (changed) => {
    paint();
    if (changed) onChange([...chosen]);
  });
  Object.defineProperty(node, "values", { get: () => [...chosen] });
  node.addEventListener("click", () => drawer.toggle());
  node.addEventListener("keydown", (event) => drawer.key(event));
  node.addEventListener("blur", () => drawer.close());
  paint();
  return node;
}

class Drawer {
  constructor(owner, id, choices, chosen, limits, onClose) {
    Object.assign(this, { owner, id, choices, chosen, limits, onClose, list: null, at: -1 });
  }

  toggle() {
    if (this.list) this.close();
    else this.open();
  }

  open() {
    if (!this.choices.length) return;
    this.before = [...this.chosen].sort().join("\n");
    const several = this.limits.most > 1 ? "true" : null;
    const props = { role: "listbox", id: this.id, "aria-label": "Choices", "aria-multiselectable": several };
    this.list = h("div", { class: "drawer", ...props }, this.choices.map((choice, at) => this.#line(choice, at)));
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    (this.owner.closest("dialog") ?? byId("room")).append(this.list);
    this.owner.setAttribute("aria-expanded", "true");
    this.#place();
    this.away = (event) => { if (!this.list?.contains(event.target)) this.close(); };
    addEventListener("scroll", this.away, true);
    addEventListener("resize", this.away);
    this.#go(Math.max(0, this.choices.findIndex((choice) => this.chosen.has(choice.value))));
  }

  close() {
    if (!this.list) return;
    removeEventListener("scroll", this.away, true);
    removeEventListener("resize", this.away);
    this.list.remove();
    this.list = null;
    this.owner.setAttribute("aria-expanded", "false");
    this.owner.removeAttribute("aria-activedescendant");
    const enough = this.chosen.size >= this.limits.least;
    this.onClose(enough && [...this.chosen].sort().join("\n") !== this.before);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!this.list) this.open();
      else this.#go((this.at + step + this.choices.length) % this.choices.length);
    } else if (!this.list) {
      return;
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#pick(this.at);
    } else if (event.key.length === 1) {
      const found = this.choices.findIndex((choice) => choice.label.toLowerCase().startsWith(event.key.toLowerCase()));
      if (found >= 0) this.#go(found);
    }
  }

  #line(choice, at) {
    return h("div", {
      class: "drawer-line", role: "option", id: `${this.id}-${at}`,
      "aria-selected": String(this.chosen.has(choice.value)),
      onmouseenter: () => this.#go(at, false), onclick: () => this.#pick(at),
    },
    emoji(choice.emoji),
    h("span", { class: "drawer-words" },
      h("span", {}, choice.label), choice.description && h("small", {}, choice.description)),
    h("span", { class: "drawer-tick" }, icon("check", 18)));
  }

  #go(at, scroll = true) {
    this.list.children[this.at]?.classList.remove("active");
    this.at = at;
    const line = this.list.children[at];
    line.classList.add("active");
    this.owner.setAttribute("aria-activedescendant", line.id);
    if (scroll) line.scrollIntoView({ block: "nearest" });
  }

  #pick(at) {
    const { value } = this.choices[at];
    const had = this.chosen.has(value);
    if (this.limits.most === 1) this.chosen.clear();
    if (had && (this.limits.most > 1 || this.limits.least === 0)) this.chosen.delete(value);
    else if (this.chosen.size < this.limits.most) this.chosen.add(value);
    for (const [index, line] of [...this.list.children].entries()) {
      line.setAttribute("aria-selected", String(this.chosen.has(this.choices[index].value)));
    }
    if (this.limits.most === 1) this.close();
  }

  #place() {
    const box = this.owner.getBoundingClientRect();
    const below = innerHeight - box.bottom;
    const { style } = this.list;
    style.setProperty("width", `${box.width}px`);
    style.setProperty("left", `${box.left}px`);
    style.setProperty("max-height", `${Math.min(TALLEST, Math.max(below, box.top) - 16)}px`);
    const fits = below >= Math.min(TALLEST, this.list.scrollHeight) || below > box.top;
    if (fits) style.setProperty("top", `${box.bottom + 4}px`);
    else style.setProperty("bottom", `${innerHeight - box.top + 4}px`);
  }
}
