"""Orders that begin with a guest's picture: painting over it, upscaling, describing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.errors import BadOption, BrokenPicture
from bot.images import codec, pnginfo, sources
from bot.images.infotext import Infotext
from bot.settings import Limits
from bot.studio.extra import parse_extra
from bot.studio.families import Family
from bot.studio.refine import STRENGTH
from bot.values.request import Control, ImageRequest, Inpainting, Kind
from bot.values.source import Role, Source

MOST_UPSCALED = 4
"""An upscaled picture may have this many times the ceiling of a painted one."""
USUAL_STRENGTH = 0.6
"""How much of a picture may change when nobody says: 0 nothing, 1 all."""
UNSEEN_STRETCH = 0.02
"""A ratio may be off by this part of it before anybody sees it."""
SOLID = 128
"""From this grey (0 to 255) on, a mask counts as white."""
RESIZE_MODES = {"stretch": 0, "crop": 1, "fill": 2}
_NEEDED = {
    "mask_blur": "mask",
    "masked_content": "mask",
    "only_masked": "mask",
    "mask_padding": "mask",
    "invert_mask": "mask",
    "control_weight": "control",
}
FILLS = {"fill": 0, "original": 1, "latent noise": 2, "latent nothing": 3}


@dataclass(frozen=True)
class OverOptions:
    """The options of /img2img beside those of /draw; `mask` is bytes of a picture.

    With `control` the picture's shapes are followed: it is painted anew, unless a `strength`
    asks for painting over it as well. Without `resize` a picture of another ratio is cropped.
    """

    image: bytes
    strength: float | None = None
    resize: str | None = None
    mask: bytes | None = None
    mask_blur: int = 4
    masked_content: str = "original"
    only_masked: bool = False
    mask_padding: int = 32
    invert_mask: bool = False
    control: str | None = None
    control_weight: float = 1.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> OverOptions:
        """Of a command's options by name; those that are none of these are left out.

        Raises BadOption for one that does nothing without another that was not given.
        """
        names = {f.name for f in fields(cls)}
        held = {k: v for k, v in given.items() if k in names and v is not None}
        for option, needed in _NEEDED.items():
            if option in held and needed not in held:
                raise BadOption(option, f"`{option}` does nothing without `{needed}`.")
        extra = parse_extra(given.get("extra") or "")
        if STRENGTH in extra:
            held.setdefault("strength", float(extra[STRENGTH]))
        return cls(**held)

    @property
    def kind(self) -> Kind:
        """Whether anything of the picture itself stays."""
        anew = self.control is not None and self.strength is None and self.mask is None
        return "txt2img" if anew else "img2img"

    def fields(self, image: Source, width: int, height: int) -> dict[str, Any]:
        """The fields of a request of this size that say how the picture is used."""
        control = self.control and Control.model_validate(
            {"kind": self.control, "weight": self.control_weight}
        )
        if self.kind == "txt2img":
            return {"control": control}
        return {
            "denoising_strength": USUAL_STRENGTH if self.strength is None else self.strength,
            "resize_mode": (
                resize_mode_for(image, width, height)
                if self.resize is None
                else RESIZE_MODES[self.resize]
            ),
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
            padding=self.mask_padding,
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
        raise BadOption(option, _why(data, f"The {option}")) from error


def prepared_all(over: OverOptions) -> tuple[Source, ...]:
    """The sources of an order, the picture's own first. Runs Pillow: call in a thread."""
    anew = over.kind == "txt2img"
    image = prepared("image", over.image, Role.CONTROL if anew else Role.INIT)
    given = [image]
    if over.control is not None and not anew:
        given.append(replace(image, role=Role.CONTROL))
    if over.mask is not None:
        mask = prepared("mask", over.mask, Role.MASK)
        _check_mask(mask, invert=over.invert_mask)
        given.append(sources.fit_mask(mask, image.width, image.height))
    return tuple(given)


def _why(data: bytes, what: str) -> str:
    """The sentence on bytes that are no picture to begin with."""
    if len(data) > sources.MAX_BYTES:
        return f"{what} is too large: at most {sources.MAX_BYTES >> 20} MiB."
    if codec.sniff(data) is None:
        return f"{what} is nothing I can read. Send a PNG, JPEG, WebP or GIF."
    with contextlib.suppress(BrokenPicture):
        width, height = codec.dimensions(data)
        if width * height > sources.MAX_PIXELS:
            return (
                f"{what} has {width * height / 1e6:.0f} megapixels; "
                f"at most {sources.MAX_PIXELS / 1e6:.0f} are possible."
            )
    return f"{what} is damaged. Please save or send it anew."


def _check_mask(mask: Source, *, invert: bool) -> None:
    """Raises BadOption for a mask that leaves everything as it is."""
    darkest, lightest = sources.extremes(mask)
    if not invert and lightest < SOLID:
        raise BadOption("mask", "The mask has no white, so nothing would be painted.")
    if invert and darkest >= SOLID:
        raise BadOption("mask", "The mask has no black, so nothing would be painted.")


def resize_mode_for(source: Source, width: int, height: int) -> int:
    """Cropping where another ratio would distort what is shown; nothing is lost otherwise."""
    stretched = (source.width / source.height) / (width / height)
    unseen = 1 / (1 + UNSEEN_STRETCH) <= stretched <= 1 + UNSEEN_STRETCH
    return RESIZE_MODES["stretch" if unseen else "crop"]


def size_for(source: Source, family: Family, limits: Limits, multiple: int) -> tuple[int, int]:
    """The size to paint at: the source's ratio, near what the family was trained on.

    A source of half to twice the family's pixels keeps its own size. Others are brought to half
    or the whole of them; all stay within the ceiling. Sides are multiples of `multiple`.
    """
    width, height = family.sizes["square"]
    own = [max(64, round(side / multiple) * multiple) for side in (source.width, source.height)]
    suits = width * height / 2 <= own[0] * own[1] <= min(width * height * 2, limits.max_pixels)
    if suits and 0.25 <= source.width / source.height <= 4:
        return own[0], own[1]
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
