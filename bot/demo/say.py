"""The small language of `--say`: one line is one thing that a member does.

    /command [sub] name:value …    press LABEL[#n]    select VALUE    fill FIELD:VALUE …
    post @FILE    menu NAME    as NAME    in CHANNEL    wait SECONDS

A line that ends in `&` is not waited for.

Pure reading of a line into a step. A command's options are read in `slash`, what a message
offers to press and choose in `controls`; the doing is in `player`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


class PlayError(Exception):
    """A line that cannot be played; `str(error)` is one sentence for the person who wrote it."""


@dataclass(frozen=True)
class Slash:
    """`/draw prompt:a cat`: `text` is everything after the slash."""

    text: str


@dataclass(frozen=True)
class Press:
    """`press Again#2`: the second button of that label in the last message; `nth` is from 1."""

    label: str
    nth: int = 1


@dataclass(frozen=True)
class Select:
    """`select VALUE`: the label or value of an option in a select of the last message."""

    value: str


@dataclass(frozen=True)
class Fill:
    """`fill FIELD:VALUE …`: the modal that the last line opened, filled and sent."""

    text: str


@dataclass(frozen=True)
class Menu:
    """`menu NAME`: a message menu command on the last message."""

    name: str


@dataclass(frozen=True)
class Post:
    """`post @FILE`: a message of the member's own with that file; menus can be used on it."""

    path: str


@dataclass(frozen=True)
class As:
    """`as NAME`: the lines that follow are another member's."""

    name: str


@dataclass(frozen=True)
class In:
    """`in CHANNEL`: the lines that follow happen there; `dm` is the member's DM with the bot."""

    channel: str


@dataclass(frozen=True)
class Wait:
    """`wait SECONDS`."""

    seconds: float


Step = Slash | Press | Select | Fill | Menu | Post | As | In | Wait


@dataclass(frozen=True)
class Line:
    """One line of a play: what it does, and whether the next line waits for it to be done."""

    text: str
    step: Step
    waits: bool = True


def parse(text: str) -> Line:
    """Reads one line. Raises PlayError for a word that is not in the language."""
    said = text.strip()
    waits = not said.endswith("&")
    body = said if waits else said[:-1].rstrip()
    if body.startswith("/"):
        return Line(said, Slash(body[1:].strip()), waits)
    verb, _, rest = body.partition(" ")
    reader = _READERS.get(verb.casefold())
    if reader is None:
        raise PlayError(
            f"“{verb}” is not a word of --say: a line begins with /command or one of "
            f"{', '.join(_READERS)}."
        )
    if not rest.strip():
        raise PlayError(f"“{verb}” needs something after it.")
    step = reader(rest.strip())
    if not waits and isinstance(step, Post | As | In | Wait):
        raise PlayError(f"“{verb}” has nothing to wait for, so it can't end in “&”.")
    return Line(said, step, waits)


def _press(rest: str) -> Press:
    match = re.fullmatch(r"(?P<label>.*\S)\s*#(?P<nth>[1-9]\d*)", rest)
    return Press(match["label"], int(match["nth"])) if match else Press(rest)


def _wait(rest: str) -> Wait:
    seconds = read_number("wait", rest)
    if seconds < 0:
        raise PlayError("“wait” needs seconds from 0 on.")
    return Wait(seconds)


_READERS: Mapping[str, Callable[[str], Step]] = {
    "press": _press,
    "select": Select,
    "fill": Fill,
    "menu": Menu,
    "post": lambda rest: Post(rest.removeprefix("@")),
    "as": lambda rest: As(rest.removeprefix("@")),
    "in": lambda rest: In(rest.removeprefix("#")),
    "wait": _wait,
}


def split_named(
    text: str, names: Iterable[str], *, ignore_case: bool = False
) -> tuple[str, list[tuple[str, str]]]:
    """Splits `name:value name:value …`; returns what stands before the first name, and the pairs.

    A value runs until the next ` name:` with one of `names`, so any other colon stays in it; one
    in double quotes may hold even those. The pairs hold names as `names` spells them, values
    without the white space and the quotes around them.
    """
    flags = re.IGNORECASE if ignore_case else 0
    spelt = {name.casefold() if ignore_case else name: name for name in names}
    if not spelt:
        return text.strip(), []
    longest_first = sorted(map(re.escape, spelt), key=len, reverse=True)
    name = re.compile(rf"(?<!\S)({'|'.join(longest_first)}):", flags)
    quoted = re.compile(rf"\"(.*?)\"(?=\s*$|\s+(?:{name.pattern}))", flags | re.DOTALL)
    found = name.search(text)
    before, pairs = text[: found.start() if found else None].strip(), []
    while found is not None:
        whole = quoted.match(text, found.end())
        after = name.search(text, whole.end() if whole else found.end())
        value = whole[1] if whole else text[found.end() : after.start() if after else None].strip()
        pairs.append((spelt[found[1].casefold() if ignore_case else found[1]], value))
        found = after
    return before, pairs


def read_number(name: str, text: str) -> float:
    """A finite number; `name` is what it is for."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise PlayError(f"{name} is a number, not “{text}”.")
    return number


def listed(names: Iterable[str]) -> str:
    """Names as a sentence holds them."""
    return ", ".join(names) or "none"
