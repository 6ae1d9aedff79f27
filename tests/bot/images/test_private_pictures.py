"""A private picture says nothing and looks the same."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from bot.images import pnginfo
from tests.bot.images import pictures
from tests.bot.images.pictures import FROM_WEB_UI, PLAIN, TAIL


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
