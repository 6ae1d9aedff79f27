"""GIF, block by block: infotext in a comment extension, frames untouched."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from bot.errors import BrokenPicture
from bot.images import sniff

MEDIA_TYPE = sniff.GIF

_HEADER_BYTES = 13
_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B
_COMMENT_LABEL = 0xFE
# Two million sub-blocks of a hostile file would take seconds to visit; 25 MB need 100,000.
_MOST_SUB_BLOCKS = 120_000
_MOST_TEXT_BYTES = 1024 * 1024


class Block(NamedTuple):
    """An extension, a frame or the trailer: where it begins and ends, and if it is a comment."""

    kind: int
    start: int
    end: int
    is_comment: bool


def blocks(data: bytes) -> Iterator[Block]:
    """The blocks up to and including the trailer. Raises BrokenPicture where it is cut short."""
    start, budget = body_start(data), _MOST_SUB_BLOCKS
    while start < len(data):
        kind = data[start]
        if kind == _TRAILER:
            yield Block(kind, start, start + 1, is_comment=False)
            return
        if kind == _EXTENSION:
            at = start + 2
        elif kind == _FRAME and start + 10 <= len(data):
            # Ten bytes of descriptor, a colour table, one byte of code size.
            at = start + 11 + _table_bytes(data[start + 9])
        else:
            raise BrokenPicture("GIF damaged")
        end, budget = _skip(data, at, budget)
        is_comment = kind == _EXTENSION and data[start + 1] == _COMMENT_LABEL
        yield Block(kind, start, end, is_comment)
        start = end
    raise BrokenPicture("GIF cut short")


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas in pixels. Raises BrokenPicture."""
    if len(data) < _HEADER_BYTES:
        raise BrokenPicture("GIF cut short")
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def check(data: bytes) -> None:
    """Raise BrokenPicture unless there is a frame and every block is whole."""
    if _FRAME not in {block.kind for block in blocks(data)}:
        raise BrokenPicture("GIF without a frame")


def read(data: bytes) -> str | None:
    """The first comment, which is where the web UI looks in a GIF."""
    try:
        for block in blocks(data):
            if block.is_comment:
                body = data[block.start + 2 : min(block.end, block.start + _MOST_TEXT_BYTES)]
                return _join(body).decode("utf-8", "replace") or None
    except BrokenPicture:
        pass
    return None


def embed(data: bytes, text: str) -> bytes:
    """`data` with a comment before its first block. Raises BrokenPicture."""
    check(data)
    raw = text.encode("utf-8", "replace")
    parts = [raw[at : at + 255] for at in range(0, len(raw), 255)]
    comment = b"".join(bytes([len(part)]) + part for part in parts)
    start = body_start(data)
    # Extensions came with version 89a.
    header = b"GIF89a" + data[6:start]
    return b"".join([header, bytes([_EXTENSION, _COMMENT_LABEL]), comment, b"\0", data[start:]])


def strip(data: bytes) -> bytes:
    """`data` without comments and without bytes after its end."""
    kept = [data[block.start : block.end] for block in blocks(data) if not block.is_comment]
    return b"".join([data[: body_start(data)], *kept])


def body_start(data: bytes) -> int:
    """Where the first block begins: after the header and the global colour table."""
    if len(data) < _HEADER_BYTES:
        raise BrokenPicture("GIF cut short")
    return _HEADER_BYTES + _table_bytes(data[10])


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _skip(data: bytes, at: int, budget: int) -> tuple[int, int]:
    """The end of the sub-blocks that begin at `at`, and what remains of the budget."""
    while at < len(data) and budget:
        length = data[at]
        at += 1 + length
        budget -= 1
        if not length:
            return at, budget
    raise BrokenPicture("GIF cut short, or of too many blocks")


def _join(body: bytes) -> bytes:
    """The bytes that sub-blocks carry."""
    parts, at = [], 0
    while at < len(body) and body[at]:
        parts.append(body[at + 1 : at + 1 + body[at]])
        at += 1 + body[at]
    return b"".join(parts)
