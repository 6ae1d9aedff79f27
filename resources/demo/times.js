// The clock on the wall: Discord timestamps (<t:UNIX:R>) that keep telling the truth while they are
// looked at. One ticking interval serves every time on the page.

import { h } from "./dom.js";

const STYLES = {
  t: { hour: "2-digit", minute: "2-digit" },
  T: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  d: { day: "2-digit", month: "2-digit", year: "numeric" },
  D: { day: "numeric", month: "long", year: "numeric" },
  f: { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  F: { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  s: { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit" },
  S: { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
};

const UNITS = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const spoken = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** "in 40 seconds", "2 minutes ago"; `unix` in seconds. */
export function relative(unix, now = Date.now() / 1000) {
  const apart = Math.round(unix - now);
  const [unit, size] = UNITS.find(([, one]) => Math.abs(apart) >= one) ?? UNITS.at(-1);
  return spoken.format(Math.trunc(apart / size), unit);
}

/** A live <time>; `unix` in seconds, `style` one of Discord's letters. */
export function timeNode(unix, style) {
  const date = new Date(unix * 1000);
  if (Number.isNaN(date.getTime())) return "Invalid date";
  const text = style === "R" ? relative(unix) : date.toLocaleString([], STYLES[style]);
  return h("time", {
    class: "md-time", datetime: date.toISOString(), title: date.toLocaleString([], STYLES.F),
    dataset: style === "R" ? { live: unix } : {},
  }, text);
}

setInterval(() => {
  for (const node of document.querySelectorAll("time[data-live]")) {
    const text = relative(Number(node.dataset.live));
    if (node.textContent !== text) node.textContent = text;
  }
}, 1000);
