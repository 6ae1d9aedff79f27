// The picture wall: attachments as a grid laid out by their number, each with its place reserved
// before it loads, spoilers behind a veil, other files as cards. A click opens the lightbox.

import { downloadUrl, fileSize, h, icon, localUrl, outLink, pathOf } from "./dom.js";
import { openLightbox } from "./lightbox.js";

const WIDEST = 550; // px of a single picture
const TALLEST = 420; // px of a single picture
const TALLEST_GRID = 560; // px of two rows of pictures
const revealed = new Set(); // spoilers that were opened, by their address without signature

const isPicture = (file) => (file.content_type ?? "").startsWith("image/") && file.width > 0;

/** Attachments of a message: pictures in a grid, then the other files. */
export function attachments(files) {
  const pictures = files.filter(isPicture);
  const others = files.filter((file) => !isPicture(file));
  return [
    pictures.length ? grid(pictures.map(fromAttachment)) : null,
    ...others.map(fileCard),
  ];
}

function fromAttachment(file) {
  return {
    url: file.url, width: file.width, height: file.height, alt: file.description ?? "",
    name: file.filename, size: file.size, spoiler: file.filename.startsWith("SPOILER_"),
  };
}

/** Picture = {url, width, height, alt, name, size, spoiler}; 1 to 10 of them, laid out by CSS. */
export function grid(pictures) {
  const shown = pictures.slice(0, 10);
  if (shown.length === 1) return h("div", { class: "grid grid-1" }, single(shown[0], shown));
  const node = h("div", { class: `grid grid-${shown.length}` }, shown.map((one) => tile(one, shown)));
  if (shown.length === 2 || shown.length === 4) uncrop(node, shown);
  return node;
}

/** Two or four pictures of one shape keep that shape, as far as it is not too tall. */
function uncrop(node, pictures) {
  const [shape] = pictures.map(({ width, height }) => width / height);
  const alike = pictures.every(({ width, height }) => Math.abs(width / height - shape) < 0.02);
  if (!alike || !(shape > 0.4 && shape < 2.5)) return;
  const rows = pictures.length / 2;
  node.style.setProperty("--shape", String(shape));
  node.style.setProperty("max-width", `${Math.round(Math.min(WIDEST, TALLEST_GRID * shape * (2 / rows)))}px`);
}

/** One picture at its own proportions, never larger than it is. */
export function single(picture, all = [picture], widest = WIDEST, tallest = TALLEST) {
  const { width = 0, height = 0 } = picture;
  const node = tile(picture, all);
  if (!(width > 0 && height > 0)) return node;
  const scale = Math.min(1, widest / width, tallest / height);
  node.style.setProperty("width", `${Math.max(Math.round(width * scale), 48)}px`);
  node.style.setProperty("aspect-ratio", `${width} / ${height}`);
  return node;
}

export function tile(picture, all) {
  const image = h("img", {
    src: localUrl(picture.url), alt: picture.alt || picture.name || "Picture", decoding: "async",
    width: picture.width ?? null, height: picture.height ?? null, draggable: "false",
  });
  const node = h("button", { class: "tile", type: "button", title: picture.alt || null }, image);
  if (picture.spoiler && !revealed.has(pathOf(picture.url))) veil(node, image, picture);
  node.addEventListener("click", () => {
    if (node.classList.contains("veiled")) unveil(node, image, picture);
    else openLightbox(all, all.indexOf(picture), node);
  });
  image.addEventListener("error", () => node.classList.add("broken"));
  return node;
}

function veil(node, image, picture) {
  node.classList.add("veiled");
  node.setAttribute("aria-label", `Spoiler: ${picture.name ?? "picture"}. Press to show`);
  node.append(h("span", { class: "veil-word", "aria-hidden": "true" }, "Spoiler"));
}

function unveil(node, image, picture) {
  revealed.add(pathOf(picture.url));
  node.classList.remove("veiled");
  node.removeAttribute("aria-label");
  node.querySelector(".veil-word")?.remove();
}

/** A file that is no picture: its name, its size, and a way to have it. */
export function fileCard(file) {
  return h("div", { class: "file-card" },
    icon("file", 30),
    h("div", { class: "file-words" },
      outLink(localUrl(file.url), file.filename),
      h("span", {}, fileSize(file.size))),
    h("a", {
      class: "icon-button", href: downloadUrl(file.url), download: file.filename,
      "aria-label": `Download ${file.filename}`, title: "Download",
    }, icon("download")));
}
