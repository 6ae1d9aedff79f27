// The form at the counter: shows a dialog that the bot asked for, checks each field where it
// stands, and hands back the components as Discord sends them. Nothing closes unless it was taken.

import { Refused, uploadFile } from "./api.js";
import { fileSize, h, icon, trapTab } from "./dom.js";
import { markdown } from "./markdown.js";
import { selectMenu } from "./select.js";

let serial = 0;

/** Open a dialog; `submit(components)` resolves to whether the bot took it. */
export function openModal(modal, submit) {
  const title = `modal-${++serial}`;
  const fields = (modal.components ?? []).map(field);
  const trouble = h("p", { class: "modal-trouble", role: "alert" });
  const send = h("button", { class: "button primary", type: "submit" }, "Submit");
  const dialog = h("dialog", { class: "modal", "aria-labelledby": title });
  const form = h("form", { novalidate: true },
    h("header", {}, h("img", { src: "/static/easel.svg", alt: "", width: 28, height: 28 }), h("h2", { id: title }, modal.title),
      h("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "modal-fields" }, fields.map((one) => one.node)),
    trouble,
    h("footer", {}, h("button", { class: "button plain", type: "button", onclick: () => dialog.close() }, "Cancel"), send));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    deliver({ dialog, fields, trouble, send, submit });
  });
  const opener = document.activeElement;
  dialog.append(form);
  dialog.addEventListener("close", () => { dialog.remove(); if (opener?.isConnected) opener.focus(); });
  trapTab(dialog);
  document.body.append(dialog);
  dialog.showModal();
  (fields.find((one) => one.focus)?.focus ?? (() => send.focus()))();
}

async function deliver({ dialog, fields, trouble, send, submit }) {
  const wrong = fields.filter((one) => one.check && !one.check());
  trouble.textContent = "";
  if (wrong.length) { wrong[0].focus(); return; }
  send.classList.add("pending");
  try {
    if (await submit(fields.map((one) => one.answer()).filter(Boolean))) dialog.close();
    else trouble.textContent = "Something went wrong. Try again.";
  } catch (error) {
    trouble.textContent = error instanceof Refused ? error.message : "Something went wrong. Try again.";
  }
  send.classList.remove("pending");
}

/** One top-level component: {node, answer()} and, where it can be filled, check() and focus(). */
function field(component) {
  const keep = component.id === undefined ? {} : { id: component.id };
  if (component.type === 10) {
    return { node: h("div", { class: "modal-text" }, markdown(component.content)), answer: () => ({ type: 10, ...keep }) };
  }
  if (component.type === 18) return labelled(component, component.component, (inner) => ({ type: 18, ...keep, component: inner }));
  const [inner] = component.components ?? [];
  return labelled({ label: inner.label ?? inner.placeholder ?? "Choose" }, inner, (made) => ({ type: 1, ...keep, components: [made] }));
}

function labelled({ label, description }, inner, pack) {
  const id = `field-${++serial}`;
  const control = CONTROLS[inner.type]?.(inner, id);
  if (!control) return { node: h("p", {}, "This field cannot be shown here."), answer: () => null };
  const required = inner.required !== false;
  const error = h("p", { class: "field-error", id: `${id}-error` });
  const note = description ? h("p", { class: "field-note", id: `${id}-note` }, description) : null;
  const words = [label, required && h("span", { class: "field-star", "aria-hidden": "true" }, " *")];
  const head = control.group ? h("div", { class: "field-label", id: `${id}-label` }, words) : h("label", { class: "field-label", for: id }, words);
  const target = control.target ?? control.node;
  target.setAttribute("aria-describedby", [note && note.id, error.id].filter(Boolean).join(" "));
  if (control.group) target.setAttribute("aria-labelledby", `${id}-label`);
  const check = () => {
    error.textContent = control.problem(required) ?? "";
    target.setAttribute("aria-invalid", String(Boolean(error.textContent)));
    return !error.textContent;
  };
  control.node.addEventListener("input", () => { if (error.textContent) check(); });
  const keep = inner.id === undefined ? {} : { id: inner.id };
  return {
    node: h("div", { class: "field" }, head, note, control.node, error), check,
    focus: () => (control.first ?? target).focus(),
    answer: () => pack({ type: inner.type, ...keep, custom_id: inner.custom_id, ...control.value() }),
  };
}

const tooFew = (count, least, required, word) => {
  if (!count) return required ? `Choose ${word}.` : null;
  return count < least ? `Choose at least ${least}.` : null;
};

const CONTROLS = { 4: textInput, 3: choices, 5: choices, 6: choices, 7: choices, 8: choices, 19: upload, 21: ticks, 22: ticks, 23: tick };

function textInput(inner, id) {
  const props = { id, class: "input", placeholder: inner.placeholder ?? null, maxlength: inner.max_length ?? 4000, value: inner.value ?? "" };
  const node = inner.style === 2 ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: "text" });
  return {
    node, value: () => ({ value: node.value }),
    problem: (required) => {
      const { length } = node.value;
      if (!length) return required ? "This field is required." : null;
      return length < (inner.min_length ?? 0) ? `Write at least ${inner.min_length} characters (now ${length}).` : null;
    },
  };
}

function choices(inner, id) {
  const node = selectMenu(inner, () => node.dispatchEvent(new Event("input", { bubbles: true })));
  node.id = id;
  node.removeAttribute("aria-label");
  return {
    node, value: () => ({ values: node.values }),
    problem: (required) => tooFew(node.values.length, inner.min_values ?? 1, required, "one"),
  };
}

function ticks(inner, id) {
  const kind = inner.type === 21 ? "radio" : "checkbox";
  const boxes = inner.options.map((one) => h("input", { type: kind, name: id, value: one.value, checked: Boolean(one.default) }));
  const node = h("div", { class: "ticks", id, role: kind === "radio" ? "radiogroup" : "group" }, inner.options.map((one, at) => h("label", { class: "tick" },
    boxes[at], h("span", {}, one.label, one.description && h("small", {}, one.description)))));
  const picked = () => boxes.filter((box) => box.checked).map((box) => box.value);
  return {
    node, group: true, first: boxes[0],
    value: () => (kind === "radio" ? { value: picked()[0] ?? null } : { values: picked() }),
    problem: (required) => tooFew(picked().length, inner.min_values ?? 1, required, "one"),
  };
}

function tick(inner, id) {
  const node = h("input", { id, type: "checkbox", class: "lone-tick", checked: Boolean(inner.default) });
  return { node, value: () => ({ value: node.checked }), problem: () => null };
}

function upload(inner, id) {
  const most = inner.max_values ?? 1;
  const files = []; // {name, size, promise, id}
  const pick = h("input", { id, type: "file", class: "unseen", multiple: most > 1 });
  const shelf = h("div", { class: "upload-shelf" });
  const node = h("div", { class: "upload" }, h("span", { class: "upload-face" }, icon("image", 22), most > 1 ? `Drop or choose up to ${most} files` : "Drop or choose a file"), pick, shelf);
  const paint = () => shelf.replaceChildren(...files.map((one) => h("span", { class: "chip" }, one.name, h("small", {}, one.error ?? (one.id ? fileSize(one.size) : "uploading…")),
    h("button", { type: "button", class: "chip-off", "aria-label": `Remove ${one.name}`, onclick: () => { files.splice(files.indexOf(one), 1); paint(); } }, icon("close", 14)))));
  const take = async (list) => {
    for (const file of [...list].slice(0, most - files.length)) {
      const one = { name: file.name, size: file.size };
      files.push(one);
      uploadFile(file).then((made) => { one.id = made.id; }, (error) => { one.error = error.message; }).then(paint);
    }
    paint();
  };
  pick.addEventListener("change", () => { take(pick.files); pick.value = ""; });
  node.addEventListener("dragover", (event) => event.preventDefault());
  node.addEventListener("drop", (event) => { event.preventDefault(); event.stopPropagation(); take(event.dataTransfer.files); });
  return {
    node, target: pick, value: () => ({ values: files.map((one) => one.id).filter(Boolean) }),
    problem: (required) => {
      if (files.some((one) => one.error)) return "A file could not be uploaded.";
      if (files.some((one) => !one.id)) return "A file is still on its way.";
      return tooFew(files.length, inner.min_values ?? 1, required, "a file");
    },
  };
}
