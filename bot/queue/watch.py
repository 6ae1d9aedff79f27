"""Sense from a painter's raw news: one job's whole progress, which never falls back.

A painter speaks of the call that runs; the job may have pictures from earlier calls. An ETA is
said only when it means something, and the newest preview goes along with all later news.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.values.picture import Progress
from bot.values.request import ImageRequest

_MEANINGFUL = 0.03
"""Below this fraction servers report a floor while the model loads (sdapi trap 11)."""


class ProgressWatch:
    """Follows one attempt at `count` pictures of `steps` steps each; `done` are there already."""

    def __init__(
        self,
        steps: int,
        count: int = 1,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._steps = steps * count
        self._count = count
        self._done = done
        self._clock = clock
        self._best = done / count
        self._first: tuple[float, float] | None = None
        self._preview: bytes | None = None

    def at(self, fraction: float, preview: bytes | None = None) -> Progress:
        """The painter says `fraction` (0 to 1) of its call, and perhaps a newer preview."""
        self._preview = preview or self._preview
        if fraction >= _MEANINGFUL:
            share = (self._done + fraction * (self._count - self._done)) / self._count
            self._best = max(self._best, min(share, 1.0))
        elif self._first is None:
            return self._progress(None)  # the time of loading is no pace
        return self._progress(self._eta())

    def kept(self, done: int) -> Progress:
        """So many pictures are on disk now."""
        self._done = done
        self._best = max(self._best, done / self._count)
        return self._progress(self._eta())

    def _eta(self) -> float | None:
        """Seconds, from our own clock: the server's own estimate is nonsense at the start."""
        now = self._clock()
        if self._first is None:
            self._first = (now, self._best)
        began, at = self._first
        if self._best - at < _MEANINGFUL:
            return None
        return (now - began) / (self._best - at) * (1.0 - self._best)

    def _progress(self, eta: float | None) -> Progress:
        step = min(self._steps, round(self._best * self._steps))
        return Progress(self._best, step, self._steps, eta, self._preview)


def steps_of(request: ImageRequest) -> int:
    """The steps of one picture, both passes."""
    if request.hires is None:
        return request.steps
    return request.steps + (request.hires.steps or request.steps)
