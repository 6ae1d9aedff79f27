"""The last touches: rain and snow, the manner of painting, grain, vignette, the signature."""

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from bot.demo.painter import brush
from bot.demo.painter.colour import mix
from bot.demo.painter.sheet import Sheet

SIGNATURE = "demo painter"


def fall(sheet: Sheet) -> None:
    """Rain, snow or mist before everything."""
    weather = sheet.scene.weather
    if weather == "rain":
        _rain(sheet)
    elif weather == "snow" and sheet.scene.place not in ("studio", "table", "deep", "space"):
        _snow(sheet)
    elif weather == "fog":
        low = Image.linear_gradient("L").resize(sheet.image.size)
        sheet.image.paste(
            sheet.palette.haze, (0, 0), low.point([v * 115 // 255 for v in range(256)])
        )


def _rain(sheet: Sheet) -> None:
    rng, unit = sheet.touch, sheet.unit
    layer = Image.new("L", sheet.image.size)
    pen = ImageDraw.Draw(layer)
    for _ in range(420):
        x, y = rng.uniform(-0.1, 1.1) * sheet.width, rng.uniform(-0.1, 1) * sheet.height
        long = unit * rng.uniform(0.02, 0.06)
        pen.line(
            (x, y, x - long * 0.22, y + long), fill=rng.randint(40, 130), width=max(unit // 500, 1)
        )
    sheet.image.paste(mix(sheet.palette.sky[2], (255, 255, 255), 0.5), (0, 0), layer)


def _snow(sheet: Sheet) -> None:
    rng, unit = sheet.touch, sheet.unit
    for index in range(150):
        x, y = rng.random() * sheet.width, rng.random() * sheet.height
        size = unit * rng.choice((0.0018, 0.0026, 0.004)) * (2.4 if index % 17 == 0 else 1)
        brush.flat(
            sheet.image, brush.ellipse(x, y, size, size), (255, 255, 255), rng.uniform(0.4, 0.9)
        )


def in_manner(image: Image.Image, manner: str, rng: random.Random) -> Image.Image:
    """The picture as a watercolour, in ink, in pastel, black and white, in pixels."""
    if manner == "watercolor":
        return _watercolour(image, rng)
    if manner == "ink":
        return _ink(image, rng)
    if manner == "pastel":
        soft = ImageEnhance.Color(image).enhance(0.75)
        return Image.blend(soft, Image.new("RGB", image.size, (255, 240, 246)), 0.3)
    if manner == "noir":
        grey = ImageOps.autocontrast(image.convert("L"), cutoff=2)
        tones = ((0.0, (8, 8, 12)), (0.5, (104, 102, 104)), (1.0, (250, 246, 238)))
        return brush.coloured(grey, tones)
    if manner == "pixel":
        return _pixels(image)
    return image


def _paper(size: tuple[int, int], rng: random.Random, strength: float) -> Image.Image:
    """Grey 255 with the tooth of rough paper, for multiplying."""
    field = brush.fractal(rng, size, 70, 2)
    return field.point([round(255 - (255 - v) * strength) for v in range(256)])


def _watercolour(image: Image.Image, rng: random.Random) -> Image.Image:
    size = image.size
    unit = min(size)
    flat = image.filter(ImageFilter.MedianFilter(3)).filter(ImageFilter.BoxBlur(unit / 900))
    pale = Image.blend(flat, Image.new("RGB", size, (255, 252, 244)), 0.24)
    bloom = brush.fractal(rng, size, 3, 5).point([round(222 + v * 33 / 255) for v in range(256)])
    wash = ImageChops.multiply(pale, Image.merge("RGB", [bloom] * 3))
    edges = ImageOps.invert(flat.convert("L").filter(ImageFilter.FIND_EDGES))
    edges = edges.filter(ImageFilter.BoxBlur(1)).point([max(120, v) for v in range(256)])
    wash = ImageChops.multiply(wash, Image.merge("RGB", [edges] * 3))
    paper = _paper(size, rng, 0.07)
    wash = ImageChops.multiply(
        ImageEnhance.Color(wash).enhance(1.25), Image.merge("RGB", [paper] * 3)
    )
    frame = Image.new("L", size, 0)
    margin = unit * 0.045
    ImageDraw.Draw(frame).rectangle((margin, margin, size[0] - margin, size[1] - margin), fill=255)
    ragged = brush.fractal(rng, size, 14, 4)
    frame = frame.filter(ImageFilter.BoxBlur(unit * 0.028))
    frame = brush.steps(Image.blend(frame, ragged, 0.3), 0.38, 0.52)
    sheet = Image.merge("RGB", [_paper(size, rng, 0.06)] * 3)
    return Image.composite(
        wash, ImageChops.multiply(sheet, Image.new("RGB", size, (253, 249, 240))), frame
    )


def _ink(image: Image.Image, rng: random.Random) -> Image.Image:
    size = image.size
    grey = ImageOps.autocontrast(image.convert("L").filter(ImageFilter.MedianFilter(5)), cutoff=3)
    wash = grey.point([min(255, (v // 42) * 42 + 38) for v in range(256)]).filter(
        ImageFilter.BoxBlur(1)
    )
    wash = Image.blend(grey, wash, 0.6).point([min(255, round(v * 0.85 + 52)) for v in range(256)])
    soft = grey.filter(ImageFilter.BoxBlur(min(size) / 220))
    lines = ImageChops.subtract(soft, grey, 1, 0).point([max(0, 255 - v * 9) for v in range(256)])
    edges = grey.filter(ImageFilter.FIND_EDGES).point([max(60, 255 - v * 3) for v in range(256)])
    drawn = ImageChops.multiply(ImageChops.multiply(wash, lines), edges)
    drawn = ImageChops.multiply(drawn, _paper(size, rng, 0.12))
    return brush.coloured(
        drawn, ((0.0, (22, 24, 34)), (0.55, (130, 124, 120)), (1.0, (247, 240, 226)))
    )


def _pixels(image: Image.Image) -> Image.Image:
    width, height = image.size
    scale = min(width, height) / 96
    small = image.resize(
        (max(round(width / scale), 1), max(round(height / scale), 1)), Image.Resampling.BOX
    )
    reduced = ImageEnhance.Color(small).enhance(1.3).quantize(28, dither=Image.Dither.NONE)
    return reduced.convert("RGB").resize((width, height), Image.Resampling.NEAREST)


def varnish(image: Image.Image, rng: random.Random, contrast: float = 1.06) -> Image.Image:
    """A little contrast, the weave of the canvas, a darker rim."""
    image = ImageEnhance.Contrast(image).enhance(contrast)
    image = ImageEnhance.Color(image).enhance(1.08)
    side = 256
    weave = Image.frombytes("L", (side, side), rng.randbytes(side * side)).filter(
        ImageFilter.BoxBlur(0.6)
    )
    tile = Image.new("L", image.size)
    for x in range(0, image.width, side):
        for y in range(0, image.height, side):
            tile.paste(weave, (x, y))
    grain = tile.point([round(128 + (v - 128) * 0.09) for v in range(256)])
    image = ImageChops.overlay(image, Image.merge("RGB", [grain] * 3))
    rim = Image.radial_gradient("L").point([255 - max(0, v - 105) * 60 // 150 for v in range(256)])
    return ImageChops.multiply(
        image, Image.merge("RGB", [rim.resize(image.size, brush.BICUBIC)] * 3)
    )


def sign(image: Image.Image) -> None:
    """ "demo painter" in the lower right corner, in whichever of light and dark can be read."""
    size = max(round(min(image.size) * 0.021), 9)
    font = ImageFont.load_default(size)
    pen = ImageDraw.Draw(image, "RGBA")
    left, top, right, bottom = font.getbbox(SIGNATURE)
    margin = round(size * 0.9)
    x, y = image.width - margin - right, image.height - margin - bottom
    if x < 0:
        return
    under = image.crop((int(x + left), int(y + top), int(x + right), int(y + bottom)))
    bright = under.convert("L").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    dark_ink = isinstance(bright, int | float) and bright > 140
    ink, halo = ((24, 22, 30), (255, 255, 255)) if dark_ink else ((255, 252, 244), (0, 0, 0))
    pen.text((x + 1, y + 1), SIGNATURE, font=font, fill=(*halo, 70))
    pen.text((x, y), SIGNATURE, font=font, fill=(*ink, 190))
