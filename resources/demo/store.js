// The notebook: what this page knows (people, channels, commands, messages) and who wants to hear
// of a change. It renders nothing and calls nobody; app.js feeds it, the rooms listen to it.

const order = (message) => message.order ?? BigInt(message.id) << 16n;

class Store extends EventTarget {
  me = null;
  bot = null;
  guild = null;
  users = new Map();
  channels = [];
  commands = [];
  channelId = null;
  #messages = new Map(); // channel id -> Map of message id -> message
  #locals = 0;

  /** Take over a whole state as /page/state gives it. */
  adopt(state) {
    this.me = state.me;
    this.bot = { ...state.bot, bot: true };
    this.guild = state.guild;
    this.users = new Map([...state.users, this.bot].map((user) => [user.id, user]));
    this.channels = state.channels;
    this.commands = state.commands;
    this.#messages = new Map(Object.entries(state.messages)
      .map(([channel, list]) => [channel, new Map(list.map((one) => [one.id, one]))]));
    if (!this.channel) this.channelId = this.channels[0]?.id ?? null;
    this.#tell("state");
  }

  /** Take in one event of the stream. */
  apply(event) {
    if (event.t === "message_create" || event.t === "message_update") this.put(event.message);
    else if (event.t === "message_delete") this.drop(event.channel_id, event.id);
    else if (event.t === "commands") { this.commands = event.commands; this.#tell("commands"); }
    else if (event.t === "bot") { this.bot.online = event.online; this.#tell("bot"); }
  }

  /** Keep a message unless a newer version of it is already here. */
  put(message) {
    const room = this.#room(message.channel_id);
    const old = room.get(message.id);
    if (old && (old.version ?? 0) > (message.version ?? 0)) return;
    room.set(message.id, message);
    this.#tell("message", { message, old });
  }

  drop(channelId, id) {
    if (this.#room(channelId).delete(id)) this.#tell("removed", { channelId, id });
  }

  /** A line that only this page shows: a command on its way, or one that got no answer. */
  note(fields) {
    const last = this.messages(this.channelId).at(-1);
    const number = ++this.#locals;
    const message = {
      id: `local-${number}`, channel_id: this.channelId, author: this.bot, content: "", embeds: [],
      attachments: [], components: [], timestamp: new Date().toISOString(), ephemeral: fields.local === "failed",
      version: 0, order: (last ? order(last) : 0n) + 1n, ...fields,
    };
    this.put(message);
    return message;
  }

  /** The messages of a channel, oldest first. */
  messages(channelId) {
    return [...this.#room(channelId).values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  message(channelId, id) {
    return this.#room(channelId).get(id) ?? null;
  }

  choose(channelId) {
    this.channelId = channelId;
    this.#tell("channel");
  }

  get channel() {
    return this.channels.find((one) => one.id === this.channelId) ?? null;
  }

  user(id) {
    return this.users.get(id) ?? null;
  }

  /** The author of a message as this page knows them (with colour), else as the message says. */
  author(message) {
    const known = this.user(message.author?.id);
    return known ? { ...message.author, ...known } : message.author;
  }

  #room(channelId) {
    if (!this.#messages.has(channelId)) this.#messages.set(channelId, new Map());
    return this.#messages.get(channelId);
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

export const store = new Store();
