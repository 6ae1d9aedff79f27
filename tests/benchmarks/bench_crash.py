"""A hundred times `kill -9` of the real bot at a random moment, with 50 orders in all states."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from tests.faults.crashes import Seen, born, crash, digest
from tests.house import open_house

ROUNDS, ORDERS = int(os.environ.get("CRASH_ROUNDS", "100")), 50


@pytest.mark.timeout(3600)
async def test_a_hundred_crashes_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(4)
    async with open_house(tmp_path, step_seconds=0.04, start=False) as house:
        process, seen = born(house), Seen()
        for _ in range(ROUNDS):
            process = await crash(house, process, ORDERS, seen, chance)
        await house.standin.wait_for_bot(30)
        await digest(house, seen)
        assert await process.end(signal.SIGTERM) == 0
    print(
        f"\n{ROUNDS} crashes, {len(seen.hashes)} pictures: {len(seen.lost)} lost, "
        f"{len(seen.doubled)} doubled, {len(seen.other_seeds)} with another seed "
        f"({len(seen.drawn_seeds)} seeds were chosen by Easel), "
        f"{len(seen.calls)} members called once"
    )
    assert (seen.lost, seen.doubled, seen.other_seeds) == ([], [], [])
