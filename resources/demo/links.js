// The signposts: a link leads out of the page in a new tab, unless it names a message or a channel
// of this very place; then it leads there.

import { h, localUrl, outLink } from "./dom.js";
import { store } from "./store.js";

const PLACE = /^https:\/\/(?:\w+\.)?discord\.com\/channels\/(?:\d+|@me)\/(\d+)(?:\/(\d+))?\/?$/;

/** The channel and message that an address names, when this page has the channel; else null. */
function placeOf(url) {
  const [, channel, message = ""] = PLACE.exec(url) ?? [];
  return store.channels.some((one) => one.id === channel) ? { channel, message } : null;
}

/** A link as a node of class `className`; without words it shows its address. Not http(s): the words alone. */
export function linkTo(url, words = null, className = null) {
  const place = placeOf(url);
  if (place) {
    const name = store.channels.find((one) => one.id === place.channel).name;
    const go = () => document.dispatchEvent(new CustomEvent("go-to", { detail: place }));
    const look = { class: className ?? (words ? "linkish" : "mention"), type: "button", onclick: go };
    return h("button", look, words ?? `#${name}${place.message ? " › message" : ""}`);
  }
  const address = localUrl(url);
  if (!address) return h("span", {}, words ?? url);
  const node = outLink(address, words ?? url);
  if (words) node.title = url;
  if (className) node.className = className;
  return node;
}
