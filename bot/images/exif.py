"""The part of EXIF that carries infotext: one UserComment inside a small TIFF structure.

A block that is already there keeps every byte: the changed directories are appended and the
header is pointed at them. Offsets in TIFF are absolute, so everything else stays where it was,
vendor notes and thumbnails included.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
_USER_COMMENT = 0x9286
_SHORT, _LONG, _UNDEFINED = 3, 4, 7
# Real directories hold a few dozen entries; a hostile one may claim 65,535.
_MOST_ENTRIES = 512
_UNICODE, _ASCII, _UNDEFINED_CHARSET = b"UNICODE\0", b"ASCII\0\0\0", b"\0" * 8
# Common in any English infotext; read in the wrong byte order they are U+2000, U+2C00 and the
# like, which hardly any text holds.
_TELLTALES = " ,:\n"


@dataclass(frozen=True)
class _Directory:
    """One IFD: 12-byte entries by tag, and where the next directory begins (0: nowhere)."""

    entries: dict[int, bytes]
    following: int = 0


def read_comment(tiff: bytes) -> str | None:
    """The UserComment of an EXIF block that begins with its TIFF header; None without one.

    Reads `UNICODE` in either byte order, `ASCII`, and bare UTF-8, which the web UI also takes
    (contract sdapi, section 8). Never raises.
    """
    try:
        order, first = _header(tiff)
        entry = _exif_directory(tiff, order, _directory(tiff, order, first)).entries[_USER_COMMENT]
        _, _, count, offset = struct.unpack(order + "HHII", entry)
    except (struct.error, KeyError, ValueError):
        return None
    value = entry[8 : 8 + count] if count <= 4 else tiff[offset : offset + count]
    return _decode_comment(value) or None


def with_comment(tiff: bytes, text: str) -> bytes:
    """`tiff` with its UserComment set to `text`, everything else kept.

    An empty or unreadable block is replaced by a fresh one.
    """
    comment = _UNICODE + text.encode("utf-16-be", "replace")
    try:
        order, first = _header(tiff)
        root = _directory(tiff, order, first)
        exif = _exif_directory(tiff, order, root)
    except (struct.error, ValueError):
        tiff, order, root, exif = b"MM\0*\0\0\0\x08", ">", _Directory({}), _Directory({})
    body = bytearray(tiff + b"\0" * (len(tiff) % 2))
    exif_offset = len(body) + len(comment)
    entry = struct.pack(order + "HHII", _USER_COMMENT, _UNDEFINED, len(comment), len(body))
    exif_bytes = _pack(order, _Directory({**exif.entries, _USER_COMMENT: entry}, exif.following))
    pointer = struct.pack(order + "HHII", _EXIF_IFD, _LONG, 1, exif_offset)
    root_bytes = _pack(order, _Directory({**root.entries, _EXIF_IFD: pointer}, root.following))
    body += comment + exif_bytes + root_bytes
    struct.pack_into(order + "I", body, 4, exif_offset + len(exif_bytes))
    return bytes(body)


def only_orientation(tiff: bytes) -> bytes:
    """A block with nothing but how to turn the picture; empty when it need not be turned."""
    try:
        order, first = _header(tiff)
        entry = _directory(tiff, order, first).entries[_ORIENTATION]
    except (struct.error, KeyError, ValueError):
        return b""
    turn = struct.unpack_from(order + "H", entry, 8)[0]
    if not 2 <= turn <= 8:
        return b""
    plain = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, turn, 0)
    return b"MM\0*\0\0\0\x08" + _pack(">", _Directory({_ORIENTATION: plain}))


def _header(tiff: bytes) -> tuple[str, int]:
    """The byte order, as `struct` spells it, and the offset of the first directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        raise ValueError("no TIFF header")
    return order, struct.unpack_from(order + "I", tiff, 4)[0]


def _directory(tiff: bytes, order: str, offset: int) -> _Directory:
    count = struct.unpack_from(order + "H", tiff, offset)[0]
    end = offset + 2 + 12 * count
    if count > _MOST_ENTRIES or end > len(tiff):
        raise ValueError("a directory larger than its block")
    entries = [tiff[at : at + 12] for at in range(offset + 2, end, 12)]
    # Some writers leave out the last link.
    link = tiff[end : end + 4]
    following = struct.unpack(order + "I", link)[0] if len(link) == 4 else 0
    return _Directory({struct.unpack_from(order + "H", e)[0]: e for e in entries}, following)


def _exif_directory(tiff: bytes, order: str, root: _Directory) -> _Directory:
    pointer = root.entries.get(_EXIF_IFD)
    if pointer is None:
        return _Directory({})
    return _directory(tiff, order, struct.unpack_from(order + "I", pointer, 8)[0])


def _pack(order: str, directory: _Directory) -> bytes:
    entries = b"".join(entry for _, entry in sorted(directory.entries.items()))
    count = struct.pack(order + "H", len(directory.entries))
    return count + entries + struct.pack(order + "I", directory.following)


def _decode_comment(value: bytes) -> str:
    charset, rest = value[:8], value[8:]
    if charset == _UNICODE:
        text = _decode_utf16(rest)
    elif charset in (_ASCII, _UNDEFINED_CHARSET):
        text = rest.decode("utf-8", "replace")
    else:
        text = value.decode("utf-8", "replace")
    return text.removeprefix("\ufeff").rstrip("\0")


def _decode_utf16(data: bytes) -> str:
    """Big-endian as the web UI writes it, unless the other order clearly makes more sense."""
    big, little = (data.decode(name, "replace") for name in ("utf-16-be", "utf-16-le"))
    return little if _telltales(little) > _telltales(big) else big


def _telltales(text: str) -> int:
    return sum(text.count(mark) for mark in _TELLTALES)
