"""Fluff: ellipses of many hairs, each lit by where it grows, and a frame to pose them in."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, jitter, mix
from bot.demo.painter.sheet import Sheet

Coat = tuple[Colour, Colour, Colour]


@dataclass(frozen=True)
class Frame:
    """Where a figure stands: pixels of its origin, of its unit, its lean and its side.

    Coordinates of a figure run right and down in units.
    """

    x: float
    y: float
    unit: float
    lean: float = 0.0
    mirrored: bool = False

    def at(self, x: float, y: float) -> brush.Point:
        """Pixels of a place of the figure."""
        if self.mirrored:
            x = -x
        cos, sin = math.cos(self.lean), math.sin(self.lean)
        return self.x + (x * cos - y * sin) * self.unit, self.y + (x * sin + y * cos) * self.unit

    def leaning(self, x: float, y: float, lean: float) -> Frame:
        """A frame of its own around a place, e.g. a head that is tilted."""
        px, py = self.at(x, y)
        return Frame(px, py, self.unit, self.lean + lean, self.mirrored)

    def shape(self, *places: brush.Point) -> list[brush.Point]:
        """A smooth outline through the places."""
        return brush.smooth([self.at(x, y) for x, y in places])

    def oval(
        self, x: float, y: float, rx: float, ry: float, turn: float = 0.0
    ) -> list[brush.Point]:
        """An ellipse."""
        return [self.at(px, py) for px, py in brush.ellipse(x, y, rx, ry, turn)]


@dataclass(frozen=True)
class Hair:
    """How fur looks: length in units, how many per square unit, how wide, which way it falls."""

    length: float = 0.12
    density: float = 2600
    width: float = 0.0075
    fall: brush.Point = (0.0, 0.35)
    curl: float = 0.35


def fluff(
    sheet: Sheet,
    frame: Frame,
    oval: tuple[float, float, float, float],
    coat: Coat,
    hair: Hair,
    *,
    turn: float = 0.0,
) -> None:
    """An ellipse (centre, radii, in units) of hair; ``coat`` is light, middle, shadow."""
    cx, cy, rx, ry = oval
    brush.flat(
        sheet.image, frame.oval(cx, cy, rx * 0.95, ry * 0.95, turn), mix(coat[1], coat[2], 0.5)
    )
    rng = sheet.touch
    count = max(int(hair.density * sheet.detail * math.pi * rx * ry), 24)
    cos, sin = math.cos(turn), math.sin(turn)
    light = (-sheet.light[0] if frame.mirrored else sheet.light[0], sheet.light[1])
    shapes = []
    for index in range(count):
        reach = math.sqrt(1 - (index + rng.random()) / count) * 0.97
        angle = rng.uniform(0, 2 * math.pi)
        ux, uy = math.cos(angle) * reach, math.sin(angle) * reach
        x, y = cx + ux * rx * cos - uy * ry * sin, cy + ux * rx * sin + uy * ry * cos
        out = (ux * cos - uy * sin + hair.fall[0], ux * sin + uy * cos + hair.fall[1])
        way = math.atan2(out[1], out[0]) + rng.uniform(-hair.curl, hair.curl)
        tone = jitter(_lit(coat, ux, uy, light), rng, 9)
        shapes.append((_hair(sheet, frame, (x, y), way, hair), tone))
    brush.draw_shapes(sheet.image, shapes)


def _lit(coat: Coat, ux: float, uy: float, light: brush.Point) -> Colour:
    glow = ux * light[0] + uy * light[1] + 0.12
    if glow > 0:
        return mix(coat[1], coat[0], min(glow * 1.15, 1.0))
    return mix(coat[1], coat[2], min(-glow * 1.1, 1.0))


def _hair(
    sheet: Sheet, frame: Frame, root: brush.Point, way: float, hair: Hair
) -> list[brush.Point]:
    rng = sheet.touch
    long = hair.length * rng.uniform(0.55, 1.15)
    dx, dy = math.cos(way), math.sin(way)
    half = hair.width / math.sqrt(sheet.detail)
    nx, ny = -dy * half, dx * half
    bend = rng.uniform(-0.25, 0.25) * long
    x, y = root
    return [
        frame.at(x - nx, y - ny),
        frame.at(
            x + dx * long * 0.55 - nx * 0.8 - dy * bend,
            y + dy * long * 0.55 - ny * 0.8 + dx * bend,
        ),
        frame.at(x + dx * long, y + dy * long),
        frame.at(
            x + dx * long * 0.5 + nx * 0.8 - dy * bend,
            y + dy * long * 0.5 + ny * 0.8 + dx * bend,
        ),
        frame.at(x + nx, y + ny),
    ]


def lock(
    sheet: Sheet, frame: Frame, places: list[brush.Point], coat: Coat, hair: Hair, *, thick: float
) -> None:
    """Hair along a line of places: tails, manes, long ears; ``thick`` units wide in the middle."""
    calm = (mix(coat[0], coat[1], 0.5), coat[1], mix(coat[2], coat[1], 0.5))
    count = len(places) - 1
    for index in range(count * 4 + 1):
        share = index / (count * 4)
        step = min(int(share * count), count - 1)
        within = share * count - step
        x = places[step][0] + (places[step + 1][0] - places[step][0]) * within
        y = places[step][1] + (places[step + 1][1] - places[step][1]) * within
        wide = thick * (0.55 + 0.45 * math.sin(math.pi * min(share * 0.9 + 0.15, 1)))
        fluff(sheet, frame, (x, y, wide, wide), calm, hair)
