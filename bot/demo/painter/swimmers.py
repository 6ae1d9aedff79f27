"""A fish among weeds, a whale that comes up for air."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import hexed, lighter, mix
from bot.demo.painter.feathers import coat, round_eye
from bot.demo.painter.fur import Coat, Frame
from bot.demo.painter.sheet import Sheet

_FISH = ("f08a3c", "e9573f", "f2c14e", "4fa3d9", "e87ba4")


def paint_fish(sheet: Sheet) -> None:
    """A round fish with veils for fins, and two small companions."""
    unit = min(sheet.width * 0.55, sheet.height * 0.5)
    tone = "f08a3c" if sheet.scene.says("goldfish") else sheet.dice.choice(_FISH)
    mirrored = sheet.dice.random() < 0.5
    for x, y in ((0.22, 0.28), (0.8, 0.66)):
        small = Frame(sheet.width * x, sheet.height * y, unit * 0.26, 0.1, mirrored)
        _fish(sheet, small, coat(sheet, mix(hexed(tone), (40, 120, 160), 0.45)))
    _fish(
        sheet,
        Frame(sheet.width * 0.5, sheet.height * 0.48, unit, -0.08, mirrored),
        coat(sheet, hexed(tone)),
    )


def _fish(sheet: Sheet, frame: Frame, tones: Coat) -> None:
    veil = (lighter(tones[0], 0.35), lighter(tones[1], 0.25), tones[1])
    fins = (
        (
            (-0.4, 0.0),
            (-0.7, -0.32),
            (-1.0, -0.36),
            (-0.9, -0.1),
            (-0.98, 0.16),
            (-0.86, 0.42),
            (-0.66, 0.26),
        ),
        ((0.2, -0.3), (-0.05, -0.56), (-0.4, -0.54), (-0.32, -0.26)),
        ((0.05, 0.3), (-0.12, 0.56), (-0.34, 0.6), (-0.28, 0.24)),
    )
    for outline in fins:
        brush.form(
            sheet.image, frame.shape(*outline), veil, depth=0.16, light=sheet.light, opacity=0.9
        )
    _rays(sheet, frame, veil)
    body = frame.shape(
        (0.56, -0.02),
        (0.4, -0.26),
        (0.05, -0.37),
        (-0.3, -0.2),
        (-0.5, 0.0),
        (-0.3, 0.2),
        (0.05, 0.34),
        (0.4, 0.22),
    )
    brush.form(sheet.image, body, tones, depth=0.22, light=(0, -1))
    for row in range(6):
        for column in range(7):
            x, y = -0.34 + column * 0.085 + (row % 2) * 0.042, -0.2 + row * 0.075
            if (x / 0.46) ** 2 + (y / 0.32) ** 2 < 0.72:
                scale = frame.shape((x - 0.034, y), (x, y - 0.034), (x + 0.03, y), (x, y + 0.034))
                brush.flat(sheet.image, scale, lighter(tones[0], 0.25), 0.28)
    cheek = frame.shape((0.24, -0.2), (0.14, 0.0), (0.24, 0.2), (0.2, 0.0))
    brush.flat(sheet.image, cheek, tones[2], 0.55)
    fin = frame.shape((0.08, 0.06), (-0.14, 0.1), (-0.26, 0.26), (-0.02, 0.2))
    brush.form(sheet.image, fin, veil, depth=0.2, opacity=0.92)
    brush.flat(sheet.image, frame.oval(0.36, -0.08, 0.085, 0.085), (255, 252, 240))
    round_eye(sheet, frame, (0.37, -0.08), 0.062, (60, 52, 60))
    brush.flat(
        sheet.image, frame.shape((0.55, 0.04), (0.49, 0.075), (0.45, 0.07), (0.5, 0.06)), tones[2]
    )


def _rays(sheet: Sheet, frame: Frame, veil: Coat) -> None:
    shapes = []
    for index in range(11):
        angle = math.pi + (index - 5) * 0.115
        end = (-0.42 + math.cos(angle) * 0.5, math.sin(angle) * -0.5 * 1.3)
        shapes.append(([frame.at(-0.42, -0.006), frame.at(*end), frame.at(-0.42, 0.006)], veil[2]))
    brush.draw_shapes(sheet.image, shapes)


def paint_whale(sheet: Sheet) -> None:
    """A great whale out of the sea, with its fountain."""
    unit = min(sheet.width * 0.52, sheet.height * 0.5)
    frame = Frame(sheet.width * 0.5, sheet.height * 0.66, unit, -0.1, sheet.dice.random() < 0.5)
    blue, belly = coat(sheet, (74, 112, 150)), coat(sheet, (214, 224, 228))
    fluke = frame.shape(
        (-0.62, -0.1), (-0.8, -0.34), (-1.02, -0.46), (-0.86, -0.2), (-0.94, 0.0), (-0.74, 0.0)
    )
    brush.form(sheet.image, fluke, blue, depth=0.2, light=sheet.light)
    body = frame.shape(
        (0.8, 0.12),
        (0.62, -0.2),
        (0.2, -0.36),
        (-0.3, -0.22),
        (-0.68, -0.12),
        (-0.6, 0.06),
        (-0.2, 0.34),
        (0.4, 0.4),
    )
    brush.form(sheet.image, body, blue, depth=0.25, light=sheet.light)
    under = frame.shape(
        (0.79, 0.14), (0.4, 0.16), (-0.1, 0.2), (-0.25, 0.32), (0.2, 0.4), (0.55, 0.38)
    )
    brush.form(sheet.image, under, belly, depth=0.25, light=(0, -1))
    for index in range(6):
        y = 0.19 + index * 0.03
        brush.flat(
            sheet.image,
            frame.shape(
                (0.7 - 0.04 * index, y), (0.3, y + 0.03), (-0.02, y + 0.05), (0.3, y + 0.038)
            ),
            belly[2],
            0.5,
        )
    brush.form(
        sheet.image,
        frame.shape((0.12, 0.26), (0.0, 0.5), (-0.16, 0.56), (-0.08, 0.3)),
        blue,
        depth=0.25,
    )
    round_eye(sheet, frame, (0.5, 0.04), 0.035, (40, 34, 40))
    _fountain(sheet, frame)
    wave = [(-1.3, 0.42)]
    wave += [(-1.3 + 2.6 * i / 26, 0.36 + 0.035 * math.sin(i * 1.7)) for i in range(27)]
    points = [frame.at(x, y) for x, y in wave] + [frame.at(1.3, 0.62), frame.at(-1.3, 0.62)]
    deep = mix(sheet.palette.sky[0], sheet.palette.near, 0.35)
    brush.flat(sheet.image, points, mix(deep, sheet.palette.sky[2], 0.3), 0.6)
    foam = [frame.at(x, y) for x, y in wave[1:]]
    foam += [frame.at(x, y + 0.025 + 0.012 * math.sin(x * 9)) for x, y in reversed(wave[1:])]
    brush.flat(sheet.image, foam, lighter(sheet.palette.sky[2], 0.55), 0.7)


def _fountain(sheet: Sheet, frame: Frame) -> None:
    rng = sheet.touch
    for _ in range(90):
        angle, reach = rng.gauss(-math.pi / 2, 0.34), rng.random() ** 0.7 * 0.5
        x, y = 0.22 + math.cos(angle) * reach * 0.8, -0.36 + math.sin(angle) * reach
        size = rng.uniform(0.006, 0.02)
        brush.flat(
            sheet.image, frame.oval(x, y, size, size), (240, 250, 255), rng.uniform(0.4, 0.9)
        )
