"""ImageRequest: everything that decides what a picture looks like, and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SEED_LIMIT = 2**32
"""Seeds are below this: the largest that every backend keeps (contracts: sdapi 11.4)."""

PROMPT_LIMIT = 4000
"""Characters: the most that one Discord text field takes."""


Kind = Literal["txt2img", "img2img", "upscale", "describe", "load"]
"""`load` paints nothing: it brings a checkpoint into a painter's memory."""


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


class Hires(BaseModel):
    """A second pass at a larger size (contracts, sdapi 2). None: as the first pass.

    `scale` multiplies both sides; `strength` is its denoising strength; 0 steps are the first
    pass's number.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scale: float = Field(2.0, ge=1, le=4)
    upscaler: str | None = None
    strength: float = Field(0.5, ge=0, le=1)
    steps: int = Field(0, ge=0, le=150)
    checkpoint: str | None = None
    sampler: str | None = None
    scheduler: str | None = None
    prompt: str = Field("", max_length=PROMPT_LIMIT)
    negative_prompt: str = Field("", max_length=PROMPT_LIMIT)
    cfg_scale: float | None = Field(None, ge=0, le=50)


class Rare(BaseModel):
    """What few ask for, by `extra:` alone; None leaves each to the painter.

    With a `variation_strength`, the pictures of a `count` differ by their variation seeds.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    variation_seed: int | None = Field(None, ge=-1, lt=SEED_LIMIT)
    variation_strength: float | None = Field(None, ge=0, le=1)
    refiner: str | None = None
    refiner_switch_at: float | None = Field(None, ge=0, le=1)
    eta: float | None = Field(None, ge=0, le=1)
    ensd: int | None = Field(None, ge=0, lt=SEED_LIMIT)
    rng: Literal["GPU", "CPU", "NV"] | None = None
    distilled_cfg_scale: float | None = Field(None, ge=0, le=50)
    token_merging: float | None = Field(None, ge=0, le=0.9)


NetFamily = Literal["sd15", "sd2", "sdxl", "sd3", "flux"]
"""Checkpoints of one family share their ControlNets; another's do nothing, or break."""


class Control(BaseModel):
    """ControlNet: what of the reference picture is kept, and how strictly (0 to 2).

    `family` is whose nets fit the checkpoint; None when nobody knows.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["canny", "depth", "pose", "lineart"]
    weight: float = Field(1.0, ge=0, le=2)
    family: NetFamily | None = None


class ImageRequest(BaseModel):
    """One order, complete: every default is filled in and the seed is fixed.

    Sizes are in pixels and multiples of 8 (an A1111-style server floors others in silence).
    `seed` belongs to the first picture; the following ones of `count` use seed + 1, + 2 … (with
    a variation strength all have the same seed, and the variation seed counts instead).
    Names (`model`, `sampler`, `scheduler`) are spelt as the painter's own lists spell them;
    None leaves the choice to the painter. Sources travel beside the request (`values.source`):
    img2img, upscale and describe have one, img2img a mask as well if it has `inpainting`.
    `subject` is the member's own words where a style or LoRA stands around them in `prompt`.
    `faces` names the painter's face restoration. `unseen` holds the options as they were typed,
    on a request that was composed before its painter had told its lists; it is composed anew
    once the painter has.
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
    subject: str | None = None
    hires: Hires | None = None
    vae: str | None = None
    clip_skip: int | None = Field(None, ge=1, le=12)
    faces: str | None = None
    tiling: bool = False
    rare: Rare = Rare()
    control: Control | None = None
    unseen: dict[str, Any] | None = None

    @property
    def begins_with_picture(self) -> bool:
        """Whether sources travel beside it."""
        return self.kind not in ("txt2img", "load") or self.control is not None

    def rest(self, done: int) -> ImageRequest:
        """The order of the pictures that are still missing when the first `done` are there.

        A server counts the variation seed up, and not the seed, when the variation has a strength
        (contracts, sdapi 2).
        """
        count = self.count - done
        if not self.rare.variation_strength:
            return self.model_copy(update={"seed": self.seed + done, "count": count})
        counted = {"variation_seed": (self.rare.variation_seed or 0) + done}
        return self.model_copy(
            update={"rare": self.rare.model_copy(update=counted), "count": count}
        )

    @property
    def pixels(self) -> int:
        """Pixels of one picture, of its second pass if it has one."""
        scale = self.hires.scale if self.hires else 1.0
        return int(self.width * self.height * scale * scale)
