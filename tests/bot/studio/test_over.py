"""Orders that begin with a picture: their size, how it is fitted, and masks that do nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from bot.errors import BadOption
from bot.settings import Limits
from bot.studio import DrawOptions, OverOptions
from bot.studio.drafts import Draft
from bot.studio.over import prepared, prepared_all, size_for
from bot.values.ability import Ability
from bot.values.source import Role, Source
from tests.bot.studio.desk import ADA, Desk, painter
from tests.bot.studio.ordering import SD15, WHOLE

COARSE = Ability(step_pixels=64, second_pass=False, switches_models=False)


def png(width: int = 64, height: int = 64, colour: object = 0, mode: str = "L") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), colour).save(out, "PNG")  # type: ignore[arg-type]
    return out.getvalue()


def over(
    width: int, height: int, ability: Ability = WHOLE, extra: str | None = None, **how: Any
) -> Draft:
    image = Source(Role.INIT, b"", width, height)
    options = OverOptions.of({"image": b"", "extra": extra, **how})
    draft = DrawOptions("a cat", extra=extra)
    return Desk(painter("one", ability)).studio.drafts.over(draft, options, ADA, image)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (640, 480, (640, 480)),
        (604, 396, (608, 400)),
        (720, 720, (720, 720)),
        (1024, 1024, (512, 512)),
        (192, 128, (440, 288)),
    ],
)
def test_a_picture_keeps_its_size_where_that_suits_the_model(
    width: int, height: int, size: tuple[int, int]
) -> None:
    source = Source(Role.INIT, b"", width, height)
    assert size_for(source, SD15, Limits(), 8) == size


def test_the_ceiling_holds_for_a_pictures_own_size_too() -> None:
    source = Source(Role.INIT, b"", 720, 720)
    wide, high = size_for(source, SD15, Limits(max_pixels=400 * 400), 8)
    assert wide * high <= 400 * 400


@pytest.mark.parametrize(
    ("sides", "ability", "mode"),
    [((640, 480), WHOLE, 0), ((3000, 300), WHOLE, 1), ((620, 400), COARSE, 1)],
)
def test_nothing_is_distorted_without_being_asked(
    sides: tuple[int, int], ability: Ability, mode: int
) -> None:
    assert over(*sides, ability).request.resize_mode == mode
    assert over(*sides, ability, resize="stretch").request.resize_mode == 0


def test_the_denoising_strength_of_extra_is_the_strength_here() -> None:
    text = "Denoising strength: 0.4"
    assert over(512, 512, extra=text).request.denoising_strength == 0.4
    assert over(512, 512, extra=text, strength=0.9).request.denoising_strength == 0.9
    followed = over(512, 512, extra=text, control="canny").request
    assert (followed.kind, followed.denoising_strength) == ("img2img", 0.4)


def test_the_padding_of_a_mask_is_as_asked() -> None:
    inpainting = over(512, 512, mask=b"x", only_masked=True, mask_padding=7).request.inpainting
    assert inpainting is not None
    assert (inpainting.only_masked, inpainting.padding) == (True, 7)


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({"mask_blur": 9}, "mask"),
        ({"masked_content": "fill"}, "mask"),
        ({"only_masked": True}, "mask"),
        ({"mask_padding": 9}, "mask"),
        ({"invert_mask": True}, "mask"),
        ({"control_weight": 0.5}, "control"),
    ],
)
def test_what_does_nothing_alone_is_refused(given: dict[str, Any], needed: str) -> None:
    with pytest.raises(BadOption, match=f"does nothing without `{needed}`"):
        OverOptions.of({"image": b"", **given})


@pytest.mark.parametrize(("grey", "invert", "lacks"), [(0, False, "white"), (255, True, "black")])
def test_a_mask_that_leaves_everything_is_refused(grey: int, invert: bool, lacks: str) -> None:
    blank = OverOptions(png(colour="red", mode="RGB"), mask=png(colour=grey), invert_mask=invert)
    with pytest.raises(BadOption, match=f"The mask has no {lacks}"):
        prepared_all(blank)
    turned = replace(blank, invert_mask=not invert)
    assert [s.role for s in prepared_all(turned)] == [Role.INIT, Role.MASK]


def test_damaged_too_large_and_no_picture_are_told_apart() -> None:
    for data, told in (
        (png(9000, 9000), "The mask has 81 megapixels; at most 40 are possible."),
        (png()[:-30], "The mask is damaged"),
        (b"words", "The mask is nothing I can read"),
    ):
        with pytest.raises(BadOption) as caught:
            prepared("mask", data, Role.MASK)
        assert told in caught.value.sentence
