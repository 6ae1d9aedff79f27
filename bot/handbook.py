"""The commands as README lists them, from the very commands that Discord is given.

`python -m bot commands` prints the table, `make readme` puts it between README's two marks, and
a test holds one against the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bot.client import EaselBot, Memory
from bot.settings import Environment

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- commands: made by `make readme` -->\n", "<!-- commands end -->"
_SLASH, _MENU = 1, 3
_SUBCOMMANDS = (1, 2)


async def commands() -> list[dict[str, Any]]:
    """What Discord is given, as plain data; nothing is signed in or opened."""

    async def nothing(*_: str) -> None:
        return None

    environment = Environment.model_construct(
        **{name: field.default for name, field in Environment.model_fields.items()}
    )
    studio = SimpleNamespace(subscribe=lambda _: None)
    bot = EaselBot(cast(Any, studio), Memory(nothing, nothing), environment)
    try:
        return [cast(dict[str, Any], c.to_dict()) for c in bot.pending_application_commands]
    finally:
        await bot.close()


def table(given: Sequence[Mapping[str, Any]]) -> str:
    """Every command with its options; one that an earlier command has told is only named."""
    rows = ["| command | does |", "| --- | --- |"]
    told: dict[str, str] = {}
    for command in given:
        if command.get("type", _SLASH) != _SLASH:
            continue
        rows.append(f"| **`/{command['name']}`** | {_cell(str(command['description']))} |")
        known: dict[str, None] = {}
        for label, name, description in _parts(command):
            if told.get(name) == description:
                known[f"`{name}`"] = None
                continue
            told.setdefault(name, description)
            rows.append(f"| {label} | {_cell(description)} |")
        if known:
            rows.append(f"| … and as above | {', '.join(known)} |")
    menus = [f"*{c['name']}*" for c in given if c.get("type") == _MENU]
    rows.append(f"| a message's menu, *Apps* | {', '.join(menus)} |")
    return "\n".join(rows) + "\n"


def spliced(readme: str, made: str) -> str:
    """README with the table between its marks. Raises ValueError when they are gone."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{README.name} has lost its marks for the commands")
    return before + begin + "\n" + made + "\n" + end + after


def _parts(command: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str, str]]:
    """Label, name and description of all options, those of subcommands below each."""
    for option in command.get("options", ()):
        name, description = str(option["name"]), str(option["description"])
        if option.get("type") in _SUBCOMMANDS:
            path = f"{above} {name}".strip()
            yield f"… `{path}`", path, description
            yield from _parts(option, path)
        else:
            yield f"{'… ' if above else ''}… `{name}`", name, description


def _cell(text: str) -> str:
    for sign in ("|", "_", "<"):
        text = text.replace(sign, "\\" + sign)
    return text
