"""A prompt is words: its markdown, mentions and links do nothing on any face."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs._ui import cards
from cogs._ui.cards import Card, clipped
from tests.cogs._ui.faces import FACES, every_face, text_of

_SPECIAL = set("*_~`|<[]\\")


def unescaped(text: str) -> tuple[str, list[str]]:
    """A text as Discord reads it: the words, and the signs that would still do something."""
    words, live, at = [], [], 0
    while at < len(text):
        sign = text[at]
        if sign == "\\" and at + 1 < len(text) and re.match(r"[^0-9A-Za-z\s]", text[at + 1]):
            words.append(text[at + 1])
            at += 2
            continue
        if sign in _SPECIAL:
            live.append(sign)
        words.append(sign)
        at += 1
    return "".join(words), live


def prompt_of(card: Card) -> str:
    """What stands between the two stars of the first line."""
    line = text_of(card).split("\n")[0]
    begin, end = line.index("**") + 2, line.rindex("**")
    return line[begin:end]


HOSTILE = [
    "**loud** __under__ *soft* _soft_ ~~gone~~ ||hidden||",
    "`code` ```block```",
    "<@123> <@&5> <#9> <t:1:R> <:e:1> <a:e:1> </draw:1>",
    "[click](https://evil.example)",
    "<https://evil.example>",
    "# title",
    "> quote",
    "- item",
    "a * b * c",
    "ends with a backslash\\",
    "**",
    "****",
]
CUNNING = [
    r"\<@123>",
    r"\\<@123>",
    r"\[click](https://evil.example)",
    r"\\[click](https://evil.example)",
    r"\**loud\**",
    "[**loud** <@1> ||x||](https://evil.example)",
    "[*](x) *soft*",
    "[a](b)[c](d)",
]


def harmless(prompt: str, card: Card) -> None:
    words, live = unescaped(prompt_of(card))
    assert live == [], f"{prompt!r} still does something: {live}"
    assert words == clipped(prompt, cards.SHOWN_PROMPT)


@every_face
@pytest.mark.parametrize("prompt", HOSTILE)
async def test_markdown_and_mentions_in_a_prompt_do_nothing(
    face: Callable[[str], Card], prompt: str
) -> None:
    harmless(prompt, face(prompt))


@pytest.mark.parametrize("prompt", CUNNING)
async def test_neither_do_those_that_are_escaped_already(prompt: str) -> None:
    harmless(prompt, FACES["waiting"](prompt))


async def test_no_prompt_whatever_does_anything() -> None:
    @given(st.text("*_~`|<>[]()@\\ a:/", min_size=1, max_size=40).filter(str.strip))
    def does_nothing(prompt: str) -> None:
        harmless(prompt, FACES["done"](prompt))

    does_nothing()


async def test_a_link_in_a_prompt_is_not_clickable() -> None:
    """Discord makes a link of any bare https:// in a description."""
    assert "https://" not in prompt_of(FACES["done"]("look at https://evil.example now"))


async def test_a_prompt_of_several_lines_stands_on_one() -> None:
    card = FACES["waiting"]("a cat\n\n  on a mat\t\tasleep")
    assert text_of(card) == "🎨 **a cat on a mat asleep**"


async def test_a_long_prompt_is_cut_with_an_ellipsis() -> None:
    shown = prompt_of(FACES["waiting"]("word " * 500))
    assert len(shown) <= cards.SHOWN_PROMPT
    assert shown.endswith("word…")
