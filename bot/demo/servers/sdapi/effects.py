"""What a person can see of LoRAs, VAE, tiling, face restoration and ControlNet references.

The painter knows prompts; everything else that a request can ask for is laid over its picture
here, cheaply, so that a look at the result tells that it was heard. Runs in a worker.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from bot.demo.painter import PaintOrder, brush, draw, preview
from bot.demo.servers.sdapi.catalogue import fake_hash
from bot.demo.servers.sdapi.detection import Guide, edges, reference
from bot.demo.servers.sdapi.networks import Network

Look = Callable[[Image.Image], Image.Image]
_INK: Final = (26, 22, 32)
_STRONGEST: Final = 1.5
_SKETCH_SIDE: Final = 96
_COLOURS: Final = 6


@dataclass(frozen=True)
class Effects:
    """All that is laid over one picture; ``faces`` names who restored or repainted it."""

    networks: tuple[Network, ...] = ()
    vae: str = ""
    tiling: bool = False
    faces: tuple[str, ...] = ()
    guides: tuple[Guide, ...] = ()


def drawn(order: PaintOrder, effects: Effects) -> Image.Image:
    """The finished picture with its effects."""
    return _touched(draw(_guided(order, effects)), effects)


def glimpse(order: PaintOrder, effects: Effects, share: float) -> Image.Image:
    """The live preview at ``share`` (0 to 1) of the work, with the effects in it."""
    return _touched(preview(_guided(order, effects), share), effects)


def _guided(order: PaintOrder, effects: Effects) -> PaintOrder:
    """A picture from text begins on its first reference: its shapes, in the prompt's colours."""
    if order.source is not None or not effects.guides:
        return order
    guide = effects.guides[0]
    weight = min(guide.weight, 1.0)
    shapes = reference(guide, (order.width, order.height))
    if guide.family != "picture":
        shapes = _coloured(shapes, order)
    source = io.BytesIO()
    shapes.save(source, "PNG", compress_level=1)
    return replace(order, source=source.getvalue(), strength=1 - 0.53 * weight)


def _coloured(shapes: Image.Image, order: PaintOrder) -> Image.Image:
    """The shapes in the colours of the picture without them, from its darkest to its lightest."""
    scale = _SKETCH_SIDE / max(shapes.size)
    sketch = draw(order.at_size(round(shapes.width * scale), round(shapes.height * scale)))
    few = ImageEnhance.Color(sketch).enhance(1.3).quantize(_COLOURS).convert("RGB")
    found = [tone for _, tone in few.getcolors() or [] if isinstance(tone, tuple)]
    tones = [(tone[0], tone[1], tone[2]) for tone in sorted(found, key=sum)]
    ramp = [(index / max(len(tones) - 1, 1), tone) for index, tone in enumerate(tones)]
    return brush.coloured(ImageOps.autocontrast(shapes.convert("L")), ramp)


def _touched(image: Image.Image, effects: Effects) -> Image.Image:
    for guide in effects.guides:
        image = _followed(image, guide)
    for network in effects.networks:
        look = _LOOKS.get(network.name, _deepened)
        image = Image.blend(image, look(image), min(abs(network.multiplier), _STRONGEST))
    if effects.vae:
        image = _decoded(image, effects.vae)
    for name in effects.faces:
        image = _restored(image, name)
    return _seamless(image) if effects.tiling else image


def _followed(image: Image.Image, guide: Guide) -> Image.Image:
    """Light and shade of the reference, and its outlines in ink."""
    weight = min(max(guide.weight, 0.0), 1.0)
    picture = reference(guide, image.size)
    soft = picture.convert("L").filter(ImageFilter.GaussianBlur(max(min(image.size) / 64, 1)))
    shaded = ImageChops.hard_light(image, soft.convert("RGB"))
    image = Image.blend(image, shaded, 0.45 * weight)
    if guide.family != "depth":
        lines = edges(picture).filter(ImageFilter.GaussianBlur(0.5))
        image.paste(_INK, (0, 0), lines.point([round(v * 0.8 * weight) for v in range(256)]))
    return image


def _deepened(image: Image.Image) -> Image.Image:
    return ImageEnhance.Color(image).enhance(1.6)


def _detailed(image: Image.Image) -> Image.Image:
    sharp = image.filter(ImageFilter.UnsharpMask(radius=2, percent=220, threshold=1))
    return ImageEnhance.Contrast(sharp).enhance(1.12)


def _washed(image: Image.Image) -> Image.Image:
    flat = image.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.SMOOTH_MORE)
    bright = ImageEnhance.Color(flat).enhance(1.25)
    return Image.blend(bright, Image.new("RGB", image.size, (250, 246, 236)), 0.22)


def _pixelated(image: Image.Image) -> Image.Image:
    block = max(min(image.size) // 96, 4)
    few = (max(image.width // block, 1), max(image.height // block, 1))
    small = image.resize(few, Image.Resampling.BOX).quantize(24).convert("RGB")
    return small.resize(image.size, Image.Resampling.NEAREST)


_LOOKS: Final[Mapping[str, Look]] = {
    "add_detail": _detailed,
    "watercolor_wash": _washed,
    "pixel_art_xl": _pixelated,
}


def _decoded(image: Image.Image, vae: str) -> Image.Image:
    """Fuller colours, a little warmer or cooler by the name."""
    lean = (int(fake_hash(vae)[:2], 16) - 128) / 128 * 0.08
    red, green, blue = ImageEnhance.Color(image).enhance(1.2).split()
    red = red.point([min(round(v * (1 + lean)), 255) for v in range(256)])
    blue = blue.point([min(round(v * (1 - lean)), 255) for v in range(256)])
    return Image.merge("RGB", (red, green, blue))


def _restored(image: Image.Image, name: str) -> Image.Image:
    """The part of the picture where a face (hand, person) would be, smoother or crisper."""
    part = next((box for word, box in _PARTS.items() if word in name.lower()), _FACE)
    mask = Image.new("L", image.size)
    box = [share * side for share, side in zip(part, image.size * 2, strict=True)]
    ImageDraw.Draw(mask).ellipse(box, fill=235)
    mask = mask.filter(ImageFilter.GaussianBlur(min(image.size) / 24))
    if name == "CodeFormer":
        better = image.filter(ImageFilter.SMOOTH_MORE)
    else:
        better = image.filter(ImageFilter.UnsharpMask(radius=2, percent=150, threshold=1))
    return Image.composite(ImageEnhance.Brightness(better).enhance(1.07), image, mask)


_FACE: Final = (0.3, 0.12, 0.7, 0.62)
_PARTS: Final = {"hand": (0.15, 0.55, 0.85, 0.97), "person": (0.15, 0.05, 0.85, 0.98)}


def _seamless(image: Image.Image) -> Image.Image:
    """Each rim goes on at the opposite one: the rim is taken from the middle of the picture."""
    moved = ImageChops.offset(image, image.width // 2, image.height // 2)
    steps = 16
    inside = Image.new("L", (steps * 4, steps * 4))
    pen = ImageDraw.Draw(inside)
    for step in range(1, steps):
        far = steps * 4 - 1 - step
        pen.rectangle((step, step, far, far), fill=min(255 * step * 2 // steps, 255))
    return Image.composite(image, moved, inside.resize(image.size, Image.Resampling.BILINEAR))
