"""The language of --say: what a person writes is what the bot is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.say import As, Fill, In, Menu, PlayError, Press, Select, Slash, Wait, parse
from bot.demo.slash import Known, Upload, read_slash, uploads_in, with_upload_ids

DRAW = {
    "name": "draw",
    "type": 1,
    "options": [
        {"name": "prompt", "type": 3, "required": True},
        {"name": "size", "type": 3, "choices": [{"name": "Portrait 2:3", "value": "portrait"}]},
        {"name": "steps", "type": 4},
        {"name": "cfg_scale", "type": 10},
        {"name": "private", "type": 5},
        {"name": "image", "type": 11},
        {"name": "like", "type": 6},
        {"name": "where", "type": 7},
    ],
}
SETTINGS = {
    "name": "settings",
    "type": 1,
    "options": [
        {"name": "me", "type": 1, "options": [{"name": "steps", "type": 4}]},
        {
            "name": "server",
            "type": 2,
            "options": [{"name": "roles", "type": 1, "options": [{"name": "name", "type": 3}]}],
        },
    ],
}
ABOUT = {"name": "about", "type": 1}
PNG_INFO = {"name": "PNG info", "type": 3}
KNOWN = Known(
    commands=[DRAW, SETTINGS, ABOUT, PNG_INFO],
    users=[{"id": "11", "username": "ada", "global_name": "Ada"}],
    channels=[{"id": "21", "name": "easel"}, {"id": "22", "name": "gallery"}],
)


def options(text: str) -> dict[str, Any]:
    """The options of a slash line by name."""
    return {option["name"]: option["value"] for option in read_slash(text, KNOWN)["options"]}


def refusal(text: str) -> str:
    with pytest.raises(PlayError) as caught:
        read_slash(text, KNOWN)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("/draw prompt:a cat", Slash("draw prompt:a cat")),
        ("press Again", Press("Again")),
        ("press Use as source#2", Press("Use as source", 2)),
        ("PRESS #1 fan", Press("#1 fan")),
        ("select Subtle", Select("Subtle")),
        ("fill Prompt:a dog Steps:8", Fill("Prompt:a dog Steps:8")),
        ("menu PNG info", Menu("PNG info")),
        ("as @bob", As("bob")),
        ("in #gallery", In("gallery")),
        ("wait 0.25", Wait(0.25)),
    ],
)
def test_each_word_of_the_language_is_read(line: str, step: object) -> None:
    assert parse(line).step == step
    assert parse(line).waits


def test_an_ampersand_at_the_end_means_that_nobody_waits() -> None:
    line = parse("/draw prompt:salt & pepper  & ")
    assert line.step == Slash("draw prompt:salt & pepper")
    assert not line.waits


@pytest.mark.parametrize(
    "line",
    ["", "&", "dance", "press", "wait long", "wait -1", "wait nan", "as bob &", "wait 2 &"],
)
def test_what_is_not_a_line_is_refused_with_a_sentence(line: str) -> None:
    with pytest.raises(PlayError, match=r"\.$"):
        parse(line)


def test_a_value_runs_until_the_next_option_of_that_command() -> None:
    assert options("draw prompt:a cat: portrait, style:ink  steps:5") == {
        "prompt": "a cat: portrait, style:ink",
        "steps": 5,
    }


@given(st.text(min_size=1), st.text())
def test_any_prompt_survives(before: str, after: str) -> None:
    """Whatever people type, only ` name:` of a known option ends a prompt."""
    prompt = f"{before}:{after}".strip()
    known_option = r"(^|\s)(prompt|size|steps|cfg_scale|private|image|like|where):"
    if re.search(known_option, f" {prompt}"):
        return
    data = read_slash(f"draw steps:5 prompt:{prompt} private:no", KNOWN)
    assert [option["value"] for option in data["options"]] == [5, prompt, False]


@given(st.text())
def test_no_line_breaks_the_reader(text: str) -> None:
    """Every line is read or refused with a PlayError, never anything else."""
    for line in (text, f"/{text}", f"/draw {text}", f"press {text}", f"wait {text}"):
        try:
            step = parse(line).step
            if isinstance(step, Slash):
                read_slash(step.text, KNOWN)
        except PlayError:
            pass


def test_values_take_the_type_of_their_option() -> None:
    assert options(
        "draw prompt:5 size:PORTRAIT 2:3 steps:-3 cfg_scale:7.5 private:Yes "
        "image:@my picture.png like:@ada where:#gallery"
    ) == {
        "prompt": "5",
        "size": "portrait",
        "steps": -3,
        "cfg_scale": 7.5,
        "private": True,
        "image": Upload("my picture.png"),
        "like": "11",
        "where": "22",
    }
    assert options("draw prompt:x size:portrait")["size"] == "portrait"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drow prompt:a", "no command /drow; the bot has /draw, /settings, /about"),
        ("draw steps:5", "/draw needs prompt"),
        ("draw promt:a cat", "no option promt; it has prompt, size"),
        ("draw a cat", "“a” stands before any option"),
        ("draw prompt:", "prompt has no value"),
        ("draw prompt:a prompt:b", "prompt twice"),
        ("draw prompt:a steps:five", "steps is a whole number, not “five”"),
        ("draw prompt:a cfg_scale:inf", "cfg_scale is a number"),
        ("draw prompt:a private:maybe", "private is true or false"),
        ("draw prompt:a size:huge", "one of Portrait 2:3"),
        ("draw prompt:a image:cat.png", "write image:@"),
        ("draw prompt:a like:eve", "no member “eve”; there are ada"),
        ("draw prompt:a where:attic", "no channel “attic”; there are easel, gallery"),
        ("settings", "/settings needs one of me, server next"),
        ("settings server", "/settings server needs one of roles next"),
        ("settings me pace:1", "/settings me has no option pace; it has steps"),
        ("about now", "/about takes no options"),
        ("PNG info", "no command /PNG"),
    ],
)
def test_a_slip_is_told_in_one_sentence(text: str, words: str) -> None:
    said = refusal(text)
    assert words in said
    assert said.endswith(".")
    assert "\n" not in said


def test_subcommands_are_nested_as_discord_nests_them() -> None:
    assert read_slash("settings server roles name:painter", KNOWN) == {
        "name": "settings",
        "type": 1,
        "options": [
            {
                "name": "server",
                "type": 2,
                "options": [
                    {
                        "name": "roles",
                        "type": 1,
                        "options": [{"name": "name", "type": 3, "value": "painter"}],
                    }
                ],
            }
        ],
    }
    assert read_slash("About", KNOWN) == {"name": "about", "type": 1, "options": []}


def test_an_upload_takes_its_id_wherever_it_stands() -> None:
    data = {"options": [{"value": Upload("a.png")}, {"options": [{"value": Upload("b.png")}]}]}
    assert uploads_in(data) == [Upload("a.png"), Upload("b.png")]
    assert with_upload_ids(data, {Upload("a.png"): "1", Upload("b.png"): "2"}) == {
        "options": [{"value": "1"}, {"options": [{"value": "2"}]}]
    }
