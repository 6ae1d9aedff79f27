"""Painting over a picture: img2img, masks, and pictures that are not finished.

A source is painted again in strokes and in the prompt's colours; from half strength on, what
the prompt names is put into it. Blending two pictures would only make ghosts.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable

from PIL import Image, ImageFilter, ImageOps

from bot.demo.painter import brush
from bot.demo.painter.order import PaintOrder

Over = Callable[[PaintOrder, Image.Image], Image.Image]


def opened(data: bytes) -> Image.Image:
    """An image, upright, on white where it is transparent."""
    with Image.open(io.BytesIO(data)) as raw:
        image = ImageOps.exif_transpose(raw)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            clear = image.convert("RGBA")
            image = Image.new("RGBA", clear.size, (255, 255, 255, 255))
            image.alpha_composite(clear)
        return image.convert("RGB")


def fitted(image: Image.Image, size: tuple[int, int], fit: str) -> Image.Image:
    """The image on a canvas: "stretch", "cover" (crop) or "contain" (blurred surroundings)."""
    lanczos = Image.Resampling.LANCZOS
    if fit == "cover":
        return ImageOps.fit(image, size, lanczos)
    if fit == "contain":
        around = ImageOps.fit(image, size).filter(ImageFilter.GaussianBlur(min(size) / 20 + 1))
        inside = ImageOps.contain(image, size, lanczos)
        corner = ((size[0] - inside.width) // 2, (size[1] - inside.height) // 2)
        around.paste(inside, corner)
        return around
    return image.resize(size, lanczos)


def mask_for(order: PaintOrder, data: bytes, size: tuple[int, int]) -> Image.Image:
    """White where to repaint, softened; an alpha channel counts if the mask has one."""
    with Image.open(io.BytesIO(data)) as raw:
        upright = ImageOps.exif_transpose(raw)
        alpha = upright.getchannel("A") if upright.mode == "RGBA" else None
        plain = alpha is None or alpha.getextrema() == (255, 255)
        mask = upright.convert("L") if plain or alpha is None else alpha
    mask = mask.resize(size, Image.Resampling.BILINEAR)
    if order.mask_inverted:
        mask = ImageOps.invert(mask)
    return mask.filter(ImageFilter.GaussianBlur(order.mask_blur)) if order.mask_blur > 0 else mask


def repainted(order: PaintOrder, source: bytes, over: Over) -> Image.Image:
    """The source, changed by ``over`` everywhere or where the mask says."""
    size = (order.width, order.height)
    base = fitted(opened(source), size, order.fit)
    if order.mask is None:
        return over(order, base)
    mask = mask_for(order, order.mask, size)
    box = mask.point([255 if value > 8 else 0 for value in range(256)]).getbbox()
    if box is None:
        return over(order, base)
    region = base.crop(box)
    part = over(order.at_size(*region.size), region)
    base.paste(part, box[:2], mask.crop(box))
    return base


def unfinished(image: Image.Image, share: float, rng: random.Random) -> Image.Image:
    """The picture after ``share`` (0 to 1) of the work: blurred, under noise."""
    left = min(max(1 - share, 0.0), 1.0)
    blurred = image.filter(ImageFilter.GaussianBlur(min(image.size) * 0.07 * left))
    small = (max(image.width // 3, 1), max(image.height // 3, 1))
    raw = Image.frombytes("RGB", small, rng.randbytes(small[0] * small[1] * 3))
    noise = raw.resize(image.size, brush.BILINEAR)
    return Image.blend(blurred, noise, 0.85 * left**1.4)
