// The list of what can be asked: the bot's commands with their subcommands spread out, filtered by
// what is typed and by who may see them, and a typed line ("/draw a cat size: wide") read apart.

import { store } from "./store.js";

const DM_CONTEXT = 1; // Discord's context of a direct message with the bot

/** The commands of a type (1 slash, 2 user, 3 message) that this person can use here. */
export function commandsFor(type) {
  const direct = store.channel?.type === 1;
  return store.commands.filter((one) => (one.type ?? 1) === type && allowed(one, direct));
}

function allowed(command, direct) {
  const asked = command.default_member_permissions;
  if (direct) return command.contexts ? command.contexts.includes(DM_CONTEXT) : command.dm_permission !== false;
  return asked === null || asked === undefined || store.me.admin;
}

/** Slash commands as lines: {name: "settings me", path, kinds, description, options}. */
export function slashCommands() {
  return commandsFor(1).flatMap((one) => spread(one, [one.name], []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function spread(node, path, kinds) {
  const inner = (node.options ?? []).filter((option) => option.type <= 2);
  if (inner.length) return inner.flatMap((one) => spread(one, [...path, one.name], [...kinds, one.type]));
  return [{ name: path.join(" "), path, kinds, description: node.description, options: node.options ?? [] }];
}

export const findSlash = (name) => slashCommands().find((one) => one.name === name) ?? null;

/** What fits the typed text: names that begin so, then names and descriptions that hold it. */
export function matching(text) {
  const wanted = text.trim().toLowerCase();
  const rank = (one) => {
    if (one.name.startsWith(wanted)) return 0;
    if (one.name.split(/[ -]/).some((word) => word.startsWith(wanted))) return 1;
    if (one.name.includes(wanted)) return 2;
    return one.description.toLowerCase().includes(wanted) ? 3 : 9;
  };
  return slashCommands().map((one) => [rank(one), one]).filter(([place]) => place < 9)
    .sort((a, b) => a[0] - b[0]).map(([, one]) => one);
}

/** The command that a line begins with when a space follows it: {command, rest} or null. */
export function leading(line) {
  const found = slashCommands().filter((one) => line.startsWith(`/${one.name} `))
    .sort((a, b) => b.name.length - a.name.length)[0];
  return found ? { command: found, rest: line.slice(found.name.length + 2) } : null;
}

/** "a cat size: wide seed: 4" as [["prompt", "a cat"], ["size", "wide"], ["seed", "4"]]. */
export function optionsIn(rest, command) {
  const names = command.options.map((option) => option.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!names.length) return [];
  const marks = [...rest.matchAll(new RegExp(`(?:^|\\s)(${names.join("|")}):\\s*`, "gu"))];
  const first = rest.slice(0, marks[0]?.index ?? rest.length).trim();
  const pairs = first ? [[command.options[0].name, first]] : [];
  marks.forEach((mark, at) => {
    const end = marks[at + 1]?.index ?? rest.length;
    pairs.push([mark[1], rest.slice(mark.index + mark[0].length, end).trim()]);
  });
  return pairs;
}
