"""Source: a picture that a guest gave, as bytes; never a link that can expire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a source is for. A mask's white is repainted; a control's shapes are followed."""

    INIT = "init"
    MASK = "mask"
    CONTROL = "control"


@dataclass(frozen=True)
class Source:
    """One prepared source: upright, one frame, no alpha; PNG or JPEG; size in pixels."""

    role: Role
    data: bytes
    width: int
    height: int
