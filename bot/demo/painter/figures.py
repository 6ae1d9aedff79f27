"""Robots and worlds."""

from __future__ import annotations

import math
from itertools import pairwise

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, lighter, mix
from bot.demo.painter.feathers import coat
from bot.demo.painter.fur import Coat, Frame
from bot.demo.painter.sheet import Sheet


def paint_robot(sheet: Sheet) -> None:
    """A friendly robot with lamps for eyes."""
    unit = min(sheet.width * 0.52, sheet.height * 0.42)
    frame = Frame(sheet.width * 0.5, sheet.height * 0.93 - unit, unit)
    tone = sheet.dice.choice(
        ((110, 160, 168), (222, 150, 74), (206, 204, 198), (196, 92, 78), (118, 128, 168))
    )
    shell, joint = coat(sheet, tone, 0.5, 0.5), coat(sheet, (96, 100, 112))
    glow = sheet.palette.accent[0] if sheet.palette.night else (98, 226, 236)
    brush.shade(sheet.image, frame.at(0, 0.98), (unit * 0.85, unit * 0.17), (16, 14, 34), 0.6)
    for side in (-1, 1):
        _robot_limbs(sheet, frame, shell, joint, side)
    _robot_body(sheet, frame, shell, joint)
    _limb(sheet, frame, ((0, -0.06), (0, 0.08)), 0.1, joint)
    _robot_head(sheet, frame.leaning(0, -0.34, sheet.dice.uniform(-0.1, 0.1)), shell, joint, glow)


def _robot_limbs(sheet: Sheet, frame: Frame, shell: Coat, joint: Coat, side: int) -> None:
    _limb(sheet, frame, ((0.2 * side, 0.66), (0.22 * side, 0.92)), 0.085, joint)
    brush.form(
        sheet.image,
        frame.shape((0.1 * side, 0.9), (0.34 * side, 0.88), (0.4 * side, 1.0), (0.08 * side, 1.0)),
        shell,
        depth=0.3,
        light=sheet.light,
    )
    _limb(
        sheet,
        frame,
        ((0.46 * side, 0.18), (0.64 * side, 0.42), (0.58 * side, 0.64)),
        0.06,
        joint,
    )
    brush.form(
        sheet.image,
        frame.oval(0.58 * side, 0.68, 0.1, 0.11),
        shell,
        depth=0.35,
        light=sheet.light,
    )


def _robot_body(sheet: Sheet, frame: Frame, shell: Coat, joint: Coat) -> None:
    body = frame.shape(
        (-0.4, 0.08),
        (0, 0.02),
        (0.4, 0.08),
        (0.46, 0.4),
        (0.34, 0.72),
        (0, 0.76),
        (-0.34, 0.72),
        (-0.46, 0.4),
    )
    brush.form(sheet.image, body, shell, depth=0.3, light=sheet.light)
    brush.form(
        sheet.image,
        frame.shape((-0.22, 0.2), (0.22, 0.2), (0.24, 0.48), (-0.24, 0.48)),
        (joint[1], joint[2], darker(joint[2], 0.4)),
        depth=0.1,
    )
    heart = frame.shape(
        (0, 0.44), (-0.11, 0.33), (-0.07, 0.25), (0, 0.29), (0.07, 0.25), (0.11, 0.33)
    )
    brush.flat(sheet.image, heart, (255, 120, 130))
    brush.glow(sheet.image, frame.at(0, 0.34), frame.unit * 0.3, (255, 110, 120), 0.5)


def _robot_head(sheet: Sheet, head: Frame, shell: Coat, joint: Coat, glow: Colour) -> None:
    _limb(sheet, head, ((0, -0.28), (0.03, -0.52)), 0.018, joint)
    brush.form(
        sheet.image,
        head.oval(0.03, -0.55, 0.05, 0.05),
        (lighter(glow, 0.6), glow, darker(glow, 0.4)),
        depth=0.4,
    )
    brush.glow(sheet.image, head.at(0.03, -0.55), head.unit * 0.22, glow, 0.7)
    for side in (-1, 1):
        brush.form(
            sheet.image,
            head.oval(0.52 * side, 0.0, 0.07, 0.13),
            joint,
            depth=0.3,
            light=sheet.light,
        )
    skull = head.shape(
        (-0.44, -0.26),
        (0, -0.34),
        (0.44, -0.26),
        (0.53, 0.0),
        (0.44, 0.26),
        (0, 0.32),
        (-0.44, 0.26),
        (-0.53, 0.0),
    )
    brush.form(sheet.image, skull, shell, depth=0.28, light=sheet.light)
    _visor(sheet, head, glow)


def _visor(sheet: Sheet, head: Frame, glow: Colour) -> None:
    visor = head.shape(
        (-0.36, -0.16),
        (0, -0.21),
        (0.36, -0.16),
        (0.41, 0.0),
        (0.35, 0.15),
        (0, 0.19),
        (-0.35, 0.15),
        (-0.41, 0.0),
    )
    brush.form(
        sheet.image, visor, ((62, 70, 92), (28, 32, 48), (14, 14, 26)), depth=0.15, light=(0, 1)
    )
    for side in (-1, 1):
        brush.flat(sheet.image, head.oval(0.17 * side, -0.02, 0.072, 0.088), glow)
        brush.flat(sheet.image, head.oval(0.17 * side, -0.03, 0.042, 0.055), lighter(glow, 0.75))
        brush.glow(sheet.image, head.at(0.17 * side, -0.02), head.unit * 0.24, glow, 0.7)
    smile = head.shape((-0.08, 0.085), (0, 0.12), (0.08, 0.085), (0, 0.145))
    brush.flat(sheet.image, smile, glow, 0.9)
    brush.flat(
        sheet.image,
        head.shape((-0.3, -0.12), (-0.12, -0.165), (-0.14, -0.15), (-0.3, -0.09)),
        (255, 255, 255),
        0.3,
    )


def _limb(
    sheet: Sheet, frame: Frame, places: tuple[brush.Point, ...], half: float, tones: Coat
) -> None:
    for start, end in pairwise(places):
        length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1.0
        nx, ny = -(end[1] - start[1]) / length * half, (end[0] - start[0]) / length * half
        points = [
            frame.at(start[0] + nx, start[1] + ny),
            frame.at(end[0] + nx, end[1] + ny),
            frame.at(end[0] - nx, end[1] - ny),
            frame.at(start[0] - nx, start[1] - ny),
        ]
        brush.form(sheet.image, points, tones, depth=0.35, light=sheet.light)
    for x, y in places:
        brush.form(
            sheet.image,
            frame.oval(x, y, half * 1.15, half * 1.15),
            tones,
            depth=0.35,
            light=sheet.light,
        )


def paint_planet(sheet: Sheet) -> None:
    """A banded world with a ring and a moon."""
    unit = min(sheet.width, sheet.height) * 0.34
    frame = Frame(sheet.width * 0.5, sheet.height * 0.5, unit, sheet.dice.uniform(-0.4, 0.4))
    tone = sheet.dice.choice(((224, 160, 104), (104, 160, 190), (196, 120, 140), (120, 170, 140)))
    light = (-0.7 if sheet.sun[0] < 0.5 else 0.7, -0.6)
    brush.glow(sheet.image, frame.at(0, 0), unit * 1.9, mix(tone, (120, 150, 255), 0.4), 0.5)
    ring = (lighter(tone, 0.5), mix(tone, (220, 210, 230), 0.5), darker(tone, 0.4))
    _ring(sheet, frame, ring, math.pi, 2 * math.pi)
    disc = frame.oval(0, 0, 0.8, 0.8)
    box = brush.box_of(disc, sheet.image.size, 2)
    size = (box[2] - box[0], box[3] - box[1])
    field = brush.fractal(sheet.dice, size, 3, 5, stretch=5)
    bands = brush.coloured(
        field,
        (
            (0.1, darker(tone, 0.35)),
            (0.45, tone),
            (0.7, lighter(tone, 0.4)),
            (1.0, lighter(tone, 0.7)),
        ),
    )
    turned = bands.rotate(-math.degrees(frame.lean), brush.BICUBIC)
    sheet.image.paste(turned, box[:2], brush.mask_of(disc, box))
    brush.form(
        sheet.image,
        disc,
        (lighter(tone, 0.7), tone, (10, 8, 24)),
        depth=0.5,
        light=light,
        opacity=0.62,
    )
    _ring(sheet, frame, ring, 0.0, math.pi)
    moon = frame.oval(-1.35 if light[0] > 0 else 1.35, -0.95, 0.13, 0.13)
    brush.form(
        sheet.image, moon, ((250, 246, 236), (190, 186, 190), (50, 46, 66)), depth=0.4, light=light
    )


def _ring(sheet: Sheet, frame: Frame, tones: Coat, start: float, end: float) -> None:
    for outer, inner, tone in (
        (1.5, 1.32, tones[2]),
        (1.3, 1.14, tones[1]),
        (1.12, 1.04, tones[0]),
    ):
        angles = [start + (end - start) * index / 40 for index in range(41)]
        far = [frame.at(math.cos(a) * outer, math.sin(a) * outer * 0.28) for a in angles]
        near = [frame.at(math.cos(a) * inner, math.sin(a) * inner * 0.28) for a in reversed(angles)]
        brush.flat(sheet.image, [*far, *near], tone, 0.8)
