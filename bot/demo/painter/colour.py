"""Colours as plain tuples, and the few things a painter does with them."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Sequence

Colour = tuple[int, int, int]
Stops = Sequence[tuple[float, Colour]]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


def hexed(text: str) -> Colour:
    """``hexed("ffcc00")``."""
    return int(text[:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` of the other: 0 gives one, 1 gives the other."""
    share = min(max(share, 0.0), 1.0)
    return (
        round(one[0] + (other[0] - one[0]) * share),
        round(one[1] + (other[1] - one[1]) * share),
        round(one[2] + (other[2] - one[2]) * share),
    )


def lighter(colour: Colour, share: float) -> Colour:
    """Towards a warm white."""
    return mix(colour, (255, 250, 238), share)


def darker(colour: Colour, share: float) -> Colour:
    """Towards a deep blue-violet, as shadows are."""
    return mix(colour, (24, 20, 48), share)


def jitter(colour: Colour, rng: random.Random, amount: float) -> Colour:
    """A neighbour of the colour, up to ``amount`` (of 255) away in brightness."""
    shift = int((rng.random() * 2 - 1) * amount)
    warm = int((rng.random() - 0.5) * amount * 0.6)
    return (
        min(max(colour[0] + shift + warm, 0), 255),
        min(max(colour[1] + shift, 0), 255),
        min(max(colour[2] + shift - warm, 0), 255),
    )


def turned(colour: Colour, hue: float, saturation: float = 1.0, value: float = 1.0) -> Colour:
    """The colour with its hue turned by ``hue`` (1 is the whole circle) and its rest scaled."""
    h, s, v = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    parts = colorsys.hsv_to_rgb((h + hue) % 1, min(s * saturation, 1), min(v * value, 1))
    return round(parts[0] * 255), round(parts[1] * 255), round(parts[2] * 255)


def along(stops: Stops, position: float) -> Colour:
    """The colour at a position of a gradient; positions ascend from 0 to 1."""
    before = stops[0]
    for stop in stops:
        if stop[0] >= position:
            span = stop[0] - before[0]
            return mix(before[1], stop[1], (position - before[0]) / span if span else 1.0)
        before = stop
    return before[1]
