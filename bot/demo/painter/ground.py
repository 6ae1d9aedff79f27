"""What lies under the sky: ridges and mountains, meadows, water, dunes, snow."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageOps

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, jitter, lighter, mix
from bot.demo.painter.sheet import Sheet


def profile(rng: random.Random, columns: int, rough: float, waves: float = 2.0) -> list[float]:
    """A skyline, -1 to 1: waves with smaller waves on them; ``rough`` 0 (dunes) to 1 (rock)."""
    parts = [
        (waves * 1.9**octave, rng.uniform(0, 2 * math.pi), (0.28 + 0.34 * rough) ** octave)
        for octave in range(7 if rough > 0.1 else 3)
    ]
    total = sum(part[2] for part in parts)
    heights = []
    for column in range(columns):
        t = column / columns * 2 * math.pi
        height = sum(size * _wave(t * turns + phase, rough) for turns, phase, size in parts)
        heights.append(height / total)
    return heights


def _wave(angle: float, rough: float) -> float:
    """A sine that becomes a zigzag with roughness."""
    zigzag = 2 / math.pi * math.asin(math.sin(angle))
    return math.sin(angle) * (1 - rough) + zigzag * rough


def ridge(
    sheet: Sheet, level: float, size: float, rough: float, waves: float = 2.0
) -> list[brush.Point]:
    """The outline of a ridge around the height ``level``, down to the bottom of the sheet."""
    columns = 160
    heights = profile(sheet.dice, columns + 1, rough, waves)
    line = [
        sheet.at(index / columns, level - size * height) for index, height in enumerate(heights)
    ]
    return [*line, (sheet.width + 2, sheet.height + 2), (-2, sheet.height + 2)]


def fill_ridge(
    sheet: Sheet, outline: list[brush.Point], top: Colour, bottom: Colour, texture: float = 0.25
) -> None:
    """A ridge in mist: ``top`` at its crest, ``bottom`` at its foot, with uneven paint."""
    crest = max(int(min(y for _, y in outline)) - 1, 0)
    if crest >= sheet.height:
        return
    box = (0, crest, sheet.width, sheet.height)
    size = (sheet.width, sheet.height - crest)
    paint = brush.gradient(size, ((0.0, top), (0.75, bottom), (1.0, bottom)))
    if texture:
        field = brush.fractal(sheet.dice, size, 5, 5, stretch=2.2)
        tones = brush.coloured(field, ((0.0, darker(top, 0.35)), (1.0, lighter(bottom, 0.3))))
        paint = Image.blend(paint, tones, texture)
    sheet.image.paste(paint, (0, crest), brush.mask_of(outline, box))


def paint_hills(sheet: Sheet, layers: int = 3, start: float = 0.0) -> None:
    """Layers of hills, paler with distance."""
    palette = sheet.palette
    for index in range(layers):
        share = (index + 1) / layers
        level = sheet.horizon + start + 0.015 + share * 0.07
        top = mix(palette.far, palette.near, share * 0.9)
        foot = mix(top, palette.haze, 0.55 - 0.3 * share)
        outline = ridge(sheet, level, 0.085 - 0.03 * share, 0.25, sheet.dice.uniform(1.2, 2.4))
        fill_ridge(sheet, outline, top, foot)
        if index:
            tree_line(sheet, outline, darker(top, 0.25), 0.016 * (0.6 + share))


def tree_line(sheet: Sheet, outline: list[brush.Point], colour: Colour, size: float) -> None:
    """Little round or pointed trees along a ridge, in groups."""
    rng, pointed = sheet.dice, sheet.dice.random() < 0.5
    pen = ImageDraw.Draw(sheet.image)
    crest = outline[:-2]
    x = 0.0
    while x < 1:
        x += rng.uniform(0.004, 0.03) if rng.random() < 0.85 else rng.uniform(0.05, 0.2)
        at = crest[min(int(x * len(crest)), len(crest) - 1)]
        tall = sheet.unit * size * rng.uniform(0.5, 1.3)
        tone = jitter(colour, rng, 8)
        if pointed:
            pen.polygon(
                [
                    (at[0] - tall * 0.3, at[1] + 2),
                    (at[0], at[1] - tall * 1.5),
                    (at[0] + tall * 0.3, at[1] + 2),
                ],
                fill=tone,
            )
        else:
            pen.ellipse(
                (at[0] - tall * 0.6, at[1] - tall, at[0] + tall * 0.6, at[1] + 2), fill=tone
            )


def paint_mountains(
    sheet: Sheet, level: float, size: float, near: float, snow: float = 0.5
) -> None:
    """A jagged range: lit and shadowed flanks, snow on the crests, mist at the foot.

    ``near`` 0 (far and pale) to 1.
    """
    palette = sheet.palette
    outline = ridge(sheet, level, size, 0.92, sheet.dice.uniform(1.0, 1.8))
    crest = max(int(min(y for _, y in outline)), 0)
    box = (0, crest, sheet.width, sheet.height)
    extent = (sheet.width, max(sheet.height - crest, 1))
    rock = mix(palette.far, palette.near, near * 0.7)
    field = brush.fractal(sheet.dice, extent, 4.5, 6, stretch=0.8)
    shift = round(sheet.unit * 0.012)
    side = shift if sheet.sun[0] < 0.5 else -shift
    relief = ImageChops.subtract(field, brush.moved(field, -side, -shift), 0.5, 128)
    stone = brush.coloured(
        relief, ((0.1, darker(rock, 0.5)), (0.5, rock), (0.9, mix(rock, palette.cloud[0], 0.55)))
    )
    white = mix((250, 250, 255), palette.sky[2], 0.15 if not palette.night else 0.45)
    blue = mix(palette.sky[1], palette.cloud[1], 0.5)
    ice = brush.coloured(relief, ((0.15, darker(blue, 0.15)), (0.45, blue), (0.62, white)))
    reach = max(int(size * sheet.height * 1.7), 1)
    slope = Image.new("L", extent, 0)
    slope.paste(ImageOps.invert(Image.linear_gradient("L")).resize((extent[0], reach)), (0, 0))
    snowy = brush.steps(Image.blend(slope, field, 0.45), 0.62 - snow * 0.3, 0.7 - snow * 0.3)
    stone.paste(ice, (0, 0), snowy)
    misty = Image.linear_gradient("L").resize((extent[0], max(int(reach * 1.5), 1)))
    veil = Image.new("L", extent, 255)
    veil.paste(misty, (0, 0))
    thick = 0.95 - 0.25 * near
    stone.paste(
        mix(palette.haze, rock, 0.25), (0, 0), veil.point([round(v * thick) for v in range(256)])
    )
    sheet.image.paste(stone, (0, crest), brush.mask_of(outline, box))


def paint_meadow(sheet: Sheet, top: float) -> None:
    """Grass: light where the sun falls, deeper towards the viewer, with blades and flowers."""
    light, dark = sheet.palette.ground
    outline = ridge(sheet, top, 0.018, 0.1, 1.3)
    fill_ridge(sheet, outline, light, mix(light, dark, 0.85), 0.35)
    if sheet.scene.weather == "snow":
        paint_drifts(sheet, top)
        return
    paint_grass(sheet, top, light, dark)
    paint_flowers(sheet, top)


def paint_grass(sheet: Sheet, top: float, light: Colour, dark: Colour) -> None:
    """Blades, longer in front."""
    rng, unit = sheet.touch, sheet.unit
    layer = sheet.image
    pen = ImageDraw.Draw(layer)
    count = int(1500 * sheet.detail)
    for index in range(count):
        depth = (index / count) ** 1.2
        x, y = sheet.at(rng.random(), top + 0.02 + (1.02 - top) * depth)
        tall = unit * (0.008 + 0.045 * depth) * rng.uniform(0.5, 1.2)
        lean = rng.uniform(-0.4, 0.4) * tall
        colour = jitter(mix(light, dark, rng.random() * 0.8 + 0.2 * depth), rng, 14)
        wide = max(unit * 0.0016 * (0.5 + 2 * depth), 0.6)
        pen.polygon([(x - wide, y), (x + lean, y - tall), (x + wide, y)], fill=colour)


def paint_flowers(sheet: Sheet, top: float) -> None:
    """Specks of colour in drifts, with a few blossoms in front."""
    rng, unit = sheet.dice, sheet.unit
    pen = ImageDraw.Draw(sheet.image)
    centres = [(rng.random(), rng.uniform(top + 0.04, 1.0)) for _ in range(7)]
    for cx, cy in centres:
        colour = rng.choice(sheet.palette.accent)
        for _ in range(22):
            x, y = cx + rng.gauss(0, 0.07), cy + rng.gauss(0, 0.018)
            if y < top + 0.03:
                continue
            size = unit * (0.0025 + 0.0075 * (y - top) / (1 - top)) * rng.uniform(0.7, 1.3)
            px, py = sheet.at(x, y)
            tone = jitter(sheet.tinted(colour), rng, 16)
            pen.ellipse((px - size, py - size * 0.8, px + size, py + size * 0.8), fill=tone)


def paint_drifts(sheet: Sheet, top: float) -> None:
    """Snow: soft blue hollows."""
    light, shadow = sheet.palette.ground
    for index in range(4):
        level = top + 0.04 + index * (1 - top) / 4.5
        outline = ridge(sheet, level, 0.022, 0.05, sheet.dice.uniform(0.8, 1.7))
        fill_ridge(sheet, outline, lighter(light, 0.25), mix(light, shadow, 0.55), 0.12)


def paint_beach(sheet: Sheet, top: float) -> None:
    """Sand with a line of foam where the water ends."""
    sand = sheet.tinted((236, 206, 158), 0.3)
    heights = profile(sheet.dice, 161, 0.1, 1.2)
    for lift, tone in ((0.022, mix(sand, sheet.palette.sky[0], 0.35)), (0.012, (255, 252, 246))):
        line = [sheet.at(i / 160, top - lift - 0.016 * h) for i, h in enumerate(heights)]
        edge = [*line, (sheet.width + 2, sheet.height + 2), (-2, sheet.height + 2)]
        brush.flat(sheet.image, edge, sheet.tinted(tone, 0.2), 0.7)
    line = [sheet.at(i / 160, top - 0.016 * h) for i, h in enumerate(heights)]
    edge = [*line, (sheet.width + 2, sheet.height + 2), (-2, sheet.height + 2)]
    fill_ridge(sheet, edge, lighter(sand, 0.1), mix(sand, darker(sand, 0.5), 0.4), 0.2)


def paint_dunes(sheet: Sheet) -> None:
    """Dunes with one bright and one dark side."""
    sand = sheet.tinted((232, 178, 112), 0.35)
    for index in range(5):
        share = index / 4
        level = sheet.horizon + 0.02 + share * (1 - sheet.horizon) * 0.72
        outline = ridge(sheet, level, 0.03 + 0.04 * share, 0.12, sheet.dice.uniform(0.6, 1.6))
        top = mix(mix(sand, sheet.palette.haze, 0.5), sand, share)
        fill_ridge(sheet, outline, lighter(top, 0.22), darker(top, 0.4), 0.15)


def paint_water(sheet: Sheet, top: float, bottom: float = 1.0) -> None:
    """Water that mirrors what is above it, with ripples and the sun's path."""
    y0, y1 = int(sheet.height * top), int(sheet.height * bottom)
    if y1 - y0 < 2:
        return
    size = (sheet.width, y1 - y0)
    mirror = ImageOps.flip(sheet.image.crop((0, max(y0 - size[1], 0), sheet.width, y0)))
    mirror = mirror.resize((sheet.width, max(size[1] // 10, 1)), brush.BILINEAR).resize(
        size, brush.BICUBIC
    )
    deep = mix(sheet.palette.sky[0], sheet.palette.near, 0.35)
    body = brush.gradient(
        size, ((0.0, mix(sheet.palette.sky[2], deep, 0.25)), (1.0, darker(deep, 0.2)))
    )
    water = Image.blend(mirror, body, 0.5)
    field = brush.fractal(sheet.dice, size, 9, 4, stretch=7.0)
    waves = brush.coloured(
        field, ((0.2, darker(deep, 0.3)), (0.8, lighter(sheet.palette.sky[2], 0.3)))
    )
    sheet.image.paste(Image.blend(water, waves, 0.22), (0, y0))
    _ripples(sheet, top, bottom)


def _ripples(sheet: Sheet, top: float, bottom: float) -> None:
    rng, unit = sheet.touch, sheet.unit
    pen = ImageDraw.Draw(sheet.image, "RGBA")
    shine = lighter(sheet.palette.sun, 0.35)
    count = int(420 * sheet.detail)
    for index in range(count):
        depth = (index / count) ** 1.5
        y = top + (bottom - top) * depth + 0.002
        on_path = rng.random() < 0.45
        x = rng.gauss(sheet.sun[0], 0.025 + 0.1 * depth) if on_path else rng.random()
        px, py = sheet.at(x, y)
        long = unit * (0.008 + 0.05 * depth) * rng.uniform(0.4, 1.4)
        tall = max(unit * 0.0035 * (0.25 + depth), 0.7)
        colour = shine if on_path else rng.choice((sheet.palette.sky[2], sheet.palette.sky[0]))
        alpha = rng.randint(90, 200) if on_path else rng.randint(30, 90)
        pen.ellipse((px - long, py - tall, px + long, py + tall), fill=(*colour, alpha))
