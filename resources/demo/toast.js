// A word in passing at the foot of the page that goes away by itself.

import { byId, h } from "./dom.js";

const STAYS = 3500; // ms

export function toast(sentence) {
  document.querySelector(".toast")?.remove();
  const node = h("div", { class: "toast", role: "status" }, sentence);
  (document.querySelector("dialog[open]") ?? byId("room")).append(node);
  setTimeout(() => node.remove(), STAYS);
}
