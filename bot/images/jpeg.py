"""JPEG, segment by segment up to the first scan: infotext in EXIF, the scan's bytes untouched."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from bot.errors import BrokenPicture
from bot.images import exif, sniff
from bot.images.infotext import Infotext

MEDIA_TYPE = sniff.JPEG

_SOI_BYTES = 2
_SOS, _EOI, _APP0, _APP1, _APP13, _COMMENT = 0xDA, 0xD9, 0xE0, 0xE1, 0xED, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_EXIF_INTRO = b"Exif\0\0"
# A segment's length field counts itself and has 16 bits.
_MOST_BODY_BYTES = 0xFFFF - 2
# Headers hold a few dozen segments; an ICC profile may take 255.
_MOST_SEGMENTS = 2_000


class Segment(NamedTuple):
    """A marker segment: its marker, and where it begins (at 0xFF) and ends."""

    marker: int
    start: int
    end: int

    def body(self, data: bytes) -> bytes:
        return data[self.start + 4 : self.end]


def segments(data: bytes) -> Iterator[Segment]:
    """The segments up to and including the first scan's header. Raises BrokenPicture."""
    start = _SOI_BYTES
    for _ in range(_MOST_SEGMENTS):
        if data[start : start + 1] != b"\xff":
            raise BrokenPicture("JPEG damaged or cut short in its header")
        at = start + 1
        while data[at : at + 1] == b"\xff":  # a marker may be padded with more of these
            at += 1
        marker = data[at] if at < len(data) else _EOI
        if marker in _ALONE:
            start = at + 1
            continue
        if marker == _EOI or at + 3 > len(data):
            raise BrokenPicture("JPEG cut short in its header")
        end = at + 1 + struct.unpack_from(">H", data, at + 1)[0]
        if end > len(data) or end < at + 3:
            raise BrokenPicture("JPEG cut short in its header")
        yield Segment(marker, at - 1, end)
        if marker == _SOS:
            return
        start = end
    raise BrokenPicture(f"JPEG of more than {_MOST_SEGMENTS} header segments")


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as stored (EXIF may turn them). Raises BrokenPicture."""
    for segment in segments(data):
        if segment.marker in _FRAMES:
            body = segment.body(data)
            if len(body) < 6:
                break
            height, width = struct.unpack_from(">HH", body, 1)
            return width, height
    raise BrokenPicture("JPEG without a frame")


def check(data: bytes) -> None:
    """Raise BrokenPicture unless the header is whole and an end marker follows the scan.

    Inside a scan 0xFF is always stuffed or a restart marker, so an end marker is one.
    """
    scan = list(segments(data))[-1].end
    if data.rfind(b"\xff\xd9", scan) < 0:
        raise BrokenPicture("JPEG cut short")


def read(data: bytes) -> str | None:
    """The infotext of the first EXIF segment that has one, also of a file that is cut short."""
    try:
        for segment in segments(data):
            if _is_exif(data, segment) and (text := exif.read_comment(_tiff(data, segment))):
                return text
    except BrokenPicture:
        pass
    return None


def embed(data: bytes, text: str) -> bytes:
    """`data` with an EXIF UserComment; an EXIF block that is there keeps its other entries.

    A segment holds 64 KiB, about 32,000 characters: the prompts of a longer text are cut at
    their ends, the parameter line is kept (`Infotext.shortened`). Where another program's EXIF
    leaves no room at all, the picture stays as it is: that block may say how to turn it.
    """
    header = list(segments(data))
    present = next((segment for segment in header if _is_exif(data, segment)), None)
    if present is None:
        start = end = next((s.start for s in header if s.marker != _APP0), _SOI_BYTES)
        tiff = b""
    else:
        start, end, tiff = present.start, present.end, _tiff(data, present)
    block = _fitting_block(tiff, text)
    if block is None:
        return data
    body = _EXIF_INTRO + block
    segment = struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body
    return b"".join([data[:start], segment, data[end:]])


def strip(data: bytes) -> bytes:
    """`data` without EXIF, XMP, IPTC and comments; only how to turn it stays."""
    pieces = [data[:_SOI_BYTES]]
    header = list(segments(data))
    for segment in header:
        if _is_exif(data, segment):
            pieces.append(_turn_segment(_tiff(data, segment)))
        elif segment.marker not in (_APP1, _APP13, _COMMENT):
            pieces.append(data[segment.start : segment.end])
    return b"".join([*pieces, data[header[-1].end :]])


def _turn_segment(tiff: bytes) -> bytes:
    turn = exif.only_orientation(tiff)
    body = _EXIF_INTRO + turn
    return struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body if turn else b""


def _is_exif(data: bytes, segment: Segment) -> bool:
    return segment.marker == _APP1 and data.startswith(_EXIF_INTRO, segment.start + 4)


def _tiff(data: bytes, segment: Segment) -> bytes:
    return data[segment.start + 4 + len(_EXIF_INTRO) : segment.end]


def _fitting_block(tiff: bytes, text: str) -> bytes | None:
    """The EXIF block with as much of `text` as a segment holds; None when there is no room."""
    most = _MOST_BODY_BYTES - len(_EXIF_INTRO)
    block = exif.with_comment(tiff, text)
    if len(block) <= most:
        return block
    room = most - len(exif.with_comment(tiff, ""))
    whole = Infotext.parse(text)
    shortened = whole.shortened(room // 2)
    # Fewer settings than three would be read as a part of the prompt.
    if room <= 0 or len(shortened.settings) < min(3, len(whole.settings)):
        return None
    return exif.with_comment(tiff, shortened.render())
