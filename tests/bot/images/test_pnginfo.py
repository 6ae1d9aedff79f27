"""Infotext inside files: Pillow writes and we read, we write and Pillow reads."""

from __future__ import annotations

import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from bot.errors import BrokenPicture
from bot.images import pnginfo
from bot.images.exif import only_orientation, read_comment, with_comment
from tests.bot.images import pictures
from tests.bot.images.pictures import FROM_SD_CPP, FROM_WEB_UI, TAIL, calm

NON_LATIN = f'naïve 猫, "quoted"\nsecond line: x 🐈\n{TAIL}'
PLAIN = {
    "png": pictures.png(),
    "jpeg": pictures.jpeg(),
    "webp-lossy": pictures.webp(),
    "webp-lossless": pictures.webp(lossless=True),
    "webp-alpha": pictures.webp("RGBA", lossless=True),
    "webp-lossy-alpha": pictures.webp("RGBA", quality=50),
    "gif": pictures.gif(),
}
TEXTS = {"latin": FROM_WEB_UI, "non-latin": NON_LATIN}
CONTAINERS = ["png", "jpeg", "webp-lossy", "webp-lossless", "gif"]


def text_of_pillow(data: bytes) -> str:
    """The infotext as another program finds it."""
    with Image.open(BytesIO(data)) as picture:
        picture.load()
        if picture.format == "PNG":
            return str(picture.info["parameters"])
        if picture.format == "GIF":
            return bytes(picture.info["comment"]).decode()
    return pictures.web_ui_comment(data)


# -- reading what others wrote ---------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_text_chunk_is_read_plain_or_packed(text: str, packed: bool) -> None:
    assert pnginfo.read(pictures.png(text, packed=packed)) == text


@pytest.mark.parametrize("kind", [b"IDAT", b"IEND"])
def test_a_chunk_is_read_before_and_after_the_image_data(kind: bytes) -> None:
    late = pictures.before(
        kind, pictures.png(), pictures.chunk(b"tEXt", b"parameters\0" + FROM_WEB_UI.encode())
    )

    assert pnginfo.read(late) == FROM_WEB_UI == text_of_pillow(late)


def test_a_chunk_of_another_name_is_not_ours() -> None:
    assert pnginfo.read(pictures.png(FROM_WEB_UI, keyword="Parameters")) is None
    assert pnginfo.read(pictures.png(FROM_WEB_UI, keyword="parameters 2")) is None


def test_exif_wins_over_the_chunk() -> None:
    with Image.open(BytesIO(pictures.png(FROM_WEB_UI))) as picture:
        block = pictures.exif(b"UNICODE\0" + NON_LATIN.encode("utf-16-be"))
        both = pictures.encoded(picture, "PNG", exif=block)
    both = pictures.before(
        b"IDAT", both, pictures.chunk(b"tEXt", b"parameters\0" + FROM_WEB_UI.encode())
    )

    assert pnginfo.read(both) == NON_LATIN


def test_an_exif_block_without_a_comment_leaves_the_chunk_its_say() -> None:
    block = pictures.exif(b"UNICODE\0", orientation=1)
    data = pictures.encoded(pictures.gradient(), "PNG", exif=block)

    assert pnginfo.read(data) is None
    assert pnginfo.read(pnginfo.embed(data, FROM_WEB_UI)) == FROM_WEB_UI


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (b"UNICODE\0" + NON_LATIN.encode("utf-16-be"), NON_LATIN),
        (b"UNICODE\0" + NON_LATIN.encode("utf-16-le"), NON_LATIN),
        (b"UNICODE\0" + FROM_WEB_UI.encode("utf-16"), FROM_WEB_UI),
        (b"UNICODE\0" + "最一　一".encode("utf-16-be"), "最一　一"),
        (b"ASCII\0\0\0" + FROM_WEB_UI.encode(), FROM_WEB_UI),
        (b"\0" * 8 + FROM_WEB_UI.encode() + b"\0", FROM_WEB_UI),
        (NON_LATIN.encode(), NON_LATIN),
        (b"abc", "abc"),
        (b"UNICODE\0", None),
        (b"", None),
    ],
)
def test_every_form_of_a_user_comment(kind: str, comment: bytes, expected: str | None) -> None:
    data = pictures.encoded(pictures.gradient(), kind, exif=pictures.exif(comment))

    assert pnginfo.read(data) == expected


def test_sd_cpp_writes_utf8_where_latin_1_belongs() -> None:
    text = FROM_SD_CPP.replace("a cat", "猫")
    raw = pictures.chunk(b"tEXt", b"parameters\0" + text.encode())

    assert pnginfo.read(pictures.before(b"IDAT", pictures.png(), raw)) == text


def test_a_packed_chunk_that_unpacks_to_gigabytes_is_left_packed() -> None:
    bomb = zlib.compress(b"a" * (8 * 1024 * 1024))
    raw = pictures.chunk(b"zTXt", b"parameters\0\0" + bomb)
    data = pictures.before(b"IDAT", pictures.png(), raw * 100)

    assert pnginfo.read(data) is None
    assert pnginfo.read(pnginfo.embed(data, FROM_WEB_UI)) == FROM_WEB_UI


@pytest.mark.parametrize(
    "raw",
    [
        pictures.chunk(b"zTXt", b"parameters\0\0not zlib"),
        pictures.chunk(b"zTXt", b"parameters\0\7" + zlib.compress(b"x")),
        pictures.chunk(b"iTXt", b"parameters\0\0\0no separators"),
        pictures.chunk(b"iTXt", b"parameters\0"),
        pictures.chunk(b"tEXt", b"parameters\0"),
        pictures.chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff"),
        pictures.chunk(b"eXIf", b""),
    ],
)
def test_a_damaged_chunk_holds_no_infotext_and_makes_way(raw: bytes) -> None:
    data = pictures.before(b"IDAT", pictures.png(), raw)

    assert pnginfo.read(data) is None
    assert pnginfo.read(pnginfo.embed(data, FROM_WEB_UI)) == FROM_WEB_UI


def test_the_words_survive_a_file_that_is_cut_short_after_them() -> None:
    assert pnginfo.read(pictures.png(FROM_WEB_UI)[:-40]) == FROM_WEB_UI
    assert pnginfo.read(pnginfo.embed(PLAIN["jpeg"], FROM_WEB_UI)[:-40]) == FROM_WEB_UI


# -- writing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_other_programs_read_what_we_embed_and_the_pixels_stay(plain: bytes, text: str) -> None:
    with_text = pnginfo.embed(plain, text)

    assert text_of_pillow(with_text) == text == pnginfo.read(with_text)
    assert pictures.pixels(with_text) == pictures.pixels(plain)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_a_picture_that_has_its_words_is_the_very_same_object(plain: bytes, text: str) -> None:
    once = pnginfo.embed(plain, text)

    assert pnginfo.embed(once, "other words") is once


def test_nothing_to_say_touches_nothing() -> None:
    assert pnginfo.embed(PLAIN["png"], "") is PLAIN["png"]


def test_a_png_gains_one_chunk_and_no_other_byte_changes() -> None:
    plain = PLAIN["png"]
    with_text = pnginfo.embed(plain, FROM_WEB_UI)
    piece = pictures.chunk(b"tEXt", b"parameters\0" + FROM_WEB_UI.encode())

    assert with_text == pictures.before(b"IDAT", plain, piece)
    assert pnginfo.strip(with_text) == plain


def test_the_scan_of_a_jpeg_is_untouched() -> None:
    plain = PLAIN["jpeg"]
    with_text = pnginfo.embed(plain, FROM_WEB_UI)

    assert with_text.endswith(plain[20:])
    assert with_text[:20] == plain[:20], "JFIF stays in front of EXIF"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_exif_that_is_there_keeps_its_other_entries(kind: str) -> None:
    block = pictures.exif(b"", orientation=6)
    block[0x010F] = "a camera maker with a long name"
    block.get_ifd(0x8769)[0x829A] = IFDRational(1, 60)
    plain = pictures.encoded(pictures.gradient(), kind, exif=block)

    with_text = pnginfo.embed(plain, NON_LATIN)

    with Image.open(BytesIO(with_text)) as picture:
        kept = picture.getexif()
    assert (kept[0x0112], kept[0x010F]) == (6, "a camera maker with a long name")
    assert kept.get_ifd(0x8769)[0x829A] == pytest.approx(1 / 60)
    assert pictures.web_ui_comment(with_text) == NON_LATIN


def test_a_jpeg_holds_64_kib_so_the_prompt_is_cut_and_the_settings_stay() -> None:
    text = f"{'long prompt 猫🐈 ' * 5_000}\nNegative prompt: blurry\n{TAIL}"

    with_text = pnginfo.embed(PLAIN["jpeg"], text)

    found = pnginfo.read(with_text)
    assert found is not None
    assert found.startswith("long prompt 猫🐈 long")
    assert found.endswith(f"\nNegative prompt: blurry\n{TAIL}")
    assert 32_000 < len(found.encode("utf-16-be")) // 2 < 32_768
    assert pictures.pixels(with_text) == pictures.pixels(PLAIN["jpeg"])


def test_a_jpeg_whose_own_exif_leaves_no_room_stays_as_it_is() -> None:
    block = pictures.exif(b"", orientation=6)
    block[0x010E] = "x" * 65_300
    plain = pictures.encoded(pictures.gradient(), "JPEG", exif=block)

    assert pnginfo.embed(plain, FROM_WEB_UI) is plain


def test_a_png_of_any_length_of_text() -> None:
    text = f"{'猫' * 100_000}\n{TAIL}"

    assert text_of_pillow(pnginfo.embed(PLAIN["png"], text)) == text


def test_what_a_file_cannot_hold_is_replaced() -> None:
    assert pnginfo.read(pnginfo.embed(PLAIN["png"], "a\0b\ud83d")) == "ab?"
    assert pnginfo.read(pnginfo.embed(PLAIN["webp-lossy"], "a\0b\ud83d")) == "ab?"


# NUL is left out; in EXIF a byte order mark in front is not part of the text, and U+0A00 and the
# like are what spaces and commas look like in the wrong byte order.
embeddable = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\u0a00\u2000\u2c00\u3a00"),
    min_size=1,
)


@pytest.mark.parametrize("name", CONTAINERS)
@calm
@given(text=embeddable)
@example(text="Ã© looks like UTF-8")
def test_any_text_comes_back(name: str, text: str) -> None:
    with_text = pnginfo.embed(PLAIN[name], text)

    assert pnginfo.read(with_text) == text == text_of_pillow(with_text)


@calm
@given(st.text(st.characters(codec="latin-1", exclude_characters="\0"), min_size=1))
def test_any_latin_text_of_pillow_is_read(text: str) -> None:
    assert pnginfo.read(pictures.png(text)) == text


# -- private pictures ------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", PLAIN.values(), ids=PLAIN)
def test_a_stripped_picture_says_nothing_and_looks_the_same(plain: bytes) -> None:
    secret = "my secret words"
    stripped = pnginfo.strip(pnginfo.embed(plain, f"{secret}\n{TAIL}"))

    assert pnginfo.read(stripped) is None
    assert secret.encode() not in stripped
    assert secret.encode("utf-16-be") not in stripped
    assert pictures.pixels(stripped) == pictures.pixels(plain)
    assert pnginfo.read(pnginfo.embed(stripped, FROM_WEB_UI)) == FROM_WEB_UI


def test_other_programs_words_go_too() -> None:
    png = pictures.png('{"nodes": "secret"}', keyword="workflow") + b"secret after the end"
    jpeg = pictures.jpeg(comment=b"secret")
    webp = pictures.webp(xmp=b"<x>secret</x>")

    for told in (png, jpeg, webp):
        assert b"secret" in told
        assert b"secret" not in pnginfo.strip(told)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_how_to_turn_the_picture_stays(kind: str) -> None:
    block = pictures.exif(b"ASCII\0\0\0secret", orientation=8)
    profile = b"a colour profile" * 8
    turned = pictures.encoded(pictures.gradient(), kind, exif=block, icc_profile=profile)

    stripped = pnginfo.strip(turned)

    with Image.open(BytesIO(stripped)) as picture:
        assert dict(picture.getexif()) == {0x0112: 8}
        assert picture.info["icc_profile"] == profile


# -- broken and hostile files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"\x89PNG\r\n\x1a\n",
        PLAIN["png"][:50],
        b"\xff\xd8\xff",
        PLAIN["jpeg"][:100],
        b"\xff\xd8\xff\xe0\x00\x01rest",
        b"RIFF\0\0\0\0WEBP",
        PLAIN["webp-lossy"][:-9],
        b"GIF89a",
        PLAIN["gif"][:-9],
    ],
)
def test_bytes_that_are_no_whole_picture(data: bytes) -> None:
    assert pnginfo.read(data) is None
    with pytest.raises(BrokenPicture):
        pnginfo.embed(data, "x")
    with pytest.raises(BrokenPicture):
        pnginfo.strip(data)


def test_a_png_of_a_million_tiny_chunks_is_not_walked_to_its_end() -> None:
    data = PLAIN["png"][:33] + pictures.chunk(b"tIME", b"") * 30_000 + PLAIN["png"][33:]

    assert pnginfo.read(data) is None
    with pytest.raises(BrokenPicture, match="chunks"):
        pnginfo.embed(data, "x")


def accepts_or_refuses(data: bytes) -> None:
    assert pnginfo.read(data) is None or isinstance(pnginfo.read(data), str)
    with suppress(BrokenPicture):
        pnginfo.embed(data, "x")
    with suppress(BrokenPicture):
        pnginfo.strip(data)


@calm
@given(st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a"]), st.binary())
def test_arbitrary_bytes_never_crash_a_reader(start: bytes, rest: bytes) -> None:
    accepts_or_refuses(start + rest)


@pytest.mark.parametrize("name", CONTAINERS)
@calm
@given(st.data())
def test_a_damaged_picture_never_crashes_a_reader(name: str, data: st.DataObject) -> None:
    whole = bytearray(pnginfo.embed(PLAIN[name], FROM_WEB_UI))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    accepts_or_refuses(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


@calm
@given(st.sampled_from([b"", b"MM\0*\0\0\0\x08", b"II*\0\x08\0\0\0"]), st.binary())
def test_any_exif_block_takes_a_comment(start: bytes, rest: bytes) -> None:
    block = start + rest

    assert read_comment(with_comment(block, FROM_WEB_UI)) == FROM_WEB_UI
    assert isinstance(only_orientation(block), bytes)
