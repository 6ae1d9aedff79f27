"""`kill -9` at any moment: nothing accepted is lost, nothing is posted twice, no seed changes."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.faults.crashes import Seen, born, crash, digest
from tests.house import open_house

ROUNDS, ORDERS = 10, 4


@pytest.mark.slow
async def test_ten_crashes_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    async with open_house(tmp_path, step_seconds=0.02, start=False) as house:
        process, seen = born(house), Seen()
        await house.standin.wait_for_bot(30)
        for _ in range(ROUNDS):
            process = await crash(house, process, ORDERS, seen, chance)
        await house.standin.wait_for_bot(30)
        await digest(house, seen)
        assert await process.end(signal.SIGTERM) == 0
    assert (seen.lost, seen.doubled, seen.other_seeds) == ([], [], [])
    assert len(seen.hashes) > ROUNDS, "hardly anything was accepted"
    assert len(seen.drawn_seeds) > ROUNDS / 2, "Easel chose hardly any seed itself"
