// The list above the composer: commands, options or choices for whatever field has the focus.
// The field keeps the focus; the list only knows which line is active and what picking it means.

import { h } from "./dom.js";

export class Picker {
  constructor() {
    this.head = h("div", { class: "picker-head" });
    this.list = h("div", { class: "picker-list", role: "listbox", id: "picker-list", "aria-label": "Suggestions" });
    this.panel = h("div", { class: "picker", hidden: true }, this.head, this.list);
    this.panel.addEventListener("mousedown", (event) => event.preventDefault());
    this.items = [];
    this.at = -1;
    this.owner = null;
  }

  /**
   * Show for a field. `items` are [{label, note, side, art}], `pick(item)` is called on a choice;
   * with `eager` the first line is active at once, so that Enter and Tab take it.
   */
  show(owner, { title = "", note = "", error = "", items = [], pick = null, eager = false }) {
    this.#letGo(owner);
    Object.assign(this, { owner, items, pick, at: -1 });
    this.head.replaceChildren(...headWords(title, note, error));
    this.list.replaceChildren(...items.map((item, at) => this.#line(item, at)));
    this.list.hidden = items.length === 0;
    this.list.scrollTop = 0;
    this.panel.hidden = !items.length && !this.head.childNodes.length;
    if (owner.getAttribute("role") === "combobox") owner.setAttribute("aria-expanded", String(items.length > 0));
    if (items.length) owner.setAttribute("aria-controls", this.list.id);
    this.#go(eager && items.length ? 0 : -1);
  }

  /** Nothing is active any more, until fresh items come: what is listed may no longer fit. */
  stale() {
    this.#go(-1);
  }

  close(owner = this.owner) {
    if (owner !== this.owner) return;
    this.#letGo(null);
    this.owner = null;
    this.items = [];
    this.panel.hidden = true;
  }

  get open() {
    return !this.panel.hidden && this.items.length > 0;
  }

  get active() {
    return this.items[this.at] ?? null;
  }

  move(step) {
    if (!this.items.length) return;
    const from = this.at < 0 && step < 0 ? 0 : this.at;
    this.#go((from + step + this.items.length) % this.items.length, true);
  }

  take(item = this.active) {
    if (item) this.pick(item);
  }

  #line(item, at) {
    return h("div", {
      class: "picker-line", role: "option", id: `picker-${at}`, "aria-selected": "false",
      onmousemove: () => { if (this.at !== at) this.#go(at); }, onclick: () => this.take(item),
    },
    item.art ?? null,
    h("span", { class: "picker-words" },
      h("b", {}, item.label), item.note && h("span", { class: "picker-note" }, item.note)),
    item.side && h("span", { class: "picker-side" }, item.side));
  }

  #go(at, scroll = false) {
    const before = this.list.children[this.at];
    before?.classList.remove("active");
    before?.setAttribute("aria-selected", "false");
    this.at = at;
    const line = this.list.children[at];
    line?.classList.add("active");
    line?.setAttribute("aria-selected", "true");
    if (line) this.owner?.setAttribute("aria-activedescendant", line.id);
    else this.owner?.removeAttribute("aria-activedescendant");
    if (scroll) line?.scrollIntoView({ block: "nearest" });
  }

  #letGo(next) {
    if (!this.owner || this.owner === next) return;
    if (this.owner.hasAttribute("aria-expanded")) this.owner.setAttribute("aria-expanded", "false");
    this.owner.removeAttribute("aria-activedescendant");
    this.owner.removeAttribute("aria-controls");
  }
}

function headWords(title, note, error) {
  return [
    title && h("b", {}, title),
    note && h("span", { class: "picker-head-note" }, note),
    error && h("span", { class: "picker-head-error" }, error),
  ].filter(Boolean);
}
