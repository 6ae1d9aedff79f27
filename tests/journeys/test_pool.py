"""Two image servers behind one line: who can, who is free, and who is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.demo.servers.sdapi import DemoImageServer
from bot.queue import health
from tests.house import House, open_house, words


class Pool:
    """The house's own server, called main, and another one called far."""

    def __init__(self, house: House, far: DemoImageServer) -> None:
        self.house, self.far = house, far

    def drawn(self) -> tuple[list[str], list[str]]:
        """The prompts that each of them painted, in order."""
        servers = (self.house.server, self.far)
        near, far = ([str(one["prompt"]) for one in s.generated] for s in servers)
        return near, far


@pytest_asyncio.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    """Both have the checkpoint; far has one more of its own."""
    models = ("dreamshaper_8", "only_far")
    far = DemoImageServer(models=models, step_seconds=0.05, load_seconds=0.05, workers=0)
    await far.start()

    def both(house: House) -> None:
        auth = {"username": "demo", "password": "demo"}
        house.further = ({"name": "far", "url": far.url, "auth": auth, "timeout_seconds": 20.0},)

    async with open_house(tmp_path, step_seconds=0.05, before=both) as house:
        yield Pool(house, far)
    await far.close()


async def test_two_orders_are_painted_at_once_by_both(pool: Pool) -> None:
    await pool.house.order(prompt="one", steps=20)
    await pool.house.order(prompt="two", steps=20, user="bob")
    await pool.house.until(lambda: all(len(d) == 1 for d in pool.drawn()))
    await pool.house.quiet(20)


async def test_a_model_of_one_alone_waits_for_that_one(pool: Pool) -> None:
    for n in range(3):
        await pool.house.order(prompt=f"far {n}", steps=2, model="only_far")
    await pool.house.quiet(20)
    assert pool.drawn() == ([], ["far 0", "far 1", "far 2"])


async def test_a_job_whose_server_dies_is_painted_by_the_other(pool: Pool) -> None:
    message = await pool.house.order(prompt="a survivor", steps=60, seed=7)
    await pool.house.until(lambda: any(pool.drawn()))
    dying = pool.house.server if pool.house.server.generated else pool.far
    await dying.stop_listening()
    await pool.house.quiet(30)
    shown = pool.house.message(message)
    assert [a["filename"] for a in shown["attachments"]] == ["a-survivor-7.png"]
    assert [len(d) for d in pool.drawn()] == [1, 1]
    await dying.start_listening()


async def test_one_that_was_away_at_the_order_paints_it_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knew then what it has; as soon as it tells, it may take what waits elsewhere."""
    monkeypatch.setattr(health, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(health, "LONGEST_PAUSE", 0.1)
    far = DemoImageServer(step_seconds=0.002, load_seconds=0.05, workers=0)
    await far.start()
    await far.stop_listening()
    auth = {"username": "demo", "password": "demo"}

    def both(house: House) -> None:
        house.further = ({"name": "far", "url": far.url, "auth": auth},)

    async with open_house(tmp_path, step_seconds=0.1, before=both) as house:
        await house.order(prompt="long", steps=60)
        await house.until(lambda: house.painting)
        waits = await house.order(prompt="waits", steps=2)
        await far.start_listening()
        await house.until(lambda: bool(house.message(waits)["attachments"]), 20)
        assert [str(one["prompt"]) for one in far.generated] == ["waits"]
    await far.close()


async def test_one_that_is_drained_finishes_and_takes_nothing_new(pool: Pool) -> None:
    painters: dict[str, Any] = pool.house.easel.painters
    painters["far"].drain(True)
    for n in range(3):
        await pool.house.order(prompt=f"{n}", steps=2, user="bob")
    await pool.house.quiet(20)
    assert pool.drawn() == (["0", "1", "2"], [])
    waits = await pool.house.order(prompt="patience", steps=2, model="only_far")
    await pool.house.until(lambda: "takes no new pictures" in words(pool.house.message(waits)))
    painters["far"].drain(False)
    await pool.house.until(lambda: bool(pool.house.message(waits)["attachments"]), 20)
    assert pool.drawn()[1] == ["patience"]
