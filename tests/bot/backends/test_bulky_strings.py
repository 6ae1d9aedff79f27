"""Long strings of every kind come out of a large answer as they went in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.backends.bulky import BULKY, Bulky

LONG = "A" * (BULKY + 100)


def read(body: Any) -> Any:
    """A body as it comes out again, with every string put back into its place."""
    bulky = Bulky(json.dumps(body).encode())
    return _whole(bulky, bulky.value)


def _whole(bulky: Bulky, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(bulky, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(bulky, item) for item in value]
    found = bulky.text(value)
    return value if found is None else found.decode()


STRINGS = {
    "plain": LONG,
    "a data: URL": f"data:image/png;base64,{LONG}",
    "ends with a backslash": LONG + "\\",
    "ends with a quotation mark": LONG + '"',
    "begins with a quotation mark": '"' + LONG,
    "begins with a line end": "\n" + LONG,
    "ends with another script": LONG + "猫",
    "words in front": "a cat, " + LONG,
    "spaces": " " * (BULKY + 1),
}


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS)
def test_any_long_string_comes_out_as_it_went_in(text: str) -> None:
    body = {"a": [text, text], "b": text, "c": 1}
    assert read(body) == body


def test_a_long_list_of_numbers_is_no_string() -> None:
    body = {"a": list(range(20_000)), "b": "x", "c": [[]] * 20_000}
    assert read(body) == body


def test_an_info_string_with_json_in_it_stays_whole() -> None:
    info = json.dumps({"infotexts": ['a cat, "big"\nSteps: 4'], "all_seeds": [1], "x": LONG})
    body = {"images": [LONG], "parameters": {"init_images": [LONG]}, "info": info}
    assert read(body) == body
