"""One after the other, so many a second, in the order of their coming."""

from __future__ import annotations

import asyncio
import time

from cogs._ui.turnstile import Turnstile

RATE = 200.0


async def passing(count: int, turnstile: Turnstile) -> list[tuple[int, float]]:
    """Who passes when, if all come at once."""
    seen: list[tuple[int, float]] = []

    async def one(n: int) -> None:
        await turnstile.passed()
        seen.append((n, time.monotonic()))

    await asyncio.gather(*(one(n) for n in range(count)))
    return seen


async def test_nobody_passes_in_a_burst() -> None:
    seen = await passing(20, Turnstile(RATE))
    times = [at for _, at in seen]
    # A pass is seen a moment after it was made, and not always the same moment.
    assert times[-1] - times[0] >= 19 / RATE - 0.002
    assert [n for n, _ in seen] == list(range(20))


async def test_who_leaves_the_queue_has_taken_nothing() -> None:
    turnstile = Turnstile(2.0)
    await turnstile.passed()
    gone = [asyncio.create_task(turnstile.passed()) for _ in range(20)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    async with asyncio.timeout(1):
        await turnstile.passed()
