"""The agent's half for ComfyUI: the content is the graph, the ``.out`` is a code and no more.

Contract aws, 1.5, and contract comfyui, section 11: nobody learns why a graph failed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.demo.painter import PaintOrder
from bot.demo.servers.eks.graph import Graph, GraphError, Latent
from bot.demo.servers.eks.handling import Outcome, Task
from bot.demo.servers.eks.painting import Painter
from bot.demo.servers.eks.webui import Unreachable

_GOOD: Final = '{"code": 200}'
_LARGEST_SIDE: Final = 4096
"""Pixels: what the demo painter's card has memory for."""
_BAD: Final = '{"code": 500}'


class ComfyHandler:
    """Runs graphs on a ComfyUI with these checkpoint files; the task type does not matter."""

    def __init__(self, checkpoints: Sequence[str], painter: Painter) -> None:
        self._checkpoints, self._painter = checkpoints, painter

    async def handle(self, task: Task, trouble: str) -> Outcome:
        """Pictures with ComfyUI's chunk ``prompt``, and a ``.out``; raises ``Unreachable``."""
        if trouble == "unreachable":
            raise Unreachable(trouble)
        if trouble == "webui_error":
            return Outcome(_BAD, [])
        try:
            saved = Graph(task.content, self._checkpoints).outputs()
        except (GraphError, TypeError, AttributeError):
            # A list where a word should stand breaks the walk itself; the agent tells no more.
            return Outcome(_BAD, [])
        if trouble == "no_pictures" or any(map(_too_large, saved)):
            # What fails while it runs is a success without pictures.
            return Outcome(_GOOD, [])
        texts = {"prompt": json.dumps(task.content)}
        files: list[bytes] = []
        for latent in saved:
            files += await self._painter.paint(_orders(latent), latent.steps, texts)
        return Outcome(_GOOD, files)


def _too_large(latent: Latent) -> bool:
    return max(latent.width, latent.height) > _LARGEST_SIDE


def _orders(latent: Latent) -> list[PaintOrder]:
    """One for each of the batch: no picture of it has a seed of its own, each is another."""
    first = latent.order
    if first is None:
        return []
    return [first] + [
        replace(first, variation=(first.seed + number, 1.0)) for number in range(1, latent.count)
    ]
