"""Birds: an owl or a penguin that looks at you, a songbird on a twig."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, hexed, lighter, mix
from bot.demo.painter.fur import Coat, Frame, Hair, fluff
from bot.demo.painter.sheet import Sheet

_OWLS = ("a9815a", "8d7a6a", "c9a878", "7d6550")
_SONG = (("4f8fc9", "f0a860"), ("d9534f", "f3e3c3"), ("e8b83e", "fff3c4"), ("5fa869", "f2e6a0"))
_NAMED = {
    "robin": ("7c6a58", "e5713c"),
    "parrot": ("3fae5f", "e9503f"),
    "raven": ("3a3f52", "4a5068"),
}


def coat(sheet: Sheet, colour: Colour, light: float = 0.45, dark: float = 0.45) -> Coat:
    """Light, middle and shadow of a colour in this scene's light."""
    tone = sheet.tinted(colour)
    return lighter(tone, light), tone, darker(tone, dark)


def paint_owl(sheet: Sheet) -> None:
    """On a branch, with great round eyes."""
    unit = min(sheet.width * 0.55, sheet.height * 0.42)
    frame = Frame(sheet.width * 0.5, sheet.height * 0.8 - unit * 0.75, unit)
    white = sheet.scene.says("snowy", "white")
    base = (236, 238, 246) if white else hexed(sheet.dice.choice(_OWLS))
    body = coat(sheet, base)
    pale = coat(sheet, mix(base, (250, 240, 224), 0.7))
    branch(sheet, frame, 0.83)
    short = Hair(0.06, 2400, 0.0085, (0, 0.9))
    fluff(sheet, frame, (0, 0.62, 0.2, 0.4), coat(sheet, darker(base, 0.25)), short)
    fluff(sheet, frame, (0, 0.2, 0.46, 0.62), body, short)
    fluff(sheet, frame, (0, 0.34, 0.33, 0.44), pale, short)
    _scallops(sheet, frame, mix(body[1], pale[1], 0.25))
    for side in (-1, 1):
        wing = frame.shape(
            (0.36 * side, -0.1),
            (0.52 * side, 0.2),
            (0.44 * side, 0.62),
            (0.3 * side, 0.8),
            (0.3 * side, 0.3),
        )
        brush.form(
            sheet.image, wing, coat(sheet, darker(base, 0.15)), depth=0.18, light=sheet.light
        )
        fluff(
            sheet,
            frame,
            (0.4 * side, 0.2, 0.1, 0.32),
            coat(sheet, darker(base, 0.12)),
            short,
            turn=-0.15 * side,
        )
        _claws(sheet, frame, 0.15 * side)
    head = frame.leaning(0, -0.28, sheet.dice.uniform(-0.12, 0.12))
    fluff(sheet, head, (0, 0, 0.47, 0.36), body, short)
    for side in (-1, 1):
        fluff(
            sheet,
            head,
            (0.3 * side, -0.32, 0.07, 0.14),
            body,
            Hair(0.1, 2600, 0.009, (0.4 * side, -1.5)),
            turn=0.5 * side,
        )
        fluff(sheet, head, (0.2 * side, 0.03, 0.215, 0.235), pale, Hair(0.06, 2600, 0.0075, (0, 0)))
    amber = hexed("f0b429") if sheet.dice.random() < 0.7 else hexed("e8862e")
    for side in (-1, 1):
        round_eye(sheet, head, (0.19 * side, 0.02), 0.125, amber)
    beak(sheet, head, (0, 0.1), 0.055)


def _scallops(sheet: Sheet, frame: Frame, colour: Colour) -> None:
    """Rows of little feathers on the chest."""
    for row in range(6):
        y = 0.12 + row * 0.105
        half = 0.29 * math.sqrt(max(1 - ((y - 0.36) / 0.45) ** 2, 0.05))
        count = 5 + row % 2
        for index in range(count):
            x = -half + 2 * half * (index + 0.5) / count
            tip = frame.shape((x - 0.035, y), (x, y - 0.012), (x + 0.035, y), (x, y + 0.055))
            brush.flat(sheet.image, tip, darker(colour, 0.18), 0.75)


def _claws(sheet: Sheet, frame: Frame, x: float) -> None:
    for shift in (-0.055, 0.0, 0.055):
        toe = frame.oval(x + shift, 0.83, 0.026, 0.055)
        brush.form(sheet.image, toe, ((240, 200, 120), (206, 150, 70), (120, 80, 50)), depth=0.3)


def branch(sheet: Sheet, frame: Frame, y: float) -> None:
    """A branch across the picture, with some leaves or snow."""
    bark = sheet.tinted((104, 76, 58))
    reach = max(sheet.width, sheet.height) / frame.unit
    top, low = [], []
    for index in range(25):
        x = -reach + 2 * reach * index / 24
        wave = 0.03 * math.sin(x * 2.1) + 0.02 * math.sin(x * 5.3)
        top.append(frame.at(x, y + wave - 0.01 * x))
        low.append(frame.at(x, y + 0.12 + wave - 0.01 * x + 0.012 * math.sin(x * 9)))
    brush.form(
        sheet.image,
        [*top, *reversed(low)],
        (lighter(bark, 0.3), bark, darker(bark, 0.55)),
        depth=0.4,
        light=(0, -1),
    )
    if sheet.scene.weather == "snow":
        cap = [(px, py - frame.unit * 0.035) for px, py in top]
        brush.form(
            sheet.image,
            [*cap, *reversed([(px, py + frame.unit * 0.02) for px, py in top])],
            ((255, 255, 255), (236, 242, 252), (170, 186, 220)),
            depth=0.4,
        )
        return
    for _ in range(12):
        x = sheet.dice.uniform(0.6, 1.2) * sheet.dice.choice((-1, 1))
        leaf(
            sheet,
            frame,
            (x, y + sheet.dice.uniform(-0.05, 0.12)),
            sheet.dice.uniform(0.08, 0.14),
            sheet.dice.uniform(0, 6.3),
        )


def leaf(sheet: Sheet, frame: Frame, place: brush.Point, long: float, turn: float) -> None:
    """One leaf."""
    x, y = place
    cos, sin = math.cos(turn), math.sin(turn)
    outline = [(0.0, 0.0), (0.4, -0.25), (1.0, 0.0), (0.4, 0.25)]
    places = [
        (x + (px * cos - py * sin) * long, y + (px * sin + py * cos) * long) for px, py in outline
    ]
    green = sheet.tinted(sheet.dice.choice(((104, 156, 76), (142, 170, 70), (206, 150, 62))))
    brush.form(
        sheet.image,
        frame.shape(*places),
        (lighter(green, 0.4), green, darker(green, 0.45)),
        depth=0.25,
    )


def round_eye(sheet: Sheet, frame: Frame, place: brush.Point, radius: float, iris: Colour) -> None:
    """A large round eye with light in it."""
    x, y = place
    brush.flat(sheet.image, frame.oval(x, y, radius * 1.1, radius * 1.1), (36, 26, 30))
    ring = (lighter(iris, 0.4), iris, darker(iris, 0.5))
    brush.form(
        sheet.image,
        frame.oval(x, y, radius * 0.95, radius * 0.95),
        ring,
        depth=0.3,
        light=(0.2, 0.9),
    )
    brush.flat(sheet.image, frame.oval(x, y, radius * 0.56, radius * 0.56), (14, 10, 18))
    brush.flat(
        sheet.image,
        frame.oval(x - radius * 0.3, y - radius * 0.34, radius * 0.24, radius * 0.22),
        (255, 255, 255),
        0.96,
    )
    brush.flat(
        sheet.image,
        frame.oval(x + radius * 0.3, y + radius * 0.4, radius * 0.11, radius * 0.1),
        (255, 255, 255),
        0.6,
    )


def beak(sheet: Sheet, frame: Frame, place: brush.Point, size: float) -> None:
    """A small hooked beak, seen from the front."""
    x, y = place
    points = frame.shape(
        (x - size, y),
        (x, y - size * 0.5),
        (x + size, y),
        (x + size * 0.3, y + size * 1.6),
        (x, y + size * 2.1),
        (x - size * 0.3, y + size * 1.6),
    )
    brush.form(sheet.image, points, ((255, 220, 150), (226, 160, 72), (130, 82, 52)), depth=0.3)


def paint_bird(sheet: Sheet) -> None:
    """A songbird on a branch, from the side."""
    unit = min(sheet.width * 0.6, sheet.height * 0.44)
    frame = Frame(sheet.width * 0.5, sheet.height * 0.58, unit, -0.12, sheet.dice.random() < 0.5)
    named = [name for name in _NAMED if sheet.scene.says(name)]
    back_hex, chest_hex = _NAMED[named[0]] if named else sheet.dice.choice(_SONG)
    back, chest = coat(sheet, hexed(back_hex)), coat(sheet, hexed(chest_hex))
    branch(sheet, Frame(frame.x, frame.y, unit), 0.5)
    tail = frame.shape((-0.36, 0.14), (-0.82, 0.34), (-0.96, 0.46), (-0.86, 0.5), (-0.32, 0.34))
    brush.form(
        sheet.image, tail, (back[1], darker(back[1], 0.25), back[2]), depth=0.2, light=sheet.light
    )
    short = Hair(0.06, 2600, 0.0075, (-0.7, 0.45), 0.3)
    fluff(sheet, frame, (-0.04, 0.12, 0.46, 0.36), chest, short, turn=0.25)
    fluff(sheet, frame, (-0.16, 0.0, 0.34, 0.24), back, short, turn=0.25)
    fluff(sheet, frame, (0.26, -0.26, 0.27, 0.25), back, short)
    fluff(sheet, frame, (0.3, -0.13, 0.2, 0.16), chest, short)
    _folded_wing(sheet, frame, back)
    low = ((255, 214, 140), (222, 150, 64), (120, 76, 50))
    bill = frame.shape((0.48, -0.3), (0.6, -0.29), (0.72, -0.22), (0.58, -0.19), (0.48, -0.2))
    brush.form(sheet.image, bill, low, depth=0.25)
    round_eye(sheet, frame, (0.35, -0.3), 0.06, (52, 36, 30))
    for x in (-0.02, 0.12):
        leg = [(x - 0.012, 0.42), (x + 0.012, 0.42), (x + 0.02, 0.54), (x - 0.005, 0.54)]
        brush.form(sheet.image, [frame.at(*place) for place in leg], low, depth=0.3)


def _folded_wing(sheet: Sheet, frame: Frame, back: Coat) -> None:
    wing = frame.shape(
        (0.12, -0.06), (-0.1, -0.12), (-0.42, 0.1), (-0.66, 0.34), (-0.34, 0.32), (0.0, 0.22)
    )
    brush.form(sheet.image, wing, back, depth=0.15, light=sheet.light)
    for index in range(5):
        y = 0.04 + index * 0.05
        feather = frame.shape(
            (-0.02 - 0.03 * index, y),
            (-0.34, y + 0.06),
            (-0.6 + 0.02 * index, y + 0.17),
            (-0.32, y + 0.11),
        )
        brush.form(
            sheet.image,
            feather,
            (back[0], mix(back[1], back[2], 0.15 * index), back[2]),
            depth=0.25,
        )


def paint_penguin(sheet: Sheet) -> None:
    """A penguin chick with its white belly."""
    unit = min(sheet.width * 0.55, sheet.height * 0.42)
    frame = Frame(sheet.width * 0.5, sheet.height * 0.92 - unit, unit)
    brush.shade(sheet.image, frame.at(0, 0.97), (unit * 0.8, unit * 0.17), (20, 24, 60), 0.5)
    black, white = coat(sheet, (52, 58, 78), 0.4), coat(sheet, (244, 244, 248))
    orange = ((255, 214, 130), (240, 158, 58), (150, 86, 46))
    short = Hair(0.055, 2600, 0.0075, (0, 0.8))
    for side in (-1, 1):
        foot = frame.shape(
            (0.08 * side, 0.9), (0.34 * side, 0.93), (0.38 * side, 1.0), (0.1 * side, 1.0)
        )
        brush.form(sheet.image, foot, orange, depth=0.25)
    fluff(sheet, frame, (0, 0.35, 0.46, 0.6), black, short)
    fluff(sheet, frame, (0, 0.42, 0.34, 0.5), white, short)
    for side in (-1, 1):
        wing = frame.shape(
            (0.38 * side, -0.02), (0.6 * side, 0.3), (0.62 * side, 0.58), (0.46 * side, 0.45)
        )
        brush.form(sheet.image, wing, black, depth=0.2, light=sheet.light)
    head = frame.leaning(0, -0.3, sheet.dice.uniform(-0.1, 0.1))
    fluff(sheet, head, (0, 0, 0.38, 0.34), black, short)
    for side in (-1, 1):
        fluff(sheet, head, (0.14 * side, 0.07, 0.165, 0.19), white, short)
        round_eye(sheet, head, (0.14 * side, 0.0), 0.06, (40, 30, 34))
        brush.flat(sheet.image, head.oval(0.24 * side, 0.13, 0.05, 0.03), (246, 160, 150), 0.6)
    brush.form(
        sheet.image, head.shape((-0.07, 0.1), (0, 0.06), (0.07, 0.1), (0, 0.2)), orange, depth=0.3
    )
