// The small menus: what can be done with a message, and who one is. Arrow keys, Enter and Escape
// work; the focus goes back to where it came from.

import { Refused, removeMessage } from "./api.js";
import { announce, byId, h, icon } from "./dom.js";
import { sendMessageCommand } from "./interactions.js";
import { messageText } from "./message.js";
import { store } from "./store.js";
import { commandsFor } from "./commands.js";
import { toast } from "./toast.js";

/**
 * Open a menu at an element or at {x, y, opener}.
 * `groups` are [{label, items: [{label, mark, act, danger, checked}]}].
 */
export function openMenu(at, groups) {
  document.querySelector(".menu")?.dispatchEvent(new Event("leave"));
  const opener = at instanceof Element ? at : at.opener;
  const menu = h("div", { class: "menu", role: "menu", "aria-label": "Actions" });
  const leave = (back = true) => {
    document.removeEventListener("pointerdown", outside, true);
    menu.remove();
    if (back && opener?.isConnected) opener.focus({ preventScroll: true });
  };
  const outside = (event) => { if (!menu.contains(event.target)) leave(false); };
  menu.append(...groups.filter((group) => group.items.length).map((group) => section(group, leave)));
  menu.addEventListener("leave", () => leave(false));
  menu.addEventListener("keydown", (event) => walk(event, menu, leave));
  document.addEventListener("pointerdown", outside, true);
  byId("room").append(menu);
  place(menu, at);
  menu.querySelector("button")?.focus();
}

function section({ label, items }, leave) {
  return h("div", { role: "group", "aria-label": label ?? null, class: "menu-group" },
    label && h("div", { class: "menu-label", "aria-hidden": "true" }, label),
    items.map((item) => h("button", {
      class: `menu-line${item.danger ? " danger" : ""}`, type: "button", tabindex: "-1",
      role: item.checked === undefined ? "menuitem" : "menuitemradio",
      "aria-checked": item.checked === undefined ? null : String(item.checked),
      onclick: () => { leave(); item.act(); },
    }, h("span", {}, item.label), item.mark ?? (item.checked ? icon("check", 18) : null))));
}

function walk(event, menu, leave) {
  const lines = [...menu.querySelectorAll("button")];
  const at = lines.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (next !== undefined) lines.at(next % lines.length).focus();
  else if (event.key === "Escape" || event.key === "Tab") leave();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function place(menu, at) {
  const { width, height } = menu.getBoundingClientRect();
  const box = at instanceof Element ? at.getBoundingClientRect() : { left: at.x, right: at.x + width, top: at.y, bottom: at.y };
  const left = Math.max(8, Math.min(box.right - width, innerWidth - width - 8));
  const below = box.bottom + 4 + height < innerHeight;
  menu.style.setProperty("left", `${at instanceof Element ? left : Math.max(8, Math.min(at.x, innerWidth - width - 8))}px`);
  menu.style.setProperty("top", `${Math.max(8, below ? box.bottom + 4 : box.top - height - 4)}px`);
}

/** The menu of a message: the bot's message commands, copying, deleting. */
export function messageMenu(message, at) {
  const apps = commandsFor(3).map((one) => ({ label: one.name, mark: icon("brush", 18), act: () => attempt(() => sendMessageCommand(one.name, message.id)) }));
  const text = messageText(message);
  const own = message.author?.id === store.me.id;
  openMenu(at, [
    { label: "Apps", items: message.ephemeral ? [] : apps },
    { items: [
      text && { label: "Copy text", mark: icon("copy", 18), act: () => copy(text) },
      { label: "Copy message ID", mark: icon("hash", 18), act: () => copy(message.id) },
    ].filter(Boolean) },
    { items: (own || store.me.admin) && !message.ephemeral ? [{ label: "Delete message", mark: icon("trash", 18), danger: true, act: () => attempt(() => removeMessage(message.channel_id, message.id, store.me.id)) }] : [] },
  ]);
}

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    toast(error instanceof Refused ? error.message : "That did not work.");
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("The browser did not allow copying.");
  }
  announce("Copied");
}
