"""What arrives is decoded, checked and bounded; what is too large is made smaller."""

from __future__ import annotations

import base64
import random
import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.errors import BrokenPicture
from bot.images import codec, pnginfo
from tests.bot.images import pictures
from tests.bot.images.pictures import FROM_WEB_UI, TAIL, calm

BOUNDS = {"max_bytes": 1_000_000, "max_pixels": 1_000_000}
WHOLE = {
    "image/png": pictures.png(FROM_WEB_UI),
    "image/jpeg": pictures.jpeg(progressive=True),
    "image/webp": pictures.webp(),
    "image/gif": pictures.gif(),
}


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture that no encoder makes much smaller, the same in every run."""
    grain = random.Random(7).randbytes(width * height * len(mode))
    return Image.frombytes(mode, (width, height), grain)


# -- sniffing and headers --------------------------------------------------------------------------


@pytest.mark.parametrize(("media_type", "data"), WHOLE.items(), ids=WHOLE)
def test_a_picture_is_what_its_bytes_say(media_type: str, data: bytes) -> None:
    assert codec.sniff(data) == media_type
    assert codec.check_picture(data, **BOUNDS) == codec.PictureFacts(media_type, 12, 9)


@pytest.mark.parametrize("data", [b"", b"<html>", b"RIFF....WAVE", b"BM", b"\x89PNG", b"GIF85a"])
def test_anything_else_is_no_picture(data: bytes) -> None:
    assert codec.sniff(data) is None
    with pytest.raises(BrokenPicture):
        codec.dimensions(data)


def test_file_names_end_in_what_the_bytes_are() -> None:
    assert [codec.extension(kind) for kind in WHOLE] == ["png", "jpg", "webp", "gif"]
    with pytest.raises(KeyError):
        codec.extension("text/html")


@pytest.mark.parametrize(
    "data",
    [
        pictures.encoded(pictures.gradient(300, 513), "PNG"),
        pictures.encoded(pictures.gradient(300, 513), "JPEG", restart_marker_blocks=1),
        pictures.encoded(pictures.gradient(300, 513), "WEBP"),
        pictures.encoded(pictures.gradient(300, 513), "WEBP", lossless=True),
        pictures.encoded(pictures.gradient(300, 513), "WEBP", exif=pictures.exif(b"")),
        pictures.encoded(pictures.gradient(300, 513, "RGBA"), "WEBP", quality=50),
        pictures.encoded(pictures.gradient(300, 513), "GIF"),
    ],
)
def test_dimensions_are_those_that_pillow_decodes(data: bytes) -> None:
    assert codec.dimensions(data) == (300, 513)
    assert codec.check_picture(data, **BOUNDS).height == 513


# -- bounds and damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_bounds_are_inclusive_and_come_first(data: bytes) -> None:
    assert codec.check_picture(data, max_bytes=len(data), max_pixels=108)
    with pytest.raises(BrokenPicture, match="bytes, more than"):
        codec.check_picture(data, max_bytes=len(data) - 1, max_pixels=108)
    with pytest.raises(BrokenPicture, match="12x9, more than 107 pixels"):
        codec.check_picture(data, max_bytes=len(data), max_pixels=107)


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_picture_cut_short_anywhere_is_refused(data: bytes) -> None:
    for length in range(len(data) - 2):
        with pytest.raises(BrokenPicture):
            codec.check_picture(data[:length], **BOUNDS)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_a_cut_picture_is_called_so(media_type: str) -> None:
    with pytest.raises(BrokenPicture, match="cut short"):
        codec.check_picture(WHOLE[media_type][:-10], **BOUNDS)


def test_every_flipped_bit_of_a_png_is_noticed() -> None:
    data = WHOLE["image/png"]
    for at in range(8, len(data), 7):
        flipped = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        with pytest.raises(BrokenPicture):
            codec.check_picture(flipped, **BOUNDS)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_something_after_the_end_does_no_harm(media_type: str) -> None:
    assert codec.check_picture(WHOLE[media_type] + b"\0\0tail", **BOUNDS).width == 12


def test_a_png_without_image_data_or_size() -> None:
    start = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    empty = header.replace(b"\4", b"\0")
    end = pictures.chunk(b"IEND", b"")

    with pytest.raises(BrokenPicture, match="without image data"):
        codec.check_picture(start + pictures.chunk(b"IHDR", header) + end, **BOUNDS)
    with pytest.raises(BrokenPicture, match="0x0"):
        codec.check_picture(start + pictures.chunk(b"IHDR", empty) + end, **BOUNDS)


@calm
@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x20\0\0\0WEBP"]),
       st.binary(max_size=200))  # fmt: skip
def test_arbitrary_bytes_are_refused_and_nothing_else(start: bytes, rest: bytes) -> None:
    with pytest.raises(BrokenPicture):
        codec.check_picture(start + rest, **BOUNDS)


# -- base64 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "DATA:;BASE64,", "\n  "])
@calm
@given(data=st.binary(min_size=1, max_size=100))
def test_base64_with_and_without_a_prefix(prefix: str, data: bytes) -> None:
    text = prefix + base64.b64encode(data).decode()

    assert codec.decode_base64(text, max_bytes=len(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "", "data:image/png;base64,", "data:image/png,abcd", "data:abcd", "iVBORw0", "iVBORw0=\x00",
        "iVBO Rw0=", "iVB\nORw0", "iVBORw0==", "=iVB", "iVBOR$0=", "猫猫猫猫", "image/png,iVBORw0K",
    ],
)  # fmt: skip
def test_broken_base64_is_refused(text: str) -> None:
    with pytest.raises(BrokenPicture):
        codec.decode_base64(text, max_bytes=100)


@pytest.mark.parametrize("size", [101, 102, 103, 10_000])
def test_base64_of_too_much_is_refused(size: int) -> None:
    with pytest.raises(BrokenPicture, match="more than 100"):
        codec.decode_base64(base64.b64encode(bytes(size)).decode(), max_bytes=100)


def test_base64_of_far_too_much_is_not_even_decoded() -> None:
    with pytest.raises(BrokenPicture, match="base64 of 4000 characters"):
        codec.decode_base64("!" * 4_000, max_bytes=100)


# -- smaller pictures ------------------------------------------------------------------------------


def test_a_picture_that_fits_is_the_very_same_object() -> None:
    data = WHOLE["image/png"]

    assert codec.shrink_to(data, len(data), "other words") == (data, "image/png")
    assert codec.shrink_to(data, len(data), "")[0] is data


def test_a_png_that_is_a_little_too_large_loses_nothing() -> None:
    picture = pictures.gradient(256, 256)
    data = pictures.encoded(picture, "PNG", compress_level=1)

    smaller, media_type = codec.shrink_to(data, len(data) * 9 // 10, FROM_WEB_UI)

    assert media_type == "image/webp"
    assert pictures.pixels(smaller) == (picture.mode, picture.tobytes())
    assert pictures.web_ui_comment(smaller) == FROM_WEB_UI


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("part", [2, 5, 15])
def test_what_is_made_smaller_fits_and_keeps_its_words(kind: str, part: int) -> None:
    data = pictures.encoded(noise(160, 120), kind, quality=98)
    limit = len(data) // part

    smaller, media_type = codec.shrink_to(data, limit, FROM_WEB_UI)

    assert len(smaller) <= limit
    assert codec.check_picture(smaller, **BOUNDS).media_type == media_type
    words = pnginfo.read(smaller)
    assert words is not None
    assert "Seed: 42" in words
    assert codec.shrink_to(data, limit, FROM_WEB_UI) == (smaller, media_type)


def test_a_small_limit_makes_a_smaller_size_of_the_same_shape() -> None:
    data = pictures.encoded(noise(160, 120), "PNG")

    width, height = codec.dimensions(codec.shrink_to(data, 1_500, TAIL)[0])

    assert 16 < width < 160
    assert width / height == pytest.approx(160 / 120, rel=0.1)


def test_transparency_survives_being_made_smaller() -> None:
    data = pictures.encoded(noise(64, 64, "RGBA"), "PNG")

    smaller, _ = codec.shrink_to(data, len(data) // 3, TAIL)

    assert pictures.pixels(smaller)[0] == "RGBA"


def test_a_side_too_long_for_webp_becomes_a_jpeg() -> None:
    data = pictures.encoded(noise(16_500, 2), "PNG")

    smaller, media_type = codec.shrink_to(data, len(data) - 1, TAIL)

    assert (media_type, codec.dimensions(smaller)) == ("image/jpeg", (16_500, 2))


def test_a_long_prompt_does_not_eat_the_room_of_the_picture() -> None:
    data = pictures.encoded(noise(64, 64), "PNG")

    smaller, _ = codec.shrink_to(data, 4_000, f"{'cat ' * 5_000}\n{TAIL}")

    assert len(smaller) <= 4_000
    assert str(pnginfo.read(smaller)).endswith(f"\n{TAIL}")


def test_nothing_fits_into_nothing() -> None:
    with pytest.raises(BrokenPicture, match="does not fit"):
        codec.shrink_to(WHOLE["image/png"], 20, TAIL)


def test_a_picture_that_cannot_be_decoded_is_told_apart() -> None:
    data = WHOLE["image/png"]
    hollow = data[: data.index(b"IDAT") - 4] + pictures.chunk(b"IDAT", b"x" * 500)
    hollow += pictures.chunk(b"IEND", b"")

    codec.check_picture(hollow, **BOUNDS)
    with pytest.raises(BrokenPicture, match="cannot be decoded"):
        codec.shrink_to(hollow, 100, TAIL)
    with pytest.raises(BrokenPicture, match="cannot be decoded"):
        codec.thumbnail(hollow, 8)


def test_a_picture_of_a_billion_pixels_is_not_opened() -> None:
    header = pictures.chunk(b"IHDR", struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0))
    bomb = WHOLE["image/png"][:8] + header + WHOLE["image/png"][33:]

    with pytest.raises(BrokenPicture, match="too large to decode"):
        codec.thumbnail(bomb, 100)


# -- thumbnails ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_thumbnail_is_a_small_jpeg_without_words(kind: str) -> None:
    data = pnginfo.embed(pictures.encoded(pictures.gradient(300, 150), kind), FROM_WEB_UI)

    small = codec.thumbnail(data, 64)

    assert codec.check_picture(small, **BOUNDS) == codec.PictureFacts("image/jpeg", 64, 32)
    assert pnginfo.read(small) is None


def test_a_thumbnail_is_never_larger_than_its_picture() -> None:
    assert codec.dimensions(codec.thumbnail(WHOLE["image/png"], 500)) == (12, 9)


def test_a_thumbnail_shows_transparency_as_white_and_stands_upright() -> None:
    clear = pictures.encoded(Image.new("RGBA", (40, 20), (255, 0, 0, 0)), "PNG")
    turned = pictures.encoded(
        Image.new("RGB", (40, 20)), "JPEG", exif=pictures.exif(b"", orientation=6)
    )

    with Image.open(BytesIO(codec.thumbnail(clear, 40))) as picture:
        assert picture.getpixel((20, 10)) == (255, 255, 255)
    assert codec.dimensions(codec.thumbnail(turned, 40)) == (20, 40)
