"""Broken and hostile files: refused with a reason, or read as far as they go, never a crash."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BrokenPicture
from bot.images import pnginfo
from bot.images.exif import only_orientation, read_comment, with_comment
from tests.bot.images import pictures
from tests.bot.images.pictures import CONTAINERS, FROM_WEB_UI, PLAIN, calm


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
