"""How long things have taken, whatever is done to the clock meanwhile. All in seconds.

Times of day stand in rows, for people and for the next run; nothing is decided by the
difference of two of them while the process lives.
"""

from __future__ import annotations

import time


def now() -> float:
    """Of a clock that nobody sets."""
    return time.monotonic()


class Ages:
    """How long ago each open job was ordered."""

    def __init__(self) -> None:
        self._begun: dict[int, float] = {}

    def begin(self, job_id: int, created_at: float) -> None:
        """A job is open; what it waited before this run is known from its row alone."""
        if job_id not in self._begun:
            self._begun[job_id] = now() - max(0.0, time.time() - created_at)

    def of(self, job_id: int) -> float:
        """Seconds since it was ordered; 0.0 of a job that is not open."""
        return now() - self._begun.get(job_id, now())

    def end(self, job_id: int) -> float | None:
        """How old it became; None when it was not open."""
        begun = self._begun.pop(job_id, None)
        return None if begun is None else now() - begun
