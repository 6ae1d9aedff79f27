"""Who or what stands in the middle: one function a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.demo.painter import (
    bouquet,
    buildings,
    cottage,
    dragon,
    feathers,
    figures,
    people,
    still,
    swimmers,
    vehicles,
    wood,
)
from bot.demo.painter.beast import paint_beast
from bot.demo.painter.sheet import Sheet


def paint_subject(sheet: Sheet) -> None:
    """Paint what the prompt names; nothing for a plain landscape."""
    paint = _SUBJECTS.get(sheet.scene.subject)
    if paint is not None:
        paint(sheet)


def is_smooth(subject: str) -> bool:
    """Whether the subject is made of smooth forms that want a brush over them."""
    return subject in _SUBJECTS and _SUBJECTS[subject] is not paint_beast


def _great_tree(sheet: Sheet) -> None:
    foot = sheet.at(0.5, min(sheet.horizon + 0.26, 0.9))
    wood.paint_tree(sheet, foot, min(sheet.width, sheet.height) * 0.78)


_SUBJECTS: Final[Mapping[str, Callable[[Sheet], None]]] = {
    "dog": paint_beast,
    "cat": paint_beast,
    "fox": paint_beast,
    "wolf": paint_beast,
    "bear": paint_beast,
    "panda": paint_beast,
    "rabbit": paint_beast,
    "lion": paint_beast,
    "mouse": paint_beast,
    "owl": feathers.paint_owl,
    "bird": feathers.paint_bird,
    "penguin": feathers.paint_penguin,
    "fish": swimmers.paint_fish,
    "whale": swimmers.paint_whale,
    "castle": buildings.paint_castle,
    "lighthouse": buildings.paint_lighthouse,
    "house": cottage.paint_house,
    "boat": vehicles.paint_boat,
    "balloon": vehicles.paint_balloon,
    "rocket": vehicles.paint_rocket,
    "bowl": still.paint_bowl,
    "cup": still.paint_cup,
    "fruit": still.paint_fruit,
    "flower": bouquet.paint_vase,
    "tree": _great_tree,
    "person": people.paint_person,
    "robot": figures.paint_robot,
    "dragon": dragon.paint_dragon,
    "planet": figures.paint_planet,
}
