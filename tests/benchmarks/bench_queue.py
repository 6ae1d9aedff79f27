"""The line through the real store on SQLite: what an order costs, however many wait."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

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
STEPS = 1_000
AT_ONCE = 30
"""As many as the throttle lets through in a second."""


async def waiting(database: Database, count: int, guilds: int) -> None:
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
        for n in range(count)
    ]

    def step(connection: Connection) -> None:
        for first in range(0, count, 5_000):
            connection.execute(insert(jobs), rows[first : first + 5_000])

    await database.step(step)


async def cost(folder: Path, count: int, guilds: int) -> float:
    """Seconds for one order from its row to its end, beside so many that wait.

    As many are on their way at once as a busy bot has: they share their ways to the disk.
    """
    folder.mkdir()
    migrate(folder / "easel.db")
    database = Database(folder / "easel.db")
    await waiting(database, count, guilds)
    queue = Queue(Store(database))
    await queue.load(["main"])
    numbers = iter(range(STEPS))

    async def member() -> None:
        for n in numbers:
            new = replace(order(), guest=Guest(n, "a member", n % guilds))
            job = await queue.submit(new, ROOMY)
            assert job is not None
            await queue.accept(job, 77, queue.place(job))
            claimed = await queue.claim("main", lambda _: False)
            assert claimed is not None
            assert await queue.finish(claimed, [picture()])

    await asyncio.gather(*(member() for _ in range(20)))  # nothing is measured cold
    numbers = iter(range(STEPS, 2 * STEPS))
    began = time.perf_counter()
    await asyncio.gather(*(member() for _ in range(AT_ONCE)))
    took = (time.perf_counter() - began) / STEPS
    await database.close()
    return took


async def test_an_order_costs_the_same_beside_a_hundred_thousand(tmp_path: Path) -> None:
    few = await cost(tmp_path / "few", 100, 10)
    lots = await cost(tmp_path / "lots", 100_000, 1_000)
    print(
        f"\none order, accept + claim + finish: {few * 1e3:.2f} ms beside 100 waiting, "
        f"{lots * 1e3:.2f} ms beside 100,000 in 1,000 guilds: ratio {lots / few:.2f}; "
        f"{1 / lots:.0f} jobs a second"
    )
    assert lots <= few * 1.5
    assert 1 / lots >= 300
