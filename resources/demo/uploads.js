// Files on their way in: each is sent to the server at once, wherever it was chosen, and is known by
// its id from then on.

import { uploadFile } from "./api.js";

/**
 * Begin to upload a file: {name, size, preview, id, trouble, ready}. `id` or `trouble` (a sentence)
 * is there when the promise `ready` is settled; it never rejects. `preview` is an address or null.
 */
export function hold(file) {
  const held = { name: file.name || "pasted.png", size: file.size, preview: null, id: null, trouble: "" };
  if (file.type.startsWith("image/")) held.preview = URL.createObjectURL(file);
  held.ready = uploadFile(file).then(
    (made) => { Object.assign(held, { id: made.id, name: made.filename }); },
    (error) => { held.trouble = error.message; },
  );
  return held;
}
