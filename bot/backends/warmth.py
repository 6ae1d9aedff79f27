"""What is known of runtimes that tell nothing: how long they take, and whether they are awake.

A runtime that brought something a while ago is warm; a cold one first has to get a machine, which
takes minutes. What cold starts took is remembered between runs.
"""

from __future__ import annotations

import json
import time
from statistics import median

from bot.backends.base import Keeper
from bot.errors import DatabaseUnavailable

WARM_SECONDS = 60.0
"""A cluster may take a machine away a minute after its last task (the service's own chart does)."""
COLD_START = 20.0
"""A first result that took longer than this had to wake somebody."""
LONGEST = 3600.0
"""A task that others have overtaken for so long is lost."""
REMEMBERED = 5
_NEWEST = 0.3


class Warmth:
    """Of all runtimes of one backend, by name. Times handed in are epoch seconds."""

    def __init__(self, backend: str, memory: Keeper | None) -> None:
        self._backend = backend
        self._memory = memory
        self._came: dict[str, float] = {}
        self._usual: dict[str, float] = {}
        self._starts: dict[str, list[float]] = {}

    def cold(self, runtime: str) -> bool:
        """Whether it has brought nothing for a while."""
        return time.time() - self._came.get(runtime, 0.0) > WARM_SECONDS

    async def expected(self, runtime: str) -> float | None:
        """Seconds that a task takes there, from its sending; None before anything is known."""
        if not self.cold(runtime):
            return self._usual.get(runtime)
        return None

    def patience(self, runtime: str, sent_at: float, first: float, usual: float) -> float:
        """Seconds for which a task that was sent then may still stay out.

        As long as the runtime brings other tasks it is at work: the count begins anew each time,
        for an hour at the most.
        """
        came = self._came.get(runtime, 0.0)
        since = max(sent_at, came)
        limit = first if came < sent_at - WARM_SECONDS else usual
        return min(since + limit, sent_at + max(LONGEST, first)) - time.time()

    async def came(self, runtime: str, took: float) -> None:
        """A result came, so many seconds after its task was sent."""
        cold = self.cold(runtime)
        self._came[runtime] = time.time()
        if cold and took > COLD_START:
            starts = [*(await self._known(runtime)), round(took, 1)][-REMEMBERED:]
            self._starts[runtime] = starts
            await self._keep(runtime, starts)
            return
        known = self._usual.get(runtime)
        self._usual[runtime] = took if known is None else known + (took - known) * _NEWEST

    async def cold_start(self, runtime: str) -> float | None:
        """Seconds that waking it has usually taken."""
        starts = await self._known(runtime)
        return median(starts) if starts else None

    async def _known(self, runtime: str) -> list[float]:
        if runtime not in self._starts:
            text = None
            if self._memory is not None:
                try:
                    text = await self._memory.recall(self._name(runtime))
                except DatabaseUnavailable:
                    return []
            self._starts[runtime] = [float(s) for s in json.loads(text or "[]")]
        return self._starts[runtime]

    async def _keep(self, runtime: str, starts: list[float]) -> None:
        if self._memory is None:
            return
        try:
            await self._memory.remember(self._name(runtime), json.dumps(starts))
        except DatabaseUnavailable:
            return  # it is only for an estimate

    def _name(self, runtime: str) -> str:
        return f"cold:{self._backend}:{runtime}"
