"""Flowers: a bouquet in a vase, or tall ones in the grass."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import darker, jitter, lighter, mix
from bot.demo.painter.feathers import coat
from bot.demo.painter.fur import Frame
from bot.demo.painter.sheet import Sheet


def paint_vase(sheet: Sheet) -> None:
    """A bouquet in a vase, or flowers in the grass."""
    unit = min(sheet.width * 0.5, sheet.height * 0.46)
    if sheet.scene.place == "table":
        frame = Frame(sheet.width * 0.5, sheet.height * 0.84 - unit * 0.62, unit)
        brush.shade(sheet.image, frame.at(0.1, 0.6), (unit * 0.6, unit * 0.13), (26, 14, 24), 0.7)
        places = [
            (0.0, -0.5, 0.24),
            (-0.4, -0.3, 0.19),
            (0.4, -0.33, 0.2),
            (-0.22, -0.74, 0.17),
            (0.24, -0.78, 0.17),
            (-0.58, -0.62, 0.13),
            (0.6, -0.66, 0.14),
            (0.0, -0.98, 0.15),
        ]
    else:
        frame = Frame(sheet.width * 0.5, sheet.height * 0.96 - unit * 0.8, unit)
        places = [
            (-0.02, -0.42, 0.36),
            (-0.62, -0.02, 0.23),
            (0.62, -0.1, 0.25),
            (-0.95, 0.35, 0.15),
            (0.98, 0.32, 0.16),
        ]
    for x, y, _size in places:
        _stalk(sheet, frame, x, y)
    if sheet.scene.place == "table":
        _vase(sheet, frame)
    for index, (x, y, size) in enumerate(sorted(places, key=lambda row: row[1])):
        _blossom(sheet, frame, (x, y), size, index)


def _stalk(sheet: Sheet, frame: Frame, x: float, y: float) -> None:
    foot = (x * 0.15, 0.1) if sheet.scene.place == "table" else (x * 0.85, 1.0)
    green = coat(sheet, (86, 134, 70))
    bend = (x * 0.75, (y + foot[1]) / 2)
    brush.form(
        sheet.image,
        frame.shape(
            (x - 0.012, y),
            (bend[0] - 0.016, bend[1]),
            (foot[0] - 0.02, foot[1]),
            (foot[0] + 0.02, foot[1]),
            (bend[0] + 0.016, bend[1]),
            (x + 0.012, y),
        ),
        green,
        depth=0.3,
    )
    for side in (-1, 1):
        tip = (bend[0] + 0.26 * side, bend[1] - 0.14)
        blade = frame.shape(
            bend,
            ((bend[0] + tip[0]) / 2, bend[1] - 0.14),
            tip,
            ((bend[0] + tip[0]) / 2, bend[1] + 0.01),
        )
        brush.form(sheet.image, blade, green, depth=0.25, light=sheet.light)


def _vase(sheet: Sheet, frame: Frame) -> None:
    glaze = coat(
        sheet,
        sheet.dice.choice(((74, 112, 150), (226, 220, 208), (140, 78, 74), (84, 126, 112))),
        0.5,
        0.55,
    )
    outline = frame.shape(
        (-0.15, -0.02),
        (-0.13, 0.1),
        (-0.3, 0.28),
        (-0.3, 0.48),
        (-0.17, 0.6),
        (0.17, 0.6),
        (0.3, 0.48),
        (0.3, 0.28),
        (0.13, 0.1),
        (0.15, -0.02),
    )
    brush.form(sheet.image, outline, glaze, depth=0.4, light=sheet.light)
    for y in (0.3, 0.44):
        band = frame.shape(
            (-0.29, y),
            (0, y + 0.03),
            (0.29, y),
            (0.29, y + 0.02),
            (0, y + 0.052),
            (-0.29, y + 0.02),
        )
        brush.flat(sheet.image, band, lighter(glaze[0], 0.6), 0.5)


def _blossom(sheet: Sheet, frame: Frame, place: brush.Point, size: float, index: int) -> None:
    x, y = place
    sunflower = sheet.scene.says("sunflower", "sunflowers", "daisy")
    colours = [*sheet.palette.accent, (214, 74, 92), (236, 150, 176)]
    tone = (
        (246, 190, 52) if sunflower else colours[(index + sheet.dice.randrange(2)) % len(colours)]
    )
    if sheet.scene.says("rose", "roses", "poppy", "tulip"):
        tone = (206, 54, 70)
    tones = coat(sheet, tone, 0.5, 0.5)
    turn = sheet.dice.uniform(0, 1)
    rings = (
        ((1.0, 15, 0.13), (0.8, 13, 0.12))
        if sunflower
        else ((1.0, 8, 0.3), (0.72, 7, 0.24), (0.44, 5, 0.17))
    )
    for reach, count, wide in rings:
        for petal in range(count):
            angle = turn + reach * 3 + 2 * math.pi * petal / count
            far, near = size * reach, size * reach * 0.42
            shade = mix(tones[1], tones[0], (1 - reach) * 0.8 + 0.2 * sheet.touch.random())
            oval = frame.oval(
                x + math.cos(angle) * near,
                y + math.sin(angle) * near * 0.92,
                far * 0.62,
                size * wide,
                angle,
            )
            brush.form(
                sheet.image,
                oval,
                (lighter(shade, 0.35), shade, mix(shade, tones[2], 0.75)),
                depth=0.25,
                light=sheet.light,
            )
    heart = size * (0.4 if sunflower else 0.15)
    centre = (120, 74, 44) if sunflower else (250, 206, 96)
    brush.form(sheet.image, frame.oval(x, y, heart, heart * 0.92), coat(sheet, centre), depth=0.3)
    rng = sheet.touch
    for _ in range(46 if sunflower else 14):
        angle, far = rng.uniform(0, 6.3), math.sqrt(rng.random()) * heart * 0.9
        dot = frame.oval(
            x + math.cos(angle) * far, y + math.sin(angle) * far, heart * 0.09, heart * 0.09
        )
        brush.flat(
            sheet.image,
            dot,
            jitter(lighter(centre, 0.35) if rng.random() < 0.4 else darker(centre, 0.4), rng, 14),
            0.85,
        )
