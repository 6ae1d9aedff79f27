"""A guest's picture is made fit to be painted over, or refused for what it is."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.errors import BrokenPicture
from bot.images import pnginfo, sources
from bot.values.source import Role


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """A picture as a file."""
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_transparency_is_laid_on_white() -> None:
    source = sources.prepare(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0))), Role.INIT)
    assert decoded(source.data).getpixel((4, 4)) == (255, 255, 255)


def test_a_mask_with_alpha_is_what_is_opaque() -> None:
    mask = Image.new("RGBA", (8, 8), (9, 9, 9, 0))
    mask.paste((9, 9, 9, 255), (4, 0, 8, 8))
    source = sources.prepare(encoded(mask), Role.MASK)
    shown = decoded(source.data)
    assert (shown.getpixel((1, 1)), shown.getpixel((6, 6))) == (0, 255)


def test_the_first_frame_of_a_moving_picture_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    red = decoded(sources.prepare(data, Role.INIT).data).convert("RGB").tobytes()[:3]
    assert red[0] > 200
    assert red[2] < 60


def test_what_made_it_stays_with_it() -> None:
    text = "a fox\nSteps: 2, Sampler: Euler, CFG scale: 7, Seed: 9, Size: 8x8"
    data = pnginfo.embed(encoded(Image.new("RGB", (8, 8))), text)
    assert pnginfo.read(sources.prepare(data, Role.INIT).data) == text
    assert pnginfo.read(sources.prepare(data, Role.MASK).data) is None


def test_a_large_one_is_made_smaller_in_its_ratio() -> None:
    source = sources.prepare(encoded(Image.new("L", (6000, 300))), Role.INIT)
    assert (source.width, source.height) == (4096, 205)


def test_a_mask_takes_the_size_of_its_source() -> None:
    mask = sources.prepare(encoded(Image.new("L", (10, 20), 255)), Role.MASK)
    fitted = sources.fit_mask(mask, 64, 48)
    assert decoded(fitted.data).size == (fitted.width, fitted.height) == (64, 48)
    assert sources.fit_mask(fitted, 64, 48) is fitted


def test_a_bomb_is_refused_for_what_it_claims_to_be() -> None:
    claimed = bytearray(encoded(Image.new("1", (8, 8))))
    claimed[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(BrokenPicture):
        sources.prepare(bytes(claimed), Role.INIT)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_picture_or_broken(data: bytes) -> None:
    with pytest.raises(BrokenPicture):
        sources.prepare(data, Role.INIT)
