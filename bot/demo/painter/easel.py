"""From an order to a finished picture."""

from __future__ import annotations

import io

from PIL import Image

from bot.demo.painter import brush, finish, palette, places, subjects
from bot.demo.painter.order import PaintOrder
from bot.demo.painter.scene import Scene, plan
from bot.demo.painter.sheet import Sheet


def paint(order: PaintOrder) -> bytes:
    """The picture as PNG bytes, without metadata."""
    buffer = io.BytesIO()
    draw(order).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def draw(order: PaintOrder) -> Image.Image:
    """The picture, RGB, ``order.width`` x ``order.height`` pixels."""
    scene = plan(order)
    sheet = _prepared(order, scene)
    places.paint_place(sheet)
    sheet.image = _brushed(sheet)
    subjects.paint_subject(sheet)
    finish.fall(sheet)
    image = finish.in_manner(sheet.image, scene.manner, sheet.touch)
    image = finish.varnish(image, sheet.touch)
    finish.sign(image)
    return image


def preview(order: PaintOrder, share: float) -> Image.Image:
    """How the picture looks when ``share`` (0 to 1) of the work is done, small."""
    return draw(order.at_size(order.width // 4, order.height // 4))


def _prepared(order: PaintOrder, scene: Scene) -> Sheet:
    dice = order.composition("place")
    tall = order.height > order.width
    horizon = dice.uniform(0.5, 0.58) if tall else dice.uniform(0.52, 0.62)
    low = scene.time in ("sunset", "dawn", "neon")
    side = dice.choice((dice.uniform(0.16, 0.34), dice.uniform(0.66, 0.84)))
    height = horizon - dice.uniform(0.05, 0.12) if low else dice.uniform(0.12, 0.24)
    return Sheet(
        image=Image.new("RGB", (order.width, order.height)),
        scene=scene,
        palette=palette.choose(scene, order.composition("palette")),
        dice=dice,
        touch=order.touch("strokes"),
        horizon=horizon,
        sun=(side, height),
    )


def _brushed(sheet: Sheet) -> Image.Image:
    unit = sheet.unit
    angles = brush.fractal(sheet.touch, sheet.image.size, 2.5, 3)
    return brush.strokes(
        sheet.image,
        sheet.touch,
        length=unit * 0.017,
        width=unit * 0.0045,
        cover=1.6,
        angles=angles,
        wobble=7,
    )
