"""A clock that can be pushed forward.

Tokens end, links expire and buckets refill by this clock, so that a test of the 15-minute rule
takes no quarter of an hour. It never goes backwards.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000


class Clock:
    """Monotonic seconds and the matching wall time, both moved by `advance`."""

    def __init__(self) -> None:
        self._wall_at_zero = time.time() - time.monotonic()
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        return time.monotonic() + self._ahead

    def wall(self) -> float:
        """Seconds since 1970 (UTC)."""
        return self._wall_at_zero + self.now()

    def advance(self, seconds: float) -> None:
        """Jump ahead.

        Raises:
            ValueError: `seconds` is negative; time has one direction.
        """
        if seconds < 0:
            raise ValueError("the clock cannot go back")
        self._ahead += seconds


def timestamp(wall: float) -> str:
    """Discord's form of a moment: ISO 8601 with microseconds and an offset."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds")


class Snowflakes:
    """Ids that grow with time, never the same twice (Discord's reference, "Snowflakes")."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        born = int(self._clock.wall() * 1000) - DISCORD_EPOCH_MS
        self._last = max(self._last + 1, born << 22)
        return str(self._last)
