"""Sense from a server's raw progress: never falling back, an ETA only when it means something."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.values.picture import Progress

_MEANINGFUL = 0.03
"""Below this fraction servers report a floor while the model loads (sdapi trap 11)."""


class ProgressWatch:
    """Follows one attempt. `total_steps` counts the steps of all its pictures."""

    def __init__(self, total_steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._steps = total_steps
        self._clock = clock
        self._best = 0.0
        self._first: tuple[float, float] | None = None

    def at(self, fraction: float) -> Progress:
        """The server says `fraction` (0 to 1) now."""
        self._best = max(self._best, min(max(fraction, 0.0), 1.0))
        step = min(self._steps, round(self._best * self._steps))
        if self._best < _MEANINGFUL:
            return Progress(0.0, 0, self._steps)
        now = self._clock()
        if self._first is None:
            self._first = (now, self._best)
        began, at = self._first
        eta = None
        if self._best - at >= _MEANINGFUL:
            # From our own clock: the server's own estimate is nonsense at the start.
            eta = (now - began) / (self._best - at) * (1.0 - self._best)
        return Progress(self._best, step, self._steps, eta)
