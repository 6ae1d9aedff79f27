"""How much of a gateway's quota 1,500 waiting pictures use, and how often they are refused.

The gateway is a real one, over real sockets: `/sdapi/v1` behind `x-api-key`, a token bucket of 30
requests a second and 50 at once (AWS's usual plan), painters behind it that work in parallel. Two
backends share the key, and both poll for progress meanwhile. The ideal is the bucket's own
arithmetic: its burst at once, then its rate.
"""

from __future__ import annotations

import asyncio

import pytest

from bot.backends.quota import Quotas
from tests.bot.backends.gateway import gateway, paint_all, two_painters

RATE, BURST = 30.0, 50
JOBS = 1500
PAINT_SECONDS = 1.5
"""Longer than the pause between two looks at the progress, so that there are some."""
MOST_TIMES_THE_IDEAL = 1.03


@pytest.mark.timeout(180)
async def test_two_backends_on_one_key_use_the_quota_to_the_full() -> None:
    quotas = Quotas()
    async with (
        gateway(RATE, BURST, PAINT_SECONDS) as front,
        two_painters(front, RATE, BURST, [quotas, quotas]) as painters,
    ):
        await asyncio.gather(*(painter.probe() for painter in painters))
        # The probes have spent some of the burst.
        await asyncio.sleep(2 * BURST / RATE)
        done = await paint_all(painters, JOBS)
    failed = [one for one in done if not isinstance(one, list)]
    use, (quota,) = front.use(), quotas
    print(
        f"\n{JOBS} pictures at {RATE:.0f} a second, burst {BURST}: first to last submission took "
        f"{front.submitted[-1] - front.submitted[0]:.2f} s, {use:.4f} times the ideal; "
        f"{front.asked} requests, {front.refused} refused; {quota.spent.waits} permits were "
        f"waited for"
    )
    assert failed == []
    assert front.refused == 0
    assert use <= MOST_TIMES_THE_IDEAL
