"""The gateway's token bucket (usage plan): ``rate`` tokens a second, at most ``burst`` of them."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """Full at the start; each request takes one token or is refused. ``clock`` is in seconds."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._seen = float(burst), clock()

    def take(self) -> bool:
        """Whether there was a token."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate)
        self._seen = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
