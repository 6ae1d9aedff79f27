"""A cottage with warm windows and smoke from its chimney."""

from __future__ import annotations

from bot.demo.painter import brush
from bot.demo.painter.buildings import Stone, stone_of
from bot.demo.painter.colour import darker, lighter, mix
from bot.demo.painter.fur import Coat, Frame
from bot.demo.painter.sheet import Sheet


def paint_house(sheet: Sheet) -> None:
    """A cottage: one gable, a chimney with smoke, a warm window."""
    unit = min(sheet.width * 0.42, sheet.height * 0.34)
    frame = Frame(
        sheet.width * 0.5,
        sheet.height * min(sheet.horizon + 0.2, 0.82),
        unit,
        0,
        sheet.dice.random() < 0.5,
    )
    walls, roofs = (
        ((238, 222, 196), (206, 160, 120), (190, 204, 206)),
        ((176, 84, 66), (98, 86, 104), (120, 110, 76)),
    )
    stone = stone_of(sheet, sheet.dice.choice(walls), sheet.dice.choice(roofs))
    brush.shade(
        sheet.image,
        frame.at(0.1, 0.36),
        (unit * 1.2, unit * 0.16),
        darker(sheet.palette.ground[1], 0.6),
        0.55,
    )
    _smoke(sheet, frame)
    _walls(sheet, frame, stone)
    white = ((255, 255, 255), (238, 244, 254), (176, 192, 224))
    _roof(sheet, frame, white if sheet.scene.weather == "snow" else stone.roof)
    _house_openings(sheet, frame)


def _walls(sheet: Sheet, frame: Frame, stone: Stone) -> None:
    chimney = [
        frame.at(0.42, -0.86),
        frame.at(0.58, -0.86),
        frame.at(0.58, -0.3),
        frame.at(0.42, -0.3),
    ]
    brush.form(sheet.image, chimney, stone.wall, depth=0.35, light=sheet.light)
    side = [
        frame.at(-0.1, -0.22),
        frame.at(0.86, -0.22),
        frame.at(0.86, 0.34),
        frame.at(-0.1, 0.34),
    ]
    brush.form(
        sheet.image,
        side,
        (stone.wall[1], mix(stone.wall[1], stone.wall[2], 0.35), stone.wall[2]),
        depth=0.15,
        light=sheet.light,
    )
    front = [
        frame.at(-0.8, -0.2),
        frame.at(-0.44, -0.72),
        frame.at(-0.06, -0.2),
        frame.at(-0.06, 0.36),
        frame.at(-0.8, 0.36),
    ]
    brush.form(sheet.image, front, stone.wall, depth=0.2, light=sheet.light)


def _roof(sheet: Sheet, frame: Frame, tiles: Coat) -> None:
    roof = [
        frame.at(-0.46, -0.8),
        frame.at(0.66, -0.8),
        frame.at(0.98, -0.18),
        frame.at(0.02, -0.18),
    ]
    brush.form(sheet.image, roof, tiles, depth=0.2, light=(0, -1))
    for near, far in (((-0.92, -0.14), (-0.44, -0.82)), ((0.04, -0.14), (-0.44, -0.82))):
        edge = [
            frame.at(*near),
            frame.at(*far),
            frame.at(far[0], far[1] + 0.11),
            frame.at(near[0] + (0.06 if near[0] < -0.4 else -0.06), near[1] + 0.05),
        ]
        brush.form(sheet.image, edge, tiles, depth=0.3, light=(0, -1))


def _house_openings(sheet: Sheet, frame: Frame) -> None:
    frame_tone = sheet.tinted((98, 66, 48))
    door = frame.shape((-0.55, 0.36), (-0.55, 0.06), (-0.44, -0.04), (-0.33, 0.06), (-0.33, 0.36))
    brush.form(
        sheet.image,
        door,
        (lighter(frame_tone, 0.3), frame_tone, darker(frame_tone, 0.4)),
        depth=0.2,
    )
    for x, y in ((0.2, 0.02), (0.58, 0.02), (-0.44, -0.38)):
        lamp = lighter(sheet.palette.lamp, 0.15)
        brush.glow(
            sheet.image,
            frame.at(x, y),
            frame.unit * 0.34,
            sheet.palette.lamp,
            0.6 if sheet.palette.night else 0.25,
        )
        outer = [
            frame.at(x - 0.11, y - 0.12),
            frame.at(x + 0.11, y - 0.12),
            frame.at(x + 0.11, y + 0.12),
            frame.at(x - 0.11, y + 0.12),
        ]
        brush.flat(sheet.image, outer, frame_tone)
        for dx in (-0.046, 0.046):
            for dy in (-0.05, 0.05):
                pane = [
                    frame.at(x + dx - 0.04, y + dy - 0.044),
                    frame.at(x + dx + 0.04, y + dy - 0.044),
                    frame.at(x + dx + 0.04, y + dy + 0.044),
                    frame.at(x + dx - 0.04, y + dy + 0.044),
                ]
                brush.flat(sheet.image, pane, lamp)


def _smoke(sheet: Sheet, frame: Frame) -> None:
    for index in range(12):
        share = index / 11
        x = 0.5 + 0.24 * share + 0.05 * sheet.touch.uniform(-1, 1)
        y = -0.92 - 0.75 * share
        size = 0.05 + 0.11 * share
        px, py = frame.at(x, y)
        brush.shade(
            sheet.image,
            (px, py),
            (size * frame.unit * 1.8, size * frame.unit * 1.5),
            lighter(sheet.palette.cloud[0], 0.3),
            0.6 * (1 - share),
        )
