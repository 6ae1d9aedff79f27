// The framed cards of a message: colour bar, author, title, text, fields side by side, picture,
// footer. Every part is optional; what is missing leaves no gap.

import { decoration, h, localUrl, whenText } from "./dom.js";
import { linkTo } from "./links.js";
import { inlineMarkdown, markdown } from "./markdown.js";
import { single } from "./media.js";

const WIDEST = 488; // px of an embed's picture
const TALLEST = 400; // px

export function embed(card) {
  const color = Number.isInteger(card.color) ? `#${card.color.toString(16).padStart(6, "0")}` : null;
  const words = h("div", { class: "embed-words" },
    card.author?.name && author(card.author),
    card.title && h("div", { class: "embed-title" }, linked(card.url, inlineMarkdown(card.title))),
    card.description && h("div", { class: "embed-text" }, markdown(card.description)),
    card.fields?.length ? fields(card.fields) : null);
  return h("article", { class: "embed", "aria-label": card.title ?? "Card", style: color ? { "--bar": color } : {} },
    h("div", { class: "embed-top" }, words, card.thumbnail?.url && picture(card.thumbnail, card, 80, 80)),
    card.image?.url && picture(card.image, card, WIDEST, TALLEST),
    (card.footer?.text || card.timestamp) && footer(card));
}

function author({ name, url, icon_url: iconUrl }) {
  return h("div", { class: "embed-author" }, iconUrl && decoration(localUrl(iconUrl), 22), linked(url, name));
}

const linked = (url, child) => (url ? linkTo(url, child) : child);

/** Up to three inline fields share a row; a field that is not inline has its own. */
function fields(list) {
  const rows = [];
  for (const field of list) {
    const row = rows.at(-1);
    if (field.inline && row?.inline && row.cells.length < 3) row.cells.push(field);
    else rows.push({ inline: Boolean(field.inline), cells: [field] });
  }
  return h("div", { class: "embed-fields" }, rows.map((row) => row.cells.map((field) => h("div", {
    class: "embed-field", style: { "grid-column": `span ${row.inline ? 12 / Math.max(row.cells.length, 2) : 12}` },
  }, h("div", { class: "embed-field-name" }, inlineMarkdown(field.name)), h("div", {}, markdown(field.value))))));
}

function picture(media, card, widest, tallest) {
  const name = decodeURIComponent(new URL(media.url, location.href).pathname.split("/").at(-1));
  const { url, width, height, description } = media;
  const shown = { url, width, height, alt: description ?? "", name: name || card.title };
  return h("div", { class: "embed-picture" }, single(shown, [shown], widest, tallest));
}

function footer({ footer: foot, timestamp }) {
  const words = [foot?.text, timestamp && whenText(timestamp)].filter(Boolean).join(" • ");
  return h("div", { class: "embed-foot" }, foot?.icon_url && decoration(localUrl(foot.icon_url), 18), words);
}
