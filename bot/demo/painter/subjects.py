"""Who or what stands in the middle: one function a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.demo.painter.beast import paint_beast
from bot.demo.painter.sheet import Sheet


def paint_subject(sheet: Sheet) -> None:
    """Paint what the prompt names; nothing for a plain landscape."""
    paint = _SUBJECTS.get(sheet.scene.subject)
    if paint is not None:
        paint(sheet)


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
}
