"""From an order to a finished picture."""

from __future__ import annotations

import io
import math
from typing import Final

from PIL import Image

from bot.demo.painter import brush, finish, palette, places, retouch, subjects
from bot.demo.painter.colour import darker, lighter
from bot.demo.painter.order import PaintOrder
from bot.demo.painter.scene import Scene, plan
from bot.demo.painter.sheet import Sheet

# Larger canvases are painted at this size and enlarged: four times the pixels are not four
# times the charm.
LARGEST_PIXELS: Final = 1536 * 1536
PREVIEW_SIDE: Final = 192
_SUBJECT_FROM: Final = 0.5
_FRESH_FROM: Final = 0.95


def paint(order: PaintOrder) -> bytes:
    """The picture as PNG bytes, without metadata."""
    buffer = io.BytesIO()
    draw(order).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def draw(order: PaintOrder) -> Image.Image:
    """The picture, RGB, ``order.width`` x ``order.height`` pixels."""
    size = (order.width, order.height)
    if order.finished < 1:
        return preview(order, order.finished).resize(size, brush.BICUBIC)
    pixels = order.width * order.height
    if pixels > LARGEST_PIXELS:
        scale = math.sqrt(LARGEST_PIXELS / pixels)
        order = order.at_size(round(order.width * scale), round(order.height * scale))
    image = _unsigned(order)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    finish.sign(image)
    return image


def preview(order: PaintOrder, share: float) -> Image.Image:
    """How the picture looks when ``share`` (0 to 1) of the work is done; 192 pixels at most."""
    scale = min(PREVIEW_SIDE / max(order.width, order.height), 1.0)
    small = order.at_size(round(order.width * scale), round(order.height * scale))
    return retouch.unfinished(_unsigned(small), share, order.touch("noise"))


def _unsigned(order: PaintOrder) -> Image.Image:
    if order.source is None:
        return _fresh(order)
    return retouch.repainted(order, order.source, _over)


def _fresh(order: PaintOrder) -> Image.Image:
    scene = plan(order)
    sheet = _prepared(order, scene, Image.new("RGB", (order.width, order.height)))
    places.paint_place(sheet)
    sheet.image = _brushed(sheet)
    return _completed(sheet)


def _over(order: PaintOrder, base: Image.Image) -> Image.Image:
    """The base painted again: finely at low strength, boldly at high, fresh near 1."""
    strength = min(max(order.strength, 0.0), 1.0)
    if strength >= _FRESH_FROM:
        return _fresh(order)
    if strength < 0.02:
        return base
    scene = plan(order)
    if strength < _SUBJECT_FROM:
        scene = scene.without_subject()
    sheet = _prepared(order, scene, base.copy())
    tones = sheet.palette
    stops = ((0.0, darker(tones.near, 0.5)), (0.5, tones.sky[1]), (1.0, lighter(tones.sky[2], 0.4)))
    toned = brush.coloured(base.convert("L"), stops)
    sheet.image = Image.blend(base, toned, 0.45 * strength)
    brushed = _brushed(sheet, 0.3 + strength)
    sheet.image = Image.blend(sheet.image, brushed, min(0.3 + strength, 1.0))
    return Image.blend(base, _completed(sheet), min(0.35 + strength, 1.0))


def _completed(sheet: Sheet) -> Image.Image:
    """Subject, weather, manner, varnish."""
    subjects.paint_subject(sheet)
    if subjects.is_smooth(sheet.scene.subject):
        sheet.image = Image.blend(sheet.image, _brushed(sheet, 0.75, 0.5), 0.55)
    finish.fall(sheet)
    image = finish.in_manner(sheet.image, sheet.scene.manner, sheet.touch)
    return finish.varnish(image, sheet.touch)


def _prepared(order: PaintOrder, scene: Scene, image: Image.Image) -> Sheet:
    dice = order.composition("place")
    horizon = dice.uniform(0.5, 0.58) if order.height > order.width else dice.uniform(0.52, 0.62)
    if scene.subject in ("castle", "lighthouse"):
        horizon = dice.uniform(0.6, 0.66)
    side = dice.choice((dice.uniform(0.16, 0.34), dice.uniform(0.66, 0.84)))
    low = scene.time in ("sunset", "dawn", "neon")
    height = horizon - dice.uniform(0.05, 0.12) if low else dice.uniform(0.12, 0.24)
    return Sheet(
        image=image,
        scene=scene,
        palette=palette.choose(scene, order.composition("palette")),
        dice=dice,
        touch=order.touch("strokes"),
        horizon=horizon,
        sun=(side, height),
    )


def _brushed(sheet: Sheet, fine: float = 1.0, cover: float = 1.5) -> Image.Image:
    """The picture again in strokes that follow a slow field of directions."""
    city = sheet.scene.place == "city"
    unit = sheet.unit * fine * (0.5 if city else 1.0)
    angles = brush.fractal(sheet.touch, sheet.image.size, 2.5, 3)
    return brush.strokes(
        sheet.image,
        sheet.touch,
        length=max(unit * 0.017, 2.0),
        width=max(unit * 0.0045, 1.0),
        cover=cover * sheet.detail * (0.55 if city else 1.0),
        angles=angles,
    )
