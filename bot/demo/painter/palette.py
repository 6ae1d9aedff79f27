"""Sets of colours for a time of day, bent by weather and by the manner of painting."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from bot.demo.painter.colour import Colour, Stops, hexed, mix, turned
from bot.demo.painter.scene import Scene


@dataclass(frozen=True)
class Palette:
    """``sky`` is top, middle, horizon; pairs are (light, dark)."""

    sky: tuple[Colour, Colour, Colour]
    cloud: tuple[Colour, Colour]
    sun: Colour
    far: Colour
    near: Colour
    ground: tuple[Colour, Colour]
    accent: tuple[Colour, Colour, Colour]
    lamp: Colour = (255, 214, 140)
    night: bool = False

    @property
    def haze(self) -> Colour:
        """The colour of distance."""
        return self.sky[2]

    def sky_stops(self) -> Stops:
        """The sky as a gradient."""
        return (0.0, self.sky[0]), (0.55, self.sky[1]), (1.0, self.sky[2])


def _palette(line: str, night: bool = False) -> Palette:
    c = [hexed(word) for word in line.split()]
    return Palette(
        sky=(c[0], c[1], c[2]),
        cloud=(c[3], c[4]),
        sun=c[5],
        far=c[6],
        near=c[7],
        ground=(c[8], c[9]),
        accent=(c[10], c[11], c[12]),
        night=night,
    )


# sky top, middle, horizon | cloud light, dark | sun | far, near | ground light, dark | accents
_TIMES: Final[dict[str, tuple[Palette, ...]]] = {
    "day": (
        _palette(
            "3c86cf 86c0ea fdeccb fffaf0 a7bbdb fff3c9 "
            "8eb2cf 4c8653 a3c25a 3d6e44 e8604c f5c242 f2f0ff"
        ),
        _palette(
            "2c98ad 8ed4cf fff0cf fffbf2 9fc0cc fff1bd "
            "86b9bb 3f7f6a b4c45a 3b6f58 f07f5a ffd25e fff1f5"
        ),
        _palette(
            "5a7fd0 a9bff0 fbe0d4 fff6f2 b3afd8 ffeec4 "
            "a5a9d8 5a7a9a c5c77a 55805e e5679a f7b84a ffffff"
        ),
    ),
    "sunset": (
        _palette(
            "3a2c73 d0587c ffbd66 ffd79a 7d4282 fff0b0 "
            "a86a93 4a2d5c c9835a 3a2547 ff7a59 ffd166 ffe3ec"
        ),
        _palette(
            "24406f e3775d ffd884 ffe2b0 96566d fff3c0 "
            "b97a76 3f3a5a d49a5c 3b3048 f4585e ffc857 fff0df"
        ),
        _palette(
            "5b3a80 f08080 ffd6a0 ffdcb8 9a5a90 fff0c8 "
            "c58aa0 5a4170 d8a070 4a3358 ff6f91 ffc75f fdf0ff"
        ),
    ),
    "dawn": (
        _palette(
            "7fa8dc f3c3d3 fff0d2 ffffff c3a7cd fff6dc "
            "bba9d2 6f86a3 b8c191 5d7b6c f28ba8 ffd38a ffffff"
        ),
        _palette(
            "6fb0c8 f9d5c5 fff3da fffdf7 b7b3d2 fff6d8 "
            "a8b8d0 668a94 c2c796 58786c f59e7d ffe08a ffffff"
        ),
    ),
    "night": (
        _palette(
            "0a1236 1f3270 5672b4 7c90c8 1a2552 f4f1da "
            "31447f 121c40 2f4a70 0e1734 7fd0ff ffd98a e5e9ff",
            True,
        ),
        _palette(
            "0b1a30 17476a 4f9aa8 79b3bf 12304c f7f3dc "
            "2b5f7a 0d2238 2b5a66 0b1c30 8ff0d8 ffe09a e8fbff",
            True,
        ),
        _palette(
            "150f3a 43307f 9a6fb8 9c86cc 241a55 fdeedd "
            "54418f 1b1440 4a3f7a 161036 ff9ecb ffd9a0 f3e8ff",
            True,
        ),
    ),
    "neon": (
        _palette(
            "0d0826 46146b ff5aa8 ff86d2 2a1052 ffd1f0 "
            "4a1c7d 120828 3a1a66 0c061e 25e3ff ff4fb0 ffe45c",
            True,
        ),
        _palette(
            "05122a 0f4a78 2fd6d0 74e0e8 0b2548 e2fff8 "
            "16608c 061428 17506e 040d1e ff4f8b 28f0d0 ffd84f",
            True,
        ),
    ),
}


def choose(scene: Scene, dice: random.Random) -> Palette:
    """The colours for a scene."""
    palette = dice.choice(_TIMES[scene.time])
    palette = _turned(palette, dice.uniform(-0.015, 0.015))
    if scene.says("autumn", "fall") and scene.weather != "snow":
        palette = _autumn(palette)
    if scene.weather == "snow":
        palette = _snowed(palette)
    if scene.weather in ("rain", "fog"):
        palette = _greyed(palette, 0.25 if scene.time == "neon" else 0.45)
    return palette


def _turned(p: Palette, hue: float) -> Palette:
    return replace(
        p,
        sky=(turned(p.sky[0], hue), turned(p.sky[1], hue), turned(p.sky[2], hue / 2)),
        far=turned(p.far, hue),
        near=turned(p.near, hue),
        ground=(turned(p.ground[0], hue), turned(p.ground[1], hue)),
    )


def _autumn(p: Palette) -> Palette:
    light, dark = (214, 150, 74), (122, 74, 50)
    share = 0.35 if p.night else 0.75
    ground = (mix(p.ground[0], light, share), mix(p.ground[1], dark, share))
    return replace(p, near=mix(p.near, (168, 92, 52), share * 0.8), ground=ground)


def _snowed(p: Palette) -> Palette:
    light = mix(p.sky[2], (246, 250, 255), 0.35 if p.night else 0.8)
    shadow = mix(p.sky[1], (150, 170, 215), 0.3)
    return replace(
        p,
        far=mix(p.far, light, 0.45),
        near=mix(p.near, p.far, 0.25),
        ground=(light, mix(shadow, p.sky[0], 0.25)),
    )


def _greyed(p: Palette, share: float) -> Palette:
    grey = (58, 66, 86) if p.night else (158, 168, 182)
    return replace(
        p,
        sky=(mix(p.sky[0], grey, share), mix(p.sky[1], grey, share), mix(p.sky[2], grey, share)),
        cloud=(mix(p.cloud[0], grey, share), mix(p.cloud[1], grey, share)),
        far=mix(p.far, grey, share),
    )
