"""The turnstile: lets edits through one after the other, so many a second and none at once.

Who came first goes first. Whoever leaves the queue before their turn has taken nothing.
"""

from __future__ import annotations

import asyncio
import time


class Turnstile:
    """At most `rate` pass in any second, so nobody passes in a burst before it."""

    def __init__(self, rate: float) -> None:
        # A little more than the rate asks for: what is sent evenly does not arrive evenly.
        self._pause = 1.01 / rate
        self._open_at = float("-inf")
        self._turn = asyncio.Lock()

    async def passed(self) -> None:
        """Returns when it is the caller's turn."""
        async with self._turn:
            await asyncio.sleep(max(0.0, self._open_at - time.monotonic()))
            self._open_at = time.monotonic() + self._pause
