"""The option `extra`: rare settings as `key: value` pairs, each with its type and bounds."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadOption, UnknownName
from bot.images.infotext import Infotext, build
from bot.studio.extra import KEYS, LONGEST, ExtraValue, parse_extra

calm = settings(deadline=None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        (" , \n,", {}),
        ("Hires steps: 10, Variation seed: 5", {"Hires steps": 10, "Variation seed": 5}),
        ("hires-STEPS:10\nclip_skip :2 ,", {"Hires steps": 10, "Clip skip": 2}),
        ("Clip skip: 2.0", {"Clip skip": 2}),
        ("Eta: 0.5, Tiling: yes", {"Eta": 0.5, "Tiling": True}),
        ("Tiling: False", {"Tiling": False}),
        ("RNG: nv", {"RNG": "NV"}),
        ("VAE: C:kl-f8", {"VAE": "C:kl-f8"}),
        ('VAE: "a, b: \\"c\\"", ENSD: 31337', {"VAE": 'a, b: "c"', "ENSD": 31337}),
        ('Hires prompt: "two\nlines, \\n three"', {"Hires prompt": "two\nlines, \n three"}),
        ("Variation seed: -1", {"Variation seed": -1}),
        ("Variation strength: 0.2, Hires scale: 2", None),
    ],
)
def test_pairs_as_infotext_writes_them(text: str, found: dict[str, ExtraValue] | None) -> None:
    if found is None:  # SD.Next's names
        found = {"Variation seed strength": 0.2, "Hires upscale": 2.0}
    result = parse_extra(text)

    assert result == found
    assert [type(value) for value in result.values()] == [type(v) for v in found.values()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hires steps: 151", "`Hires steps` can be a whole number from 0 to 150, not `151`."),
        ("Hires steps: 2.5", "a whole number"),
        ("Hires steps: ten", "not `ten`"),
        ("Hires upscale: 0.5", "`Hires upscale` can be 1 to 4, not `0.5`."),
        ("Denoising strength: nan", "not `nan`"),
        ("Denoising strength: 1e-1", "not `1e-1`"),
        ("Clip skip: 0", "1 to 12"),
        ("Variation seed: 4294967296", "-1 to 4294967295"),
        ("Tiling: X and Y", "`true` or `false`"),
        ("RNG: dice", "`GPU`, `CPU`, `NV`"),
        ("VAE: " + "x" * 201, "201 characters"),
        ("Hires steps", "`Hires steps` has no value. Write `key: value`."),
        ("Hires steps: , Eta: 1", "`Hires steps` has no value"),
        ('VAE: "", Eta: 1', "`VAE` has no value"),
        (": 5", "without a key"),
        ('VAE: "a, Eta: 1', "The quotes around the value of `VAE` are wrong."),
        ('VAE: "a" b', "The quotes"),
        (r'VAE: "a\q"', "The quotes"),
        ("Eta: 1, eta: 0", "`Eta` stands there twice."),
        ("Steps: 20", "`Steps` has an option of its own: `steps`."),
        ("size: 5x5", "`width` and `height`"),
        ("x" * (LONGEST + 1), "at most 8000"),
        ("a ` b: 1, Eta: 9", "no setting called"),
    ],
)
def test_what_cannot_be_taken_says_why(text: str, words: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_extra(text)
    assert caught.value.option == "extra"
    assert words in caught.value.sentence


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        parse_extra("Hires setps: 10")
    assert caught.value.nearest[0] == "Hires steps"
    assert "Did you mean `Hires steps`" in caught.value.sentence


@pytest.mark.parametrize("key", ["override_settings", "sd_model_checkpoint", "script_name", "Lora"])
def test_nothing_outside_the_list_is_taken(key: str) -> None:
    with pytest.raises(UnknownName):
        parse_extra(f"{key}: 1")


def test_every_key_is_an_infotext_key() -> None:
    assert Infotext("", "", dict.fromkeys(KEYS, "1")).settings


@calm
@given(
    st.text(min_size=1, max_size=50).filter(lambda t: t.strip() and "\0" not in t),
    st.integers(0, 150),
    st.floats(0, 1),
)
def test_what_infotext_writes_is_read_back(prompt: str, steps: int, strength: float) -> None:
    strength = round(strength, 3)
    line = build(
        "",
        "",
        {"Hires prompt": prompt, "Hires steps": steps, "Denoising strength": f"{strength:.3f}"},
    )

    assert parse_extra(line) == {
        "Hires prompt": prompt.strip(),
        "Hires steps": steps,
        "Denoising strength": strength,
    }


PIECES = st.sampled_from([*KEYS, ":", ",", '"', "\\", "\n", " ", "1", "0.5", "true", "x", "Steps"])


@calm
@given(st.text() | st.lists(PIECES, max_size=30).map("".join))
def test_any_text_is_taken_or_refused_with_a_sentence(text: str) -> None:
    try:
        found = parse_extra(text)
    except BadOption as error:
        assert error.option == "extra"
        assert error.sentence
    else:
        assert set(found) <= set(KEYS)


@pytest.mark.parametrize("sign", [":", ",", '"', "a:", 'a:"', "\\", "Eta:1,", ' "\\'])
def test_thousands_of_signs_take_no_time(sign: str) -> None:
    start = time.process_time()
    with suppress(BadOption):
        parse_extra(sign * (LONGEST // len(sign)))
    assert time.process_time() - start < 0.5
