"""A castle on its hill, a lighthouse on its rock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import ImageDraw

from bot.demo.painter import brush, ground
from bot.demo.painter.colour import Colour, darker, jitter, lighter, mix
from bot.demo.painter.fur import Coat, Frame
from bot.demo.painter.sheet import Sheet


@dataclass(frozen=True)
class Stone:
    """Walls and roofs of a building, each light, middle, shadow."""

    wall: Coat
    roof: Coat


def stone_of(sheet: Sheet, wall: Colour, roof: Colour) -> Stone:
    warm = mix(sheet.palette.sun, sheet.palette.sky[2], 0.4)

    def coat(colour: Colour) -> Coat:
        tone = sheet.tinted(colour, 0.35)
        return mix(lighter(tone, 0.25), warm, 0.3), tone, darker(tone, 0.5)

    return Stone(coat(wall), coat(roof))


def paint_castle(sheet: Sheet) -> None:
    """Towers with pointed roofs and lit windows, on a rock or a hill."""
    unit = min(sheet.width * 0.46, sheet.height * 0.3)
    by_sea = sheet.scene.place == "sea"
    x = 0.5 + sheet.dice.uniform(-0.06, 0.06)
    frame = Frame(sheet.width * x, sheet.height * (sheet.horizon + (0.0 if by_sea else 0.1)), unit)
    roofs = ((86, 104, 148), (164, 84, 74), (70, 118, 116), (120, 86, 138))
    stone = stone_of(sheet, (206, 192, 176), sheet.dice.choice(roofs))
    (_rock if by_sea else _hill)(sheet, frame)
    towers = [
        (-0.52, 0.5, 0.1),
        (0.54, 0.44, 0.1),
        (-0.3, 0.78, 0.1),
        (0.32, 0.7, 0.11),
        (0.02, 1.08, 0.13),
    ]
    for tx, tall, half in towers[2:]:
        _tower(sheet, frame, (tx, -0.05, tall + sheet.dice.uniform(-0.06, 0.06), half), stone)
    _wall(sheet, frame, (-0.6, 0.6, -0.34, 0.1), stone)
    for tx, tall, half in towers[:2]:
        _tower(sheet, frame, (tx, 0.12, tall, half), stone)
    _gate(sheet, frame, stone)


def _rock(sheet: Sheet, frame: Frame) -> None:
    """A rock in the sea, with foam around it."""
    stone = sheet.tinted((112, 104, 110), 0.35)
    crest = [(-1.05, 0.44), (-0.84, 0.16), (-0.66, 0.06), (-0.2, 0.0), (0.3, 0.02), (0.66, 0.06)]
    crest += [(0.84, 0.2), (1.1, 0.44)]
    dice = sheet.dice
    rough = [(x + dice.uniform(-0.03, 0.03), y + dice.uniform(-0.02, 0.02)) for x, y in crest]
    outline = [*frame.shape(*rough)[: 8 * 7 + 1], frame.at(1.1, 0.44), frame.at(-1.0, 0.44)]
    tones = (lighter(stone, 0.25), stone, darker(stone, 0.55))
    brush.form(sheet.image, outline, tones, depth=0.2, light=sheet.light)
    _cracks(sheet, frame, stone)
    _foam(sheet, frame)


def _hill(sheet: Sheet, frame: Frame) -> None:
    """A round hill in the meadow, overgrown like the rest of it."""
    light, dark = sheet.palette.ground
    line = []
    for index in range(61):
        x = sheet.width * index / 60
        swell = math.exp(-(((x - frame.x) / (frame.unit * 1.05)) ** 2))
        line.append((x, frame.y + frame.unit * (0.52 - 0.5 * swell)))
    outline = [*line, (sheet.width + 2, sheet.height + 2), (-2, sheet.height + 2)]
    ground.fill_ridge(sheet, outline, light, mix(light, dark, 0.85), 0.3)
    if sheet.scene.weather != "snow":
        top = (frame.y + frame.unit * 0.45) / sheet.height
        ground.paint_grass(sheet, top, light, dark)
        ground.paint_flowers(sheet, top)


def _cracks(sheet: Sheet, frame: Frame, stone: Colour) -> None:
    pen = ImageDraw.Draw(sheet.image)
    for _ in range(170):
        x, y = sheet.touch.uniform(-0.85, 0.85), sheet.touch.uniform(0.08, 0.42)
        if abs(x) > 0.6 + y:
            continue
        px, py = frame.at(x, y)
        long = frame.unit * sheet.touch.uniform(0.02, 0.06)
        tone = jitter(mix(stone, darker(stone, 0.5), sheet.touch.random()), sheet.touch, 10)
        pen.line(
            (px, py, px + long * 0.5, py + long), fill=tone, width=max(int(frame.unit * 0.008), 1)
        )


def _foam(sheet: Sheet, frame: Frame) -> None:
    foam = ground.profile(sheet.dice, 60, 0.6, 6)
    line = [frame.at(-1.12 + 2.26 * i / 59, 0.42 + 0.012 * h) for i, h in enumerate(foam)]
    below = [frame.at(-1.2 + 2.4 * i / 59, 0.465 + 0.01 * h) for i, h in enumerate(foam)]
    brush.flat(sheet.image, [*line, *reversed(below)], lighter(sheet.palette.sky[2], 0.5), 0.75)


def _tower(
    sheet: Sheet, frame: Frame, place: tuple[float, float, float, float], stone: Stone
) -> None:
    x, foot, tall, half = place
    top = foot - tall
    body = [
        frame.at(x - half, top),
        frame.at(x + half, top),
        frame.at(x + half * 1.06, foot + 0.06),
        frame.at(x - half * 1.06, foot + 0.06),
    ]
    brush.form(sheet.image, body, stone.wall, depth=0.42, light=(sheet.light[0], 0))
    _bricks(sheet, frame, (x - half, top, x + half, foot), stone.wall[2])
    rim = [
        frame.at(x - half * 1.22, top - 0.035),
        frame.at(x + half * 1.22, top - 0.035),
        frame.at(x + half * 1.1, top + 0.035),
        frame.at(x - half * 1.1, top + 0.035),
    ]
    brush.form(sheet.image, rim, stone.wall, depth=0.3, light=(sheet.light[0], -0.4))
    spire = half * 3.0
    roof = [
        frame.at(x - half * 1.34, top - 0.03),
        frame.at(x - half * 0.5, top - spire * 0.55),
        frame.at(x, top - spire),
        frame.at(x + half * 0.5, top - spire * 0.55),
        frame.at(x + half * 1.34, top - 0.03),
    ]
    brush.form(sheet.image, roof, stone.roof, depth=0.32, light=(sheet.light[0], -0.2))
    _flag(sheet, frame, x, top - spire)
    for level in (0.28, 0.62):
        _window(sheet, frame, (x, top + tall * level), half * 0.24)


def _bricks(
    sheet: Sheet, frame: Frame, box: tuple[float, float, float, float], tone: Colour
) -> None:
    rng = sheet.touch
    shapes = []
    for _ in range(int(140 * (box[2] - box[0]) * (box[3] - box[1]) * 2)):
        x, y = rng.uniform(box[0], box[2] - 0.03), rng.uniform(box[1], box[3])
        wide, tall = rng.uniform(0.02, 0.035), 0.011
        points = [
            frame.at(x, y),
            frame.at(x + wide, y),
            frame.at(x + wide, y + tall),
            frame.at(x, y + tall),
        ]
        under = sheet.image.getpixel(
            (
                min(max(int(points[0][0]), 0), sheet.width - 1),
                min(max(int(points[0][1]), 0), sheet.height - 1),
            )
        )
        if isinstance(under, tuple):
            shapes.append(
                (points, mix((under[0], under[1], under[2]), tone, rng.uniform(0.12, 0.3)))
            )
    brush.draw_shapes(sheet.image, shapes)


def _window(sheet: Sheet, frame: Frame, place: brush.Point, half: float) -> None:
    x, y = place
    lit = sheet.palette.night or sheet.scene.time == "sunset"
    if lit:
        brush.glow(sheet.image, frame.at(x, y), frame.unit * 0.12, sheet.palette.lamp, 0.55)
    tone = sheet.palette.lamp if lit else darker(sheet.palette.sky[0], 0.45)
    outline = frame.shape(
        (x - half, y + half * 1.4),
        (x - half, y - half * 0.6),
        (x, y - half * 1.7),
        (x + half, y - half * 0.6),
        (x + half, y + half * 1.4),
    )
    brush.flat(sheet.image, outline, tone)


def _flag(sheet: Sheet, frame: Frame, x: float, y: float) -> None:
    pole = [
        frame.at(x - 0.004, y - 0.13),
        frame.at(x + 0.004, y - 0.13),
        frame.at(x + 0.005, y + 0.02),
        frame.at(x - 0.005, y + 0.02),
    ]
    brush.flat(sheet.image, pole, (70, 58, 62))
    colour = sheet.tinted(sheet.palette.accent[0], 0.15)
    cloth = [
        frame.at(x, y - 0.13),
        frame.at(x + 0.07, y - 0.118),
        frame.at(x + 0.14, y - 0.1),
        frame.at(x + 0.08, y - 0.08),
        frame.at(x, y - 0.065),
    ]
    brush.form(sheet.image, cloth, (lighter(colour, 0.3), colour, darker(colour, 0.4)), depth=0.25)


def _wall(sheet: Sheet, frame: Frame, box: tuple[float, float, float, float], stone: Stone) -> None:
    left, right, top, foot = box
    points = [frame.at(left, top)]
    teeth = 18
    for index in range(teeth):
        x0, x1 = (
            left + (right - left) * index / teeth,
            left + (right - left) * (index + 0.55) / teeth,
        )
        x2 = left + (right - left) * (index + 1) / teeth
        points += [
            frame.at(x0, top),
            frame.at(x1, top),
            frame.at(x1, top + 0.04),
            frame.at(x2, top + 0.04),
        ]
    points += [frame.at(right, foot + 0.04), frame.at(left, foot + 0.04)]
    brush.form(sheet.image, points, stone.wall, depth=0.3, light=(sheet.light[0], -0.5))
    _bricks(sheet, frame, (left, top + 0.06, right, foot), stone.wall[2])
    for x in (-0.36, -0.2, 0.2, 0.36):
        _window(sheet, frame, (x, -0.14), 0.022)


def _gate(sheet: Sheet, frame: Frame, stone: Stone) -> None:
    arch = [(-0.11, 0.14), (-0.11, -0.06), (0, -0.19), (0.11, -0.06), (0.11, 0.14)]
    brush.flat(sheet.image, [frame.at(x * 1.25, y * 1.12) for x, y in arch], stone.wall[2])
    brush.flat(sheet.image, frame.shape(*arch), (44, 30, 34))
    if sheet.palette.night or sheet.scene.time == "sunset":
        brush.glow(sheet.image, frame.at(0, 0.0), frame.unit * 0.3, sheet.palette.lamp, 0.5)


def paint_lighthouse(sheet: Sheet) -> None:
    """Red and white, its beam over the sea."""
    unit = min(sheet.width * 0.5, sheet.height * 0.34)
    x = 0.36 if sheet.sun[0] > 0.5 else 0.64
    frame = Frame(sheet.width * x, sheet.height * (sheet.horizon + 0.02), unit)
    if sheet.palette.night or sheet.scene.time == "sunset":
        for side in (-1, 1):
            beam = [frame.at(0, -1.13), frame.at(3 * side, -1.55), frame.at(3 * side, -0.95)]
            brush.flat(sheet.image, beam, lighter(sheet.palette.lamp, 0.4), 0.28)
    _rock(sheet, frame)
    stone = stone_of(sheet, (238, 232, 224), (196, 70, 62))
    for band in range(5):
        y0, y1 = 0.04 - 1.02 * band / 5, 0.04 - 1.02 * (band + 1) / 5
        h0, h1 = 0.19 - 0.075 * band / 5, 0.19 - 0.075 * (band + 1) / 5
        points = [frame.at(-h0, y0), frame.at(h0, y0), frame.at(h1, y1), frame.at(-h1, y1)]
        brush.form(
            sheet.image,
            points,
            stone.roof if band % 2 else stone.wall,
            depth=0.42,
            light=(sheet.light[0], 0),
        )
    rail = [
        frame.at(-0.16, -1.02),
        frame.at(0.16, -1.02),
        frame.at(0.14, -0.97),
        frame.at(-0.14, -0.97),
    ]
    brush.form(
        sheet.image, rail, (stone.wall[2], darker(stone.wall[2], 0.3), (30, 26, 36)), depth=0.2
    )
    brush.flat(
        sheet.image,
        [
            frame.at(-0.09, -1.2),
            frame.at(0.09, -1.2),
            frame.at(0.09, -1.02),
            frame.at(-0.09, -1.02),
        ],
        sheet.palette.lamp,
    )
    brush.glow(sheet.image, frame.at(0, -1.11), unit * 0.4, sheet.palette.lamp, 0.8)
    cap = frame.shape(
        (-0.13, -1.19), (-0.08, -1.3), (0, -1.36), (0.08, -1.3), (0.13, -1.19), (0, -1.2)
    )
    brush.form(sheet.image, cap, stone.roof, depth=0.3, light=sheet.light)
    for y in (-0.25, -0.62):
        _window(sheet, frame, (0, y), 0.03)
