"""The sheet a scene is painted on: the picture so far, its colours, its light, its dice."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from bot.demo.painter.brush import Point
from bot.demo.painter.colour import Colour, mix
from bot.demo.painter.palette import Palette
from bot.demo.painter.scene import Scene


@dataclass
class Sheet:
    """``image`` is painted on in place.

    ``horizon`` is the height of the horizon as a share of the picture, ``sun`` where the light
    stands (shares of width and height), ``dice`` decide what stands where, ``touch`` how each
    stroke falls.
    """

    image: Image.Image
    scene: Scene
    palette: Palette
    dice: random.Random
    touch: random.Random
    horizon: float
    sun: Point

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    @property
    def unit(self) -> int:
        """The shorter side in pixels: what sizes are measured by."""
        return min(self.image.size)

    @property
    def detail(self) -> float:
        """How many of the small strokes are worth painting, 0.2 to 1: few on small canvases."""
        return min(max(self.unit / 480, 0.2), 1.0)

    @property
    def light(self) -> Point:
        """The direction the light comes from, for forms in the middle of the picture."""
        return (-0.7 if self.sun[0] < 0.5 else 0.7), -0.75

    def at(self, x: float, y: float) -> Point:
        """Pixels of shares."""
        return x * self.width, y * self.height

    def tinted(self, colour: Colour, share: float = 0.25) -> Colour:
        """A thing's own colour in the light of this scene."""
        if self.palette.night:
            return mix(mix(colour, self.palette.sky[0], share + 0.12), self.palette.sky[2], 0.08)
        return mix(colour, self.palette.sky[2], share * 0.45)
