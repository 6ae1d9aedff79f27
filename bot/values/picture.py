"""Picture and Progress: what comes up the stair."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """One finished picture, as encoded bytes that already hold their infotext.

    `width` and `height` are read from the bytes, not from the request. `media_type` is
    image/png, image/jpeg or image/webp.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    seed: int
    infotext: str


@dataclass(frozen=True)
class Progress:
    """How far a painter is: `fraction` 0 to 1, steps if known, `eta_seconds` if sensible."""

    fraction: float
    step: int | None = None
    steps: int | None = None
    eta_seconds: float | None = None
