"""The line through the real store on SQLite: what an order costs, however many wait.

A machine's speed changes from one second to the next, also because others use it. So the two
lines that are compared, and the reference that a rate is held against, take turns in one process
and on one disk, and medians of their rounds are compared.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median

import pytest
from sqlalchemy import Connection, insert

from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.database.tables import jobs
from bot.queue.door import Caps
from bot.queue.job import Status
from bot.queue.queue import Queue
from bot.queue.store import Store
from bot.values.guest import Guest
from tests.bot.queue.props import order, picture

ROOMY = Caps(10**6, 10**6, 10**6)
ROUNDS, ORDERS = 25, 60
AT_ONCE = 30
"""As many as the throttle lets through in a second."""
STEPS = 4
"""Steps of an order, each of which is on disk before the next: row, card shown, claim, end."""
MOST_TIMES_FEW = 1.5
LEAST_RATE = 300.0
"""Orders a second: ten times the throttle."""
MOST_TIMES_BARE = 5.0
"""What an order may cost in bare steps times `STEPS`, where that is more than 1/300 s. So 300 a
second are asked of every machine that does 6,000 bare steps a second at the time, and of a slower
or busier one as many fewer as its bare steps are."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


async def waiting(database: Database, amount: int, guilds: int) -> None:
    """So many orders that stand in line already, spread over guilds and members."""
    new = order()
    usual = {
        "status": Status.WAITING,
        "route": "main",
        "routes": "main",
        "request": new.request.model_dump_json(),
        "user_name": "a member",
        "application_id": 42,
        "token": "",
        "expires_at": 0.0,
        "channel_id": 11,
        "message_id": 12,
        "private": False,
        "upload_limit": 1 << 20,
        "reachable": True,
        "accepted": True,
        "created_at": time.time(),
    }
    rows = [
        usual | {"user_id": 10**6 + n % (guilds * 5), "guild_id": n % guilds, "interaction_id": n}
        for n in range(amount)
    ]

    def step(connection: Connection) -> None:
        for first in range(0, amount, 5_000):
            connection.execute(insert(jobs), rows[first : first + 5_000])

    await database.step(step)


class Line:
    """A queue beside which so many wait already. `costs`: seconds for an order, by round."""

    def __init__(self, queue: Queue, guilds: int) -> None:
        self.costs: list[float] = []
        self._queue = queue
        self._guilds = guilds
        self._members = count()

    async def round(self) -> None:
        """Orders from row to end, as many at once as a busy bot has: they share their ways to
        the disk."""
        left = iter(range(ORDERS))
        began = time.perf_counter()
        await asyncio.gather(*(self._one_after_another(left) for _ in range(AT_ONCE)))
        self.costs.append((time.perf_counter() - began) / ORDERS)

    async def _one_after_another(self, left: Iterator[int]) -> None:
        for _ in left:
            n = next(self._members)
            new = replace(order(), guest=Guest(n, "a member", n % self._guilds))
            job = await self._queue.submit(new, ROOMY)
            assert job is not None
            await self._queue.accept(job, 77, self._queue.place(job))
            claimed = await self._queue.claim("main", lambda _: False)
            assert claimed is not None
            assert await self._queue.finish(claimed, [picture()])


@asynccontextmanager
async def line(folder: Path, amount: int, guilds: int) -> AsyncIterator[Line]:
    """A line over a new file, warm."""
    folder.mkdir()
    migrate(folder / "easel.db")
    database = Database(folder / "easel.db")
    await waiting(database, amount, guilds)
    queue = Queue(Store(database))
    await queue.load(["main"])
    opened = Line(queue, guilds)
    await opened.round()
    opened.costs.clear()
    try:
        yield opened
    finally:
        await database.close()


class Bare:
    """The reference: the module `sqlite3` alone, on the same disk. Each step is a row in a synced
    transaction, written in a thread so that the loop is free. `costs`: seconds for `STEPS`."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self.costs: list[float] = []
        self._file = file
        self._row = order().request.model_dump_json()
        for words in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            file.execute(words)
        file.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, words TEXT)")

    async def round(self) -> None:
        """As many steps as a round of a line has, one after the other."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            began = time.perf_counter()
            for _ in range(ORDERS * STEPS):
                await loop.run_in_executor(thread, self._step)
            self.costs.append((time.perf_counter() - began) / ORDERS)

    def _step(self) -> None:
        self._file.execute("BEGIN IMMEDIATE")
        self._file.execute("INSERT INTO rows (words) VALUES (?)", (self._row,))
        self._file.execute("COMMIT")


@contextmanager
def bare_file(path: Path) -> Iterator[Bare]:
    """The reference over a new file."""
    opened = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(opened) as file:
        yield Bare(file)


async def test_an_order_costs_the_same_beside_a_hundred_thousand(tmp_path: Path) -> None:
    with bare_file(tmp_path / "bare.db") as bare:
        async with (
            line(tmp_path / "few", 100, 10) as few,
            line(tmp_path / "lots", 100_000, 1_000) as lots,
        ):
            for n in range(ROUNDS):
                await bare.round()
                for one in (few, lots) if n % 2 else (lots, few):
                    await one.round()
    beside_few, beside_lots, steps = (median(one.costs) for one in (few, lots, bare))
    least = min(LEAST_RATE, 1 / (MOST_TIMES_BARE * steps))
    print(
        f"\none order, accept + claim + finish: {beside_few * 1e3:.2f} ms beside 100 waiting, "
        f"{beside_lots * 1e3:.2f} ms beside 100,000 in 1,000 guilds: ratio "
        f"{beside_lots / beside_few:.2f}\n{1 / beside_lots:.0f} orders a second (the best round "
        f"{1 / min(lots.costs):.0f}); bare: {STEPS / steps:.0f} steps a second, which asks for "
        f"{least:.0f}; an order costs {beside_lots / steps:.1f} times its {STEPS} bare steps"
    )
    assert beside_lots <= MOST_TIMES_FEW * beside_few
    assert 1 / beside_lots >= least
