"""Things that carry people: a sailing boat, a hot-air balloon, a rocket."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import darker, lighter, mix
from bot.demo.painter.feathers import coat
from bot.demo.painter.fur import Coat, Frame
from bot.demo.painter.sheet import Sheet


def paint_boat(sheet: Sheet) -> None:
    """Two sails full of wind, and their reflection."""
    unit = min(sheet.width * 0.42, sheet.height * 0.36)
    lean = sheet.dice.uniform(-0.07, 0.07)
    frame = Frame(
        sheet.width * 0.5,
        sheet.height * (sheet.horizon + 0.2),
        unit,
        lean,
        sheet.dice.random() < 0.5,
    )
    _reflection(sheet, frame)
    hull = coat(sheet, sheet.dice.choice(((150, 70, 58), (60, 88, 120), (122, 84, 58))))
    sail, second = (
        coat(sheet, (250, 240, 222), 0.5, 0.28),
        coat(sheet, sheet.palette.accent[0], 0.4, 0.35),
    )
    mast = [
        frame.at(-0.012, -1.42),
        frame.at(0.012, -1.42),
        frame.at(0.02, 0.05),
        frame.at(-0.02, 0.05),
    ]
    brush.form(sheet.image, mast, coat(sheet, (110, 78, 56)), depth=0.3)
    _sails(sheet, frame, sail, second)
    _hull(sheet, frame, hull, sail)
    flag = [frame.at(0, -1.5), frame.at(-0.2, -1.45), frame.at(0, -1.4)]
    brush.form(sheet.image, flag, second, depth=0.25)
    _wake(sheet, frame)


def _sails(sheet: Sheet, frame: Frame, sail: Coat, second: Coat) -> None:
    main = frame.shape(
        (0.05, -1.36),
        (0.34, -0.9),
        (0.6, -0.34),
        (0.78, -0.04),
        (0.4, 0.0),
        (0.06, -0.03),
        (0.03, -0.7),
    )
    brush.form(sheet.image, main, sail, depth=0.22, light=sheet.light)
    for level in (0.35, 0.62, 0.84):
        seam = [
            frame.at(0.05, -1.36 + 1.3 * level),
            frame.at(0.05 + 0.62 * level, -1.36 + 1.33 * level),
            frame.at(0.05 + 0.62 * level, -1.35 + 1.33 * level),
            frame.at(0.05, -1.35 + 1.3 * level),
        ]
        brush.flat(sheet.image, seam, sail[2], 0.6)
    jib = frame.shape(
        (-0.06, -1.2), (-0.26, -0.7), (-0.66, -0.02), (-0.3, -0.02), (-0.07, -0.05), (-0.04, -0.6)
    )
    brush.form(sheet.image, jib, second, depth=0.22, light=sheet.light)


def _hull(sheet: Sheet, frame: Frame, hull: Coat, sail: Coat) -> None:
    body = frame.shape(
        (-0.86, 0.06),
        (-0.4, 0.1),
        (0.3, 0.1),
        (0.84, 0.04),
        (0.72, 0.22),
        (0.5, 0.33),
        (-0.44, 0.33),
        (-0.68, 0.22),
    )
    brush.form(sheet.image, body, hull, depth=0.3, light=(sheet.light[0] * 0.4, -1))
    stripe = [
        frame.at(-0.74, 0.15),
        frame.at(0.75, 0.14),
        frame.at(0.74, 0.175),
        frame.at(-0.72, 0.185),
    ]
    brush.flat(sheet.image, stripe, sail[0], 0.8)


def _reflection(sheet: Sheet, frame: Frame) -> None:
    deep = darker(mix(sheet.palette.sky[0], sheet.palette.near, 0.4), 0.3)
    for index in range(26):
        share = index / 25
        half = 0.75 * (1 - share) ** 0.7 * frame.unit
        x = frame.x + math.sin(index * 2.3) * 0.05 * frame.unit
        y = frame.y + frame.unit * (0.34 + 0.62 * share)
        dash = brush.ellipse(x, y, half, frame.unit * 0.016)
        tone = mix(deep, (250, 240, 222), 0.35 if index % 2 and share > 0.2 else 0)
        brush.flat(sheet.image, dash, tone, 0.42 * (1 - share))


def _wake(sheet: Sheet, frame: Frame) -> None:
    for index in range(9):
        x = -0.9 + 0.225 * index
        foam = frame.oval(x, 0.325 + 0.012 * math.sin(index * 2.0), 0.15, 0.02)
        brush.flat(sheet.image, foam, lighter(sheet.palette.sky[2], 0.55), 0.6)


def paint_balloon(sheet: Sheet) -> None:
    """Gores in two colours, a basket, and two small balloons far away."""
    unit = min(sheet.width * 0.5, sheet.height * 0.42)
    first, second = sheet.palette.accent[0], sheet.palette.accent[1]
    for x, y, size in ((0.17, 0.26, 0.15), (0.85, 0.42, 0.11)):
        far = Frame(sheet.width * x, sheet.height * y, unit * size * 1.6)
        _balloon(
            sheet,
            far,
            coat(sheet, mix(second, sheet.palette.haze, 0.4)),
            coat(sheet, mix(first, sheet.palette.haze, 0.4)),
        )
    frame = Frame(sheet.width * 0.5, sheet.height * 0.38, unit, sheet.dice.uniform(-0.05, 0.05))
    _balloon(sheet, frame, coat(sheet, first, 0.5), coat(sheet, (252, 238, 210), 0.5))


def _balloon(sheet: Sheet, frame: Frame, one: Coat, other: Coat) -> None:
    gores = ((0.62, 0.14, one), (0.5, 0.13, other), (0.33, 0.09, one), (0.16, 0.05, other))
    for wide, mouth, tones in gores:
        right = [(wide * 0.7, -0.6), (wide, -0.21), (wide * 0.73, 0.21), (mouth, 0.56)]
        left = [(-x, y) for x, y in reversed(right)]
        gore = frame.shape((0, -0.72), *right, *left)
        brush.form(sheet.image, gore, tones, depth=0.3, light=sheet.light)
    for x in (-0.11, -0.04, 0.04, 0.11):
        rope = [
            frame.at(x - 0.004, 0.55),
            frame.at(x + 0.004, 0.55),
            frame.at(x * 0.85 + 0.004, 0.78),
            frame.at(x * 0.85 - 0.004, 0.78),
        ]
        brush.flat(sheet.image, rope, (86, 64, 52), 0.9)
    basket = frame.shape(
        (-0.11, 0.77), (0.11, 0.77), (0.1, 0.92), (0.06, 0.95), (-0.06, 0.95), (-0.1, 0.92)
    )
    brush.form(sheet.image, basket, coat(sheet, (164, 110, 64)), depth=0.3, light=sheet.light)
    if frame.unit > 60:
        brush.glow(sheet.image, frame.at(0, 0.6), frame.unit * 0.2, (255, 190, 90), 0.7)


def paint_rocket(sheet: Sheet) -> None:
    """A rocket on its way, with fire and smoke."""
    unit = min(sheet.width * 0.5, sheet.height * 0.42)
    frame = Frame(sheet.width * 0.52, sheet.height * 0.42, unit, sheet.dice.uniform(0.12, 0.4))
    _flame(sheet, frame)
    hull, red = coat(sheet, (232, 234, 240), 0.5, 0.5), coat(sheet, sheet.palette.accent[0])
    for side in (-1, 1):
        fin = frame.shape(
            (0.22 * side, 0.2), (0.5 * side, 0.58), (0.46 * side, 0.78), (0.18 * side, 0.56)
        )
        brush.form(sheet.image, fin, red, depth=0.22, light=sheet.light)
    body = frame.shape(
        (0, -0.95),
        (0.2, -0.62),
        (0.29, -0.15),
        (0.25, 0.35),
        (0.17, 0.62),
        (-0.17, 0.62),
        (-0.25, 0.35),
        (-0.29, -0.15),
        (-0.2, -0.62),
    )
    brush.form(sheet.image, body, hull, depth=0.4, light=(sheet.light[0], -0.2))
    nose = frame.shape(
        (0, -0.96), (0.12, -0.78), (0.205, -0.58), (0, -0.53), (-0.205, -0.58), (-0.12, -0.78)
    )
    brush.form(sheet.image, nose, red, depth=0.35, light=(sheet.light[0], -0.2))
    for y, size in ((-0.22, 0.125), (0.14, 0.075)):
        brush.form(
            sheet.image,
            frame.oval(0, y, size * 1.3, size * 1.3),
            (hull[2], hull[1], hull[0]),
            depth=0.3,
        )
        glass = ((190, 236, 255), (72, 138, 196), (24, 48, 96))
        brush.form(sheet.image, frame.oval(0, y, size, size), glass, depth=0.4)
        brush.flat(
            sheet.image,
            frame.oval(-size * 0.35, y - size * 0.4, size * 0.28, size * 0.18),
            (255, 255, 255),
            0.8,
        )
    middle = frame.shape((-0.03, 0.3), (0.03, 0.3), (0.05, 0.74), (-0.05, 0.74))
    brush.form(sheet.image, middle, red, depth=0.3)


def _flame(sheet: Sheet, frame: Frame) -> None:
    rng = sheet.touch
    for index in range(44):
        share = index / 43
        px, py = frame.at(rng.uniform(-0.22, 0.22) * (0.4 + share), 2.2 - 1.5 * (1 - share) + 0.1)
        size = frame.unit * (0.1 + 0.22 * share) * rng.uniform(0.7, 1.2)
        brush.shade(
            sheet.image,
            (px, py),
            (size, size),
            mix(sheet.palette.cloud[0], (255, 236, 220), 0.3),
            0.5,
        )
    brush.glow(sheet.image, frame.at(0, 0.9), frame.unit * 0.8, (255, 150, 60), 0.8)
    for wide, long, tone in (
        (0.17, 1.45, (255, 140, 50)),
        (0.11, 1.2, (255, 206, 90)),
        (0.055, 0.95, (255, 250, 220)),
    ):
        fire = frame.shape(
            (-wide * 0.8, 0.58), (wide * 0.8, 0.58), (wide, 0.78), (0.01, long), (-wide, 0.78)
        )
        brush.flat(sheet.image, fire, tone, 0.92)
