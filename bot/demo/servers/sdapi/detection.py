"""What a ControlNet preprocessor would find in a picture, by cheap means of Pillow.

A "detected map" goes back to the client behind the pictures, and guides the demo painter.
Runs in a worker: bytes and images only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bot.demo.painter.retouch import fitted, opened

Family = Literal["picture", "inverted", "edges", "depth", "pose"]
_FROM: Final = 56
_LIMBS: Final = (
    ((0.5, 0.22), (0.5, 0.55), (255, 85, 0)),
    ((0.5, 0.24), (0.32, 0.3), (255, 170, 0)),
    ((0.32, 0.3), (0.24, 0.48), (255, 255, 0)),
    ((0.5, 0.24), (0.68, 0.3), (170, 255, 0)),
    ((0.68, 0.3), (0.76, 0.48), (85, 255, 0)),
    ((0.5, 0.55), (0.4, 0.78), (0, 255, 170)),
    ((0.4, 0.78), (0.38, 0.98), (0, 255, 255)),
    ((0.5, 0.55), (0.6, 0.78), (0, 85, 255)),
    ((0.6, 0.78), (0.62, 0.98), (0, 0, 255)),
    ((0.5, 0.22), (0.5, 0.08), (255, 0, 85)),
)
"""A standing figure in shares of its box, in the colours of an OpenPose skeleton."""


@dataclass(frozen=True)
class Guide:
    """One reference at work: ``picture`` is an encoded image, ``fit`` as in ``PaintOrder``.

    ``weight`` is 1 for full strength, 0 for none.
    """

    picture: bytes
    family: Family
    fit: str = "cover"
    weight: float = 1.0


def reference(guide: Guide, size: tuple[int, int]) -> Image.Image:
    """The picture on a canvas of ``size`` pixels, RGB."""
    return fitted(opened(guide.picture), size, guide.fit)


def detected(guide: Guide, size: tuple[int, int]) -> Image.Image:
    """The map of a guide, RGB, ``size`` pixels."""
    picture = reference(guide, size)
    if guide.family == "edges":
        return edges(picture).convert("RGB")
    if guide.family == "depth":
        far = ImageFilter.GaussianBlur(max(min(size) / 40, 1))
        return ImageOps.autocontrast(picture.convert("L").filter(far)).convert("RGB")
    if guide.family == "pose":
        return _skeleton(picture)
    return ImageOps.invert(picture) if guide.family == "inverted" else picture


def edges(picture: Image.Image) -> Image.Image:
    """White lines on black, mode L."""
    grey = picture.convert("L").filter(ImageFilter.GaussianBlur(max(min(picture.size) / 400, 0.6)))
    lines = ImageOps.autocontrast(grey.filter(ImageFilter.FIND_EDGES))
    # The filter sees the rim of the picture as an edge.
    ImageDraw.Draw(lines).rectangle((0, 0, lines.width - 1, lines.height - 1), outline=0, width=2)
    return lines.point([255 if value > _FROM else 0 for value in range(256)])


def _skeleton(picture: Image.Image) -> Image.Image:
    left, top, right, bottom = edges(picture).getbbox() or (0, 0, *picture.size)
    drawn = Image.new("RGB", picture.size)
    pen = ImageDraw.Draw(drawn)
    wide, high = right - left, bottom - top

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return left + point[0] * wide, top + point[1] * high

    for start, end, colour in _LIMBS:
        pen.line((*at(start), *at(end)), fill=colour, width=max(min(picture.size) // 60, 2))
    return drawn
