"""The small questions that every form of Discord asks: is it text, how long, is it a number.

Each check adds what it finds to a `Problems`, in Discord's own words, and goes on.
"""

from __future__ import annotations

from typing import Any

from bot.demo.discord.errors import Problems, Where
from bot.demo.discord.wire import Json


def text(
    problems: Problems,
    where: Where,
    value: Any,
    *,
    least: int = 0,
    most: int,
    required: bool = False,
) -> None:
    """A string of `least` to `most` characters; null is absence."""
    if value is None or (value == "" and required):
        if required:
            problems.add(where, "BASE_TYPE_REQUIRED", "This field is required")
    elif not isinstance(value, str):
        problems.add(where, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
    elif not least <= len(value) <= most:
        _length(problems, where, least, most)


def items(
    problems: Problems,
    where: Where,
    value: Any,
    *,
    least: int = 0,
    most: int,
    required: bool = False,
) -> list[Json]:
    """A list of `least` to `most` objects; returns those that are objects."""
    if value is None:
        if required:
            problems.add(where, "BASE_TYPE_REQUIRED", "This field is required")
        return []
    if not isinstance(value, list):
        problems.add(where, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return []
    if not least <= len(value) <= most:
        _length(problems, where, least, most)
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            words = "Only dictionaries may be used in a ModelType"
            problems.add((*where, place), "MODEL_TYPE_CONVERT", words)
    return [item for item in value if isinstance(item, dict)]


def whole(
    problems: Problems,
    where: Where,
    value: Any,
    *,
    least: int,
    most: int,
    required: bool = False,
) -> None:
    """An integer from `least` to `most`; digits in a string count (the spec's README)."""
    if value is None:
        if required:
            problems.add(where, "BASE_TYPE_REQUIRED", "This field is required")
        return
    number = as_int(value)
    if number is None:
        problems.add(where, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
    elif number < least:
        problems.add(where, "NUMBER_TYPE_MIN", f"int value should be greater than or equal {least}")
    elif number > most:
        problems.add(where, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")


def as_int(value: Any) -> int | None:
    """The integer that Discord would read, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    return None


def one_of(problems: Problems, where: Where, value: Any, allowed: frozenset[int]) -> int | None:
    """A required number, when it is among the allowed ones."""
    if isinstance(value, int) and not isinstance(value, bool) and value in allowed:
        return value
    words = f"Value must be one of {{{', '.join(map(str, sorted(allowed)))}}}."
    problems.add(where, "BASE_TYPE_CHOICES", words)
    return None


def _length(problems: Problems, where: Where, least: int, most: int) -> None:
    if least:
        words = f"Must be between {least} and {most} in length."
        problems.add(where, "BASE_TYPE_BAD_LENGTH", words)
    else:
        words = f"Must be {most} or fewer in length."
        problems.add(where, "BASE_TYPE_MAX_LENGTH", words)
