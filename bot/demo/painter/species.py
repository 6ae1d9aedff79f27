"""How animals differ: coats, ears, eyes, markings. A table for one painter of faces."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from bot.demo.painter.colour import Colour, darker, hexed, lighter
from bot.demo.painter.scene import Scene

Coat = tuple[Colour, Colour, Colour]


@dataclass(frozen=True)
class Species:
    """A mammal that sits and looks at you.

    ``ears``: flop, point, round, long. ``tail``: plume, brush, thin, puff, none. ``marks``: a set
    of blaze, mask, tabby, panda, mane, points, spots. ``iris`` None makes black button eyes;
    ``slit`` is for cats. ``hair`` is its length, 1 the usual. ``second`` colours muzzle, chest and
    paws.
    """

    coat: Coat
    second: Coat
    ears: str = "flop"
    ear: Coat | None = None
    iris: Colour | None = None
    slit: bool = False
    nose: Colour = (32, 26, 30)
    muzzle: float = 1.0
    eye: float = 1.0
    hair: float = 1.0
    tail: str = "plume"
    marks: frozenset[str] = frozenset()
    whiskers: bool = False
    smiling: bool = True


def _coat(middle: str, light: float = 0.45, dark: float = 0.42) -> Coat:
    colour = hexed(middle)
    return lighter(colour, light), colour, darker(colour, dark)


_WHITE: Final = ((255, 254, 250), (240, 234, 228), (176, 170, 192))
_CREAM: Final = ((255, 247, 230), (243, 224, 190), (186, 150, 124))
_BLACK: Final = ((122, 120, 140), (52, 50, 62), (20, 18, 30))
_GREY: Final = _coat("8e939f")
_GOLD: Final = _coat("dba25c", 0.5)
_FOX: Final = ((255, 186, 104), (230, 122, 48), (140, 58, 38))
_BROWN: Final = _coat("8a5a3c")
_TAWNY: Final = _coat("d6a566")
_CHOCOLATE: Final = _coat("5f3d2e", 0.3)
_MUTED: Final = _coat("bba998")

_DOGS: Final = {
    "maltese": Species(_WHITE, _WHITE, hair=1.75, ear=_CREAM),
    "samoyed": Species(_WHITE, _WHITE, "point", hair=1.6, ear=_CREAM),
    "retriever": Species(_GOLD, _CREAM, hair=1.25),
    "labrador": Species(_coat("c99a5b"), _CREAM, hair=0.6),
    "corgi": Species(_coat("d98a42"), _WHITE, "point", hair=0.9, marks=frozenset({"blaze"})),
    "shiba": Species(_coat("d98c4a"), _CREAM, "point", hair=0.85, marks=frozenset({"mask"})),
    "husky": Species(_GREY, _WHITE, "point", iris=(112, 178, 232), marks=frozenset({"mask"})),
    "poodle": Species(_coat("c98d62"), _coat("d9a378"), hair=1.1),
    "pug": Species(_coat("d8b98a"), _BLACK, ear=_BLACK, hair=0.5, muzzle=1.15),
    "beagle": Species(_BROWN, _WHITE, hair=0.6, marks=frozenset({"blaze"})),
    "spaniel": Species(_coat("9a5433"), _CREAM, hair=1.35),
    "terrier": Species(_MUTED, _CREAM, hair=1.3),
}
_CATS: Final = {
    "tabby": Species(_coat("a58a6c"), _CREAM, marks=frozenset({"tabby"}), iris=(150, 190, 84)),
    "ginger": Species(_coat("e09448"), _CREAM, marks=frozenset({"tabby"}), iris=(120, 176, 92)),
    "black": Species(_BLACK, _BLACK, iris=(240, 196, 62)),
    "white": Species(_WHITE, _WHITE, iris=(96, 168, 220)),
    "grey": Species(_coat("7f8797"), _coat("9aa2b0"), iris=(226, 178, 70)),
    "siamese": Species(_CREAM, _CHOCOLATE, ear=_CHOCOLATE, iris=(92, 160, 230)),
    "calico": Species(_WHITE, _WHITE, ear=_coat("d98742"), marks=frozenset({"spots"})),
}
_OTHERS: Final = {
    "fox": Species(
        _FOX,
        _WHITE,
        "point",
        _FOX,
        (186, 116, 40),
        tail="brush",
        marks=frozenset({"mask"}),
        muzzle=0.85,
    ),
    "wolf": Species(
        _coat("7c828f"),
        _coat("d5d5d8"),
        "point",
        iris=(232, 182, 70),
        marks=frozenset({"mask"}),
        hair=1.35,
        smiling=False,
    ),
    "bear": Species(_BROWN, _coat("b98b62"), "round", hair=1.15, tail="none", eye=0.75),
    "panda": Species(
        _WHITE, _WHITE, "round", _BLACK, hair=1.0, tail="none", marks=frozenset({"panda"}), eye=0.8
    ),
    "rabbit": Species(
        _coat("c9b39c"),
        _WHITE,
        "long",
        tail="puff",
        whiskers=True,
        nose=(214, 132, 138),
        muzzle=0.75,
        smiling=False,
    ),
    "lion": Species(
        _TAWNY,
        _CREAM,
        "round",
        iris=(206, 142, 46),
        marks=frozenset({"mane"}),
        tail="thin",
        whiskers=True,
        nose=(120, 70, 62),
        smiling=False,
    ),
    "mouse": Species(
        _coat("b08f74"),
        _WHITE,
        "round",
        _coat("e0a9a0"),
        tail="thin",
        whiskers=True,
        nose=(224, 140, 146),
        muzzle=0.75,
        smiling=False,
        eye=1.1,
        hair=0.7,
    ),
}
_COLOURS: Final = {
    "black": _BLACK,
    "white": _WHITE,
    "golden": _GOLD,
    "ginger": _FOX,
    "orange": _FOX,
    "red": _coat("b5532f"),
    "brown": _BROWN,
    "chocolate": _CHOCOLATE,
    "grey": _GREY,
    "gray": _GREY,
    "cream": _CREAM,
    "blue": _coat("6f86ab"),
    "pink": _coat("eaa0b8"),
    "purple": _coat("8f76bd"),
    "green": _coat("7fae72"),
}


def species(scene: Scene, dice: random.Random) -> Species:
    """The animal that the words ask for; a breed by dice if they name none."""
    if scene.subject in _OTHERS:
        found = _OTHERS[scene.subject]
    else:
        breeds = _DOGS if scene.subject == "dog" else _CATS
        named = [breed for breed in breeds if scene.says(breed)]
        found = breeds[named[0]] if named else breeds[dice.choice(sorted(breeds))]
    if scene.subject == "cat":
        found = replace(
            found,
            ears="point",
            slit=True,
            whiskers=True,
            tail="thin",
            muzzle=0.78,
            nose=(206, 122, 124),
            eye=1.15,
            smiling=False,
        )
    for word, coat in _COLOURS.items():
        if scene.says(word) and found.coat != coat:
            found = replace(found, coat=coat, ear=None)
            break
    return found
