"""The tools of the trade: gradients, fractal noise, glows, smooth shapes, strokes.

Everything is Pillow; everything random comes from a generator that is handed in.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bot.demo.painter.colour import Colour, Stops, along

Point = tuple[float, float]
BICUBIC = Image.Resampling.BICUBIC
BILINEAR = Image.Resampling.BILINEAR
_SMOOTH = 2  # supersampling of masks: edges get four shades


def gradient(size: tuple[int, int], stops: Stops) -> Image.Image:
    """Colours from top to bottom."""
    column = Image.new("RGB", (1, 256))
    column.putdata([along(stops, row / 255) for row in range(256)])
    return column.resize(size, BILINEAR)


def coloured(field: Image.Image, stops: Stops) -> Image.Image:
    """A grey field painted through a gradient."""
    table = [along(stops, value / 255) for value in range(256)]
    bands = [field.point([row[band] for row in table]) for band in range(3)]
    return Image.merge("RGB", bands)


def fractal(
    rng: random.Random, size: tuple[int, int], cells: float, octaves: int = 4, stretch: float = 1.0
) -> Image.Image:
    """Cloudy grey noise, 0 to 255; ``cells`` across the shorter side, ``stretch`` flattens it."""
    width, height = size
    small = max(1, round(max(width, height) / 512))
    rough = (max(width // small, 2), max(height // small, 2))
    short = min(rough)
    result: Image.Image | None = None
    weight, total = 1.0, 0.0
    for octave in range(octaves):
        across = cells * 2**octave
        columns = max(int(across * rough[0] / short / stretch), 1) + 3
        rows = max(int(across * rough[1] / short), 1) + 3
        if columns > rough[0] or rows > rough[1]:
            break
        grid = Image.frombytes("L", (columns, rows), rng.randbytes(columns * rows))
        layer = grid.resize(rough, BICUBIC, box=(1, 1, columns - 1, rows - 1))
        total += weight
        result = layer if result is None else Image.blend(result, layer, weight / total)
        weight *= 0.58
    field = result or Image.new("L", rough, 128)
    return _stretched(field).resize(size, BICUBIC)


def _stretched(field: Image.Image) -> Image.Image:
    low, high = field.getextrema()
    if not isinstance(low, int | float) or not isinstance(high, int | float) or high <= low:
        return field
    return field.point(
        [max(0, min(255, round((v - low) * 255 / (high - low)))) for v in range(256)]
    )


def moved(field: Image.Image, dx: float, dy: float) -> Image.Image:
    """The field shifted by pixels; at the edges it stays where it was."""
    copy = field.copy()
    copy.paste(field, (round(dx), round(dy)))
    return copy


def steps(field: Image.Image, low: float, high: float, top: float = 1.0) -> Image.Image:
    """A smooth threshold: 0 under ``low``, ``top`` over ``high`` (all 0 to 1)."""
    table = []
    for value in range(256):
        share = min(max((value / 255 - low) / max(high - low, 1e-6), 0), 1)
        table.append(round(share * share * (3 - 2 * share) * 255 * top))
    return field.point(table)


def glow(
    image: Image.Image, centre: Point, radius: float, colour: Colour, strength: float = 1.0
) -> None:
    """Add light around a point, in place; it falls off softly to nothing at ``radius``."""
    reach = max(int(radius), 1)
    falloff = [round(255 * strength * max(1 - value / 180, 0) ** 2) for value in range(256)]
    disc = Image.radial_gradient("L").point(falloff).resize((reach * 2, reach * 2), BILINEAR)
    corner = (int(centre[0]) - reach, int(centre[1]) - reach)
    box = (corner[0], corner[1], corner[0] + reach * 2, corner[1] + reach * 2)
    under = image.crop(box)
    light = Image.merge(
        "RGB", [disc.point([v * part // 255 for v in range(256)]) for part in colour]
    )
    image.paste(ImageChops.screen(under, light), corner)


def shade(image: Image.Image, centre: Point, radii: Point, colour: Colour, strength: float) -> None:
    """A soft dark spot, in place: the shadow under something."""
    reach_x, reach_y = max(int(radii[0]), 1), max(int(radii[1]), 1)
    falloff = [round(255 * strength * max(1 - value / 180, 0) ** 1.5) for value in range(256)]
    disc = Image.radial_gradient("L").point(falloff).resize((reach_x * 2, reach_y * 2), BILINEAR)
    image.paste(colour, (int(centre[0]) - reach_x, int(centre[1]) - reach_y), disc)


def smooth(points: Sequence[Point], detail: int = 8) -> list[Point]:
    """A closed curve through the points (Catmull-Rom)."""
    count = len(points)
    curve: list[Point] = []
    for index in range(count):
        before, start, end, after = (points[(index + shift) % count] for shift in (-1, 0, 1, 2))
        for step in range(detail):
            t = step / detail
            curve.append(
                (
                    _bend(before[0], start[0], end[0], after[0], t),
                    _bend(before[1], start[1], end[1], after[1], t),
                )
            )
    return curve


def _bend(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (
        2 * b
        + (c - a) * t
        + (2 * a - 5 * b + 4 * c - d) * t * t
        + (3 * b - a - 3 * c + d) * t * t * t
    )


def ellipse(cx: float, cy: float, rx: float, ry: float, turn: float = 0.0) -> list[Point]:
    """Points of an ellipse, turned by ``turn`` radians."""
    count = 40
    cos, sin = math.cos(turn), math.sin(turn)
    points = []
    for index in range(count):
        angle = 2 * math.pi * index / count
        x, y = rx * math.cos(angle), ry * math.sin(angle)
        points.append((cx + x * cos - y * sin, cy + x * sin + y * cos))
    return points


def box_of(
    points: Sequence[Point], size: tuple[int, int], margin: int
) -> tuple[int, int, int, int]:
    """The pixels that a shape touches, at most a canvas beyond the edges; at least one pixel."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    left = min(max(int(min(xs)) - margin, -size[0]), 2 * size[0] - 1)
    top = min(max(int(min(ys)) - margin, -size[1]), 2 * size[1] - 1)
    right = max(min(int(max(xs)) + margin + 1, 2 * size[0]), left + 1)
    bottom = max(min(int(max(ys)) + margin + 1, 2 * size[1]), top + 1)
    return left, top, right, bottom


def mask_of(points: Sequence[Point], box: tuple[int, int, int, int]) -> Image.Image:
    """An antialiased mask of a polygon, as large as the box."""
    width, height = box[2] - box[0], box[3] - box[1]
    large = Image.new("L", (width * _SMOOTH, height * _SMOOTH))
    within = [((x - box[0]) * _SMOOTH, (y - box[1]) * _SMOOTH) for x, y in points]
    ImageDraw.Draw(large).polygon(within, fill=255)
    return large.reduce(_SMOOTH)


def form(
    image: Image.Image,
    points: Sequence[Point],
    colours: tuple[Colour, Colour, Colour],
    *,
    depth: float = 0.12,
    light: Point = (-0.6, -0.8),
    opacity: float = 1.0,
) -> None:
    """A rounded shape, in place. ``colours`` are light, middle and shadow.

    ``depth`` says how far the shadow reaches into the form, as a share of its size; ``light``
    is the direction the light comes from.
    """
    span = [max(p[axis] for p in points) - min(p[axis] for p in points) for axis in (0, 1)]
    reach = max(min(span) * depth, 0.6)
    box = box_of(points, image.size, round(reach) + 2)
    mask = mask_of(points, box)
    blurred = mask.filter(ImageFilter.BoxBlur(reach))
    dx, dy = round(light[0] * reach), round(light[1] * reach)
    lit, dim = ImageChops.offset(blurred, dx, dy), ImageChops.offset(blurred, -dx, -dy)
    field = ImageChops.subtract(lit, dim, 2, 128)
    fill = coloured(field, ((0.1, colours[2]), (0.5, colours[1]), (0.9, colours[0])))
    if opacity < 1:
        mask = mask.point([round(value * opacity) for value in range(256)])
    image.paste(fill, box[:2], mask)


def flat(image: Image.Image, points: Sequence[Point], colour: Colour, opacity: float = 1.0) -> None:
    """A plain antialiased shape, in place."""
    box = box_of(points, image.size, 1)
    mask = mask_of(points, box)
    if opacity < 1:
        mask = mask.point([round(value * opacity) for value in range(256)])
    image.paste(colour, box, mask)


def draw_shapes(image: Image.Image, shapes: Sequence[tuple[Sequence[Point], Colour]]) -> None:
    """Many small polygons, antialiased, in place and in order."""
    if not shapes:
        return
    every = [point for points, _ in shapes for point in points]
    box = box_of(every, image.size, 2)
    box = (max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height))
    width, height = box[2] - box[0], box[3] - box[1]
    if width < 1 or height < 1:
        return
    scale = 2 if min(image.size) >= 700 else 3
    # Enlarged without smoothing, what is not drawn upon comes back unchanged.
    large = image.crop(box).resize((width * scale, height * scale), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(large)
    for points, colour in shapes:
        pen.polygon([((x - box[0]) * scale, (y - box[1]) * scale) for x, y in points], colour)
    image.paste(large.reduce(scale), box[:2])


def strokes(
    image: Image.Image,
    rng: random.Random,
    *,
    length: float,
    width: float,
    cover: float = 2.0,
    angles: Image.Image | None = None,
    wobble: float = 7.0,
) -> Image.Image:
    """The picture painted again with a brush of this width (pixels), each place ``cover`` times."""
    wide, high = image.size
    large = image.resize((wide * 2, high * 2), BILINEAR)
    pen = ImageDraw.Draw(large)
    pixels = image.tobytes()
    field = angles.tobytes() if angles is not None else bytes([128]) * (wide * high)
    random_, sin, cos = rng.random, math.sin, math.cos
    # A loop of some ten thousand turns: plain arithmetic, no helpers, ink is clipped by Pillow.
    for _ in range(int(cover * wide * high / (length * width))):
        x, y = int(random_() * wide), int(random_() * high)
        at = y * wide + x
        turn = (field[at] - 128) / 60 + random_() * 0.5 - 0.25
        dx, dy = cos(turn) * length, sin(turn) * length
        tone = int((random_() * 2 - 1) * wobble)
        ink = (pixels[3 * at] + tone, pixels[3 * at + 1] + tone, pixels[3 * at + 2] + tone)
        thick = int(width * (1.2 + 1.2 * random_())) or 1
        pen.line((2 * x - dx, 2 * y - dy, 2 * x + dx, 2 * y + dy), ink, thick)
    return large.reduce(2)
