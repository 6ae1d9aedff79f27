// The workbench: makes elements without ever parsing a string as HTML, draws the line icons,
// and says times and sizes in words. Nothing here knows about channels, messages or the bot.

/** Make an element. `on…` are listeners, `dataset`/`style` are objects, null/false props are left out. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) setProp(node, key, value);
  add(node, children);
  return node;
}

function setProp(node, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
  else if (key === "class") node.className = value;
  else if (key === "dataset") Object.assign(node.dataset, value);
  else if (key === "style") {
    for (const [name, one] of Object.entries(value)) node.style.setProperty(name, one);
  } else if (key === "value") node.value = value;
  else node.setAttribute(key, value === true ? "" : String(value));
}

/** Append children; strings become text nodes, arrays are flattened, null is nothing. */
export function add(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** A button that shows an icon; its label is its name and its tooltip. */
export function iconButton(label, name, onclick, { size = 20, ...props } = {}) {
  const look = { class: "icon-button", type: "button", "aria-label": label, title: label, onclick };
  return h("button", { ...look, ...props }, icon(name, size));
}

/** A link that leaves the page. */
export function outLink(url, ...children) {
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, children);
}

/** Three dots that breathe while something is under way. */
export const dots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

/** A small picture that says nothing to a screen reader. */
export const decoration = (src, size, className = "") =>
  h("img", { src, alt: "", width: size, height: size, class: className || null });

export const EASEL = "/static/easel.svg";

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

// One 24 by 24 path each, drawn with a round 2 px stroke.
const ICONS = {
  hash: "M10 4 8 20M16 4l-2 16M4.5 9h16M3.5 15h16",
  at: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M16 8v5.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7",
  menu: "M4 7h16M4 12h16M4 17h16",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  download: "M12 4v11m-5-4 5 5 5-5M5 20h14",
  external: "M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  file: "M13 3H7a1 1 0 0 0-1 1v16a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1V8zM13 3v5h5M9 13h6M9 17h6",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-2.5 4 3.5M15.5 9.5h.01",
  send: "M4 12 20 4l-5 16-3.5-6.5zM11.5 13.5 20 4",
  down: "M6 9l6 6 6-6",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  brush: "M20 4c-5 2-9 6-11 10l2 2c4-2 7-6 9-12M8.5 14.5c-2.5 0-3 2-3 3.5 0 1-1 1.5-2 1.5 2 1.5 7 1.5 7-2.5",
  check: "M5 12.5 10 17.5 19 7",
  slash: "M15 5 9 19",
  people: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3.5 19c0-3 2.5-5 5.5-5s5.5 2 5.5 5M16 5.5a3 3 0 0 1 0 5.5M17 14q3 1 3.5 5",
};

export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  const props = { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true" };
  for (const [key, value] of Object.entries(props)) svg.setAttribute(key, value);
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A person's coloured circle with an initial; the bot has its own picture. */
export function avatar(user, size = 40) {
  const box = { class: "avatar", "aria-hidden": "true", style: { "--size": `${size}px` } };
  if (user?.bot) return h("span", box, decoration(EASEL, size));
  const color = /^#[0-9a-f]{6}$/i.test(user?.avatar_color ?? "") ? user.avatar_color : "#7d6b9b";
  box.style["--fill"] = color;
  box.style["--ink"] = isLight(color) ? "#17131c" : "#ffffff";
  box.dataset = { initial: (nameOf(user)[0] ?? "?").toUpperCase() };
  return h("span", box);
}

function isLight(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((one) => (one <= 0.04 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18;
}

export const nameOf = (user) => user?.global_name || user?.username || "someone";

/** The file's own address on this page's server, whatever host name the bot knows it by. */
export function localUrl(url) {
  try {
    const parsed = new URL(url, location.href);
    if (parsed.pathname.startsWith("/cdn/")) return parsed.pathname + parsed.search;
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : "";
  } catch {
    return "";
  }
}

/** A file's address without its signature, which is new each time a message is told. */
export const pathOf = (url) => url.split("?")[0];

export const downloadUrl = (url) => `${localUrl(url)}${url.includes("?") ? "&" : "?"}download=1`;

export function fileSize(bytes) {
  if (!Number.isFinite(bytes)) return "";
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** "Today at 14:03", "Yesterday at 09:10", otherwise the date and the time. */
export function whenText(iso) {
  const date = new Date(iso);
  const midnight = new Date(new Date().setHours(0, 0, 0, 0));
  const days = Math.floor((midnight - new Date(date).setHours(0, 0, 0, 0)) / 864e5 + 0.5);
  if (days === 0) return `Today at ${clock(date)}`;
  if (days === 1) return `Yesterday at ${clock(date)}`;
  return `${date.toLocaleDateString()} ${clock(date)}`;
}

export const shortTime = (iso) => clock(new Date(iso));
export const longDay = (iso) =>
  new Date(iso).toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });

/** Tell a screen reader one sentence, once. */
export function announce(sentence) {
  const place = byId("say");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = sentence; });
}

/** Keep Tab inside a dialog: after the last thing comes the first. */
export function trapTab(dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const stops = [...dialog.querySelectorAll("a[href],button,input,textarea,select,[tabindex]")]
      .filter((one) => !one.disabled && one.tabIndex >= 0 && one.getClientRects().length > 0);
    if (!stops.length) return;
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement !== edge && dialog.contains(document.activeElement)) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  });
}
