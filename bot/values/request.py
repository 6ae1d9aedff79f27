"""ImageRequest: everything that decides what a picture looks like, and nothing else."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SEED_LIMIT = 2**32
"""Seeds are below this: the largest that every backend keeps (contracts: sdapi 11.4)."""

PROMPT_LIMIT = 4000
"""Characters: the most that one Discord text field takes."""


Kind = Literal["txt2img", "img2img", "upscale", "describe"]


class Inpainting(BaseModel):
    """How a mask is used (contracts, sdapi 3). `blur` and `padding` are in pixels.

    `fill` is what the masked part begins as: 0 fill, 1 the original, 2 latent noise, 3 nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    blur: int = Field(4, ge=0, le=64)
    fill: int = Field(1, ge=0, le=3)
    only_masked: bool = False
    padding: int = Field(32, ge=0, le=256)
    invert: bool = False


class ImageRequest(BaseModel):
    """One order, complete: every default is filled in and the seed is fixed.

    Sizes are in pixels and multiples of 8 (an A1111-style server floors others in silence).
    `seed` belongs to the first picture; the following ones of `count` use seed + 1, + 2 …
    Names (`model`, `sampler`, `scheduler`) are spelt as the painter's own lists spell them;
    None leaves the choice to the painter. Sources travel beside the request (`values.source`):
    img2img, upscale and describe have one, img2img a mask as well if it has `inpainting`.
    `blind` names the options that the member gave, on a request that was composed before its
    painter had told its lists; it is composed anew once the painter has.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind = "txt2img"
    prompt: str = Field(max_length=PROMPT_LIMIT)
    negative_prompt: str = Field("", max_length=PROMPT_LIMIT)
    model: str | None = None
    width: int = Field(ge=64, le=16_384, multiple_of=8)
    height: int = Field(ge=64, le=16_384, multiple_of=8)
    steps: int = Field(ge=1, le=1000)
    sampler: str | None = None
    scheduler: str | None = None
    cfg_scale: float = Field(ge=0, le=50)
    seed: int = Field(ge=0, lt=SEED_LIMIT)
    count: int = Field(1, ge=1, le=10)
    denoising_strength: float | None = Field(None, ge=0, le=1)
    resize_mode: int = Field(0, ge=0, le=2)
    inpainting: Inpainting | None = None
    upscaler: str | None = None
    upscale_by: float | None = Field(None, gt=1, le=8)
    blind: tuple[str, ...] | None = None

    @property
    def pixels(self) -> int:
        """Pixels of one picture."""
        return self.width * self.height
