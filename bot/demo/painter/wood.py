"""What grows: pines near and far, tall trunks, one great tree, weeds under water."""

from __future__ import annotations

import math

from PIL import ImageDraw

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, jitter, lighter, mix
from bot.demo.painter.sheet import Sheet


def paint_pines(sheet: Sheet, level: float, count: int, tall: float, near: float) -> None:
    """A row of pines that stand at a height; ``tall`` is a share of the shorter side.

    ``near`` 0 (pale silhouettes) to 1 (every branch).
    """
    palette = sheet.palette
    tone = mix(mix(palette.far, palette.haze, 0.25), darker(palette.near, 0.25), near)
    places = sorted(sheet.dice.random() for _ in range(count))
    for x in places:
        # The middle stays open: somebody may stand there.
        if near > 0.5 and 0.3 < x < 0.7:
            x = x - 0.3 if x < 0.5 else x + 0.3  # noqa: PLW2901
        size = sheet.unit * tall * sheet.dice.uniform(0.65, 1.15)
        foot = sheet.at(x, level + sheet.dice.uniform(-0.01, 0.015))
        _pine(sheet, foot, size, jitter(tone, sheet.dice, 7), near)


def _pine(sheet: Sheet, foot: brush.Point, size: float, tone: Colour, near: float) -> None:
    rng, snow = sheet.touch, sheet.scene.weather == "snow"
    pen = ImageDraw.Draw(sheet.image)
    x, y = foot
    trunk = size * 0.025
    pen.rectangle((x - trunk, y - size * 0.2, x + trunk, y), fill=darker(tone, 0.4))
    tiers = 9 if size > 40 else 6
    side = -1 if sheet.sun[0] < 0.5 else 1
    for tier in range(tiers):
        share = tier / tiers
        base = y - size * (0.1 + 0.9 * share)
        half = size * 0.2 * (1 - share) ** 0.85 + size * 0.012
        top = base - size * 0.22 * (1 - 0.3 * share)
        droop = half * 0.28
        teeth = 7
        low = [
            (
                x - half + 2 * half * t / teeth,
                base + droop * (abs(2 * t / teeth - 1)) + rng.uniform(-1, 1) * droop * 0.5,
            )
            for t in range(teeth + 1)
        ]
        pen.polygon([(x, top), *low], fill=jitter(darker(tone, 0.12 * (1 - share)), rng, 5))
        lit = lighter(mix(tone, sheet.palette.sun, 0.25), 0.12 + 0.1 * near)
        if snow:
            lit = mix(sheet.palette.ground[0], tone, 0.25 * (1 - near))
        flank = [
            (x, top),
            (x + side * half * 0.92, low[-1 if side > 0 else 0][1]),
            (x + side * half * 0.35, base),
        ]
        pen.polygon(flank, fill=jitter(mix(tone, lit, 0.75 if snow else 0.45), rng, 5))


def paint_trunks(sheet: Sheet) -> None:
    """Dark trunks at the sides, close to the viewer, as a frame."""
    tone = darker(sheet.palette.near, 0.45)
    for side, lean in ((0.04, 0.02), (0.95, -0.02)):
        for _ in range(2):
            x = side + sheet.dice.uniform(-0.05, 0.05)
            half = sheet.dice.uniform(0.014, 0.03) * sheet.unit / sheet.width
            points = [
                sheet.at(x - half, -0.02),
                sheet.at(x + half, -0.02),
                sheet.at(x + half * 1.2 + lean * 0.3, 0.6),
                sheet.at(x + half * 2.4 - lean, 1.03),
                sheet.at(x - half * 2.4 - lean, 1.03),
                sheet.at(x - half * 1.2 + lean * 0.3, 0.6),
            ]
            colours = (mix(tone, sheet.palette.sky[2], 0.28), tone, darker(tone, 0.4))
            brush.form(sheet.image, points, colours, depth=0.35, light=sheet.light)


def paint_tree(sheet: Sheet, foot: brush.Point, size: float) -> None:
    """One great tree: a trunk that forks, and a crown of lit leaves; pixels."""
    bark = sheet.tinted((96, 68, 52))
    _branch(sheet, foot, (-math.pi / 2, size * 0.36, size * 0.06), bark, 5)
    blossom = sheet.scene.says("cherry", "sakura", "blossom")
    leaf = sheet.tinted((240, 160, 184) if blossom else (92, 142, 66))
    if sheet.scene.says("autumn", "fall", "maple"):
        leaf = sheet.tinted((222, 112, 48))
    crown = (foot[0], foot[1] - size * 0.66)
    rng = sheet.dice
    clumps = []
    for _ in range(26):
        angle, reach = rng.uniform(0, 2 * math.pi), rng.random() ** 0.6
        x = crown[0] + math.cos(angle) * reach * size * 0.4
        y = crown[1] + math.sin(angle) * reach * size * 0.26
        clumps.append((x, y, size * rng.uniform(0.08, 0.14)))
    clumps.sort(key=lambda clump: -clump[1])
    for clump in clumps:
        _leaves(sheet, clump, leaf, crown, size)


def _branch(
    sheet: Sheet,
    start: brush.Point,
    growth: tuple[float, float, float],
    bark: Colour,
    level: int,
) -> None:
    angle, long, thick = growth
    end = (start[0] + math.cos(angle) * long, start[1] + math.sin(angle) * long)
    nx, ny = -math.sin(angle) * thick, math.cos(angle) * thick
    points = [
        (start[0] + nx, start[1] + ny),
        (end[0] + nx * 0.62, end[1] + ny * 0.62),
        (end[0] - nx * 0.62, end[1] - ny * 0.62),
        (start[0] - nx, start[1] - ny),
    ]
    brush.form(
        sheet.image,
        points,
        (lighter(bark, 0.3), bark, darker(bark, 0.5)),
        depth=0.3,
        light=sheet.light,
    )
    if level > 1:
        for turn in (-0.5, 0.42):
            swing = turn + sheet.dice.uniform(-0.15, 0.15)
            _branch(
                sheet,
                end,
                (angle + swing, long * 0.72, thick * 0.62),
                bark,
                level - 2 if level < 4 else level - 1,
            )


def _leaves(
    sheet: Sheet, clump: tuple[float, float, float], leaf: Colour, crown: brush.Point, size: float
) -> None:
    rng = sheet.touch
    pen = ImageDraw.Draw(sheet.image)
    cx, cy, reach = clump
    for _ in range(90):
        angle, far = rng.uniform(0, 2 * math.pi), rng.random() ** 0.5 * reach
        x, y = cx + math.cos(angle) * far * 1.25, cy + math.sin(angle) * far
        lift = ((cy - y) / reach + (crown[1] - cy) / (size * 0.3)) * 0.5
        lift += (x - cx) / reach * 0.3 * sheet.light[0]
        tone = (
            lighter(leaf, min(lift * 0.45, 0.6))
            if lift > 0
            else darker(leaf, min(-lift * 0.6, 0.6))
        )
        dot = size * rng.uniform(0.007, 0.016)
        pen.ellipse((x - dot * 1.2, y - dot, x + dot * 1.2, y + dot), fill=jitter(tone, rng, 12))


def paint_weeds(sheet: Sheet, level: float) -> None:
    """Water plants that sway."""
    rng = sheet.dice
    for _ in range(16):
        x = rng.choice((rng.uniform(0, 0.3), rng.uniform(0.7, 1.0)))
        tone = rng.choice(((46, 130, 96), (206, 92, 104), (232, 150, 84), (70, 150, 140)))
        tall, sway = rng.uniform(0.1, 0.36), rng.uniform(4, 9)
        left, right = [], []
        for index in range(13):
            share = index / 12
            bend = math.sin(share * sway + x * 9) * 0.014
            wide = 0.008 * (1 - share * 0.9)
            y = level + 0.04 - tall * share
            left.append(sheet.at(x + bend - wide, y))
            right.append(sheet.at(x + bend + wide, y))
        tone = mix(tone, (20, 70, 120), 0.35)
        colours = (lighter(tone, 0.3), tone, darker(tone, 0.4))
        brush.form(sheet.image, [*left, *reversed(right)], colours, depth=0.3)
