"""What a member typed, before anything is known of it: the options of /draw and /img2img."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Aspect(StrEnum):
    """The presets of the option `size`; the pixels follow the model's family."""

    SQUARE = "square"
    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"
    WIDE = "wide"
    TALL = "tall"


@dataclass(frozen=True)
class DrawOptions:
    """The options as a member gave them; None is "not given".

    `lora` is `name:weight`, several with commas; `hires` the second pass's scale; `extra` pairs
    in infotext's grammar (`studio.extra`).
    """

    prompt: str
    negative_prompt: str | None = None
    style: str | None = None
    model: str | None = None
    lora: str | None = None
    size: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    cfg_scale: float | None = None
    seed: int | None = None
    count: int | None = None
    hires: float | None = None
    hires_upscaler: str | None = None
    hires_strength: float | None = None
    vae: str | None = None
    clip_skip: int | None = None
    face_restoration: str | None = None
    tiling: bool | None = None
    extra: str | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> DrawOptions:
        """Of a command's options by name; those that are none of these are left out."""
        names = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in given.items() if name in names})

    def given(self) -> dict[str, Any]:
        """The options that a member gave, by name."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in found.items() if value is not None}
