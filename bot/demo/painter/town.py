"""Cities: towers in rows with lit windows, a street or water that gives the lights back."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, jitter, lighter, mix
from bot.demo.painter.sheet import Sheet


def paint_skyline(sheet: Sheet) -> None:
    """Three rows of buildings, paler with distance, and wet ground in front."""
    base = min(sheet.horizon + 0.14, 0.8)
    for index in range(3):
        near = index / 2
        _row(sheet, base - 0.02 * (2 - index), 0.5 - 0.11 * index, near)
        _haze(sheet, base, 0.5 - 0.18 * near)
    _wet_ground(sheet, base)
    if sheet.scene.time == "neon":
        brush.glow(
            sheet.image, sheet.at(0.5, base), sheet.unit * 0.6, sheet.palette.accent[1], 0.35
        )


def _row(sheet: Sheet, base: float, tall: float, near: float) -> None:
    rng, palette = sheet.dice, sheet.palette
    wall = mix(mix(palette.far, palette.haze, 0.3), darker(palette.near, 0.2), near)
    x = -0.03
    while x < 1.02:
        wide = rng.uniform(0.05, 0.11) * (0.7 + 0.6 * near) * sheet.unit / sheet.width
        open_middle = 0.55 if near > 0.7 and 0.3 < x < 0.68 else 1.0
        high = tall * rng.uniform(0.35, 1.0) * open_middle
        _tower(sheet, (x, base - high, x + wide, base), jitter(wall, rng, 7), near)
        x += wide + rng.choice((0.0, 0.0, 0.012)) * near


def _tower(
    sheet: Sheet, shares: tuple[float, float, float, float], wall: Colour, near: float
) -> None:
    rng = sheet.dice
    left, top = sheet.at(shares[0], shares[1])
    right, bottom = sheet.at(shares[2], shares[3])
    pen = ImageDraw.Draw(sheet.image)
    pen.rectangle((left, top, right, bottom), fill=wall)
    flank = (right - left) * 0.3
    side = (right - flank, right) if sheet.sun[0] < 0.5 else (left, left + flank)
    pen.rectangle((side[0], top, side[1], bottom), fill=darker(wall, 0.3))
    rim = max(sheet.unit * 0.003, 1)
    pen.rectangle((left, top, right, top + rim), fill=lighter(wall, 0.3))
    roof = rng.random()
    middle, mast = (left + right) / 2, sheet.unit * rng.uniform(0.03, 0.08)
    if roof < 0.3:
        pen.line((middle, top - mast, middle, top), fill=wall, width=max(round(rim), 1))
        tip = sheet.palette.accent[0] if sheet.palette.night else lighter(wall, 0.3)
        pen.ellipse((middle - rim, top - mast - rim, middle + rim, top - mast + rim), fill=tip)
    elif roof < 0.5:
        pen.rectangle(
            (left + flank * 0.5, top - mast * 0.4, right - flank * 0.9, top), fill=darker(wall, 0.1)
        )
    _windows(sheet, (left, top, right, bottom), wall, near)
    if sheet.scene.time == "neon" and near > 0.4 and rng.random() < 0.75:
        _sign(sheet, (left, top, right, bottom), rng)


def _windows(
    sheet: Sheet, box: tuple[float, float, float, float], wall: Colour, near: float
) -> None:
    rng, palette = sheet.dice, sheet.palette
    pen = ImageDraw.Draw(sheet.image)
    cell = sheet.unit * (0.009 + 0.007 * near)
    lit_share = 0.42 if palette.night else 0.14 if sheet.scene.time == "sunset" else 0.05
    lamps = [palette.lamp, lighter(palette.lamp, 0.4)]
    if sheet.scene.time == "neon":
        lamps += [palette.accent[0], palette.accent[1]]
    y = box[1] + cell * 1.2
    while y < box[3] - cell:
        x = box[0] + cell * 0.8
        while x < box[2] - cell:
            if rng.random() < 0.8:
                lit = rng.random() < lit_share
                tone = (
                    rng.choice(lamps)
                    if lit
                    else mix(wall, palette.sky[1], 0.22 + 0.2 * rng.random())
                )
                tone = mix(tone, wall, 0.15 + 0.35 * (1 - near))
                pen.rectangle((x, y, x + cell * 0.5, y + cell * 0.62), fill=tone)
            x += cell
        y += cell * 1.25


def _sign(sheet: Sheet, box: tuple[float, float, float, float], rng: random.Random) -> None:
    """A glowing upright sign with unreadable letters."""
    colour = rng.choice(sheet.palette.accent)
    wide, tall = sheet.unit * 0.022, sheet.unit * rng.uniform(0.08, 0.16)
    x = rng.uniform(box[0], max(box[2] - wide, box[0] + 1))
    y = box[1] + (box[3] - box[1]) * rng.uniform(0.1, 0.45)
    brush.glow(sheet.image, (x + wide / 2, y + tall / 2), tall * 1.1, colour, 0.6)
    pen = ImageDraw.Draw(sheet.image)
    pen.rounded_rectangle(
        (x, y, x + wide, y + tall),
        wide * 0.3,
        fill=darker(colour, 0.65),
        outline=lighter(colour, 0.4),
    )
    step = wide * 0.9
    for row in range(int(tall / step)):
        top = y + row * step + step * 0.2
        for _ in range(3):
            x0, y0 = x + wide * rng.uniform(0.2, 0.5), top + step * rng.uniform(0, 0.5)
            pen.line(
                (x0, y0, x0 + wide * rng.uniform(0.1, 0.4), y0 + step * rng.choice((0, 0.25))),
                fill=lighter(colour, 0.6),
                width=max(round(wide * 0.1), 1),
            )


def _haze(sheet: Sheet, base: float, strength: float) -> None:
    top, height = int(sheet.height * (base - 0.3)), max(int(sheet.height * 0.3), 2)
    ramp = [round(255 * strength * (value / 255) ** 1.6) for value in range(256)]
    veil = Image.linear_gradient("L").point(ramp).resize((sheet.width, height))
    sheet.image.paste(sheet.palette.haze, (0, top), veil)


def _wet_ground(sheet: Sheet, base: float) -> None:
    """The lights of the city, upside down and drawn out."""
    y = int(sheet.height * base)
    size = (sheet.width, sheet.height - y)
    above = sheet.image.crop((0, max(y - size[1], 0), sheet.width, y)).resize(size)
    mirror = ImageOps.flip(above).resize((sheet.width, max(size[1] // 14, 1)), brush.BILINEAR)
    mirror = mirror.resize(size, brush.BICUBIC).filter(ImageFilter.BoxBlur(sheet.unit * 0.004))
    dark = darker(mix(sheet.palette.near, sheet.palette.sky[0], 0.4), 0.25)
    shine = 0.3 if sheet.palette.night else 0.45
    body = Image.blend(mirror, Image.new("RGB", size, dark), shine)
    field = brush.fractal(sheet.dice, size, 8, 4, stretch=6)
    tones = brush.coloured(field, ((0.3, darker(dark, 0.3)), (0.9, sheet.palette.sky[2])))
    sheet.image.paste(Image.blend(body, tones, 0.14), (0, y))
