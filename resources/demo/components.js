// The counter under a message: buttons and selects, and the newer containers, sections, galleries
// and separators. What is pressed goes through interactions.js; while it is under way the thing
// pressed says so, and a failed one leaves a red line.

import { h, icon } from "./dom.js";
import { press } from "./interactions.js";
import { linkTo } from "./links.js";
import { markdown } from "./markdown.js";
import { fileCard, grid, single } from "./media.js";
import { emoji, selectMenu } from "./select.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "primary" };

/** The components of a message as nodes. */
export function components(message) {
  return (message.components ?? []).map((one) => component(one, message));
}

const MAKERS = {
  1: (row, message) => h("div", { class: "row" }, row.components.map((one) => component(one, message))),
  2: button,
  9: section,
  10: (text) => h("div", { class: "v2-text" }, markdown(text.content)),
  11: (thumb) => single(fromMedia(thumb.media, thumb), undefined, 85, 85),
  12: (gallery) => grid(gallery.items.map((one) => fromMedia(one.media, one))),
  13: (file) => fileCard({ url: file.file.url, filename: file.name ?? nameIn(file.file.url), size: file.size }),
  14: separator,
  17: container,
};

function separator({ divider, spacing }) {
  const look = ["v2-line", divider === false && "bare", spacing === 2 && "wide"].filter(Boolean).join(" ");
  return h("div", { class: look, role: "separator" });
}

function component(one, message) {
  const make = MAKERS[one.type] ?? ([3, 5, 6, 7, 8].includes(one.type) ? select : null);
  return make ? make(one, message) : null;
}

function button(one, message) {
  const words = [emoji(one.emoji), one.label && h("span", {}, one.label)];
  const look = `button ${STYLES[one.style] ?? "secondary"}`;
  if (one.style === 5) return linkTo(one.url ?? "", [words, icon("external", 15)], look);
  const node = h("button", {
    class: look, type: "button", disabled: Boolean(one.disabled), dataset: { key: one.custom_id ?? "" },
    "aria-label": one.label ? null : (one.emoji?.name ?? "Button"),
  }, words);
  node.addEventListener("click", () => run(node, message, one, null));
  return node;
}

function select(one, message) {
  const node = selectMenu(one, (values) => run(node, message, one, values));
  node.dataset.key = one.custom_id;
  return node;
}

/** Send one press and show its fate on the message it belongs to. */
async function run(node, message, one, values) {
  if (node.classList.contains("pending")) return;
  const article = node.closest(".message");
  article?.querySelector(".failed-line")?.remove();
  node.classList.add("pending");
  node.setAttribute("aria-busy", "true");
  const error = await press(message, one, values);
  node.classList.remove("pending");
  node.removeAttribute("aria-busy");
  const body = document.querySelector(`[data-message="${CSS.escape(message.id)}"] .body`);
  if (error && body) body.append(h("div", { class: "failed-line", role: "alert" }, error));
}

function section(one, message) {
  return h("div", { class: "v2-section" },
    h("div", { class: "v2-section-words" }, one.components.map((part) => component(part, message))),
    h("div", {}, one.accessory && component(one.accessory, message)));
}

function container(one, message) {
  const color = Number.isInteger(one.accent_color) ? `#${one.accent_color.toString(16).padStart(6, "0")}` : null;
  const inside = one.components.map((part) => component(part, message));
  const node = h("div", { class: "v2-box", style: color ? { "--bar": color } : {} }, inside);
  if (one.spoiler) hide(node);
  return node;
}

function hide(node) {
  const inside = h("div", { inert: true, class: "v2-hidden" }, [...node.childNodes]);
  const show = () => node.replaceChildren(...inside.childNodes);
  const open = h("button", { class: "v2-reveal", type: "button", onclick: show }, "Spoiler");
  node.replaceChildren(inside, open);
}

const nameIn = (url) => decodeURIComponent(new URL(url, location.href).pathname.split("/").at(-1));

function fromMedia({ url, width, height }, { description, spoiler }) {
  return { url, width, height, alt: description ?? "", name: nameIn(url), spoiler };
}

/** The words of components, for copying and for previews. */
export function componentText(list) {
  return (list ?? []).flatMap((one) => [one.content, componentText(one.components)]).filter(Boolean).join("\n");
}

