// Discord's markdown as DOM nodes. Text of people never becomes HTML: every piece ends as a text
// node, and a link is a link only with http or https. Blocks first, then what stands inside a line.

import { h, icon, nameOf } from "./dom.js";
import { linkTo } from "./links.js";
import { store } from "./store.js";
import { timeNode } from "./times.js";

const DEEPEST = 12; // marks inside marks; deeper ones stay as they were typed

/** A whole text: headings, lists, quotes, code blocks and everything inside a line. */
export function markdown(text) {
  const out = document.createDocumentFragment();
  const fence = /```(?:([\w+#.-]{1,20})\n)?\n?([\s\S]+?)\n?```/g;
  let from = 0;
  for (const found of text.matchAll(fence)) {
    blocks(text.slice(from, found.index).replace(/\n$/, ""), out);
    const code = h("code", { dataset: { language: found[1] ?? "" } }, found[2]);
    out.append(h("pre", { tabindex: "0", role: "region", "aria-label": "Code" }, code));
    from = found.index + found[0].length;
    if (text[from] === "\n") from += 1;
  }
  blocks(text.slice(from), out);
  return out;
}

/** One line without blocks, as titles, labels and previews want it. */
export function inlineMarkdown(text) {
  const out = document.createDocumentFragment();
  inline(text, out, 0);
  return out;
}

const LIST = /^( *)([-*]|\d{1,9}\.) +(.+)$/;

function blocks(text, out) {
  if (!text) return;
  const lines = text.split("\n");
  let plain = [];
  const flush = () => {
    if (plain.length) out.append(paragraph(plain.join("\n")));
    plain = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const taken = block(lines, at);
    if (!taken) { plain.push(lines[at]); continue; }
    flush();
    out.append(taken.node);
    at += taken.lines - 1;
  }
  flush();
}

function paragraph(text) {
  const node = h("div", { class: "md-text" });
  inline(text, node, 0);
  return node;
}

/** The block that begins at this line, or null for plain text. */
function block(lines, at) {
  const line = lines[at];
  const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
  if (heading) return { node: headingNode(heading[1].length, heading[2]), lines: 1 };
  const small = /^-# +(\S.*)$/.exec(line);
  if (small) return { node: wrap("div", small[1], { class: "md-sub" }), lines: 1 };
  if (line.startsWith(">>> ")) {
    const rest = [line.slice(4), ...lines.slice(at + 1)];
    return { node: quote(rest), lines: rest.length };
  }
  if (line.startsWith("> ")) {
    let count = 1;
    while (lines[at + count]?.startsWith("> ") || lines[at + count] === ">") count += 1;
    return { node: quote(lines.slice(at, at + count).map((one) => one.slice(2))), lines: count };
  }
  return LIST.test(line) ? list(lines, at) : null;
}

/** Levels 1 to 3; the page and the channel have the two above them. */
function headingNode(level, text) {
  return wrap("div", text, { class: `md-h md-h${level}`, role: "heading", "aria-level": level + 2 });
}

function quote(lines) {
  const node = h("blockquote");
  blocks(lines.join("\n"), node);
  return node;
}

function list(lines, at) {
  const items = [];
  while (at + items.length < lines.length) {
    const found = LIST.exec(lines[at + items.length]);
    const [first] = items;
    if (!found || (first && found[1].length <= first.depth && /\d/.test(found[2]) !== first.ordered)) break;
    items.push({ depth: found[1].length, ordered: /\d/.test(found[2]), start: parseInt(found[2], 10), text: found[3] });
  }
  return { node: listNode(items), lines: items.length };
}

/** Items that are indented deeper than the first one become a list inside the item above. */
function listNode(items) {
  const [first] = items;
  const node = h(first.ordered ? "ol" : "ul", { class: "md-list", start: first.ordered ? first.start : null });
  for (let at = 0; at < items.length;) {
    let end = at + 1;
    while (end < items.length && items[end].depth > first.depth) end += 1;
    const line = wrap("li", items[at].text);
    if (end > at + 1) line.append(listNode(items.slice(at + 1, end)));
    node.append(line);
    at = end;
  }
  return node;
}

function wrap(tag, text, props = {}, depth = 0) {
  const node = h(tag, props);
  inline(text, node, depth);
  return node;
}

// What may stand at a place in a line: a sticky pattern, and what it makes. Order matters.
const TOKENS = [
  [/\\([\\`*_~|>#\-[\](){}<:!@.+])/y, (found) => found[1]],
  [/(`{1,2})([^`](?:[\s\S]*?[^`])?)\1(?!`)/y, (found) => h("code", {}, found[2])],
  [/<t:(-?\d{1,13})(?::([tTdDfFsSR]))?>/y, (found) => timeNode(Number(found[1]), found[2] ?? "f")],
  [/<@!?(\d{1,20})>/y, (found) => mention(`@${nameOf(store.user(found[1])) ?? "someone"}`)],
  [/<@&(\d{1,20})>/y, () => mention("@role")],
  [/<#(\d{1,20})>/y, (found) => channelMention(found[1])],
  [/<\/([\w -]{1,100}):\d{1,20}>/y, (found) => commandMention(found[1])],
  [/<a?:(\w{1,32}):\d{1,20}>/y, (found) => `:${found[1]}:`],
  [/@(?:everyone|here)\b/y, (found) => mention(found[0])],
  [/<(https?:\/\/[^\s<>]+)>/y, (found) => linkTo(found[1])],
  [/\[([^\]\n]{1,500})\]\(<?(https?:\/\/[^\s<>)]+)>?\)/y,
    (found, depth) => linkTo(found[2], wrap("span", found[1], {}, depth))],
];
const BARE = /https?:\/\/[^\s<>|]*[^\s<>|.,:;!?"')\]*_~]/y;

const MARKS = [
  ["***", (text, depth) => h("strong", {}, wrap("em", text, {}, depth))],
  ["**", (text, depth) => wrap("strong", text, {}, depth)],
  ["__", (text, depth) => wrap("u", text, {}, depth)],
  ["~~", (text, depth) => wrap("s", text, {}, depth)],
  ["||", (text, depth) => spoiler(text, depth)],
  ["*", (text, depth) => wrap("em", text, {}, depth)],
  ["_", (text, depth) => wrap("em", text, {}, depth)],
];

function inline(text, out, depth) {
  if (depth > DEEPEST) { out.append(text); return; }
  let plain = "";
  const take = (node) => {
    if (plain) out.append(plain);
    plain = "";
    out.append(node);
  };
  for (let at = 0; at < text.length;) {
    const found = token(text, at, depth) ?? marked(text, at, depth);
    if (!found) { plain += text[at]; at += 1; continue; }
    if (typeof found.made === "string") plain += found.made;
    else take(found.made);
    at = found.end;
  }
  if (plain) out.append(plain);
}

function token(text, at, depth) {
  if (!"\\`<@[h".includes(text[at])) return null;
  for (const [pattern, make] of TOKENS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return { made: make(found, depth + 1), end: at + found[0].length };
  }
  BARE.lastIndex = at;
  const address = BARE.exec(text);
  return address && !/\w/.test(text[at - 1] ?? "") ? { made: linkTo(address[0]), end: BARE.lastIndex } : null;
}

function marked(text, at, depth) {
  if (!"*_~|".includes(text[at])) return null;
  for (const [mark, make] of MARKS) {
    if (!text.startsWith(mark, at) || !opens(text, at, mark)) continue;
    const end = closing(text, at + mark.length, mark);
    if (end > 0) return { made: make(text.slice(at + mark.length, end), depth + 1), end: end + mark.length };
  }
  return null;
}

/** A star opens before a word; an underscore only where no word is under way (snake_case stays). */
function opens(text, at, mark) {
  const next = text[at + mark.length] ?? " ";
  if (mark === "*") return /\S/.test(next);
  return mark !== "_" || (!/\w/.test(text[at - 1] ?? "") && /\S/.test(next));
}

function closing(text, from, mark) {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") { at += 1; continue; }
    if (text[at] === "`") { at = afterCode(text, at); continue; }
    if (!text.startsWith(mark, at)) continue;
    if (mark.length === 1 && text[at + 1] === mark) { at += 1; continue; }
    let end = at;
    while (mark.length > 1 && text[end + mark.length] === mark[0]) end += 1;
    if (end > from && closes(text, end, mark)) return end;
  }
  return -1;
}

function closes(text, at, mark) {
  if (mark === "*") return /\S/.test(text[at - 1]);
  return mark !== "_" || !/\w/.test(text[at + 1] ?? "");
}

/** The last place of the code span that begins here (marks inside it are not marks). */
function afterCode(text, at) {
  const end = text.indexOf("`", at + 1);
  return end < 0 ? at : end;
}

function spoiler(text, depth) {
  const inside = wrap("span", text, { class: "spoiler-text", inert: true }, depth);
  const acts = { role: "button", tabindex: "0", "aria-label": "Spoiler, press to show" };
  const node = h("span", { class: "spoiler", ...acts }, inside);
  const open = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    node.classList.add("open");
    inside.removeAttribute("inert");
    for (const name of Object.keys(acts)) node.removeAttribute(name);
  };
  node.addEventListener("click", open, { once: true });
  node.addEventListener("keydown", open);
  return node;
}

const mention = (text) => h("span", { class: "mention" }, text);

function channelMention(id) {
  const channel = store.channels.find((one) => one.id === id);
  if (!channel) return mention("#unknown");
  return h("button", { class: "mention", type: "button", onclick: () => store.choose(id) }, `#${channel.name}`);
}

function commandMention(name) {
  return h("button", { class: "mention", type: "button", onclick: () => startCommand(name) }, icon("slash", 13), name);
}

/** Ask the composer to open a command ("draw", "settings me"). */
export function startCommand(name, text = "") {
  document.dispatchEvent(new CustomEvent("start-command", { detail: { name, text } }));
}
