"""Things on a table: a bowl of noodles, a cup, fruit."""

from __future__ import annotations

import math

from bot.demo.painter import brush
from bot.demo.painter.colour import Colour, darker, jitter, lighter
from bot.demo.painter.feathers import coat
from bot.demo.painter.fur import Coat, Frame
from bot.demo.painter.sheet import Sheet


def _on_table(sheet: Sheet, wide: float = 0.62, tall: float = 0.5, foot: float = 0.84) -> Frame:
    unit = min(sheet.width * wide, sheet.height * tall)
    frame = Frame(sheet.width * 0.5, sheet.height * foot - unit * 0.55, unit)
    brush.shade(
        sheet.image,
        frame.at(0.12 * -sheet.light[0], 0.5),
        (unit * 0.85, unit * 0.16),
        (26, 14, 24),
        0.7,
    )
    return frame


def paint_bowl(sheet: Sheet) -> None:
    """Ramen: broth, noodles, an egg, greens, a slice of narutomaki, chopsticks, steam."""
    frame = _on_table(sheet)
    glaze = coat(
        sheet, sheet.dice.choice(((46, 76, 118), (158, 56, 50), (54, 104, 96), (70, 62, 74)))
    )
    outline = frame.shape(
        (-0.66, -0.1),
        (-0.6, 0.14),
        (-0.42, 0.36),
        (-0.24, 0.48),
        (0.24, 0.48),
        (0.42, 0.36),
        (0.6, 0.14),
        (0.66, -0.1),
        (0, -0.02),
    )
    brush.form(sheet.image, outline, glaze, depth=0.3, light=sheet.light)
    for x in range(-5, 6):
        wave = frame.oval(
            x * 0.105 * (1 - abs(x) * 0.012), 0.13 + 0.012 * (25 - x * x) / 5, 0.042, 0.024
        )
        brush.flat(sheet.image, wave, lighter(glaze[0], 0.5), 0.55)
    brush.form(
        sheet.image,
        frame.oval(0, -0.1, 0.68, 0.245),
        (lighter(glaze[0], 0.5), lighter(glaze[1], 0.4), glaze[1]),
        depth=0.1,
    )
    broth = coat(sheet, (206, 122, 48), 0.4, 0.5)
    brush.form(
        sheet.image,
        frame.oval(0, -0.09, 0.615, 0.205),
        (broth[1], broth[1], broth[2]),
        depth=0.2,
        light=(0, 1),
    )
    _noodles(sheet, frame)
    _toppings(sheet, frame)
    _chopsticks(sheet, frame)
    steam(sheet, frame, -0.2)


def _noodles(sheet: Sheet, frame: Frame) -> None:
    rng = sheet.touch
    shapes = []
    for _ in range(95):
        angle, reach = rng.uniform(0, 2 * math.pi), math.sqrt(rng.random()) * 0.8
        cx, cy = math.cos(angle) * reach * 0.56, -0.09 + math.sin(angle) * reach * 0.17
        start, sweep, size = rng.uniform(0, 6.3), rng.uniform(1.4, 3.0), rng.uniform(0.06, 0.16)
        tone = jitter(sheet.tinted((248, 214, 136), 0.15), rng, 20)
        outer, inner, rim = [], [], []
        for step in range(11):
            a = start + sweep * step / 10
            ux, uy = math.cos(a), math.sin(a) * 0.42
            outer.append(frame.at(cx + ux * size, cy + uy * size))
            inner.append(frame.at(cx + ux * (size - 0.02), cy + uy * (size - 0.02) + 0.004))
            rim.append(frame.at(cx + ux * size, cy + uy * size + 0.014))
        shapes.append(([*rim, *reversed(inner)], darker(tone, 0.4)))
        shapes.append(([*outer, *reversed(inner)], tone))
    brush.draw_shapes(sheet.image, shapes)


def _toppings(sheet: Sheet, frame: Frame) -> None:
    image = sheet.image
    for x in (-0.36, -0.27):
        nori = [
            frame.at(x - 0.12, -0.46),
            frame.at(x + 0.1, -0.5),
            frame.at(x + 0.14, -0.14),
            frame.at(x - 0.06, -0.08),
        ]
        brush.form(image, nori, ((70, 96, 74), (34, 56, 46), (16, 28, 28)), depth=0.1)
    for x, y in ((0.2, -0.15), (0.37, -0.1)):
        brush.form(
            image,
            frame.oval(x, y, 0.135, 0.085, 0.2),
            ((255, 255, 252), (250, 242, 230), (200, 184, 176)),
            depth=0.2,
        )
        brush.form(
            image,
            frame.oval(x + 0.005, y, 0.08, 0.05, 0.2),
            ((255, 206, 96), (244, 156, 46), (190, 96, 30)),
            depth=0.3,
        )
        brush.flat(image, frame.oval(x - 0.02, y - 0.018, 0.022, 0.01), (255, 250, 220), 0.8)
    for x, y, turn in ((-0.1, 0.02, 0.1), (-0.26, -0.0, -0.15)):
        brush.form(
            image,
            frame.oval(x, y, 0.15, 0.075, turn),
            ((240, 176, 140), (196, 110, 84), (120, 58, 50)),
            depth=0.22,
        )
        brush.flat(image, frame.oval(x - 0.01, y - 0.01, 0.1, 0.03, turn), (250, 214, 186), 0.6)
    _narutomaki(sheet, frame)
    for _ in range(34):
        angle, reach = sheet.touch.uniform(0, 6.3), math.sqrt(sheet.touch.random())
        x, y = 0.1 + math.cos(angle) * reach * 0.34, -0.02 + math.sin(angle) * reach * 0.09
        green = jitter((112, 178, 74), sheet.touch, 30)
        brush.flat(image, frame.oval(x, y, 0.02, 0.013), green)
        brush.flat(image, frame.oval(x, y, 0.009, 0.006), lighter(green, 0.6))


def _narutomaki(sheet: Sheet, frame: Frame) -> None:
    """A slice of fish cake with its pink swirl."""
    naruto = [
        frame.at(
            0.06 + (0.085 + 0.009 * math.cos(a * 11)) * math.cos(a),
            -0.2 + (0.06 + 0.007 * math.cos(a * 11)) * math.sin(a),
        )
        for a in [i * math.pi / 40 for i in range(80)]
    ]
    brush.form(sheet.image, naruto, ((255, 255, 255), (248, 242, 244), (206, 196, 210)), depth=0.2)
    swirl = [
        frame.at(0.06 + 0.0062 * a * math.cos(a), -0.2 + 0.0042 * a * math.sin(a))
        for a in [i * 0.22 for i in range(42)]
    ]
    thick = [
        frame.at(
            0.06 + (0.0062 * a + 0.014) * math.cos(a), -0.2 + (0.0042 * a + 0.01) * math.sin(a)
        )
        for a in [i * 0.22 for i in range(42)]
    ]
    brush.flat(sheet.image, [*swirl, *reversed(thick)], (236, 104, 140))


def _chopsticks(sheet: Sheet, frame: Frame) -> None:
    tone = coat(sheet, (150, 60, 48))
    for shift in (0.0, 0.075):
        stick = [
            frame.at(0.12 + shift, -0.17),
            frame.at(0.14 + shift, -0.15),
            frame.at(0.93 + shift, -0.64 - shift),
            frame.at(0.9 + shift, -0.68 - shift),
        ]
        brush.form(sheet.image, stick, tone, depth=0.3, light=(0, -1))


def steam(sheet: Sheet, frame: Frame, y: float) -> None:
    """Wisps that rise and turn."""
    for column in (-0.26, 0.02, 0.27):
        phase = sheet.dice.uniform(0, 6.3)
        for index in range(26):
            share = index / 25
            x = column + 0.075 * math.sin(share * 6 + phase) * (0.3 + share)
            px, py = frame.at(x, y - share * 0.85)
            size = frame.unit * (0.045 + 0.075 * share)
            strength = 0.15 * math.sin(math.pi * min(share + 0.12, 1))
            brush.shade(sheet.image, (px, py), (size, size * 1.5), (255, 250, 242), strength)


def paint_cup(sheet: Sheet) -> None:
    """A cup of coffee with a heart in its foam, on a saucer."""
    frame = _on_table(sheet, 0.56, 0.46)
    china = coat(
        sheet,
        sheet.dice.choice(((238, 232, 224), (120, 160, 168), (214, 134, 110), (92, 104, 148))),
        0.55,
    )
    brush.form(sheet.image, frame.oval(0, 0.46, 0.82, 0.15), china, depth=0.1, light=(0, -1))
    brush.flat(sheet.image, frame.oval(0, 0.44, 0.5, 0.075), china[2], 0.5)
    outer, inner = brush.ellipse(0.62, 0.08, 0.23, 0.22), brush.ellipse(0.6, 0.08, 0.13, 0.12)
    ring = (
        [frame.at(*p) for p in outer]
        + [frame.at(*outer[0])]
        + [frame.at(*p) for p in [*reversed(inner), inner[-1]]]
    )
    brush.form(sheet.image, ring, china, depth=0.12, light=sheet.light)
    body = frame.shape(
        (-0.58, -0.2),
        (-0.55, 0.1),
        (-0.4, 0.36),
        (-0.22, 0.46),
        (0.22, 0.46),
        (0.4, 0.36),
        (0.55, 0.1),
        (0.58, -0.2),
        (0, -0.1),
    )
    brush.form(sheet.image, body, china, depth=0.35, light=sheet.light)
    _coffee(sheet, frame, china)
    steam(sheet, frame, -0.3)


def _coffee(sheet: Sheet, frame: Frame, china: Coat) -> None:
    """The rim, the coffee, and a heart poured in milk."""
    brush.form(
        sheet.image,
        frame.oval(0, -0.2, 0.6, 0.19),
        (china[0], lighter(china[0], 0.4), china[1]),
        depth=0.1,
    )
    brush.form(
        sheet.image,
        frame.oval(0, -0.185, 0.54, 0.155),
        ((190, 128, 78), (150, 90, 52), (88, 48, 32)),
        depth=0.2,
        light=(0, 1),
    )
    for size, tone in ((1.0, (246, 224, 190)), (0.66, (196, 140, 92)), (0.4, (250, 234, 206))):
        heart = frame.shape(
            (0, -0.1 - 0.02 * (1 - size)),
            (-0.2 * size, -0.19),
            (-0.14 * size, -0.185 - 0.075 * size),
            (0, -0.2 - 0.025 * size),
            (0.14 * size, -0.185 - 0.075 * size),
            (0.2 * size, -0.19),
        )
        brush.flat(sheet.image, heart, tone, 0.92)


_FRUIT: tuple[Colour, ...] = (
    (206, 58, 52),
    (240, 150, 48),
    (186, 190, 72),
    (226, 186, 70),
    (150, 60, 92),
)


def paint_fruit(sheet: Sheet) -> None:
    """Apples, oranges and pears in a heap."""
    frame = _on_table(sheet, 0.6, 0.46)
    tones = list(_FRUIT)
    sheet.dice.shuffle(tones)
    for word, colour in (
        ("apple", _FRUIT[0]),
        ("orange", _FRUIT[1]),
        ("lemon", _FRUIT[3]),
        ("pear", _FRUIT[2]),
    ):
        if sheet.scene.says(word, f"{word}s"):
            tones = [colour] * 5
    places = (
        (-0.34, -0.06, 0.26),
        (0.28, -0.1, 0.27),
        (-0.6, 0.28, 0.25),
        (0.62, 0.27, 0.24),
        (0.02, 0.25, 0.3),
    )
    for (x, y, size), tone in zip(places, tones, strict=True):
        _fruit(sheet, frame, (x, y), size, coat(sheet, tone, 0.5, 0.6))


def _fruit(sheet: Sheet, frame: Frame, place: brush.Point, size: float, tones: Coat) -> None:
    x, y = place
    brush.shade(
        sheet.image,
        frame.at(x, y + size * 0.8),
        (frame.unit * size * 1.2, frame.unit * size * 0.4),
        (30, 14, 24),
        0.5,
    )
    outline = frame.shape(
        (x, y - size * 0.84),
        (x + size * 0.62, y - size * 0.86),
        (x + size, y - size * 0.1),
        (x + size * 0.66, y + size * 0.8),
        (x, y + size * 0.92),
        (x - size * 0.66, y + size * 0.8),
        (x - size, y - size * 0.1),
        (x - size * 0.62, y - size * 0.86),
    )
    brush.form(sheet.image, outline, tones, depth=0.4, light=sheet.light)
    rng = sheet.touch
    for _ in range(40):
        angle, reach = rng.uniform(0, 6.3), rng.random() * 0.75 * size
        dot = frame.oval(
            x + math.cos(angle) * reach,
            y + math.sin(angle) * reach,
            size * 0.02,
            size * 0.05,
            angle,
        )
        brush.flat(sheet.image, dot, jitter(tones[0], rng, 20), 0.22)
    side = -1 if sheet.light[0] < 0 else 1
    brush.flat(
        sheet.image,
        frame.oval(x + 0.4 * size * side, y - 0.45 * size, size * 0.17, size * 0.1, -0.5 * side),
        (255, 255, 255),
        0.5,
    )
    stem = frame.shape(
        (x - 0.012, y - size * 0.74),
        (x + 0.02, y - size * 1.12),
        (x + 0.05, y - size * 1.1),
        (x + 0.014, y - size * 0.74),
    )
    brush.form(sheet.image, stem, coat(sheet, (96, 66, 46)), depth=0.3)
