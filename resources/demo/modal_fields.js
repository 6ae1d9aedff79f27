// The fields of a dialog, one kind each: texts, selects, file uploads, ticks. A field knows its
// value as Discord wants it and what is wrong with it.

import { fileSize, h, icon } from "./dom.js";
import { selectMenu } from "./select.js";
import { chipOff } from "./shelf.js";
import { hold } from "./uploads.js";

const LONGEST = 4000; // characters of a text input

const KINDS = {
  4: textInput, 3: choices, 5: choices, 6: choices, 7: choices, 8: choices, 19: upload, 21: ticks, 22: ticks, 23: tick,
};

/**
 * The control of a component: {node, value(), problem(required)}; `target` is what carries the
 * label when it is not the node, `group` says that it is labelled as a group, `first` takes the focus.
 */
export function makeControl(component, id) {
  return KINDS[component.type]?.(component, id) ?? null;
}

/** What is wrong with how many were chosen, or null. */
function countProblem(count, { min_values: least = 1 }, required, word) {
  if (!count) return required ? `Choose ${word}.` : null;
  return count < least ? `Choose at least ${least}.` : null;
}

function textInput(component, id) {
  const { style, value = "", placeholder, max_length: most = LONGEST, min_length: least = 0 } = component;
  const props = { id, class: "input", placeholder, maxlength: most, value };
  const node = style === 2 ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: "text" });
  return {
    node,
    value: () => ({ value: node.value }),
    problem: (required) => {
      const { length } = node.value;
      if (!length) return required ? "This field is required." : null;
      return length < least ? `Write at least ${least} characters (now ${length}).` : null;
    },
  };
}

function choices(component, id) {
  const node = selectMenu(component, () => node.dispatchEvent(new Event("input", { bubbles: true })));
  node.id = id;
  node.removeAttribute("aria-label");
  return {
    node,
    value: () => ({ values: node.values }),
    problem: (required) => countProblem(node.values.length, component, required, "one"),
  };
}

function ticks(component, id) {
  const one = component.type === 21;
  const kind = one ? "radio" : "checkbox";
  const boxes = component.options.map((option) =>
    h("input", { type: kind, name: id, value: option.value, checked: Boolean(option.default) }));
  const lines = component.options.map(({ label, description }, at) =>
    h("label", { class: "tick" }, boxes[at], h("span", {}, label, description && h("small", {}, description))));
  const picked = () => boxes.filter((box) => box.checked).map((box) => box.value);
  return {
    node: h("div", { class: "ticks", id, role: one ? "radiogroup" : "group" }, lines),
    group: true,
    first: boxes[0],
    value: () => (one ? { value: picked()[0] ?? null } : { values: picked() }),
    problem: (required) => countProblem(picked().length, component, required, "one"),
  };
}

function tick(component, id) {
  const node = h("input", { id, type: "checkbox", class: "lone-tick", checked: Boolean(component.default) });
  return { node, value: () => ({ value: node.checked }), problem: () => null };
}

function upload(component, id) {
  const most = component.max_values ?? 1;
  const files = [];
  const pick = h("input", { id, type: "file", class: "unseen", multiple: most > 1 });
  const shelf = h("div", { class: "upload-shelf" });
  const words = most > 1 ? `Drop or choose up to ${most} files` : "Drop or choose a file";
  const face = h("span", { class: "upload-face" }, icon("image", 22), words);
  const node = h("div", { class: "upload" }, face, pick, shelf);
  const paint = () => {
    shelf.replaceChildren(...files.map((held) => chip(held, () => { files.splice(files.indexOf(held), 1); paint(); })));
    node.dispatchEvent(new Event("input"));
  };
  const take = (list) => {
    const fresh = [...list].slice(0, most - files.length).map(hold);
    files.push(...fresh);
    for (const held of fresh) held.ready.then(paint);
    paint();
  };
  pick.addEventListener("change", () => { take(pick.files); pick.value = ""; });
  node.addEventListener("dragover", (event) => event.preventDefault());
  node.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files); });
  return {
    node,
    target: pick,
    value: () => ({ values: files.map((held) => held.id).filter(Boolean) }),
    problem: (required) => fileProblem(files) ?? countProblem(files.length, component, required, "a file"),
  };
}

function chip(held, off) {
  const state = held.trouble || (held.id ? fileSize(held.size) : "uploading…");
  return h("span", { class: "chip" }, held.name, h("small", {}, state), chipOff(held.name, off));
}

function fileProblem(files) {
  if (files.some((held) => held.trouble)) return "A file could not be uploaded.";
  return files.some((held) => !held.id) ? "A file is still on its way." : null;
}
