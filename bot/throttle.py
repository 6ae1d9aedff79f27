"""Rate, burst and refusals as pure arithmetic, the clock handed in.

`Throttle` is a quota of `rate` requests a second and `burst` at once (GCRA): what has left is
one number, the theoretical arrival time of the next request; what has a permit and has not left
yet may leave at any time, so its share of the burst is kept free. A margin remains (1 % of the
rate, a sixth of the burst or at least 3 where there are that many), since jitter on the way lets
an exact count be refused at the far end. `Brake` is how long to send nothing after a refusal.
All times are in seconds of one clock; neither stands still when that clock is set back.
"""

from __future__ import annotations

import math

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds: bounds of the pause after a refusal that names none."""
CALM = 10
"""So many requests must have gone well until earlier refusals are forgotten."""
_ROUNDING = 1e-6
"""Seconds: less is no wait, so that sleeping for a wait is always enough."""


class Throttle:
    """One quota. Each permit that is taken ends in one `left` or `give_back`.

    `rate` is in requests a second, above 0 (infinity is without a limit); `burst` in requests,
    at least 1.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self.limit(rate, burst)
        self._out = 0
        self._tat = -math.inf
        self._last = -math.inf

    def limit(self, rate: float, burst: int) -> None:
        """What counts from now on."""
        self._interval = 1.0 / (rate * 0.99)
        self._burst = burst - max(3, burst // 6) if burst > 6 else burst

    def take(self, now: float, keep: float = 0.0) -> float:
        """Takes a permit, for a request that is sent as soon as it can be, and says 0.0.

        When there is none, nothing is taken, and it says after how many seconds there is one;
        infinity is "when one that was taken has left or is given back". `keep` (0 to 1) is the
        share of the rest of the burst that others must still find afterwards.
        """
        self._tick(now)
        spare = self._burst - 1 - int((self._burst - 1) * keep) - self._out
        if spare < 0:
            return math.inf
        wait = self._tat - spare * self._interval - now
        if wait > _ROUNDING:
            return wait
        self._out += 1
        return 0.0

    def left(self, now: float) -> None:
        """A request that has a permit is on its way: the far end counts it from now on."""
        self._tick(now)
        self._out -= 1
        self._tat = max(self._tat, now) + self._interval

    def give_back(self) -> None:
        """A permit was taken and will not be used."""
        self._out -= 1

    def drain(self, at: float) -> None:
        """The burst counts as spent at this time: from then on, only the rate is left."""
        self._tat = max(self._tat, at + (self._burst - 1) * self._interval)

    def _tick(self, now: float) -> None:
        if now < self._last:
            # A clock that was set back must not stop the line: the debt goes back with it.
            self._tat -= self._last - now
        self._last = now


class Brake:
    """How long nothing is sent after a refusal; longer with each one, until all is calm again."""

    def __init__(self) -> None:
        self._began = -math.inf
        self._length = 0.0
        self._refusals = 0
        self._calm = 0

    def wait(self, now: float) -> float:
        """Seconds until something may be sent; 0.0 is at once."""
        # A clock that was set back: the pause begins anew, and is not as long as the step.
        self._began = min(self._began, now)
        return max(0.0, self._began + self._length - now)

    def slow(self, now: float, sent: float, retry_after: float | None, chance: float) -> bool:
        """A request of the time `sent` was refused; whether that makes the pause longer.

        `retry_after` is in seconds, as the server said it; up to a second is put on top. When it
        said none, the pause is anything up to a bound that doubles with each refusal (full
        jitter). `chance` (0 to 1) is that jitter. What was sent before the present pause began
        tells nothing new, and doubles nothing.
        """
        news = sent > self._began
        self._calm = 0
        self._refusals += news
        if retry_after is not None:
            pause = retry_after + chance * FIRST_PAUSE
        elif news:
            bound = FIRST_PAUSE * 2.0 ** min(self._refusals - 1, 16)
            pause = chance * min(bound, LONGEST_PAUSE)
        else:
            return False
        longer = pause > self.wait(now)
        if longer:
            self._began, self._length = now, pause
        return longer

    def eased(self, sent: float) -> None:
        """A request of the time `sent` went well."""
        if self._refusals and sent > self._began:
            self._calm += 1
            if self._calm >= CALM:
                self._refusals = self._calm = 0
