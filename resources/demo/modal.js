// The form at the counter: shows a dialog that the bot asked for, checks each field where it
// stands, and hands back the components as Discord sends them. Nothing closes unless it was taken.

import { Refused } from "./api.js";
import { EASEL, byId, decoration, h, iconButton, trapTab } from "./dom.js";
import { markdown } from "./markdown.js";
import { makeControl } from "./modal_fields.js";

const TRY_AGAIN = "Something went wrong. Try again.";
let serial = 0;

/** Open a dialog; `submit(components)` resolves to whether the bot took it. */
export function openModal(modal, submit) {
  const titleId = `modal-${++serial}`;
  const fields = (modal.components ?? []).map(field);
  const dialog = h("dialog", { class: "modal", "aria-labelledby": titleId });
  const trouble = h("p", { class: "modal-trouble", role: "alert" });
  const send = h("button", { class: "button primary", type: "submit" }, h("span", {}, "Submit"));
  const leave = () => dialog.close();
  const form = h("form", { novalidate: true },
    h("header", {}, decoration(EASEL, 28), h("h2", { id: titleId }, modal.title), iconButton("Close", "close", leave)),
    h("div", { class: "modal-fields" }, fields.map((one) => one.node)),
    trouble,
    h("footer", {}, h("button", { class: "button plain", type: "button", onclick: leave }, "Cancel"), send));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    deliver({ dialog, fields, trouble, send, submit });
  });
  show(dialog, form);
  (fields.find((one) => one.focus)?.focus ?? (() => send.focus()))();
}

function show(dialog, form) {
  const opener = document.activeElement;
  dialog.append(form);
  dialog.addEventListener("close", () => {
    dialog.remove();
    (opener?.isConnected && opener !== document.body ? opener : byId("box"))?.focus();
  });
  trapTab(dialog);
  document.body.append(dialog);
  dialog.showModal();
}

async function deliver({ dialog, fields, trouble, send, submit }) {
  if (send.classList.contains("pending")) return;
  const wrong = fields.filter((one) => one.check && !one.check());
  trouble.textContent = "";
  if (wrong.length) { wrong[0].focus(); return; }
  send.classList.add("pending");
  try {
    if (await submit(fields.map((one) => one.answer()).filter(Boolean))) dialog.close();
    else trouble.textContent = TRY_AGAIN;
  } catch (error) {
    trouble.textContent = error instanceof Refused ? error.message : TRY_AGAIN;
  }
  send.classList.remove("pending");
}

/** One top-level component: {node, answer()} and, where it can be filled, check() and focus(). */
function field(component) {
  const { type } = component;
  const kept = idOf(component);
  if (type === 10) return { node: h("div", {}, markdown(component.content)), answer: () => ({ type, ...kept }) };
  if (type === 18) return labelled(component, component.component, (made) => ({ type, ...kept, component: made }));
  const [inner] = component.components ?? [];
  const label = inner.label ?? inner.placeholder ?? "Choose";
  return labelled({ label }, inner, (made) => ({ type, ...kept, components: [made] }));
}

const idOf = ({ id }) => (id === undefined ? {} : { id });

function labelled({ label, description }, inner, pack) {
  const id = `field-${++serial}`;
  const control = makeControl(inner, id);
  if (!control) return { node: h("p", {}, `“${label}” cannot be filled in here.`), answer: () => null };
  const required = inner.required !== false;
  const words = [label, required && h("span", { class: "field-star", "aria-hidden": "true" }, " *")];
  const note = description ? h("p", { class: "field-note", id: `${id}-note` }, description) : null;
  const error = h("p", { class: "field-error", id: `${id}-error` });
  const target = control.target ?? control.node;
  target.setAttribute("aria-describedby", [note?.id, error.id].filter(Boolean).join(" "));
  if (control.group) target.setAttribute("aria-labelledby", `${id}-label`);
  const check = () => {
    error.textContent = control.problem(required) ?? "";
    if (!control.group) target.setAttribute("aria-invalid", String(Boolean(error.textContent)));
    return !error.textContent;
  };
  control.node.addEventListener("input", () => { if (error.textContent) check(); });
  return {
    node: h("div", { class: "field" }, heading(control, id, words), note, control.node, error),
    check,
    focus: () => (control.first ?? target).focus(),
    answer: () => pack({ type: inner.type, ...idOf(inner), custom_id: inner.custom_id, ...control.value() }),
  };
}

function heading(control, id, words) {
  const look = { class: "field-label" };
  return control.group ? h("div", { ...look, id: `${id}-label` }, words) : h("label", { ...look, for: id }, words);
}
