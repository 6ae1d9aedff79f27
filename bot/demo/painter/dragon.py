"""A dragon in flight."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import darker, mix
from bot.demo.painter.feathers import coat
from bot.demo.painter.fur import Coat, Frame
from bot.demo.painter.sheet import Sheet


def paint_dragon(sheet: Sheet) -> None:
    """A dragon in flight, wings spread before the sky."""
    unit = min(sheet.width * 0.36, sheet.height * 0.4)
    frame = Frame(sheet.width * 0.5, sheet.height * 0.4, unit, -0.12, sheet.dice.random() < 0.5)
    named = {
        "red": (176, 58, 48),
        "green": (74, 128, 84),
        "blue": (70, 104, 166),
        "black": (58, 54, 70),
        "golden": (214, 160, 64),
    }
    words = [word for word in named if sheet.scene.says(word)]
    tone = named[words[0]] if words else sheet.dice.choice(list(named.values()))
    scales, skin = (
        coat(sheet, tone, 0.35, 0.5),
        coat(sheet, mix(tone, sheet.palette.sun, 0.35), 0.3, 0.5),
    )
    _wing(sheet, frame, skin, far=True)
    _dragon_body(sheet, frame, scales)
    _dragon_head(sheet, frame, scales)
    for index in range(11):
        x = -0.6 + 0.11 * index
        y = -0.02 - 0.15 * math.sin((index + 1) / 12 * math.pi)
        spike = [
            frame.at(x - 0.035, y + 0.04),
            frame.at(x - 0.03, y - 0.06),
            frame.at(x + 0.04, y + 0.04),
        ]
        brush.flat(sheet.image, spike, skin[1])
    _wing(sheet, frame, skin, far=False)


def _dragon_body(sheet: Sheet, frame: Frame, scales: Coat) -> None:
    tail = frame.shape(
        (-0.3, 0.06),
        (-0.7, 0.2),
        (-1.0, 0.06),
        (-1.22, 0.14),
        (-1.3, 0.04),
        (-1.0, -0.02),
        (-0.72, 0.1),
        (-0.34, -0.08),
    )
    brush.form(sheet.image, tail, scales, depth=0.25, light=sheet.light)
    neck = frame.shape(
        (0.3, -0.08),
        (0.56, -0.26),
        (0.72, -0.44),
        (0.92, -0.4),
        (0.84, -0.22),
        (0.6, 0.02),
        (0.34, 0.16),
    )
    brush.form(sheet.image, neck, scales, depth=0.25, light=sheet.light)
    body = frame.shape(
        (-0.42, -0.02),
        (-0.1, -0.18),
        (0.32, -0.13),
        (0.5, 0.04),
        (0.3, 0.22),
        (-0.1, 0.24),
        (-0.4, 0.12),
    )
    brush.form(sheet.image, body, scales, depth=0.28, light=sheet.light)
    for x in (-0.2, 0.16):
        leg = frame.shape(
            (x, 0.14),
            (x + 0.14, 0.2),
            (x + 0.02, 0.36),
            (x + 0.14, 0.44),
            (x - 0.06, 0.46),
            (x - 0.08, 0.3),
        )
        brush.form(sheet.image, leg, scales, depth=0.25)


def _wing(sheet: Sheet, frame: Frame, skin: Coat, far: bool) -> None:
    """A bat's wing: an arm, fingers, skin that sags between them."""
    dx, dy = (0.26, 0.06) if far else (0.0, 0.0)
    wrist = (0.02 + dx, -0.56 + dy)
    tips = [
        (-0.42 + dx, -0.9 + dy),
        (-0.86 + dx, -0.62 + dy),
        (-0.98 + dx, -0.22 + dy),
        (-0.7, 0.02),
    ]
    points = [(0.16 + dx, -0.1), (0.18 + dx, -0.36 + dy), wrist]
    for index, tip in enumerate(tips):
        points.append(tip)
        after = tips[index + 1] if index + 1 < len(tips) else (-0.2 + dx * 0.5, 0.02)
        middle = ((tip[0] + after[0]) / 2, (tip[1] + after[1]) / 2)
        points.append(
            (middle[0] + (wrist[0] - middle[0]) * 0.22, middle[1] + (0.02 - middle[1]) * 0.2)
        )
    points.append((-0.2 + dx * 0.5, 0.04))
    tones = (skin[1], mix(skin[1], skin[2], 0.5), skin[2]) if far else skin
    brush.form(sheet.image, [frame.at(*p) for p in points], tones, depth=0.1, light=sheet.light)
    shapes = []
    for tip in tips:
        bone = [
            frame.at(wrist[0] - 0.02, wrist[1]),
            frame.at(*tip),
            frame.at(wrist[0] + 0.02, wrist[1]),
        ]
        shapes.append((bone, mix(skin[2], skin[1], 0.25)))
    arm = [
        (0.08 + dx, -0.08),
        (wrist[0] - 0.03, wrist[1]),
        (wrist[0] + 0.03, wrist[1] - 0.02),
        (0.2 + dx, -0.06),
    ]
    shapes.append(([frame.at(*p) for p in arm], skin[2]))
    brush.draw_shapes(sheet.image, shapes)


def _dragon_head(sheet: Sheet, frame: Frame, scales: Coat) -> None:
    for shift in (0.0, 0.06):
        horn = frame.shape(
            (0.78 + shift, -0.46), (0.68 + shift, -0.6), (0.5 + shift, -0.68), (0.7 + shift, -0.52)
        )
        brush.form(sheet.image, horn, ((250, 236, 206), (214, 190, 150), (126, 104, 90)), depth=0.3)
    skull = frame.shape(
        (0.72, -0.46),
        (0.9, -0.5),
        (1.12, -0.4),
        (1.24, -0.33),
        (1.2, -0.27),
        (0.98, -0.26),
        (0.8, -0.26),
    )
    brush.form(sheet.image, skull, scales, depth=0.28, light=sheet.light)
    brush.flat(
        sheet.image,
        frame.shape((1.0, -0.285), (1.22, -0.275), (1.0, -0.27)),
        darker(scales[2], 0.5),
    )
    brush.flat(sheet.image, frame.oval(0.94, -0.41, 0.032, 0.028), (255, 226, 110))
    brush.flat(sheet.image, frame.oval(0.945, -0.41, 0.01, 0.024), (20, 14, 16))
    if sheet.scene.says("fire", "breathing", "flame") or sheet.palette.night:
        for wide, long, tone in (
            (0.2, 1.9, (255, 120, 40)),
            (0.13, 1.72, (255, 190, 70)),
            (0.06, 1.55, (255, 246, 206)),
        ):
            fire = frame.shape(
                (1.22, -0.29), (1.4, -0.3 - wide), (long, -0.24), (1.42, -0.2 + wide * 0.6)
            )
            brush.flat(sheet.image, fire, tone, 0.85)
        brush.glow(sheet.image, frame.at(1.5, -0.25), frame.unit * 0.6, (255, 140, 60), 0.7)
