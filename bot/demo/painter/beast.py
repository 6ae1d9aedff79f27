"""A furry animal that sits and looks at you."""

from __future__ import annotations

import math

from bot.demo.painter import brush, face
from bot.demo.painter.colour import darker, lighter, mix
from bot.demo.painter.fur import Coat, Frame, Hair, fluff, lock
from bot.demo.painter.sheet import Sheet
from bot.demo.painter.species import Species, species


def paint_beast(sheet: Sheet) -> None:
    """In the middle of the foreground, as large as the canvas allows."""
    kind = species(sheet.scene, sheet.dice)
    kind = _in_light(sheet, kind)
    mirrored = sheet.dice.random() < 0.5
    unit = min(sheet.width * 0.5, sheet.height * 0.42)
    x = sheet.width * (0.5 + sheet.dice.uniform(-0.04, 0.04))
    frame = Frame(x, sheet.height * 0.93 - unit, unit, 0.0, mirrored)
    brush.shade(sheet.image, frame.at(0, 0.98), (unit * 1.0, unit * 0.2), (16, 14, 34), 0.62)
    silky = kind.hair > 1.5
    hair = Hair(
        length=0.085 * kind.hair,
        density=2700 - 500 * min(kind.hair, 1.6),
        fall=(0.0, 1.1 if silky else 0.55),
        curl=0.22 if silky else 0.35,
    )
    _tail(sheet, frame, kind, hair)
    _body(sheet, frame, kind, hair)
    chin = (unit * 0.46, unit * 0.17)
    brush.shade(sheet.image, frame.at(0, 0.26), chin, darker(kind.coat[2], 0.35), 0.5)
    if sheet.scene.subject in ("dog", "cat") and kind.hair <= 1.5:
        _collar(sheet, frame, 0.1)
    tilt = sheet.dice.uniform(-0.11, 0.11)
    head = frame.leaning(0.0, -0.2, tilt)
    face.paint_head(sheet, head, kind, hair)


def _in_light(sheet: Sheet, kind: Species) -> Species:
    def tinted(coat: Coat) -> Coat:
        rim = lighter(sheet.palette.sun, 0.2) if not sheet.palette.night else sheet.palette.cloud[0]
        return (
            mix(sheet.tinted(coat[0]), rim, 0.22),
            sheet.tinted(coat[1]),
            sheet.tinted(coat[2], 0.4),
        )

    changes = {"coat": tinted(kind.coat), "second": tinted(kind.second)}
    return Species(**{**kind.__dict__, **changes, "ear": tinted(kind.ear) if kind.ear else None})


def _tail(sheet: Sheet, frame: Frame, kind: Species, hair: Hair) -> None:
    long = Hair(hair.length * 1.3, hair.density, hair.width, (0.2, 0.1))
    if kind.tail == "plume":
        lock(sheet, frame, [(0.4, 0.7), (0.66, 0.52), (0.72, 0.26)], kind.coat, long, thick=0.13)
    elif kind.tail == "brush":
        lock(sheet, frame, [(0.4, 0.8), (0.74, 0.74), (0.88, 0.42)], kind.coat, long, thick=0.2)
        fluff(sheet, frame, (0.88, 0.3, 0.11, 0.15), kind.second, long)
    elif kind.tail == "thin":
        places = [(0.38, 0.85), (0.68, 0.86), (0.82, 0.62), (0.7, 0.42)]
        lock(sheet, frame, places, kind.coat, Hair(0.035), thick=0.055)
        if "mane" in kind.marks:
            fluff(sheet, frame, (0.7, 0.38, 0.1, 0.12), _mane(kind), long)
    elif kind.tail == "puff":
        fluff(sheet, frame, (0.46, 0.78, 0.15, 0.15), kind.second, long)


def _mane(kind: Species) -> Coat:
    return kind.coat[1], darker(kind.coat[1], 0.38), darker(kind.coat[2], 0.4)


def _body(sheet: Sheet, frame: Frame, kind: Species, hair: Hair) -> None:
    dark = "panda" in kind.marks
    limbs: Coat = ((110, 108, 124), (46, 44, 56), (20, 18, 28)) if dark else kind.coat
    for side in (-1, 1):
        fluff(sheet, frame, (0.36 * side, 0.74, 0.24, 0.25), limbs, hair)
    fluff(sheet, frame, (0, 0.5, 0.42, 0.48), kind.coat, hair)
    if dark:
        fluff(sheet, frame, (0, 0.22, 0.42, 0.18), limbs, hair)
    fluff(sheet, frame, (0, 0.42, 0.24, 0.32), kind.coat if dark else kind.second, hair)
    for side in (-1, 1):
        fluff(
            sheet,
            frame,
            (0.17 * side, 0.68, 0.125, 0.3),
            limbs,
            Hair(hair.length * 0.6, hair.density),
        )
    paws = limbs if dark else kind.second
    for side in (-1, 1):
        for x, wide in ((0.18, 0.15), (0.45, 0.15)):
            fluff(
                sheet,
                frame,
                (x * side, 0.93, wide, 0.085),
                paws,
                Hair(hair.length * 0.45, hair.density),
            )
            _toes(sheet, frame, x * side, wide, paws)


def _toes(sheet: Sheet, frame: Frame, x: float, wide: float, coat: Coat) -> None:
    shapes = []
    for shift in (-0.33, 0.33):
        toe = x + shift * wide
        points = [
            frame.at(toe - 0.006, 0.93),
            frame.at(toe + 0.006, 0.93),
            frame.at(toe + 0.002, 1.0),
            frame.at(toe - 0.002, 1.0),
        ]
        shapes.append((points, mix(coat[2], (60, 44, 60), 0.25)))
    brush.draw_shapes(sheet.image, shapes)


def _collar(sheet: Sheet, frame: Frame, y: float) -> None:
    """A band of colour with a little golden tag."""
    colour = sheet.tinted(sheet.palette.accent[0])
    points = []
    for index in range(21):
        angle = math.pi * index / 20
        points.append((-math.cos(angle) * 0.3, y + math.sin(angle) * 0.15))
    for index in range(20, -1, -1):
        angle = math.pi * index / 20
        points.append((-math.cos(angle) * 0.3, y + 0.055 + math.sin(angle) * 0.16))
    outline = [frame.at(*point) for point in points]
    brush.form(sheet.image, outline, (lighter(colour, 0.4), colour, darker(colour, 0.5)), depth=0.2)
    gold = (255, 236, 170), (236, 184, 74), (140, 92, 34)
    brush.form(sheet.image, frame.oval(0, y + 0.245, 0.052, 0.058), gold, depth=0.3)
