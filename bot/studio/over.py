"""Orders that begin with a guest's picture: painting over it, upscaling, describing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.errors import BadOption, BrokenPicture
from bot.images import codec, pnginfo, sources
from bot.images.infotext import Infotext
from bot.settings import Limits
from bot.studio.families import Family
from bot.values.request import Control, ImageRequest, Inpainting, Kind
from bot.values.source import Role, Source

MOST_UPSCALED = 4
"""An upscaled picture may have this many times the ceiling of a painted one."""
RESIZE_MODES = {"stretch": 0, "crop": 1, "fill": 2}
FILLS = {"fill": 0, "original": 1, "latent noise": 2, "latent nothing": 3}


@dataclass(frozen=True)
class OverOptions:
    """The options of /img2img beside those of /draw; `mask` is bytes of a picture.

    With `control` the picture's shapes are followed: it is painted anew, unless a `strength`
    asks for painting over it as well.
    """

    image: bytes
    strength: float | None = None
    resize: str = "stretch"
    mask: bytes | None = None
    mask_blur: int = 4
    masked_content: str = "original"
    only_masked: bool = False
    invert_mask: bool = False
    control: str | None = None
    control_weight: float = 1.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> OverOptions:
        """Of a command's options by name; those that are none of these are left out."""
        names = {f.name for f in fields(cls)}
        held = {k: v for k, v in given.items() if k in names and v is not None}
        return cls(**held)

    @property
    def kind(self) -> Kind:
        """Whether anything of the picture itself stays."""
        anew = self.control is not None and self.strength is None and self.mask is None
        return "txt2img" if anew else "img2img"

    def fields(self) -> dict[str, Any]:
        """The fields of a request that say how the picture is used."""
        control = self.control and Control.model_validate(
            {"kind": self.control, "weight": self.control_weight}
        )
        if self.kind == "txt2img":
            return {"control": control}
        return {
            "denoising_strength": 0.6 if self.strength is None else self.strength,
            "resize_mode": RESIZE_MODES[self.resize],
            "inpainting": self.inpainting(),
            "control": control,
        }

    def inpainting(self) -> Inpainting | None:
        """How the mask is used; None without one."""
        if self.mask is None:
            return None
        return Inpainting(
            blur=self.mask_blur,
            fill=FILLS[self.masked_content],
            only_masked=self.only_masked,
            invert=self.invert_mask,
        )


@dataclass(frozen=True)
class UpscaleOptions:
    """The options of /upscale; without an upscaler the best that is there."""

    image: bytes
    filename: str
    by: float = 2.0
    upscaler: str | None = None


def prepared(option: str, data: bytes, role: Role) -> Source:
    """The source, or BadOption that names the option. Runs Pillow: call in a thread."""
    try:
        return sources.prepare(data, role)
    except BrokenPicture as error:
        if len(data) > sources.MAX_BYTES:
            raise BadOption(option, "That picture is too large. At most 25 MiB.") from error
        if codec.sniff(data) is None:
            raise BadOption(
                option, "That is no picture I can read. Send a PNG, JPEG, WebP or GIF."
            ) from error
        raise BadOption(option, "That picture is damaged or far too large.") from error


def prepared_all(over: OverOptions) -> tuple[Source, ...]:
    """The sources of an order, the picture's own first. Runs Pillow: call in a thread."""
    anew = over.kind == "txt2img"
    image = prepared("image", over.image, Role.CONTROL if anew else Role.INIT)
    given = [image]
    if over.control is not None and not anew:
        given.append(replace(image, role=Role.CONTROL))
    if over.mask is not None:
        mask = prepared("mask", over.mask, Role.MASK)
        given.append(sources.fit_mask(mask, image.width, image.height))
    return tuple(given)


def size_for(source: Source, family: Family, limits: Limits, multiple: int) -> tuple[int, int]:
    """The size to paint at: the source's ratio, near what the family was trained on.

    Sides are multiples of `multiple`; pixels stay within half the family's own and its own, and
    within the ceiling.
    """
    width, height = family.sizes["square"]
    native = min(width * height, limits.max_pixels)
    pixels = min(max(source.width * source.height, native // 2), native)
    ratio = min(max(source.width / source.height, 0.25), 4.0)
    wide = (pixels * ratio) ** 0.5
    sides = [max(64, int(side) // multiple * multiple) for side in (wide, wide / ratio)]
    return sides[0], sides[1]


def upscaling(source: Source, by: float, upscaler: str, limits: Limits, name: str) -> ImageRequest:
    """The request of /upscale. Raises BadOption when the result would be too large."""
    pixels = source.width * source.height * by * by
    most = limits.max_pixels * MOST_UPSCALED
    if pixels > most:
        raise BadOption(
            "by",
            f"That would be {pixels / 1e6:.1f} megapixels; at most {most / 1e6:.1f} are possible.",
        )
    return _about(source, name).model_copy(
        update={"kind": "upscale", "upscaler": upscaler, "upscale_by": by}
    )


def describing(source: Source, name: str) -> ImageRequest:
    """The request of /describe."""
    return _about(source, name).model_copy(update={"kind": "describe"})


def loading(model: str) -> ImageRequest:
    """The request that paints nothing and brings a checkpoint into memory."""
    return ImageRequest(
        kind="load", prompt=model, model=model, width=64, height=64, steps=1, cfg_scale=0, seed=0
    )


def title_of(data: bytes, filename: str) -> str:
    """What a guest's picture is called on a card: its own prompt, else its file's name."""
    text = pnginfo.read(data)
    return (Infotext.parse(text).prompt if text else "") or filename


def _about(source: Source, name: str) -> ImageRequest:
    """A request that paints nothing new; its figures are the source's."""
    sides = [max(64, round(side / 8) * 8) for side in (source.width, source.height)]
    return ImageRequest(
        prompt=name[:4000], width=sides[0], height=sides[1], steps=1, cfg_scale=0, seed=0
    )
