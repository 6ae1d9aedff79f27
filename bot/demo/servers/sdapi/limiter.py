"""Requests a minute of one client on one route, as SD.Next and KoboldCpp can count them."""

from __future__ import annotations

import time
from collections import defaultdict, deque

_MINUTE = 60.0


class Limiter:
    """``per_minute`` may be changed at any time; 0 lets everything pass."""

    def __init__(self, per_minute: int = 0) -> None:
        self.per_minute = per_minute
        self._seen: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def admits(self, client: str, route: str) -> bool:
        """Whether this request is still within the rate; one that is not does not count."""
        if self.per_minute <= 0:
            return True
        now, seen = time.monotonic(), self._seen[client, route]
        while seen and now - seen[0] >= _MINUTE:
            seen.popleft()
        if len(seen) >= self.per_minute:
            return False
        seen.append(now)
        return True
