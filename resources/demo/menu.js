// The small menus: what can be done with a message, and who one is. Arrow keys, Enter and Escape
// work; the focus goes back to where it came from.

import { Refused, removeMessage } from "./api.js";
import { announce, byId, h, icon } from "./dom.js";
import { sendMessageCommand } from "./interactions.js";
import { messageText } from "./message.js";
import { store } from "./store.js";
import { commandsFor } from "./commands.js";
import { toast } from "./toast.js";

const EDGE = 8; // px that a menu keeps from the window's edge

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
  const point = { right: at.x + width, top: at.y, bottom: at.y };
  const box = at instanceof Element ? at.getBoundingClientRect() : point;
  const left = Math.min(box.right - width, innerWidth - width - EDGE);
  const below = box.bottom + 4 + height < innerHeight;
  menu.style.setProperty("left", `${Math.max(EDGE, left)}px`);
  menu.style.setProperty("top", `${Math.max(EDGE, below ? box.bottom + 4 : box.top - height - 4)}px`);
}

/** The menu of a message: the bot's message commands, copying, deleting. */
export function messageMenu(message, at) {
  const { id, channel_id: channel } = message;
  const text = messageText(message);
  const line = (label, mark, act, danger = false) => ({ label, mark: icon(mark, 18), act, danger });
  const apps = commandsFor(3)
    .map((one) => line(one.name, "brush", () => attempt(() => sendMessageCommand(one.name, id))));
  const copies = [
    text && line("Copy text", "copy", () => copy(text)),
    line("Copy message ID", "hash", () => copy(id)),
  ].filter(Boolean);
  const mayDelete = message.author?.id === store.me.id || store.me.admin;
  const ends = [line("Delete message", "trash", () => attempt(() => removeMessage(channel, id, store.me.id)), true)];
  openMenu(at, [
    { label: "Apps", items: message.ephemeral ? [] : apps },
    { items: copies },
    { items: mayDelete && !message.ephemeral ? ends : [] },
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
