"""Portraits: a face in thought, hair in strands, a hat if the words ask for one."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, hexed, jitter, lighter, mix
from bot.demo.painter.feathers import coat
from bot.demo.painter.fur import Coat, Frame, Hair, fluff
from bot.demo.painter.sheet import Sheet

_SKIN = ("f6d3b8", "e8b48c", "c98a5e", "8f5a3c", "6b4130")
_HAIR = ("2d2430", "5a3a28", "a8623a", "d9b06a", "3c3a52", "7a3f4a")


def paint_person(sheet: Sheet) -> None:
    """A portrait, head and shoulders, eyes closed in thought or open."""
    unit = min(sheet.width * 0.6, sheet.height * 0.44)
    frame = Frame(
        sheet.width * 0.5, sheet.height - unit * 1.02, unit, 0.0, sheet.dice.random() < 0.5
    )
    skin = coat(sheet, hexed(sheet.dice.choice(_SKIN)), 0.4, 0.4)
    locks = coat(sheet, _hair_colour(sheet), 0.35, 0.5)
    clothes = coat(
        sheet, sheet.dice.choice((*sheet.palette.accent[:2], (70, 96, 130), (110, 80, 104))), 0.35
    )
    bearded = sheet.scene.says("man", "wizard", "king", "knight") and sheet.dice.random() < 0.6
    long = not sheet.scene.says("man", "boy", "king", "knight", "astronaut")
    if long:
        _back_hair(sheet, frame, locks)
    shoulders = frame.shape(
        (-0.95, 1.1),
        (-0.82, 0.74),
        (-0.34, 0.56),
        (0, 0.6),
        (0.34, 0.56),
        (0.82, 0.74),
        (0.95, 1.1),
        (0.0, 1.3),
    )
    brush.form(sheet.image, shoulders, clothes, depth=0.18, light=sheet.light)
    neck = frame.shape((-0.15, 0.2), (0.15, 0.2), (0.17, 0.56), (0.0, 0.72), (-0.17, 0.56))
    brush.form(
        sheet.image,
        neck,
        (skin[1], mix(skin[1], skin[2], 0.4), skin[2]),
        depth=0.3,
        light=sheet.light,
    )
    head = frame.leaning(0, -0.02, sheet.dice.uniform(-0.09, 0.09))
    _face(sheet, head, skin)
    if bearded:
        fluff(sheet, head, (0, 0.34, 0.24, 0.15), locks, Hair(0.14, 2000, 0.009, (0, 1.2)))
    _features(sheet, head, skin, locks)
    _haircut(sheet, head, locks, long)
    _headgear(sheet, head)


def _hair_colour(sheet: Sheet) -> Colour:
    for word, tone in (
        ("blonde", "e0b868"),
        ("blond", "e0b868"),
        ("red", "b5532f"),
        ("black", "2a2430"),
        ("white", "d9d6dc"),
        ("silver", "c3c8d4"),
        ("pink", "e58fb0"),
        ("blue", "5f86c9"),
    ):
        if sheet.scene.says(word):
            return hexed(tone)
    return hexed(sheet.dice.choice(_HAIR))


def _face(sheet: Sheet, head: Frame, skin: Coat) -> None:
    for side in (-1, 1):
        brush.form(sheet.image, head.oval(0.37 * side, 0.06, 0.06, 0.1), skin, depth=0.3)
    outline = head.shape(
        (0, -0.46),
        (0.27, -0.38),
        (0.38, -0.1),
        (0.35, 0.16),
        (0.22, 0.37),
        (0, 0.46),
        (-0.22, 0.37),
        (-0.35, 0.16),
        (-0.38, -0.1),
        (-0.27, -0.38),
    )
    brush.form(sheet.image, outline, skin, depth=0.22, light=sheet.light)
    for side in (-1, 1):
        brush.shade(
            sheet.image,
            head.at(0.21 * side, 0.18),
            (head.unit * 0.14, head.unit * 0.1),
            (236, 120, 110),
            0.38,
        )


def _features(sheet: Sheet, head: Frame, skin: Coat, locks: Coat) -> None:
    image, line = sheet.image, darker(skin[2], 0.45)
    iris = sheet.dice.choice(((86, 120, 92), (84, 58, 44), (88, 122, 164), (120, 90, 50)))
    for side in (-1, 1):
        x = 0.155 * side
        brush.shade(image, head.at(x, 0.0), (head.unit * 0.13, head.unit * 0.1), skin[2], 0.4)
        white = head.shape((x - 0.078, 0.02), (x, -0.036), (x + 0.078, 0.015), (x, 0.052))
        brush.flat(image, white, (250, 246, 242))
        brush.form(
            image,
            head.oval(x, 0.006, 0.042, 0.044),
            (lighter(iris, 0.4), iris, darker(iris, 0.5)),
            depth=0.3,
            light=(0, 1),
        )
        brush.flat(image, head.oval(x, 0.006, 0.02, 0.021), (16, 12, 18))
        brush.flat(image, head.oval(x - 0.014, -0.01, 0.011, 0.01), (255, 255, 255))
        lid = head.shape(
            (x - 0.092, 0.022),
            (x - 0.03, -0.046),
            (x + 0.04, -0.044),
            (x + 0.092, 0.012),
            (x + 0.036, -0.026),
            (x - 0.03, -0.026),
        )
        brush.flat(image, lid, darker(locks[2], 0.5))
        brow = head.shape((x - 0.1, -0.085), (x - 0.02, -0.135), (x + 0.09, -0.105), (x, -0.112))
        brush.flat(image, brow, locks[2], 0.85)
    nose = head.shape(
        (-0.018, -0.02), (-0.05, 0.15), (-0.03, 0.185), (0.0, 0.19), (0.0, 0.17), (-0.024, 0.14)
    )
    brush.flat(image, nose, skin[2], 0.55)
    brush.flat(image, head.oval(0.012, 0.13, 0.02, 0.028), skin[0], 0.7)
    upper = head.shape(
        (-0.095, 0.275), (-0.03, 0.252), (0, 0.262), (0.03, 0.252), (0.095, 0.275), (0, 0.292)
    )
    lower = head.shape((-0.085, 0.282), (0, 0.29), (0.085, 0.282), (0, 0.34))
    brush.form(
        image,
        lower,
        ((236, 150, 146), mix(skin[1], (206, 92, 96), 0.6), line),
        depth=0.25,
        light=(0, -1),
    )
    brush.flat(image, upper, mix(skin[2], (176, 66, 78), 0.55))


def _back_hair(sheet: Sheet, frame: Frame, locks: Coat) -> None:
    outline = frame.shape(
        (0, -0.56),
        (0.36, -0.46),
        (0.52, -0.1),
        (0.54, 0.4),
        (0.6, 0.84),
        (0.3, 0.98),
        (0, 0.7),
        (-0.3, 0.98),
        (-0.6, 0.84),
        (-0.54, 0.4),
        (-0.52, -0.1),
        (-0.36, -0.46),
    )
    brush.form(sheet.image, outline, (locks[1], mix(locks[1], locks[2], 0.5), locks[2]), depth=0.15)


def _haircut(sheet: Sheet, head: Frame, locks: Coat, long: bool) -> None:
    """A cap of hair parted at one side, painted in strands that follow it."""
    for side in (1, -1):
        if long:
            inner = [(0.1, -0.5), (0.16 * side + 0.05, -0.3), (0.33 * side, -0.12)]
            outer = [(0.1, -0.56), (0.32 * side, -0.54), (0.5 * side, -0.16)]
            ends = [(0.38 * side, 0.78), (0.54 * side, 0.84)]
        else:
            inner = [(0.1, -0.44), (0.2 * side, -0.24), (0.36 * side, -0.34)]
            outer = [(0.1, -0.6), (0.34 * side, -0.62), (0.45 * side, -0.36)]
            ends = [(0.36 * side, -0.06), (0.4 * side, -0.02)]
        _strands(sheet, head, [*inner, ends[0]], [*outer, ends[1]], locks)


def _strands(
    sheet: Sheet,
    head: Frame,
    inner: list[brush.Point],
    outer: list[brush.Point],
    locks: Coat,
) -> None:
    rng, count = sheet.touch, 46
    body = [*_line(inner, 14), *reversed(_line(outer, 14))]
    brush.form(sheet.image, [head.at(*p) for p in body], locks, depth=0.2, light=sheet.light)
    shapes = []
    for _ in range(count):
        share = rng.random()
        start, stop = rng.uniform(0, 0.45), rng.uniform(0.6, 1.0)
        line = [
            (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
            for a, b in zip(_line(inner, 14), _line(outer, 14), strict=True)
        ][int(start * 14) : int(stop * 14) + 1]
        wide = rng.uniform(0.004, 0.011)
        tone = jitter(rng.choice((locks[0], locks[1], locks[1], locks[2])), rng, 8)
        left = [head.at(x - wide * _swell(i, len(line)), y) for i, (x, y) in enumerate(line)]
        right = [head.at(x + wide * _swell(i, len(line)), y) for i, (x, y) in enumerate(line)]
        shapes.append(([*left, *reversed(right)], tone))
    brush.draw_shapes(sheet.image, shapes)


def _swell(index: int, count: int) -> float:
    """Thin at both ends of a strand."""
    return math.sin(math.pi * (index + 0.2) / count)


def _line(places: list[brush.Point], detail: int) -> list[brush.Point]:
    """``detail + 1`` points of a Bezier curve through four places' pull."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = places
    points = []
    for step in range(detail + 1):
        t = step / detail
        u = 1 - t
        a, b, c, d = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        points.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
    return points


def _headgear(sheet: Sheet, head: Frame) -> None:
    gold = ((255, 240, 180), (232, 182, 74), (140, 92, 40))
    if sheet.scene.says("king", "queen", "princess", "prince"):
        crown = [
            (-0.3, -0.36),
            (-0.34, -0.66),
            (-0.18, -0.5),
            (0, -0.74),
            (0.18, -0.5),
            (0.34, -0.66),
            (0.3, -0.36),
        ]
        brush.form(sheet.image, [head.at(*p) for p in crown], gold, depth=0.2, light=sheet.light)
        for x in (-0.18, 0.0, 0.18):
            brush.form(
                sheet.image,
                head.oval(x, -0.43, 0.03, 0.036),
                coat(sheet, sheet.palette.accent[0]),
                depth=0.3,
            )
    elif sheet.scene.says("wizard", "witch"):
        robe = coat(sheet, (70, 58, 122), 0.35)
        cone = head.shape(
            (-0.4, -0.36), (-0.2, -0.75), (0.12, -1.18), (0.34, -1.1), (0.22, -0.8), (0.4, -0.36)
        )
        brush.form(sheet.image, cone, robe, depth=0.25, light=sheet.light)
        brush.form(sheet.image, head.oval(0, -0.36, 0.64, 0.12), robe, depth=0.2, light=(0, -1))
        brush.flat(
            sheet.image,
            head.shape(
                (-0.38, -0.42), (0, -0.36), (0.38, -0.42), (0.36, -0.5), (0, -0.44), (-0.36, -0.5)
            ),
            gold[1],
        )
    elif sheet.scene.says("astronaut"):
        brush.flat(sheet.image, head.oval(0, -0.02, 0.64, 0.64), (210, 232, 255), 0.2)
        ring = [head.at(*p) for p in brush.ellipse(0, 0.5, 0.5, 0.12)]
        brush.form(
            sheet.image, ring, ((250, 250, 255), (206, 210, 222), (120, 124, 146)), depth=0.2
        )
        shine = head.shape(
            (-0.5, -0.3), (-0.38, -0.48), (-0.2, -0.56), (-0.34, -0.42), (-0.44, -0.2)
        )
        brush.flat(sheet.image, shine, (255, 255, 255), 0.75)
