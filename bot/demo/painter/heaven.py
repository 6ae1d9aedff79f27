"""Skies: air, sun or moon, stars, clouds lit from one side."""

from __future__ import annotations

import math

from PIL import Image, ImageChops, ImageDraw

from bot.demo.painter import brush
from bot.demo.painter.colour import lighter, mix
from bot.demo.painter.sheet import Sheet


def paint_sky(sheet: Sheet, clouds: float | None = None) -> None:
    """Fill the sheet with sky down to a little below the horizon."""
    height = max(int(sheet.height * min(sheet.horizon + 0.14, 1.0)), 1)
    size = (sheet.width, height)
    air = brush.gradient(size, sheet.palette.sky_stops())
    wash = brush.fractal(sheet.dice, size, 1.6, 3, stretch=2.0)
    tone = brush.coloured(wash, ((0.0, sheet.palette.sky[0]), (1.0, sheet.palette.sky[2])))
    sheet.image.paste(Image.blend(air, tone, 0.16), (0, 0))
    if sheet.palette.night:
        paint_stars(sheet, 130)
    paint_sun(sheet)
    amount = sheet.dice.uniform(0.3, 0.6) if clouds is None else clouds
    if sheet.scene.weather in ("rain", "snow"):
        amount = max(amount, 0.62)
    paint_clouds(sheet, size, amount)


def paint_stars(sheet: Sheet, count: int) -> None:
    """Small lights of different brightness, a few with a halo."""
    rng, unit = sheet.dice, sheet.unit
    limit = sheet.horizon
    for index in range(count):
        x, y = sheet.at(rng.random(), rng.random() ** 1.3 * limit)
        size = unit * rng.choice((0.0012, 0.0016, 0.0024))
        brightness = rng.uniform(0.35, 1.0)
        if index % 9 == 0:
            brush.glow(sheet.image, (x, y), unit * 0.022, (190, 205, 255), 0.7)
            size *= 1.5
        colour = rng.choice(((255, 255, 255), (210, 225, 255), (255, 236, 205)))
        brush.flat(
            sheet.image, brush.ellipse(x, y, max(size, 0.6), max(size, 0.6)), colour, brightness
        )


def paint_sun(sheet: Sheet) -> None:
    """The sun with its warm air, or the moon with its seas."""
    x, y = sheet.at(*sheet.sun)
    unit, colour = sheet.unit, sheet.palette.sun
    if sheet.palette.night:
        radius = unit * 0.055
        brush.glow(sheet.image, (x, y), unit * 0.5, mix(colour, sheet.palette.sky[1], 0.45), 0.55)
        brush.glow(sheet.image, (x, y), unit * 0.16, colour, 0.5)
        disc = (lighter(colour, 0.6), colour, mix(colour, sheet.palette.sky[1], 0.35))
        brush.form(sheet.image, brush.ellipse(x, y, radius, radius), disc, depth=0.3)
        for dx, dy, size in ((-0.3, -0.2, 0.24), (0.25, 0.2, 0.3), (0.2, -0.45, 0.14)):
            crater = brush.ellipse(x + dx * radius, y + dy * radius, size * radius, size * radius)
            brush.flat(sheet.image, crater, mix(colour, sheet.palette.sky[1], 0.4), 0.3)
        return
    warm = mix(colour, sheet.palette.accent[1], 0.35)
    brush.glow(sheet.image, (x, y), unit * 0.75, warm, 0.55)
    brush.glow(sheet.image, (x, y), unit * 0.25, colour, 0.75)
    size = unit * (0.052 if sheet.scene.time == "day" else 0.07)
    brush.flat(sheet.image, brush.ellipse(x, y, size, size), lighter(colour, 0.55), 0.95)


def paint_clouds(sheet: Sheet, size: tuple[int, int], amount: float) -> None:
    """Clouds from noise: where it is high; bright on the side of the sun."""
    palette = sheet.palette
    field = brush.fractal(sheet.dice, size, 2.6, 6, stretch=2.0)
    dx = round((0.5 - sheet.sun[0]) * sheet.unit * 0.05)
    behind = brush.moved(field, dx, sheet.unit * 0.022)
    lit = ImageChops.subtract(field, behind, 0.6, 140)
    colours = brush.coloured(
        lit,
        (
            (0.12, palette.cloud[1]),
            (0.5, mix(palette.cloud[1], palette.cloud[0], 0.6)),
            (0.8, palette.cloud[0]),
            (1.0, lighter(palette.cloud[0], 0.5)),
        ),
    )
    low = 0.72 - amount * 0.42
    mask = brush.steps(field, low, low + 0.2, 0.6 if palette.night else 0.9)
    fade = Image.linear_gradient("L").resize(size).point(_cloud_fade())
    sheet.image.paste(colours, (0, 0), ImageChops.multiply(mask, fade))


def _cloud_fade() -> list[int]:
    """Clouds are thickest in the upper middle and dissolve at the horizon."""
    return [round(255 * math.sin(math.pi * (0.18 + 0.72 * v / 255)) ** 0.8) for v in range(256)]


def paint_rays(sheet: Sheet, count: int = 7, strength: float = 0.22) -> None:
    """Shafts of light from the sun."""
    veil = Image.new("L", (max(sheet.width // 4, 1), max(sheet.height // 4, 1)))
    pen = ImageDraw.Draw(veil)
    x, y = sheet.sun[0] * veil.width, sheet.sun[1] * veil.height
    reach = 1.6 * max(veil.size)
    for _ in range(count):
        angle, half = sheet.dice.uniform(0.15, math.pi - 0.15), sheet.dice.uniform(0.015, 0.06)
        ends = [
            (x + math.cos(angle + side) * reach, y + math.sin(angle + side) * reach)
            for side in (-half, half)
        ]
        pen.polygon([(x, y), *ends], fill=round(255 * strength * sheet.dice.uniform(0.4, 1)))
    soft = veil.resize((max(veil.width // 3, 1), max(veil.height // 3, 1)), Image.Resampling.BOX)
    sheet.image.paste(
        lighter(sheet.palette.sun, 0.3), (0, 0), soft.resize(sheet.image.size, brush.BICUBIC)
    )
