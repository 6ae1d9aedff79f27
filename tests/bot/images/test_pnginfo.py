"""Infotext inside files: Pillow writes and we read, we write and Pillow reads."""

from __future__ import annotations

import zlib
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from bot.images import pnginfo
from tests.bot.images import pictures
from tests.bot.images.pictures import CONTAINERS, FROM_SD_CPP, FROM_WEB_UI, PLAIN, TAIL, calm

NON_LATIN = f'naïve 猫, "quoted"\nsecond line: x 🐈\n{TAIL}'
TEXTS = {"latin": FROM_WEB_UI, "non-latin": NON_LATIN}


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


def test_of_many_chunks_with_our_name_only_the_last_eight_are_unpacked() -> None:
    damaged = pictures.chunk(b"zTXt", b"parameters\0\0not zlib")
    told = pictures.png(FROM_WEB_UI)

    assert pnginfo.read(pictures.before(b"IDAT", told, damaged * 7)) == FROM_WEB_UI
    assert pnginfo.read(pictures.before(b"IDAT", told, damaged * 8)) is None


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


@pytest.mark.parametrize(("mode", "flags"), [("RGB", 0x08), ("RGBA", 0x18)])
def test_a_simple_webp_becomes_an_extended_one(mode: str, flags: int) -> None:
    plain = pictures.webp(mode, lossless=True)
    assert plain[12:16] == b"VP8L"

    with_text = pnginfo.embed(plain, FROM_WEB_UI)

    assert with_text[12:30] == b"VP8X\x0a\0\0\0" + bytes([flags, 0, 0, 0, 11, 0, 0, 8, 0, 0])
    assert plain[12:] in with_text, "the image chunk is carried over as it is"
    assert int.from_bytes(with_text[4:8], "little") == len(with_text) - 8


def test_a_gif_of_the_older_version_becomes_one_that_may_hold_a_comment() -> None:
    older = b"GIF87a" + PLAIN["gif"][6:]

    with_text = pnginfo.embed(older, FROM_WEB_UI)

    assert with_text.startswith(b"GIF89a")
    assert pictures.pixels(with_text) == pictures.pixels(older)


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
