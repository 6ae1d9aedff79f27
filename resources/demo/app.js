// The door: loads the state for one person, keeps the event stream alive, and hands the news to the
// notebook. Everything seen is drawn by the rooms that listen to it.

import { EventStream, loadState } from "./api.js";
import { Composer } from "./composer.js";
import { byId, dots } from "./dom.js";
import { Log } from "./log.js";
import { Sidebar } from "./sidebar.js";
import { store } from "./store.js";

const AGAIN = 1500; // ms until a state that could not be loaded is asked for again

class App {
  constructor() {
    this.address = new URL(location.href);
    this.log = new Log();
    this.composer = new Composer();
    this.sidebar = new Sidebar({ onUser: (id) => this.become(id) });
    store.addEventListener("channel", () => this.#remember());
    this.#files();
    this.#typeAnywhere();
    this.become(this.address.searchParams.get("user") ?? "");
  }

  /** Be one person: a fresh stream, then the state, then whatever came in between. */
  async become(user) {
    this.stream?.close();
    this.log.clear();
    user = (await this.#load(user)).me.id;
    this.queue = [];
    this.stream = new EventStream(user, {
      onOpen: () => this.#catchUp(user),
      onEvent: (event) => (this.queue ? this.queue.push(event) : store.apply(event)),
      onLost: () => { this.queue = []; this.#banner(true); },
    });
  }

  async #catchUp(user) {
    this.queue ??= [];
    const stream = this.stream;
    const state = await this.#load(user);
    if (stream !== this.stream) return;
    const first = store.me === null;
    this.#room(state);
    store.adopt(state);
    for (const event of this.queue) store.apply(event);
    this.queue = null;
    this.#remember();
    this.#banner(false);
    if (first && matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  /** The state, asked for until it comes. */
  async #load(user) {
    for (;;) {
      try {
        return await loadState(user);
      } catch (error) {
        if (user && error.status >= 400 && error.status < 500) return this.#load("");
        this.#banner(true);
        await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
      }
    }
  }

  /** The channel that the address names (by name or id), when it is one of this person's. */
  #room(state) {
    const wanted = this.address.searchParams.get("channel");
    const found = state.channels.find((one) => one.id === wanted || one.name === wanted);
    if (found) store.channelId = found.id;
    else if (!state.channels.some((one) => one.id === store.channelId)) store.channelId = null;
  }

  #remember() {
    const { channel, me } = store;
    this.address.searchParams.set("user", me.username);
    if (channel) this.address.searchParams.set("channel", channel.type === 1 ? channel.id : channel.name);
    history.replaceState(null, "", this.address);
  }

  #banner(lost) {
    byId("banner").replaceChildren(...(lost ? [dots(), "Connection lost. Reconnecting…"] : []));
  }

  #files() {
    const carries = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
    addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    });
    addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!carries(event)) return;
      event.preventDefault();
      this.composer.takeFiles([...event.dataTransfer.files]);
    });
    byId("dock").addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      this.composer.takeFiles(files);
    });
  }

  /** A key that writes, pressed where nothing is written, goes to the composer (Discord's habit). */
  #typeAnywhere() {
    document.addEventListener("keydown", (event) => {
      const writes = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
      const free = event.target === document.body || event.target.matches(".message, .scroll");
      if (writes && free) this.composer.focus();
    });
  }
}

new App();
