"""Heads of furry animals: ears, markings, eyes, nose and mouth. Most of the charm is here."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, lighter, mix
from bot.demo.painter.fur import Coat, Frame, Hair, fluff, lock
from bot.demo.painter.sheet import Sheet
from bot.demo.painter.species import Species

_INNER: Coat = ((248, 196, 188), (226, 158, 152), (160, 96, 104))


def paint_head(sheet: Sheet, head: Frame, kind: Species, hair: Hair) -> None:
    """A head around the frame's origin, about a unit wide."""
    if "mane" in kind.marks:
        mane = (
            mix(kind.coat[1], kind.coat[2], 0.2),
            darker(kind.coat[1], 0.42),
            darker(kind.coat[2], 0.45),
        )
        long = Hair(hair.length * 2.2, 1500, 0.011)
        fluff(sheet, head, (0, -0.02, 0.62, 0.6), mane, long)
    if kind.ears != "flop":
        _ears(sheet, head, kind, hair)
    fluff(sheet, head, (0, 0.02, 0.46, 0.4), kind.coat, hair)
    for side in (-1, 1):
        fluff(sheet, head, (0.3 * side, 0.14, 0.19, 0.2), kind.coat, hair)
    fluff(sheet, head, (0, -0.08, 0.4, 0.3), kind.coat, hair)
    _markings(sheet, head, kind, hair)
    if kind.ears == "flop":
        _ears(sheet, head, kind, hair)
    _muzzle(sheet, head, kind, hair)
    for side in (-1, 1):
        _eye(sheet, head, kind, side)
    _nose(sheet, head, kind)
    if kind.hair > 1.5 and kind.ears == "flop":
        _bow(sheet, head)


def _ears(sheet: Sheet, head: Frame, kind: Species, hair: Hair) -> None:
    coat = kind.ear or kind.coat
    for side in (-1, 1):
        if kind.ears == "flop":
            places = [(0.36 * side, -0.2), (0.5 * side, 0.0), (0.5 * side, 0.24)]
            lock(
                sheet,
                head,
                places,
                coat,
                Hair(hair.length * 1.25, hair.density, 0.008, (0, 0.9)),
                thick=0.145,
            )
        elif kind.ears == "round":
            fluff(sheet, head, (0.36 * side, -0.3, 0.16, 0.16), coat, Hair(hair.length * 0.6))
            brush.form(
                sheet.image,
                head.oval(0.36 * side, -0.29, 0.085, 0.085),
                _inner(sheet, coat),
                depth=0.25,
            )
        elif kind.ears == "long":
            lock(
                sheet,
                head,
                [(0.17 * side, -0.3), (0.25 * side, -0.62), (0.26 * side, -0.9)],
                coat,
                Hair(0.05),
                thick=0.12,
            )
            inner = head.shape(
                (0.17 * side, -0.35), (0.2 * side, -0.65), (0.27 * side, -0.92), (0.3 * side, -0.62)
            )
            brush.form(sheet.image, inner, _inner(sheet, coat), depth=0.25)
        else:
            _pointed(sheet, head, coat, hair, side)


def _pointed(sheet: Sheet, head: Frame, coat: Coat, hair: Hair, side: int) -> None:
    short = Hair(min(hair.length, 0.09) * 0.75, 2600, 0.0075, (0.15 * side, -0.9), 0.25)
    for step in range(9):
        share = step / 8
        x, y = (0.27 + 0.13 * share) * side, -0.2 - 0.42 * share
        wide = 0.175 * (1 - share) + 0.018
        fluff(sheet, head, (x, y, wide, wide * 0.85), coat, short)
    inner = head.shape(
        (0.21 * side, -0.24),
        (0.29 * side, -0.44),
        (0.385 * side, -0.58),
        (0.4 * side, -0.4),
        (0.39 * side, -0.18),
    )
    brush.form(sheet.image, inner, _inner(sheet, coat), depth=0.25)
    tufts = Hair(hair.length * 0.9, 1600, 0.0075, (0.3 * side, -1.2))
    fluff(sheet, head, (0.25 * side, -0.2, 0.09, 0.12), coat, tufts)


def _inner(sheet: Sheet, coat: Coat) -> Coat:
    light, middle, dark = _INNER
    return (
        sheet.tinted(mix(light, coat[0], 0.25)),
        sheet.tinted(mix(middle, coat[1], 0.35)),
        sheet.tinted(mix(dark, coat[2], 0.4)),
    )


def _markings(sheet: Sheet, head: Frame, kind: Species, hair: Hair) -> None:
    short = Hair(hair.length * 0.7, 3200, 0.007)
    if "blaze" in kind.marks or "mask" in kind.marks:
        lock(sheet, head, [(0, -0.34), (0, -0.12), (0, 0.08)], kind.second, short, thick=0.075)
    if "mask" in kind.marks:
        for side in (-1, 1):
            fluff(
                sheet,
                head,
                (0.26 * side, 0.2, 0.2, 0.16),
                kind.second,
                Hair(hair.length, 2600, 0.0075, (0.4 * side, 0.4)),
            )
            fluff(sheet, head, (0.17 * side, -0.15, 0.06, 0.045), kind.second, short)
    if "panda" in kind.marks:
        dark = ((96, 94, 110), (44, 42, 54), (22, 20, 30))
        for side in (-1, 1):
            fluff(sheet, head, (0.2 * side, 0.0, 0.12, 0.15), dark, short, turn=0.5 * side)
    if "tabby" in kind.marks:
        _stripes(sheet, head, kind)
    if "spots" in kind.marks:
        fluff(
            sheet,
            head,
            (-0.24, -0.16, 0.18, 0.16),
            ((240, 172, 96), (217, 135, 66), (140, 74, 44)),
            short,
        )
        fluff(
            sheet,
            head,
            (0.3, -0.2, 0.12, 0.13),
            ((110, 104, 112), (58, 54, 62), (28, 24, 34)),
            short,
        )


def _stripes(sheet: Sheet, head: Frame, kind: Species) -> None:
    stripe = darker(kind.coat[1], 0.38)
    coat = (mix(stripe, kind.coat[1], 0.3), stripe, darker(stripe, 0.3))
    thin = Hair(0.05, 3000, 0.007, (0, -0.8))
    for x in (-0.13, 0.0, 0.13):
        lock(sheet, head, [(x, -0.2), (x * 1.25, -0.36)], coat, thin, thick=0.022)
    for side in (-1, 1):
        for y in (0.02, 0.12):
            lock(sheet, head, [(0.34 * side, y), (0.46 * side, y + 0.03)], coat, thin, thick=0.02)


def _muzzle(sheet: Sheet, head: Frame, kind: Species, hair: Hair) -> None:
    size = kind.muzzle
    short = Hair(hair.length * 0.55, 3200, 0.007, (0, 0.6))
    fluff(sheet, head, (0, 0.3, 0.17 * size, 0.1 * size), kind.second, short)
    if kind.smiling:
        mouth = head.shape(
            (-0.07 * size, 0.3),
            (0, 0.32),
            (0.07 * size, 0.3),
            (0.045 * size, 0.385),
            (0, 0.41),
            (-0.045 * size, 0.385),
        )
        brush.flat(sheet.image, mouth, (96, 34, 46))
        tongue = head.shape(
            (-0.045 * size, 0.35),
            (0, 0.34),
            (0.045 * size, 0.35),
            (0.04 * size, 0.42),
            (0, 0.45),
            (-0.04 * size, 0.42),
        )
        brush.form(
            sheet.image, tongue, ((255, 176, 172), (236, 122, 128), (176, 66, 86)), depth=0.25
        )
    for side in (-1, 1):
        fluff(
            sheet, head, (0.095 * side * size, 0.235, 0.125 * size, 0.1 * size), kind.second, short
        )
    if kind.whiskers:
        _whiskers(sheet, head, size)


def _whiskers(sheet: Sheet, head: Frame, size: float) -> None:
    shapes = []
    for side in (-1, 1):
        for index in range(3):
            y = 0.21 + 0.035 * index
            end = (0.56 * side, y - 0.09 + 0.075 * index)
            points = [
                head.at(0.12 * side * size, y),
                head.at(0.34 * side, y - 0.015 + 0.015 * index - 0.004),
                head.at(*end),
                head.at(0.34 * side, y - 0.015 + 0.015 * index + 0.004),
            ]
            shapes.append((points, (250, 248, 244)))
    brush.draw_shapes(sheet.image, shapes)


def _eye(sheet: Sheet, head: Frame, kind: Species, side: int) -> None:
    x, y, r = 0.195 * side, 0.025, 0.082 * kind.eye
    image = sheet.image
    brush.shade(
        image,
        head.at(x, y),
        (head.unit * r * 1.9, head.unit * r * 1.7),
        darker(kind.coat[2], 0.5),
        0.55,
    )
    brush.flat(image, head.oval(x, y, r * 1.12, r * 1.08), (26, 20, 28))
    iris: Colour = kind.iris or (74, 46, 34)
    ring = (lighter(iris, 0.35), iris, darker(iris, 0.55))
    brush.form(image, head.oval(x, y, r * 0.94, r * 0.94), ring, depth=0.35, light=(0.2, 0.9))
    pupil = (r * 0.34, r * 0.74) if kind.slit else (r * 0.6, r * 0.62)
    if kind.iris is None:
        pupil = (r * 0.76, r * 0.76)
    brush.flat(image, head.oval(x, y, *pupil), (14, 10, 18))
    shine = -0.32 if sheet.light[0] < 0 else 0.32
    if head.mirrored:
        shine = -shine
    brush.flat(
        image, head.oval(x + shine * r, y - 0.36 * r, r * 0.27, r * 0.25), (255, 255, 255), 0.97
    )
    brush.flat(
        image,
        head.oval(x - shine * r * 0.9, y + 0.42 * r, r * 0.13, r * 0.12),
        (255, 255, 255),
        0.6,
    )
    lid = [
        head.at(x + math.cos(a) * r * 1.16, y + math.sin(a) * r * 1.12)
        for a in _arc(math.pi * 1.08, math.pi * 1.92)
    ]
    lid += [
        head.at(x + math.cos(a) * r * 1.05, y + math.sin(a) * r * 0.92)
        for a in reversed(_arc(math.pi * 1.08, math.pi * 1.92))
    ]
    brush.flat(image, lid, darker(kind.coat[2], 0.7), 0.9)


def _arc(start: float, end: float) -> list[float]:
    return [start + (end - start) * index / 12 for index in range(13)]


def _nose(sheet: Sheet, head: Frame, kind: Species) -> None:
    size = 0.075 * kind.muzzle
    points = head.shape(
        (-size, 0.145),
        (-size * 0.5, 0.12),
        (0, 0.118),
        (size * 0.5, 0.12),
        (size, 0.145),
        (size * 0.62, 0.195),
        (0, 0.222),
        (-size * 0.62, 0.195),
    )
    nose = kind.nose
    brush.form(
        sheet.image, points, (lighter(nose, 0.4), nose, darker(nose, 0.5)), depth=0.3, light=(0, -1)
    )
    brush.flat(
        sheet.image, head.oval(-size * 0.3, 0.142, size * 0.32, size * 0.16), (255, 255, 255), 0.5
    )
    line = darker(mix(kind.second[2], nose, 0.6), 0.3)
    thick = 0.006
    stem = [
        head.at(-thick, 0.215),
        head.at(thick, 0.215),
        head.at(thick, 0.27),
        head.at(-thick, 0.27),
    ]
    shapes = [(stem, line)]
    for side in (-1, 1):
        upper = [
            head.at((0.055 - 0.055 * math.cos(a)) * side, 0.268 + 0.042 * math.sin(a))
            for a in _arc(0, 2.5)
        ]
        lower = [
            head.at((0.055 - 0.055 * math.cos(a)) * side, 0.278 + 0.046 * math.sin(a))
            for a in _arc(0, 2.5)
        ]
        shapes.append(([*upper, *reversed(lower)], line))
    brush.draw_shapes(sheet.image, shapes)


def _bow(sheet: Sheet, head: Frame) -> None:
    """A ribbon for the longest hair."""
    colour = sheet.tinted(sheet.palette.accent[0])
    tones = (lighter(colour, 0.4), colour, darker(colour, 0.5))
    for side in (-1, 1):
        wing = head.shape(
            (0.0, -0.36),
            (0.1 * side, -0.44),
            (0.17 * side, -0.4),
            (0.17 * side, -0.31),
            (0.09 * side, -0.29),
        )
        brush.form(sheet.image, wing, tones, depth=0.25, light=sheet.light)
    brush.form(sheet.image, head.oval(0, -0.36, 0.04, 0.045), tones, depth=0.3, light=sheet.light)
