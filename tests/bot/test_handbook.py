"""README's table is the commands that Discord is given, no more and no less."""

from __future__ import annotations

import re
import tomllib

import pytest

from bot import VERSION, handbook


async def test_readme_lists_the_commands_as_they_are() -> None:
    readme = handbook.README.read_text(encoding="utf-8")
    assert handbook.spliced(readme, handbook.table(await handbook.commands())) == readme


async def test_every_option_is_told_once_or_named_again() -> None:
    given = await handbook.commands()
    made = handbook.table(given)
    for command in given:
        if command.get("type", 1) == 1:
            _, _, rest = made.partition(f"| **`/{command['name']}`** |")
            section = rest.split("| **`/")[0]
            for option in command.get("options", ()):
                assert f"`{option['name']}`" in section
    assert set(
        re.findall(r"\*([A-Z][\w ]+)\*(?=,| \|)", made.splitlines()[-1].partition("Apps")[2])
    ) == {c["name"] for c in given if c.get("type") == 3}


def test_signs_of_markdown_stay_words() -> None:
    command = {"name": "x", "description": "{a|b} __c__ <d>"}
    assert r"{a\|b} \_\_c\_\_ \<d>" in handbook.table([command])


def test_a_readme_without_its_marks_is_left_alone() -> None:
    with pytest.raises(ValueError, match="marks"):
        handbook.spliced("# Easel\n", "| |")


def test_the_version_is_told_alike_everywhere() -> None:
    project = handbook.README.with_name("pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(project)["project"]["version"] == VERSION
