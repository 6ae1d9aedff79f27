"""Picture and Progress: what comes up the stair."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """One finished picture, as encoded bytes that already hold their infotext.

    `width` and `height` are read from the bytes, not from the request. `media_type` is
    image/png, image/jpeg or image/webp. `remark` is a sentence for the member when it was not
    made quite as asked.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    seed: int
    infotext: str
    remark: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a painter is: `fraction` 0 to 1, steps if known, `eta_seconds` if sensible.

    `preview` is a small JPEG of what it has so far; `note` a few words in the place of "drawing".
    """

    fraction: float
    step: int | None = None
    steps: int | None = None
    eta_seconds: float | None = None
    preview: bytes | None = None
    note: str | None = None
