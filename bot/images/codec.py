"""What arrives is decoded, checked and bounded here; what is too large to send is made smaller.

The checks read headers and checksums only, so they are safe on the event loop and run before
Pillow opens anything. `shrink_to` and `thumbnail` decode pixels: call those two in a thread.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps

from bot.errors import BrokenPicture
from bot.images import pnginfo
from bot.images.containers import container_of
from bot.images.infotext import Infotext
from bot.images.sniff import GIF, JPEG, PNG, WEBP, extension, sniff

__all__ = [
    "GIF",
    "JPEG",
    "PNG",
    "WEBP",
    "PictureFacts",
    "check_picture",
    "decode_base64",
    "dimensions",
    "extension",
    "shrink_to",
    "sniff",
    "thumbnail",
]

# Pillow's own warning begins at 89 million; what is decoded here takes four bytes a pixel.
_MAX_DECODED_PIXELS = 80_000_000
_WEBP_MAX_SIDE = 16_383
# A lossless WebP of a generated PNG is between two thirds of it and all of it.
_LOSSLESS_GAIN = 1.5
_QUALITIES = (100, 95, 90, 80, 65, 50)
_SMALLER_QUALITIES = (80, 50)
_SMALLEST_SIDE = 16
_SLICE = 1 << 20  # characters, a multiple of four: about 4 ms


@dataclass(frozen=True)
class PictureFacts:
    """What a checked picture is: media type, and its size in pixels as stored."""

    media_type: str
    width: int
    height: int


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header alone. Raises BrokenPicture."""
    width, height = container_of(data).dimensions(data)
    if width <= 0 or height <= 0:
        raise BrokenPicture(f"a picture of {width}x{height} pixels")
    return width, height


def check_picture(data: bytes, *, max_bytes: int, max_pixels: int) -> PictureFacts:
    """The facts of a whole PNG, JPEG, WebP or GIF within the bounds; else BrokenPicture.

    Bounds come first and nothing is decoded. PNG: every checksum and the end; JPEG: an end
    marker after the scan; WebP: lengths; GIF: the trailer. Compressed data inside a sound
    container can still be damaged.
    """
    if len(data) > max_bytes:
        raise BrokenPicture(f"picture of {len(data)} bytes, more than {max_bytes}")
    container = container_of(data)
    width, height = dimensions(data)
    if width * height > max_pixels:
        raise BrokenPicture(f"picture of {width}x{height}, more than {max_pixels} pixels")
    container.check(data)
    return PictureFacts(container.MEDIA_TYPE, width, height)


def decode_base64(text: str | bytes, *, max_bytes: int) -> bytes:
    """The bytes of one base64 string, with or without `data:…;base64,` in front.

    Strict: foreign characters, missing padding, more than `max_bytes` decoded bytes, or nothing
    at all raise BrokenPicture. White space around the whole is allowed.
    """
    if isinstance(text, str):
        text = text.encode("ascii", "replace")
    text = text.strip()
    if text[:5].lower() == b"data:":
        head, comma, text = text.partition(b",")
        if not comma or not head.lower().endswith(b";base64"):
            raise BrokenPicture("a data: URL that is not base64")
    # Checked before decoding: four characters carry three bytes.
    if len(text) // 4 * 3 - 2 > max_bytes:
        raise BrokenPicture(f"base64 of {len(text)} characters, more than {max_bytes} bytes")
    try:
        data = b"".join(_decoded(text))
    except (binascii.Error, ValueError) as error:
        raise BrokenPicture(f"broken base64: {error}") from error
    if not data:
        raise BrokenPicture("empty base64")
    if len(data) > max_bytes:
        raise BrokenPicture(f"picture of {len(data)} bytes, more than {max_bytes}")
    return data


def _decoded(text: bytes) -> Iterator[bytes]:
    """Slice by slice, since one call for all of a large picture would hold the interpreter."""
    for start in range(0, len(text), _SLICE):
        part = text[start : start + _SLICE]
        data = binascii.a2b_base64(part, strict_mode=True)
        if start + _SLICE < len(text) and len(data) != _SLICE // 4 * 3:
            raise binascii.Error("padding before the end")
        yield data


def shrink_to(data: bytes, limit_bytes: int, infotext: str) -> tuple[bytes, str]:
    """The picture in at most `limit_bytes`, and its media type. Runs Pillow: call in a thread.

    The same bytes if they fit. Else, by the first that fits: lossless WebP, WebP at falling
    quality, smaller sizes; JPEG where a side is too long for WebP. `infotext` goes into what is
    re-encoded, its prompts cut if it would take more than a quarter of the room. The same input
    gives the same output. Raises BrokenPicture when nothing fits or the picture cannot be decoded.
    """
    media_type = sniff(data)
    if media_type and len(data) <= limit_bytes:
        return data, media_type
    picture = _open(data)
    may_be_lossless = media_type == PNG and len(data) <= limit_bytes * _LOSSLESS_GAIN
    text = _bounded(infotext, limit_bytes // 8)
    for smaller, smaller_type in _encodings(picture, may_be_lossless=may_be_lossless):
        if len(smaller) <= limit_bytes:
            finished = pnginfo.embed(smaller, text)
            if len(finished) <= limit_bytes:
                return finished, smaller_type
    raise BrokenPicture(f"picture does not fit into {limit_bytes} bytes at any size")


def thumbnail(data: bytes, max_side: int, quality: int = 85) -> bytes:
    """A JPEG whose longer side is at most `max_side` pixels, transparency on white, no metadata.

    Never larger than the picture; `quality` is JPEG's, 1 to 95. Runs Pillow: call in a thread.
    Raises BrokenPicture.
    """
    picture = _flat(_open(data, draft_side=max_side))
    picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return _encode(picture, JPEG, quality)


def _open(data: bytes, *, draft_side: int | None = None) -> Image.Image:
    """The first frame, decoded and turned upright, as RGB or RGBA.

    With `draft_side`, a JPEG may be decoded at a fraction of its size not below that.
    """
    width, height = dimensions(data)
    if width * height > _MAX_DECODED_PIXELS:
        raise BrokenPicture(f"picture of {width}x{height} is too large to decode")
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF")) as opened:
            if draft_side is not None:
                opened.draft("RGB", (draft_side, draft_side))
            upright = ImageOps.exif_transpose(opened)
            return upright.convert("RGBA" if opened.has_transparency_data else "RGB")
    except Exception as e:  # on hostile files Pillow raises nearly anything
        raise BrokenPicture(f"cannot be decoded: {e}") from e


def _encodings(picture: Image.Image, *, may_be_lossless: bool) -> Iterator[tuple[bytes, str]]:
    """Ever smaller encodings, at first of the whole picture, then of smaller ones."""
    media_type = WEBP if max(picture.size) <= _WEBP_MAX_SIDE else JPEG
    if may_be_lossless and media_type == WEBP:
        yield _encode(picture, WEBP, None), WEBP
    qualities: tuple[int, ...] = _QUALITIES
    while True:
        for quality in qualities:
            yield _encode(picture, media_type, quality), media_type
        width, height = picture.width * 3 // 4, picture.height * 3 // 4
        if max(width, height) < _SMALLEST_SIDE:
            return
        picture = picture.resize((max(1, width), max(1, height)), Image.Resampling.LANCZOS)
        media_type = WEBP if max(picture.size) <= _WEBP_MAX_SIDE else JPEG
        qualities = _SMALLER_QUALITIES


def _encode(picture: Image.Image, media_type: str, quality: int | None) -> bytes:
    """One encoding without metadata; a quality of None is lossless WebP."""
    out = BytesIO()
    if media_type == JPEG:
        _flat(picture).save(out, "JPEG", quality=quality)
    elif quality is None:
        picture.save(out, "WEBP", lossless=True, quality=40, method=3, exact=True)
    else:
        picture.save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def _flat(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _bounded(infotext: str, units: int) -> str:
    """At most about `units` UTF-16 code units of an infotext."""
    if 2 * len(infotext) <= units:
        return infotext
    return Infotext.parse(infotext).shortened(units).render()
