// The telephone: every call to the page's server is here, and the one websocket that brings news.
// A refusal becomes a Refused error that carries the server's own sentence.

export class Refused extends Error {
  /** `status` is the HTTP status, 0 when there was no answer at all. */
  constructor(sentence, status = 0) {
    super(sentence);
    this.status = status;
  }
}

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused("The demo server cannot be reached. Is it still running?");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(body?.error ?? `The server answered ${answer.status}.`, answer.status);
  return body;
}

const post = (path, body) => call(path, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

export const loadState = (user) => call(`/page/state${user ? `?user=${encodeURIComponent(user)}` : ""}`);
export const sendInteraction = (body) => post("/page/interactions", body);
export const sendMessage = (body) => post("/page/messages", body);

export function removeMessage(channel, id, user) {
  return call(`/page/messages/${channel}/${id}?user=${encodeURIComponent(user)}`, { method: "DELETE" });
}

/** Upload one file; resolves to its attachment object, whose id stands for it from then on. */
export function uploadFile(file) {
  const form = new FormData();
  form.append("file", file, file.name || "pasted.png");
  return call("/page/uploads", { method: "POST", body: form });
}

const FIRST_WAIT = 400; // ms before the first try to reconnect
const LONGEST_WAIT = 5000; // ms

/** The event stream of one person. Reconnects by itself until `close()`. */
export class EventStream {
  constructor(user, { onOpen, onEvent, onLost }) {
    Object.assign(this, { user, onOpen, onEvent, onLost, wait: FIRST_WAIT, closed: false });
    this.#connect();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/page/events?user=${encodeURIComponent(this.user)}`);
    this.socket.onopen = () => { this.wait = FIRST_WAIT; if (!this.closed) this.onOpen(); };
    this.socket.onmessage = ({ data }) => { if (!this.closed) this.onEvent(JSON.parse(data)); };
    this.socket.onclose = () => this.#again();
  }

  #again() {
    if (this.closed) return;
    this.onLost();
    this.timer = setTimeout(() => this.#connect(), this.wait);
    this.wait = Math.min(this.wait * 1.7, LONGEST_WAIT);
  }
}
