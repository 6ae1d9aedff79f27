"""WebP, chunk by chunk: infotext in an EXIF chunk, the image data untouched.

Only the extended form (VP8X) may carry EXIF, so a simple file gets that header first, its size
and transparency read from the bitstream's own first bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bot.errors import BrokenPicture
from bot.images import exif, sniff

MEDIA_TYPE = sniff.WEBP

_HEADER_BYTES = 12
_EXIF_FLAG, _XMP_FLAG, _ALPHA_FLAG = 0x08, 0x04, 0x10
_IMAGE_KINDS = (b"VP8 ", b"VP8L", b"ANMF")
_MOST_CHUNKS = 20_000
_MOST_EXIF_BYTES = 1024 * 1024


class Chunk(NamedTuple):
    """One chunk: its FourCC, and where its payload begins and ends, without the pad byte."""

    kind: bytes
    start: int
    end: int

    def body(self, data: bytes) -> bytes:
        return data[self.start : self.end]


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks within the RIFF length. Raises BrokenPicture where the file is cut short."""
    end_of_file = 8 + struct.unpack_from("<I", data, 4)[0] if len(data) >= _HEADER_BYTES else 0
    if not _HEADER_BYTES <= end_of_file <= len(data):
        raise BrokenPicture("WebP cut short")
    at = _HEADER_BYTES
    for _ in range(_MOST_CHUNKS):
        if at + 8 > end_of_file:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length
        if end > end_of_file:
            raise BrokenPicture("WebP cut short")
        yield Chunk(kind, at + 8, end)
        at = end + length % 2
    raise BrokenPicture(f"WebP of more than {_MOST_CHUNKS} chunks")


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas in pixels. Raises BrokenPicture."""
    first = next(chunks(data), None)
    if first is None:
        raise BrokenPicture("WebP without image data")
    width, height, _ = _canvas(data, first)
    return width, height


def check(data: bytes) -> None:
    """Raise BrokenPicture unless every chunk is whole and one of them is image data."""
    if {chunk.kind for chunk in chunks(data)}.isdisjoint(_IMAGE_KINDS):
        raise BrokenPicture("WebP without image data")


def read(data: bytes) -> str | None:
    """The infotext of the EXIF chunk, if it has one."""
    try:
        for chunk in chunks(data):
            if chunk.kind == b"EXIF" and chunk.end - chunk.start <= _MOST_EXIF_BYTES:
                return exif.read_comment(_tiff(data, chunk))
    except BrokenPicture:
        pass
    return None


def embed(data: bytes, text: str) -> bytes:
    """`data` with an EXIF UserComment; an EXIF chunk that is there keeps its other entries."""
    present = list(chunks(data))
    tiff = next((_tiff(data, chunk) for chunk in present if chunk.kind == b"EXIF"), b"")
    return _assemble(data, present, exif.with_comment(tiff, text), drop=(b"EXIF",))


def strip(data: bytes) -> bytes:
    """`data` without EXIF, XMP and bytes after its end; only how to turn it stays."""
    present = list(chunks(data))
    tiff = next((_tiff(data, chunk) for chunk in present if chunk.kind == b"EXIF"), b"")
    if not any(chunk.kind in (b"EXIF", b"XMP ") for chunk in present):
        return data[: 8 + struct.unpack_from("<I", data, 4)[0]]
    return _assemble(data, present, exif.only_orientation(tiff), drop=(b"EXIF", b"XMP "))


def _assemble(data: bytes, present: list[Chunk], block: bytes, *, drop: Iterable[bytes]) -> bytes:
    """The file in extended form, `block` as its EXIF, chunks of the kinds in `drop` left out."""
    if {chunk.kind for chunk in present}.isdisjoint(_IMAGE_KINDS):
        raise BrokenPicture("WebP without image data")
    kept = [chunk for chunk in present if chunk.kind not in {b"VP8X", *drop}]
    xmp = [chunk for chunk in kept if chunk.kind == b"XMP "]
    flags = (_EXIF_FLAG if block else 0) | (_XMP_FLAG if xmp else 0)
    pieces = [_chunk(b"VP8X", _extended_header(data, present[0], flags))]
    pieces += [_chunk(c.kind, c.body(data)) for c in kept if c.kind != b"XMP "]
    pieces += [_chunk(b"EXIF", block)] if block else []
    pieces += [_chunk(c.kind, c.body(data)) for c in xmp]
    length = 4 + sum(map(len, pieces))
    return b"".join([b"RIFF", struct.pack("<I", length), b"WEBP", *pieces])


def _extended_header(data: bytes, first: Chunk, metadata_flags: int) -> bytes:
    """The VP8X payload: the file's own where it has one, with the metadata flags set anew."""
    if first.kind == b"VP8X":
        body = first.body(data)
        return bytes([body[0] & ~(_EXIF_FLAG | _XMP_FLAG) | metadata_flags]) + body[1:]
    width, height, has_alpha = _canvas(data, first)
    flags = metadata_flags | (_ALPHA_FLAG if has_alpha else 0)
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes([flags, 0, 0, 0]) + size


def _canvas(data: bytes, first: Chunk) -> tuple[int, int, bool]:
    """Width, height and transparency, from a file's first chunk."""
    head = data[first.start : min(first.end, first.start + 10)]
    if first.kind == b"VP8X" and len(head) == 10:
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (4, 7))
        return width, height, bool(head[0] & _ALPHA_FLAG)
    if first.kind == b"VP8 " and len(head) == 10 and head[3:6] == b"\x9d\x01\x2a":
        # The upper two bits of each are a scaling hint for the display.
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", head, 6))
        return width, height, False
    if first.kind == b"VP8L" and len(head) >= 5 and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    raise BrokenPicture("WebP without a readable header")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2)


def _tiff(data: bytes, chunk: Chunk) -> bytes:
    return chunk.body(data).removeprefix(b"Exif\0\0")
