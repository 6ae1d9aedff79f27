"""PNG, chunk by chunk: infotext in text chunks and eXIf, structure checked, no pixel decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from bot.errors import BrokenPicture
from bot.images import exif, sniff

MEDIA_TYPE = sniff.PNG
KEYWORD = b"parameters"
# The same bound that Pillow puts on a text chunk.
MAX_TEXT_BYTES = 1024 * 1024

_SIGNATURE_BYTES = 8
_TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")
# A chunk costs about a microsecond to visit; encoders cut IDAT into 8 to 64 KiB.
_MOST_CHUNKS = 20_000
# Chunks with our keyword that are tried: a file may hold thousands of compressed bombs.
_MOST_TRIES = 8


class Chunk(NamedTuple):
    """One chunk: its kind, and where it begins (its length field) and ends (after its CRC)."""

    kind: bytes
    start: int
    end: int

    def body(self, data: bytes) -> bytes:
        return data[self.start + 8 : self.end - 4]


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks up to and including IEND. Raises BrokenPicture where the file is cut short."""
    start = _SIGNATURE_BYTES
    for _ in range(_MOST_CHUNKS):
        if start + 12 > len(data):
            raise BrokenPicture("PNG cut short")
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            raise BrokenPicture("PNG cut short")
        yield Chunk(kind, start, end)
        if kind == b"IEND":
            return
        start = end
    raise BrokenPicture(f"PNG of more than {_MOST_CHUNKS} chunks")


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from IHDR. Raises BrokenPicture."""
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise BrokenPicture("PNG without a header")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def check(data: bytes) -> None:
    """Raise BrokenPicture unless header, image data and end are there and every CRC is right."""
    view = memoryview(data)
    kinds = set()
    for position, chunk in enumerate(chunks(data)):
        if position == 0 and (chunk.kind, chunk.end - chunk.start) != (b"IHDR", 25):
            raise BrokenPicture("PNG without a header")
        kinds.add(chunk.kind)
        stored = struct.unpack_from(">I", data, chunk.end - 4)[0]
        if zlib.crc32(view[chunk.start + 4 : chunk.end - 4]) != stored:
            raise BrokenPicture(f"PNG damaged: wrong checksum in {chunk.kind!r}")
    if b"IDAT" not in kinds:
        raise BrokenPicture("PNG without image data")


def read(data: bytes) -> str | None:
    """The infotext, also of a file that is cut short after it. EXIF wins over a text chunk."""
    found = [chunk for chunk in _whole_chunks(data) if _may_hold_infotext(data, chunk)]
    blocks = [exif_block(chunk.body(data)) for chunk in found if chunk.kind == b"eXIf"]
    comments = [comment for block in blocks[-1:] if (comment := exif.read_comment(block))]
    if comments:
        return comments[0]
    texts = [chunk for chunk in found if chunk.kind in _TEXT_KINDS]
    for chunk in texts[: -_MOST_TRIES - 1 : -1]:
        if text := _decode_text(chunk.kind, chunk.body(data)):
            return text
    return None


def embed(data: bytes, text: str) -> bytes:
    """`data` with a text chunk before its image data, every other byte as it was.

    Only chunks with our keyword that hold nothing readable make way. Raises BrokenPicture.
    """
    pieces: list[bytes] = [data[:_SIGNATURE_BYTES]]
    kept, placed = _SIGNATURE_BYTES, False
    for chunk in chunks(data):
        if chunk.kind == b"IDAT" and not placed:
            pieces += [data[kept : chunk.start], _text_chunk(text)]
            kept, placed = chunk.start, True
        elif chunk.kind in _TEXT_KINDS and _has_keyword(data, chunk):
            pieces.append(data[kept : chunk.start])
            kept = chunk.end
    if not placed:
        raise BrokenPicture("PNG without image data")
    return b"".join([*pieces, data[kept:]])


def strip(data: bytes) -> bytes:
    """`data` without any text, EXIF or bytes after its end: other programs' workflows too."""
    pieces = [data[:_SIGNATURE_BYTES]]
    for chunk in chunks(data):
        if chunk.kind == b"eXIf":
            turn = exif.only_orientation(exif_block(chunk.body(data)))
            pieces.append(_chunk(b"eXIf", turn) if turn else b"")
        elif chunk.kind not in _TEXT_KINDS:
            pieces.append(data[chunk.start : chunk.end])
    return b"".join(pieces)


def exif_block(raw: bytes) -> bytes:
    """A block without the JPEG-style introduction that some writers leave in front of it."""
    return raw.removeprefix(b"Exif\0\0")


def _whole_chunks(data: bytes) -> Iterator[Chunk]:
    with suppress(BrokenPicture):
        yield from chunks(data)


def _may_hold_infotext(data: bytes, chunk: Chunk) -> bool:
    if chunk.end - chunk.start > MAX_TEXT_BYTES:
        return False
    return chunk.kind == b"eXIf" or (chunk.kind in _TEXT_KINDS and _has_keyword(data, chunk))


def _has_keyword(data: bytes, chunk: Chunk) -> bool:
    return data.startswith(KEYWORD + b"\0", chunk.start + 8)


def _decode_text(kind: bytes, body: bytes) -> str | None:
    rest = body[len(KEYWORD) + 1 :]
    if kind == b"tEXt":
        # stable-diffusion.cpp writes its UTF-8 where the format says Latin-1.
        own = b"Version: stable-diffusion.cpp" in rest
        return rest.decode("utf-8", "replace") if own else rest.decode("latin-1")
    if kind == b"zTXt":
        raw = _inflate(rest[1:]) if rest[:1] == b"\0" else None
        return None if raw is None else raw.decode("latin-1")
    compressed, _, tail = rest[:1], rest[1:2], rest[2:].split(b"\0", 2)
    if len(tail) != 3:
        return None
    raw = _inflate(tail[2]) if compressed == b"\1" else tail[2]
    return None if raw is None else raw.decode("utf-8", "replace")


def _inflate(packed: bytes) -> bytes | None:
    """Unpacked, or None when damaged or larger than MAX_TEXT_BYTES."""
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(packed, MAX_TEXT_BYTES)
    except zlib.error:
        return None
    return raw if stream.eof else None


def _text_chunk(text: str) -> bytes:
    """tEXt where Latin-1 holds the text, else iTXt, as the web UI's own library does."""
    try:
        return _chunk(b"tEXt", KEYWORD + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", KEYWORD + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
