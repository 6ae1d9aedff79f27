"""Slash commands as a member writes them: `/draw prompt:a cat: portrait steps:5`.

Pure reading: the text and what the bot has registered go in, the data of an interaction comes
out, typed as the options want it and nested as Discord nests subcommands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from bot.demo.say import Json, PlayError, listed, read_number, split_named


class OptionType(IntEnum):
    """Discord's application command option types."""

    SUB_COMMAND = 1
    SUB_COMMAND_GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


CHAT_INPUT = 1
MESSAGE_MENU = 3


@dataclass(frozen=True)
class Known:
    """What a member's client knows: commands as Discord's REST returns them, people, channels.

    `users` need `id`, `username`, `global_name`; `channels` need `id`, `name`.
    """

    commands: Sequence[Json] = ()
    users: Sequence[Json] = ()
    channels: Sequence[Json] = ()


@dataclass(frozen=True)
class Upload:
    """`@file.png`: stands in the data of an interaction where the upload's id will be."""

    path: str


def read_slash(text: str, known: Known) -> Json:
    """The `data` of a slash command's interaction, nested as Discord nests subcommands.

    `text` is `command [sub] name:value …` without the slash. An attachment's value is an
    `Upload`. Raises PlayError for an unknown command or option, a missing required option, or
    a value that is not of the option's type; bounds and lengths are the server's to check.
    """
    name, rest = _first_word(text)
    command = find_command(name, CHAT_INPUT, known.commands)
    called = f"/{command['name']}"
    data: Json = {"name": command["name"], "type": CHAT_INPUT}
    node, options = data, list(command.get("options") or ())
    while any(option["type"] <= OptionType.SUB_COMMAND_GROUP for option in options):
        word, rest = _first_word(rest)
        sub = next((option for option in options if option["name"] == word), None)
        if sub is None:
            raise PlayError(f"{called} needs one of {listed(o['name'] for o in options)} next.")
        called += f" {word}"
        child: Json = {"name": word, "type": sub["type"]}
        node["options"] = [child]
        node, options = child, list(sub.get("options") or ())
    node["options"] = _read_options(called, rest, options, known)
    return data


def find_command(name: str, kind: int, commands: Iterable[Json]) -> Json:
    """The registered command of that name (any case) and type (1 slash, 3 message menu)."""
    offered = [command for command in commands if command.get("type", CHAT_INPUT) == kind]
    for command in offered:
        if command["name"].casefold() == name.casefold():
            return command
    slash = "/" if kind == CHAT_INPUT else ""
    what = "command" if kind == CHAT_INPUT else "message menu"
    there = listed(f"{slash}{command['name']}" for command in offered)
    raise PlayError(f"There is no {what} {slash}{name}; the bot has {there}.")


def _first_word(text: str) -> tuple[str, str]:
    word, *rest = text.split(maxsplit=1)[:2] or [""]
    return word, rest[0] if rest else ""


def _read_options(called: str, text: str, options: Sequence[Json], known: Known) -> list[Json]:
    by_name = {option["name"]: option for option in options}
    before, pairs = split_named(text, by_name)
    if before and not by_name:
        raise PlayError(f"{called} takes no options.")
    if before:
        word = before.split()[0]
        raise PlayError(
            f"{called} has no option {word.split(':')[0]}; it has {listed(by_name)}."
            if ":" in word
            else f"{called}: “{word}” stands before any option; write name:value with one of "
            f"{listed(by_name)}."
        )
    given = [name for name, _ in pairs]
    for name, value in pairs:
        if given.count(name) > 1:
            raise PlayError(f"{called} got {name} twice.")
        if not value:
            raise PlayError(f"{called}: {name} has no value.")
    for option in options:
        if option.get("required") and option["name"] not in given:
            raise PlayError(f"{called} needs {option['name']}.")
    return [
        {"name": name, "type": by_name[name]["type"], "value": _value(by_name[name], text, known)}
        for name, text in pairs
    ]


def _value(option: Json, text: str, known: Known) -> object:
    if option.get("choices"):
        return _choice(option["name"], text, option["choices"])
    reader = _VALUE_READERS.get(option["type"])
    if reader:
        return reader(option["name"], text)
    if option["type"] in (OptionType.USER, OptionType.MENTIONABLE):
        return find_named(text.removeprefix("@"), known.users, "member")["id"]
    if option["type"] == OptionType.CHANNEL:
        return find_named(text.removeprefix("#"), known.channels, "channel")["id"]
    return text


def _choice(name: str, text: str, choices: Sequence[Json]) -> object:
    wanted = text.casefold()
    for key in ("name", "value"):
        for choice in choices:
            if str(choice[key]).casefold() == wanted:
                return choice["value"]
    raise PlayError(f"{name} can't be “{text}”; it is one of {listed(c['name'] for c in choices)}.")


def _integer(name: str, text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise PlayError(f"{name} is a whole number, not “{text}”.")
    return int(text)


def read_boolean(name: str, text: str) -> bool:
    """true, yes, false or no in any case."""
    truths = {"true": True, "yes": True, "false": False, "no": False}
    if text.casefold() not in truths:
        raise PlayError(f"{name} is true or false, not “{text}”.")
    return truths[text.casefold()]


def read_upload(name: str, text: str) -> Upload:
    """`@path`, with white space allowed in the path."""
    if not text.startswith("@") or not text[1:].strip():
        raise PlayError(f"{name} is a file: write {name}:@path/to/file.png.")
    return Upload(text[1:].strip())


_VALUE_READERS: Mapping[int, Callable[[str, str], object]] = {
    OptionType.INTEGER: _integer,
    OptionType.NUMBER: read_number,
    OptionType.BOOLEAN: read_boolean,
    OptionType.ATTACHMENT: read_upload,
}


def find_named(name: str, things: Iterable[Json], what: str) -> Json:
    """The user or channel of that id, user name or display name (any case)."""
    offered = list(things)
    wanted = name.strip().casefold()
    for key in ("id", "username", "name", "global_name"):
        for thing in offered:
            if str(thing.get(key) or "").casefold() == wanted:
                return thing
    names = listed(thing.get("username") or thing.get("name") or thing["id"] for thing in offered)
    raise PlayError(f"There is no {what} “{name.strip()}”; there are {names}.")


def uploads_in(data: object) -> list[Upload]:
    """Every Upload in an interaction's data, in order."""
    if isinstance(data, Upload):
        return [data]
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [upload for item in inner for upload in uploads_in(item)]


def with_upload_ids(data: Any, ids: Mapping[Upload, str]) -> Any:
    """The same data with each Upload replaced by the id that the server gave it."""
    if isinstance(data, Upload):
        return ids[data]
    if isinstance(data, dict):
        return {key: with_upload_ids(item, ids) for key, item in data.items()}
    if isinstance(data, list):
        return [with_upload_ids(item, ids) for item in data]
    return data
