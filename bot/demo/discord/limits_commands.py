"""What Discord takes as application commands: names, lengths, order, numbers of each.

Source: contract, section 8 "Commands", and Discord's OpenAPI description.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from bot.demo.discord import forms
from bot.demo.discord.errors import Problems, Refusal, Where
from bot.demo.discord.wire import (
    INTEGER,
    MESSAGE_MENU,
    NUMBER,
    SLASH,
    STRING,
    SUBCOMMAND,
    SUBCOMMAND_GROUP,
    USER_MENU,
    Json,
)

MOST_OF_TYPE = {SLASH: 100, USER_MENU: 15, MESSAGE_MENU: 15}
MOST_CHARACTERS = 8_000
OPTION_TYPES = frozenset(range(1, 12))
_NAME = re.compile(r"^[-_'\w]*$")


def check_commands(commands: Any) -> None:
    """A whole bulk overwrite.

    Raises:
        Refusal: 400 with 50035 (faults at their index) or 30032 (too many of one type).
    """
    problems = Problems()
    given = forms.items(problems, (), commands, most=131)
    for place, command in enumerate(given):
        _command(problems, (place,), command)
    problems.raise_if_any()
    seen: Counter[tuple[int, str]] = Counter()
    for place, command in enumerate(given):
        key = (command.get("type") or SLASH, command["name"])
        seen[key] += 1
        if seen[key] == 2:
            _taken(problems, (place, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME")
        _check_size(problems, (place,), command)
    problems.raise_if_any()
    check_counts(Counter(kind for kind, _ in seen.elements()))


def check_command(command: Json) -> None:
    """One command to create or as it stands after an edit.

    Raises:
        Refusal: 400 with 50035.
    """
    problems = Problems()
    _command(problems, (), command)
    problems.raise_if_any()
    _check_size(problems, (), command)
    problems.raise_if_any()


def check_counts(counts: Counter[int]) -> None:
    """Raises:
    Refusal: 400 with 30032 when there are more of a type than Discord keeps.
    """
    for kind, most in MOST_OF_TYPE.items():
        if counts[kind] > most:
            words = f"Maximum number of application commands reached ({most})."
            raise Refusal(400, 30032, words)


def _command(problems: Problems, where: Where, command: Json) -> None:
    kind = forms.one_of(
        problems, (*where, "type"), command.get("type") or SLASH, frozenset(MOST_OF_TYPE)
    )
    if kind is None:
        return
    _texts(problems, where, command, slash=kind == SLASH)
    options = forms.items(problems, (*where, "options"), command.get("options"), most=25)
    if kind == SLASH:
        _options(problems, (*where, "options"), options, depth=0)
    elif options:
        words = "Context menu commands cannot have options"
        problems.add((*where, "options"), "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS", words)


def _check_size(problems: Problems, where: Where, command: Json) -> None:
    """A command whose shape is right may still be too long altogether."""
    if (size := _size(command)) > MOST_CHARACTERS:
        words = f"Command exceeds maximum size ({size} of {MOST_CHARACTERS})"
        problems.add(where, "APPLICATION_COMMAND_TOO_LARGE", words)


def _texts(problems: Problems, where: Where, part: Json, *, slash: bool) -> None:
    """Name and description, and their translations, of a command or an option."""
    name = part.get("name")
    forms.text(problems, (*where, "name"), name, least=1, most=32, required=True)
    names = _translations(problems, (*where, "name_localizations"), part)
    for place, value in [((*where, "name"), name), *names]:
        if slash and isinstance(value, str) and (not _NAME.match(value) or value.lower() != value):
            problems.add(place, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    described = (*where, "description")
    if slash:
        forms.text(problems, described, part.get("description"), least=1, most=100, required=True)
    elif part.get("description"):
        words = "Context menu commands cannot have description"
        problems.add(described, "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", words)
    for place, value in _translations(problems, (*where, "description_localizations"), part):
        forms.text(problems, place, value, least=1, most=100, required=True)


def _translations(problems: Problems, where: Where, part: Json) -> list[tuple[Where, Any]]:
    """Where each translation of a text stands, and what it says."""
    given = part.get(str(where[-1]))
    if given is None:
        return []
    if not isinstance(given, dict):
        problems.add(where, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return []
    return [((*where, locale), value) for locale, value in given.items()]


def _options(problems: Problems, where: Where, options: list[Json], depth: int) -> None:
    names: set[str] = set()
    optional_seen = False
    for place, option in enumerate(options):
        here = (*where, place)
        _option(problems, here, option, depth)
        name = str(option.get("name"))
        if name in names:
            _taken(problems, (*here, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS")
        names.add(name)
        if option.get("type") in (SUBCOMMAND, SUBCOMMAND_GROUP):
            continue
        if option.get("required") and optional_seen:
            words = "Required options must be placed before non-required options"
            problems.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words)
        optional_seen = optional_seen or not option.get("required")
    kinds = {option.get("type") in (SUBCOMMAND, SUBCOMMAND_GROUP) for option in options}
    if len(kinds) > 1:
        words = "Sub-command and sub-command group option types are mutually exclusive"
        problems.add(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words)


def _option(problems: Problems, where: Where, option: Json, depth: int) -> None:
    kind = forms.one_of(problems, (*where, "type"), option.get("type"), OPTION_TYPES)
    if kind is None:
        return
    _texts(problems, where, option, slash=True)
    nested = forms.items(problems, (*where, "options"), option.get("options"), most=25)
    if kind in (SUBCOMMAND, SUBCOMMAND_GROUP):
        if depth == 2 or (depth == 1 and kind == SUBCOMMAND_GROUP):
            words = "Invalid nesting of sub-commands"
            problems.add(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words)
        _options(problems, (*where, "options"), nested, depth + 1)
        return
    _choices(problems, where, option)
    _bounds(problems, where, option)


def _choices(problems: Problems, where: Where, option: Json) -> None:
    place = (*where, "choices")
    choices = forms.items(problems, place, option.get("choices"), most=25)
    for index, choice in enumerate(choices):
        here = (*place, index)
        forms.text(problems, (*here, "name"), choice.get("name"), least=1, most=100, required=True)
        if option.get("type") == STRING:
            value = choice.get("value")
            forms.text(problems, (*here, "value"), value, least=1, most=100, required=True)
    if choices and option.get("autocomplete"):
        words = "Options with choices cannot have autocomplete"
        problems.add(where, "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", words)
    if option.get("type") not in (STRING, INTEGER, NUMBER) and (
        choices or option.get("autocomplete")
    ):
        words = "This option type takes no choices and no autocomplete"
        problems.add(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words)


def _bounds(problems: Problems, where: Where, option: Json) -> None:
    forms.whole(problems, (*where, "min_length"), option.get("min_length"), least=0, most=6000)
    forms.whole(problems, (*where, "max_length"), option.get("max_length"), least=1, most=6000)
    for low, high in (("min_value", "max_value"), ("min_length", "max_length")):
        least, most = option.get(low), option.get(high)
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            words = f"{low} is greater than {high}"
            problems.add((*where, low), "APPLICATION_COMMAND_OPTIONS_RANGE_INVALID", words)


def _size(part: Json) -> int:
    """Characters of names, descriptions and values; of translations the longest counts."""
    total = sum(
        max(len(str(text or "")) for text in (part.get(key), *(translations or {}).values()))
        for key, translations in (
            ("name", part.get("name_localizations")),
            ("description", part.get("description_localizations")),
        )
    )
    for choice in part.get("choices") or ():
        total += len(str(choice.get("name") or "")) + len(str(choice.get("value") or ""))
    return total + sum(_size(option) for option in part.get("options") or ())


def _taken(problems: Problems, where: Where, code: str) -> None:
    problems.add(where, code, "Application command names must be unique")
