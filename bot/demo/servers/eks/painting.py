"""Who paints for a runtime: the demo painter at the pace of its steps, or nobody, and at once.

The second is for load: one plain picture for each size, made once, after a fixed time, for as
many tasks at the same time as there are.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import Final, Protocol

from PIL import Image

from bot.demo.painter import PainterPool, PaintOrder
from bot.demo.servers.sdapi.effects import Effects
from bot.demo.servers.sdapi.pictures import Encoding, produce

_GREY: Final = (128, 136, 144)
_LONGEST: Final = 4096


class Painter(Protocol):
    """Pictures for orders; ``steps`` are those of all passes, ``texts`` the PNG's chunks."""

    async def paint(
        self, orders: Sequence[PaintOrder], steps: int, texts: dict[str, str]
    ) -> list[bytes]:
        """One PNG file for each order."""


class SteadyPainter:
    """Paints with the demo painter; a step takes ``step_seconds``."""

    def __init__(self, pool: PainterPool, step_seconds: float) -> None:
        self._pool, self._step_seconds = pool, step_seconds

    async def paint(
        self, orders: Sequence[PaintOrder], steps: int, texts: dict[str, str]
    ) -> list[bytes]:
        """One PNG file for each order."""
        work = (self._pool.run(produce, row, Effects(), Encoding(), texts) for row in orders)
        done = await asyncio.gather(asyncio.sleep(steps * self._step_seconds), *work)
        return [file for file in done if isinstance(file, bytes)]


class QuickPainter:
    """Waits ``seconds``, whatever is asked; there are no texts in its pictures."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._plain: dict[tuple[int, int], bytes] = {}

    async def paint(self, orders: Sequence[PaintOrder], _: int, __: dict[str, str]) -> list[bytes]:
        """One PNG file for each order."""
        await asyncio.sleep(self._seconds)
        return [await self._picture(row.width, row.height) for row in orders]

    async def _picture(self, width: int, height: int) -> bytes:
        size = (min(max(width, 1), _LONGEST), min(max(height, 1), _LONGEST))
        if size not in self._plain:
            self._plain[size] = await asyncio.to_thread(_plain, size)
        return self._plain[size]


def _plain(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, _GREY).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
