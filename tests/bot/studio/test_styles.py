"""Styles: words around a prompt, from resources/styles.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadOption, ConfigurationError, UnknownName
from bot.studio.styles import PLACEHOLDER, Style, Styles, read_styles
from bot.values.request import PROMPT_LIMIT

SHIPPED = read_styles()
INK = Style(name="Ink", prompt="ink drawing of {prompt}, on paper", negative_prompt="colour")


def test_the_prompt_goes_where_the_placeholder_stands() -> None:
    assert INK.apply("a fox") == ("ink drawing of a fox, on paper", "colour")
    assert INK.apply("a fox", "blurry")[1] == "blurry, colour"


def test_a_style_without_negative_words_leaves_the_members() -> None:
    plain = Style(name="Plain", prompt="{prompt}, plain")

    assert plain.apply("a fox", "blurry") == ("a fox, plain", "blurry")
    assert plain.apply("a fox") == ("a fox, plain", "")


@given(st.text(max_size=50))
def test_any_words_stay_as_they_are(prompt: str) -> None:
    assert INK.apply(prompt)[0] == f"ink drawing of {prompt}, on paper"


def test_a_prompt_that_grows_too_long_is_refused() -> None:
    room = PROMPT_LIMIT - len(INK.apply("")[0])

    assert len(INK.apply("x" * room)[0]) == PROMPT_LIMIT
    with pytest.raises(BadOption, match=f"{PROMPT_LIMIT + 1} characters") as caught:
        INK.apply("x" * (room + 1))
    assert caught.value.option == "style"


@pytest.mark.parametrize("typed", ["Oil painting", "oil-painting", "oil"])
def test_a_style_is_found_as_people_type_it(typed: str) -> None:
    assert SHIPPED.find(typed).name == "Oil painting"


def test_an_unknown_style_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Watercolour") as caught:
        SHIPPED.find("watercolor!!")
    assert caught.value.option == "style"


def test_what_ships() -> None:
    assert 10 <= len(SHIPPED.all) <= 14
    assert len(set(SHIPPED.names)) == len(SHIPPED.all), "Discord shows 25 choices at most"
    for style in SHIPPED.all:
        prompt, negative = style.apply("a fox")
        assert "a fox" in prompt
        assert PLACEHOLDER not in prompt + negative
        assert not set(prompt + negative) & set("{}|<>\n")


# -- the file --------------------------------------------------------------------------------------

ONE = """
styles:
  - {name: Ink, prompt: "ink drawing of {prompt}", negative_prompt: colour}
"""


def read(tmp_path: Path, text: str) -> Styles:
    path = tmp_path / "styles.yaml"
    path.write_text(text, encoding="utf-8")
    return read_styles(path)


def test_a_small_file_will_do(tmp_path: Path) -> None:
    assert read(tmp_path, ONE).names == ("Ink",)
    assert read(tmp_path, "styles: []").names == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "styles.yaml"),
        ("styles:", "styles.yaml"),
        ("styles: {", "styles.yaml"),
        ("styles: [5]", "styles.yaml"),
        (ONE.replace("{prompt}", ""), "prompt: .*must hold {prompt} once"),
        (ONE.replace("{prompt}", "{prompt}{prompt}"), "must hold {prompt} once"),
        (ONE.replace("negative_prompt", "negative"), "negative"),
        (ONE.replace("name: Ink", 'name: ""'), "name"),
        (ONE + ONE.split("styles:")[1].replace("Ink", "ink"), "'ink' stands there twice"),
    ],
)
def test_a_wrong_file_says_where_it_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        read(tmp_path, text)
    assert "styles.yaml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        read_styles(tmp_path / "nowhere.yaml")
