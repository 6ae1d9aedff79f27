"""Where the scene plays: one function a place, each fills the whole sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

from bot.demo.painter import brush, ground, heaven, town, wood
from bot.demo.painter.colour import darker, lighter, mix
from bot.demo.painter.sheet import Sheet

_AFLOAT: Final = frozenset({"", "boat", "whale", "balloon", "dragon", "lighthouse", "castle"})
_NEBULAS: Final = (
    ((74, 32, 110), (206, 70, 130), (255, 178, 120)),
    ((22, 52, 120), (58, 130, 206), (190, 236, 255)),
    ((16, 74, 96), (46, 168, 160), (250, 226, 160)),
    ((84, 28, 72), (232, 104, 90), (255, 220, 150)),
)


def paint_place(sheet: Sheet) -> None:
    """The background for the scene's place."""
    _PLACES[sheet.scene.place](sheet)


def _meadow(sheet: Sheet) -> None:
    heaven.paint_sky(sheet)
    if sheet.dice.random() < 0.4:
        ground.paint_mountains(sheet, sheet.horizon - 0.02, 0.09, 0.1)
    ground.paint_hills(sheet, 3)
    ground.paint_meadow(sheet, sheet.horizon + 0.1)


def _mountains(sheet: Sheet) -> None:
    heaven.paint_sky(sheet)
    ground.paint_mountains(sheet, sheet.horizon - 0.1, 0.16, 0.1, 0.7)
    ground.paint_mountains(sheet, sheet.horizon + 0.02, 0.13, 0.75, 0.35)
    ground.paint_hills(sheet, 2, 0.05)
    if sheet.dice.random() < 0.5 and not sheet.scene.subject:
        ground.paint_water(sheet, sheet.horizon + 0.15)
        wood.paint_pines(sheet, 1.02, 9, 0.3, near=1.0)
    else:
        ground.paint_meadow(sheet, sheet.horizon + 0.15)
        wood.paint_pines(sheet, sheet.horizon + 0.24, 10, 0.2, near=0.7)


def _sea(sheet: Sheet) -> None:
    heaven.paint_sky(sheet)
    outline = ground.ridge(sheet, sheet.horizon + 0.005, 0.035, 0.4, 0.7)
    far = mix(sheet.palette.far, sheet.palette.haze, 0.3)
    ground.fill_ridge(sheet, outline, far, mix(far, sheet.palette.haze, 0.4))
    ground.paint_water(sheet, sheet.horizon)
    if sheet.scene.subject not in _AFLOAT:
        ground.paint_beach(sheet, sheet.horizon + 0.17)


def _forest(sheet: Sheet) -> None:
    heaven.paint_sky(sheet, clouds=0.25)
    ground.paint_hills(sheet, 2)
    for index, near in enumerate((0.0, 0.3, 0.6)):
        level = sheet.horizon + 0.07 + 0.06 * index
        wood.paint_pines(sheet, level, 26 - 6 * index, 0.3 + 0.14 * index, near)
        mist(sheet, sheet.horizon + 0.02 + 0.05 * index, 0.16, 0.55 - 0.12 * index)
    ground.paint_meadow(sheet, sheet.horizon + 0.2)
    wood.paint_trunks(sheet)
    if not sheet.palette.night:
        heaven.paint_rays(sheet)


def _city(sheet: Sheet) -> None:
    heaven.paint_sky(sheet)
    town.paint_skyline(sheet)


def _desert(sheet: Sheet) -> None:
    heaven.paint_sky(sheet, clouds=0.2)
    ground.paint_mountains(sheet, sheet.horizon + 0.01, 0.06, 0.2, 0.0)
    ground.paint_dunes(sheet)


def _space(sheet: Sheet) -> None:
    size, dice = sheet.image.size, sheet.dice
    dust, gas, core = dice.choice(_NEBULAS)
    deep = (9, 9, 28)
    field = brush.fractal(dice, size, 1.3, 5)
    other = brush.fractal(dice, size, 1.6, 6)
    dark = ((0.25, deep), (0.75, mix(deep, dust, 0.75)), (1.0, dust))
    sheet.image.paste(brush.coloured(field, dark), (0, 0))
    bright = ((0.4, mix(deep, dust, 0.5)), (0.72, gas), (0.92, core), (1.0, lighter(core, 0.6)))
    sheet.image.paste(brush.coloured(other, bright), (0, 0), brush.steps(other, 0.4, 0.9, 0.85))
    lanes = brush.fractal(dice, size, 3, 5)
    sheet.image.paste(deep, (0, 0), brush.steps(lanes, 0.55, 0.95, 0.75))
    sheet.horizon = 1.0
    heaven.paint_stars(sheet, 240)


def _studio(sheet: Sheet) -> None:
    """A painted backdrop with a pool of light, and the floor it falls on."""
    size, dice = sheet.image.size, sheet.dice
    choices = ((92, 116, 128), (134, 104, 120), (120, 122, 96), (150, 112, 86), (86, 98, 138))
    base = sheet.tinted(dice.choice(choices), 0.3)
    field = brush.fractal(dice, size, 2.2, 5)
    tones = ((0.0, darker(base, 0.3)), (0.5, base), (1.0, lighter(base, 0.12)))
    sheet.image.paste(brush.coloured(field, tones), (0, 0))
    for corner in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        brush.shade(sheet.image, sheet.at(*corner), sheet.at(0.75, 0.75), darker(base, 0.75), 0.5)
    centre = sheet.at(0.5 + (sheet.sun[0] - 0.5) * 0.3, 0.42)
    brush.glow(sheet.image, centre, sheet.unit * 0.85, lighter(base, 0.25), 0.7)
    floor = int(sheet.height * 0.84)
    below = (sheet.width, sheet.height - floor)
    shine = brush.gradient(below, ((0.0, darker(base, 0.28)), (1.0, lighter(base, 0.05))))
    edge = Image.linear_gradient("L").resize(below).point([min(255, v * 4) for v in range(256)])
    sheet.image.paste(shine, (0, floor), edge)


def _table(sheet: Sheet) -> None:
    """A wall with the light of a window, and a wooden table."""
    size, dice = sheet.image.size, sheet.dice
    walls = ((70, 96, 110), (124, 84, 74), (96, 104, 78), (140, 118, 92), (66, 74, 104))
    wall = sheet.tinted(dice.choice(walls), 0.3)
    field = brush.fractal(dice, size, 2.6, 5)
    tones = ((0.0, darker(wall, 0.45)), (0.6, wall), (1.0, lighter(wall, 0.2)))
    sheet.image.paste(brush.coloured(field, tones), (0, 0))
    panes = Image.new("L", size)
    pen = ImageDraw.Draw(panes)
    left = 0.1 if sheet.sun[0] < 0.5 else 0.55
    for column in range(2):
        for row in range(2):
            x0, y0 = sheet.at(left + column * 0.17, 0.08 + row * 0.22)
            x1, y1 = sheet.at(left + column * 0.17 + 0.15, 0.08 + row * 0.22 + 0.2)
            slant = sheet.unit * 0.06
            pen.polygon([(x0 + slant, y0), (x1 + slant, y0), (x1, y1), (x0, y1)], fill=130)
    soft = panes.filter(ImageFilter.BoxBlur(sheet.unit * 0.012))
    sheet.image.paste(lighter(sheet.palette.lamp, 0.4), (0, 0), soft)
    _boards(sheet, 0.66)


def _boards(sheet: Sheet, top: float) -> None:
    y = int(sheet.height * top)
    size = (sheet.width, sheet.height - y)
    wood_tone = sheet.tinted((164, 108, 66), 0.3)
    grain = brush.fractal(sheet.dice, size, 16, 3, stretch=18)
    tones = ((0.0, darker(wood_tone, 0.4)), (0.6, wood_tone), (1.0, lighter(wood_tone, 0.3)))
    sheet.image.paste(brush.coloured(grain, tones), (0, y))
    brush.shade(sheet.image, sheet.at(0.5, 1.15), sheet.at(0.9, 0.28), darker(wood_tone, 0.8), 0.6)
    edge = [sheet.at(0, top), sheet.at(1, top), sheet.at(1, top + 0.012), sheet.at(0, top + 0.012)]
    brush.flat(sheet.image, edge, lighter(wood_tone, 0.5), 0.55)


def _deep(sheet: Sheet) -> None:
    """Under water: light from above, sand, plants, bubbles."""
    size = sheet.image.size
    night = sheet.palette.night
    top, low = ((40, 110, 160), (6, 22, 60)) if night else ((120, 222, 226), (12, 72, 120))
    sheet.image.paste(
        brush.gradient(size, ((0.0, top), (0.5, mix(top, low, 0.6)), (1.0, low))), (0, 0)
    )
    field = brush.fractal(sheet.dice, size, 3, 4, stretch=1.5)
    tones = ((0.0, darker(low, 0.3)), (1.0, lighter(top, 0.3)))
    sheet.image.paste(Image.blend(sheet.image, brush.coloured(field, tones), 0.2), (0, 0))
    sheet.sun = (sheet.sun[0], -0.1)
    heaven.paint_rays(sheet, 12, 0.3)
    sand = mix((226, 206, 150), low, 0.4)
    ground.fill_ridge(
        sheet, ground.ridge(sheet, 0.88, 0.03, 0.1), lighter(sand, 0.1), mix(sand, low, 0.4)
    )
    wood.paint_weeds(sheet, 0.9)
    for _ in range(26):
        x, y = sheet.at(sheet.dice.random(), sheet.dice.random() * 0.9)
        size_ = sheet.unit * sheet.dice.choice((0.004, 0.006, 0.011))
        brush.flat(sheet.image, brush.ellipse(x, y, size_, size_), (220, 250, 255), 0.35)
        shine = brush.ellipse(x - size_ * 0.3, y - size_ * 0.3, size_ * 0.35, size_ * 0.35)
        brush.flat(sheet.image, shine, (255, 255, 255), 0.9)


def _ice(sheet: Sheet) -> None:
    heaven.paint_sky(sheet)
    ground.paint_mountains(sheet, sheet.horizon, 0.09, 0.2, 1.0)
    ground.paint_water(sheet, sheet.horizon + 0.03, sheet.horizon + 0.16)
    ground.paint_drifts(sheet, sheet.horizon + 0.12)


def mist(sheet: Sheet, middle: float, thick: float, strength: float) -> None:
    """A bank of mist around a height."""
    top, height = int(sheet.height * (middle - thick / 2)), max(int(sheet.height * thick), 2)
    column = [round(255 * strength * (1 - abs(2 * row / 255 - 1)) ** 1.2) for row in range(256)]
    veil = Image.linear_gradient("L").point(column).resize((sheet.width, height))
    sheet.image.paste(sheet.palette.haze, (0, top), veil)


_PLACES: Final[Mapping[str, Callable[[Sheet], None]]] = {
    "meadow": _meadow,
    "mountains": _mountains,
    "sea": _sea,
    "forest": _forest,
    "city": _city,
    "desert": _desert,
    "space": _space,
    "studio": _studio,
    "table": _table,
    "deep": _deep,
    "ice": _ice,
}
