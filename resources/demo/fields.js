// What an option accepts: pure checks of Discord's rules (required, ranges, lengths, choices) and
// the fixed choices of the types that have some. No elements here.

import { nameOf } from "./dom.js";
import { store } from "./store.js";

export const KIND = {
  string: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11,
};
const LONGEST = 6000; // characters of a string option

/** The fixed choices of an option as [{name, value}], or null when it is free or asks the bot. */
export function fixedChoices(option) {
  if (option.choices?.length) return option.choices;
  const people = () => [...store.users.values()].map((user) => ({ name: nameOf(user), value: user.id }));
  switch (option.type) {
    case KIND.boolean: return [{ name: "True", value: true }, { name: "False", value: false }];
    case KIND.user:
    case KIND.mentionable: return people();
    case KIND.channel: return channels(option.channel_types);
    case KIND.role: return [];
    default: return null;
  }
}

function channels(types) {
  return store.channels.filter((one) => one.type === 0 && (!types?.length || types.includes(one.type)))
    .map((one) => ({ name: `#${one.name}`, value: one.id }));
}

/** What is typed (or picked) as {value}, {empty: true} or {problem: "sentence"}. */
export function readValue(option, text, picked) {
  if (picked) return { value: picked.value };
  const typed = text.trim();
  if (!typed) return option.required ? { problem: "This option is required." } : { empty: true };
  const choices = fixedChoices(option);
  if (choices) return readChoice(choices, typed);
  return option.type === KIND.string ? readString(option, typed) : readNumber(option, typed);
}

function readChoice(choices, typed) {
  const bare = (name) => name.toLowerCase().replace(/^[@#]/, "");
  const found = choices.find((one) => bare(one.name) === bare(typed) || String(one.value) === typed);
  return found ? { value: found.value } : { problem: "Choose one from the list." };
}

function readString(option, typed) {
  const { min_length: least = 0, max_length: most = LONGEST } = option;
  if (typed.length < least) return { problem: `At least ${least} characters (now ${typed.length}).` };
  if (typed.length > most) return { problem: `At most ${most} characters (now ${typed.length}).` };
  return { value: typed };
}

function readNumber(option, typed) {
  const value = Number(typed.replace(/^\+/, ""));
  if (!Number.isFinite(value)) return { problem: "This must be a number." };
  if (option.type === KIND.integer && !Number.isSafeInteger(value)) return { problem: "This must be a whole number." };
  const { min_value: least, max_value: most } = option;
  if ((least ?? value) > value || (most ?? value) < value) return { problem: `This must be ${range(option)}.` };
  return { value };
}

function range({ min_value: least, max_value: most }) {
  if (least !== undefined && most !== undefined) return `from ${least} to ${most}`;
  return least !== undefined ? `${least} or more` : `${most} or less`;
}

/** A short word on the limits of an option, for its hint: "from 1 to 150". */
export function limitsOf(option) {
  if (option.min_value !== undefined || option.max_value !== undefined) return range(option);
  if (option.max_length && option.max_length < LONGEST) return `up to ${option.max_length} characters`;
  return "";
}

/** Choices that fit the typed text, the ones that begin so first; at most 25. */
export function fitting(choices, text) {
  const wanted = text.trim().toLowerCase().replace(/^[@#]/, "");
  const place = (one) => one.name.toLowerCase().replace(/^[@#]/, "").indexOf(wanted);
  return choices.filter((one) => place(one) >= 0)
    .sort((a, b) => Math.sign(place(a)) - Math.sign(place(b))).slice(0, 25);
}
