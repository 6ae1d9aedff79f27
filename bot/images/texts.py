"""Every named text inside a picture file, whoever wrote it: PNG chunks, EXIF, XMP.

`pnginfo` reads the web UI's own text and nothing else; other programs use other names. No pixel
is decoded, so words hidden in pixels ("stealth" variants) are not found.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from bot.errors import BrokenPicture
from bot.images import jpeg, png, sniff, webp

MOST_BYTES = 1024 * 1024
"""Of all texts of one file together, unpacked."""

XMP = "XML:com.adobe.xmp"
"""The name under which XMP stands, as PNG calls it."""

_MOST_TEXTS = 64
# ComfyUI's animated PNGs have chunks of their own kind with the form of tEXt.
_PLAIN_KINDS = (b"tEXt", b"comf")
_KINDS = (*_PLAIN_KINDS, b"zTXt", b"iTXt", b"eXIf")
_APP1 = 0xE1
_EXIF_INTRO, _XMP_INTRO = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_ASCII_TYPE, _MOST_ENTRIES, _HEAD_BYTES = 2, 512, 64
# ComfyUI's WebP files keep `prompt:{…}` and `workflow:{…}` in tags made for cameras.
_NAMED_JSON = re.compile(rb"\s*([A-Za-z_]{2,40})\s*:\s*(?=\{)")


def texts(data: bytes) -> dict[str, str]:
    """Name to text, in the file's order, the first of two equal names; never raises.

    At most 64 texts and 1 MiB in all; what does not fit any more is left out.
    """
    found: dict[str, str] = {}
    room = MOST_BYTES
    try:
        for name, packed, raw in _named(data):
            if name in found:
                continue
            body = _inflate(raw, room) if packed else raw[: room + 1]
            # A bomb costs what it unpacked to, so a file full of them ends soon, too.
            room -= len(body) + len(name)
            if room < 0 or len(found) == _MOST_TEXTS:
                break
            found[name] = _decode(body)
    except (BrokenPicture, struct.error):
        pass
    return found


def _named(data: bytes) -> Iterator[tuple[str, bool, bytes]]:
    """Name, whether it is compressed, and bytes of each text."""
    media_type = sniff.sniff(data)
    if media_type == sniff.PNG:
        for chunk in png.chunks(data):
            if chunk.kind in _KINDS and chunk.end - chunk.start <= MOST_BYTES:
                yield from _of_png(chunk.kind, chunk.body(data))
    elif media_type == sniff.JPEG:
        for segment in jpeg.segments(data):
            if segment.marker == _APP1:
                yield from _of_app1(segment.body(data))
    elif media_type == sniff.WEBP:
        for part in webp.chunks(data):
            if part.kind == b"EXIF":
                yield from _of_exif(png.exif_block(part.body(data)))
            elif part.kind == b"XMP ":
                yield XMP, False, part.body(data)


def _of_png(kind: bytes, body: bytes) -> Iterator[tuple[str, bool, bytes]]:
    if kind == b"eXIf":
        yield from _of_exif(png.exif_block(body))
        return
    keyword, separator, rest = body.partition(b"\0")
    if not separator or not 1 <= len(keyword) <= 79:
        return
    name = keyword.decode("latin-1")
    if kind in _PLAIN_KINDS:
        yield name, False, rest
    elif kind == b"zTXt":
        yield name, True, rest[1:]
    else:
        tail = rest[2:].split(b"\0", 2)
        if len(tail) == 3:
            yield name, rest[:1] == b"\1", tail[2]


def _of_app1(body: bytes) -> Iterator[tuple[str, bool, bytes]]:
    if body.startswith(_EXIF_INTRO):
        yield from _of_exif(body.removeprefix(_EXIF_INTRO))
    elif body.startswith(_XMP_INTRO):
        yield XMP, False, body.removeprefix(_XMP_INTRO)


def _of_exif(tiff: bytes) -> Iterator[tuple[str, bool, bytes]]:
    """The texts of the first directory that look like `name:{json}`."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return
    start = struct.unpack_from(order + "I", tiff, 4)[0]
    count = min(struct.unpack_from(order + "H", tiff, start)[0], _MOST_ENTRIES)
    seen: set[bytes] = set()
    for at in range(start + 2, start + 2 + 12 * count, 12):
        _, kind, length, offset = struct.unpack_from(order + "HHII", tiff, at)
        # Hundreds of entries may claim the same megabyte: only its head is looked at first.
        head = _NAMED_JSON.match(tiff, offset, offset + min(length, _HEAD_BYTES))
        if kind == _ASCII_TYPE and head and head[1] not in seen:
            seen.add(head[1])
            value = tiff[head.end() : offset + length]
            yield head[1].decode("ascii").lower(), False, value.rstrip(b"\0")


def _inflate(packed: bytes, room: int) -> bytes:
    """Unpacked, at most one byte more than there is room for; empty when damaged."""
    try:
        return zlib.decompressobj().decompress(packed, room + 1)
    except zlib.error:
        return b""


def _decode(body: bytes) -> str:
    """UTF-8 where it is: many programs write it where PNG asks for Latin-1."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")
