"""Shapes and pixels: what suits the model, the server's steps and the operator's ceiling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.settings import Limits
from bot.studio import Aspect
from bot.studio.compose import (
    SMALLEST_SIDE,
)
from bot.studio.families import Family
from tests.bot.studio.ordering import ABILITY, FAMILIES, order, refusal


@pytest.mark.parametrize("family", FAMILIES, ids=[f.name for f in FAMILIES])
@pytest.mark.parametrize("aspect", Aspect)
def test_every_shape_of_every_family_is_drawn_as_written(family: Family, aspect: Aspect) -> None:
    made = order(family=family, size=aspect)
    assert (made.width, made.height) == family.sizes[aspect]


def test_without_a_shape_it_is_a_square() -> None:
    assert (order().width, order().height) == (512, 512)


def test_an_unknown_shape_names_the_known_ones() -> None:
    told = refusal("size", size="round")
    assert all(f"`{aspect}`" in told for aspect in Aspect)


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ({"width": 640, "height": 448}, (640, 448)),
        ({"width": 70, "height": 90}, (72, 88)),
        ({"width": 641}, (640, 640)),
        ({"height": 300}, (304, 304)),
        ({"size": "portrait", "width": 512}, (512, 768)),
        ({"size": "portrait", "height": 384}, (256, 384)),
        ({"size": "landscape", "width": 640, "height": 640}, (640, 640)),
        ({"width": SMALLEST_SIDE, "height": 1024}, (64, 1024)),
    ],
)
def test_pixels_may_be_given_instead(asked: dict[str, Any], made: tuple[int, int]) -> None:
    found = order(**asked)
    # Rounded to the multiple of 8: the server would floor in silence (trap 15).
    assert (found.width, found.height) == made


def test_a_server_that_wants_multiples_of_64_gets_them() -> None:
    coarse = replace(ABILITY, step_pixels=64)
    made = order(ability=coarse, width=70, height=100)
    assert (made.width, made.height) == (64, 128)
    for family in FAMILIES:
        for aspect in Aspect:
            made = order(ability=coarse, family=family, size=aspect)
            assert (made.width % 64, made.height % 64) == (0, 0)


@pytest.mark.parametrize("side", ["width", "height"])
@pytest.mark.parametrize("bad", [-1, 0, 63, 4097, 10**9])
def test_each_side_has_bounds_and_is_named(side: str, bad: int) -> None:
    other = {"width": "height", "height": "width"}[side]
    assert f"64 to 4096 pixels, not {bad}" in refusal(side, **{side: bad, other: 512})


def test_a_side_that_follows_a_shape_names_the_one_that_was_given() -> None:
    """width:4096 with Portrait asks for a height of 6144, which the member never typed."""
    refusal("width", size="portrait", width=4096)
    refusal("height", size="wide", height=4096)


@pytest.mark.parametrize("given_side", [{"width": 4096}, {"height": 4096}])
def test_too_many_pixels_name_a_side_that_was_given(given_side: dict[str, int]) -> None:
    (name,) = given_side
    told = refusal(name, **given_side)
    assert "16.8 megapixels" in told
    assert "4.2 are possible" in told


def test_the_last_pixel_that_is_possible_is_taken() -> None:
    limits = Limits(max_pixels=512 * 512)
    assert order(limits=limits, width=512, height=512).pixels == 512 * 512
    refusal("width", limits=limits, width=520, height=512)


def test_a_shape_above_the_ceiling_is_made_smaller_in_its_ratio() -> None:
    xl = next(f for f in FAMILIES if f.name == "SDXL")
    limits = Limits(max_pixels=512 * 512)
    for aspect in Aspect:
        made = order(family=xl, size=aspect, limits=limits)
        width, height = xl.sizes[aspect]
        assert made.pixels <= limits.max_pixels
        assert made.pixels > limits.max_pixels * 0.9
        assert made.width / made.height == pytest.approx(width / height, rel=0.05)
