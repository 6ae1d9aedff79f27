"""Rate and burst (GCRA): pure arithmetic, the clock handed in.

A quota of `rate` requests a second and `burst` at once is one number, the theoretical arrival
time of the next request (TAT). A margin (1 % of the rate, 3 of the burst where there are that
many) is kept, since jitter on the way lets an exact count be refused at the far end.
"""

from __future__ import annotations


class Throttle:
    """One quota. `reserve(now)` says how many seconds to wait before sending; never negative."""

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1.0 / (rate * 0.99)
        kept = burst - 3 if burst > 6 else burst
        self._tolerance = self._interval * (kept - 1)
        self._tat = float("-inf")
        self._last = float("-inf")

    def reserve(self, now: float) -> float:
        """Takes the next permit, for a request that is sent after the returned wait (seconds)."""
        if now < self._last:
            # A clock that was set back must not stop the line: the debt goes back with it.
            self._tat -= self._last - now
        self._last = now
        tat = max(self._tat, now)
        wait = max(0.0, tat - self._tolerance - now)
        self._tat = tat + self._interval
        return wait
