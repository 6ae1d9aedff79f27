"""How much of a gateway's quota 1,500 waiting orders use, and how often they are refused.

The orders stand in the real line on SQLite, and two hundred workers take them to two backends
that share a key, as many as the bot would have with `concurrency: 100`. The gateway is a real
one, over real sockets: `/sdapi/v1` behind `x-api-key`, a token bucket of 30 requests a second and
50 at once (AWS's usual plan), painters behind it that work in parallel. Probes, pings and looks
at the progress spend the same quota. The ideal is the bucket's own arithmetic: its burst at once,
then its rate.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.backends.base import Backend
from bot.backends.quota import Quotas
from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.queue.door import Caps
from bot.queue.health import Health
from bot.queue.job import Job, JobEvent, Status
from bot.queue.queue import Habits, Queue
from bot.queue.store import Store
from bot.queue.worker import Worker
from tests.bot.backends.gateway import gateway, two_painters
from tests.bot.queue.props import order

RATE, BURST = 30.0, 50
ORDERS = 1500
GUILDS, MEMBERS = 20, 300
CONCURRENCY = 100
"""Slots of each backend: 30 a second that take 1.5 s keep 45 busy, and the burst 50 more."""
PAINT_SECONDS = 1.5
"""Longer than the pause between two looks at the progress, so that there are some."""
MOST_TIMES_THE_IDEAL = 1.03
ROOMY = Caps(10**6, 10**6, 10**6)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


class Crew:
    """A line, its workers for all painters, and a courier who tells everybody at once.

    `painted`: orders by backend; `ends`: how often each order has ended so; `told`: how many
    members were told.
    """

    def __init__(self, database: Database, painters: Sequence[Backend]) -> None:
        slots = {painter.name: CONCURRENCY for painter in painters}
        self.queue = Queue(Store(database), Habits(slots=slots))
        self.painted: Counter[str] = Counter()
        self.ends: Counter[tuple[int, Status]] = Counter()
        self.told = 0
        self._healths = [Health(painter, lambda _: None) for painter in painters]
        self._workers = [
            Worker(self.queue, health, "bench")
            for health in self._healths
            for _ in range(CONCURRENCY)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._errands: set[asyncio.Task[None]] = set()
        self.queue.subscribe(self._hear)

    async def fill(self) -> None:
        """All orders stand in line, for whichever painter is free."""
        routes = frozenset(health.backend.name for health in self._healths)
        await asyncio.gather(*(self._order(n, routes) for n in range(ORDERS)))

    async def _order(self, n: int, routes: frozenset[str]) -> None:
        member = n % MEMBERS
        new = order(member, member % GUILDS, route=min(routes))
        job = await self.queue.submit(replace(new, routes=routes), ROOMY)
        assert job is not None
        await self.queue.accept(job, message_id=job.id)

    async def probe(self) -> None:
        """The painters are found; from now on each is pinged now and then."""
        self._tasks += [asyncio.create_task(health.run()) for health in self._healths]
        await asyncio.gather(*(health.ready() for health in self._healths))

    async def work(self) -> None:
        """Until nothing stands in line and everybody has been told."""
        workers = [asyncio.create_task(worker.run()) for worker in self._workers]
        self._tasks += workers
        while self.queue.counts() != (0, 0) or self._errands:
            await asyncio.sleep(0.05)

    async def leave(self) -> None:
        """A calm stop."""
        await asyncio.gather(*(worker.stop(0) for worker in self._workers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hear(self, event: JobEvent) -> None:
        job = event.job
        if job.status.open:
            return
        self.ends[job.id, job.status] += 1
        self.painted[job.route] += job.status is Status.PAINTED
        errand = asyncio.create_task(self._tell(job))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _tell(self, job: Job) -> None:
        await self.queue.told(job)
        self.told += 1


@pytest.mark.timeout(240)
async def test_two_backends_on_one_key_use_the_quota_to_the_full(tmp_path: Path) -> None:
    migrate(tmp_path / "easel.db")
    database = Database(tmp_path / "easel.db")
    quotas = Quotas()
    async with (
        gateway(RATE, BURST, PAINT_SECONDS) as front,
        two_painters(front, RATE, BURST, [quotas, quotas]) as painters,
    ):
        crew = Crew(database, painters)
        try:
            await crew.fill()
            await crew.probe()
            # The probes have spent some of the burst.
            await asyncio.sleep(2 * BURST / RATE)
            await crew.work()
        finally:
            await crew.leave()
            await database.close()
    use, (quota,) = front.use(), quotas
    print(
        f"\n{ORDERS} orders in line, {RATE:.0f} a second, burst {BURST}: first to last submission "
        f"took {front.submitted[-1] - front.submitted[0]:.2f} s, {use:.4f} times the ideal; "
        f"{front.asked} requests, {front.refused} refused; {quota.spent.waits} permits were "
        f"waited for; painted {dict(crew.painted)}"
    )
    assert {status for _, status in crew.ends} == {Status.PAINTED}
    assert len(crew.ends) == crew.ends.total() == crew.told == len(front.submitted) == ORDERS
    assert front.refused == 0
    assert use <= MOST_TIMES_THE_IDEAL
