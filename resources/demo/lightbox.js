// The viewing room: one picture at its best on a dark wall, the others of its message a key away,
// and the original bytes to open or to keep.

import { downloadUrl, fileSize, h, icon, iconButton, localUrl, outLink, trapTab } from "./dom.js";

const KEEP = { keep: "" }; // marks what has the focus first

/** Show `pictures[at]`; when it is closed the focus goes back to `opener`. */
export function openLightbox(pictures, at, opener) {
  const dialog = h("dialog", { class: "lightbox", "aria-label": "Picture" });
  const show = (index) => {
    const next = (index + pictures.length) % pictures.length;
    dialog.replaceChildren(...room(pictures, next, show, () => dialog.close()));
    (dialog.querySelector("[data-keep]") ?? dialog.querySelector("a")).focus();
  };
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && pictures.length > 1) show(Number(dialog.querySelector("figure").dataset.at) + step);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.matches("figure, .stage")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  });
  trapTab(dialog);
  document.body.append(dialog);
  dialog.showModal();
  show(at);
}

function room(pictures, at, show, close) {
  const picture = pictures[at];
  const image = h("img", {
    src: localUrl(picture.url), alt: picture.alt || picture.name || "Picture",
    width: picture.width ?? null, height: picture.height ?? null,
  });
  const look = { class: "stage-picture", type: "button", "aria-pressed": "false", title: "Full size" };
  const zoom = h("button", look, image);
  const stage = h("div", { class: "stage" }, zoom);
  zoom.addEventListener("click", () => {
    zoom.setAttribute("aria-pressed", String(stage.classList.toggle("full")));
  });
  const several = pictures.length > 1;
  return [
    iconButton("Close", "close", close, {
      class: "icon-button lightbox-close", size: 24, dataset: several ? {} : KEEP,
    }),
    several && arrow("left", "Previous picture", () => show(at - 1)),
    h("figure", { dataset: { at } }, stage, caption(picture, several ? `${at + 1} of ${pictures.length}` : "")),
    several && arrow("right", "Next picture", () => show(at + 1), true),
  ].filter(Boolean);
}

function arrow(side, label, onclick, keep = false) {
  const look = { class: `icon-button lightbox-${side}`, size: 28, dataset: keep ? KEEP : {} };
  return iconButton(label, side, onclick, look);
}

function caption(picture, place) {
  const facts = [picture.width && `${picture.width}×${picture.height}`, fileSize(picture.size), place];
  return h("figcaption", {},
    h("span", { class: "lightbox-name" }, picture.alt || picture.name),
    h("span", { class: "lightbox-facts" }, facts.filter(Boolean).join(" · ")),
    h("span", { class: "lightbox-links" },
      outLink(localUrl(picture.url), icon("external", 16), "Open original"),
      h("a", { href: downloadUrl(picture.url), download: picture.name ?? "" }, icon("download", 16), "Download")));
}
