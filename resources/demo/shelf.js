// The shelf over the writing desk: the files that go with the next plain message.

import { fileSize, h, icon } from "./dom.js";
import { hold } from "./uploads.js";

const MOST = 10; // files of a message

export class Shelf {
  /** `onTrouble(sentence)` when a file could not be uploaded; `onChange()` when one was taken off. */
  constructor({ onTrouble, onChange }) {
    Object.assign(this, { onTrouble, onChange, files: [] });
    this.node = h("div", { class: "shelf", hidden: true });
  }

  put(files) {
    const room = MOST - this.files.length;
    if (files.length > room) this.onTrouble(`A message has at most ${MOST} files.`);
    for (const file of files.slice(0, room)) {
      const held = hold(file);
      this.files.push(held);
      held.ready.then(() => { if (held.trouble) { this.#drop(held); this.onTrouble(held.trouble); } });
    }
    this.#paint();
  }

  /** Take everything off the shelf. */
  clear() {
    const files = this.files;
    this.files = [];
    this.#paint();
    return files;
  }

  /** Put back what was taken off. */
  restore(files) {
    this.files = files;
    this.#paint();
  }

  #drop(held) {
    this.files = this.files.filter((one) => one !== held);
    this.#paint();
  }

  #paint() {
    this.node.hidden = !this.files.length;
    this.node.replaceChildren(...this.files.map((held) => this.#item(held)));
  }

  #item(held) {
    const off = () => {
      this.#drop(held);
      this.onChange();
    };
    return h("div", { class: "shelf-item" },
      held.preview ? h("img", { src: held.preview, alt: "" }) : icon("file", 34),
      h("span", { class: "shelf-name" }, held.name), h("small", {}, fileSize(held.size)),
      chipOff(held.name, off));
  }
}

/** The small cross that takes a file away again. */
export function chipOff(name, onclick) {
  return h("button", { class: "chip-off", type: "button", "aria-label": `Remove ${name}`, onclick }, icon("close", 15));
}
