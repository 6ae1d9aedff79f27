"""A line with its painter in simulated time: hours of orders in seconds, and each run alike.

The queue, its rows on SQLite, the health, the worker and its attempts are the real ones; the
painter only takes its time, and the courier tells nobody. The loop's clock stands still while
anything is done and jumps to the next timer when nothing is, so that all which computes or
writes takes no time at all: what passes is painting, loading, pauses and silence.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple
from unittest.mock import patch

from bot.app import EXPIRY_SECONDS
from bot.backends.base import UNLASTING, Backend, Errand, Report
from bot.backends.sdapi import PING_SECONDS
from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.errors import BackendUnreachable
from bot.queue import stopwatch
from bot.queue.door import Caps
from bot.queue.health import Health
from bot.queue.job import Job, JobEvent, Status
from bot.queue.queue import Habits, Queue
from bot.queue.store import Store
from bot.queue.worker import Worker
from bot.settings import BackendSettings
from bot.values.ability import Ability, Model
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source
from tests.bot.queue.props import order, picture

EPOCH = 1_700_000_000.0
"""The time of day at which each simulation begins, in seconds since 1970."""
ROOMY = Caps(10**6, 10**6, 10**6)
Result = TypeVar("Result")
_Ts = TypeVarTuple("_Ts")


# Time.


class _Jumping(selectors.DefaultSelector):
    """Does not wait for a timer but moves on to it, unless a thread is at work."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As any selector's; `timeout` is in simulated seconds."""
        if timeout is None or (timeout > 0 and self.threads):
            return super().select(None)
        events = super().select(0)
        if not events:
            self.now += max(0.0, timeout)
        return events


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock begins at 0 and never waits."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Simulated seconds since the beginning."""
        return self._jumping.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], Result], *args: *_Ts
    ) -> asyncio.Future[Result]:
        """As any loop's; what a thread does takes no simulated time."""
        answer = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        answer.add_done_callback(self._returned)
        return answer

    @contextmanager
    def still(self) -> Iterator[None]:
        """The clock stands: what is waited for comes from a thread."""
        self._jumping.threads += 1
        try:
            yield
        finally:
            self._jumping.threads -= 1

    def _returned(self, _: object) -> None:
        self._jumping.threads -= 1


def simulate(story: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Runs a story in simulated time, which `time.time` follows; what it returns."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        loop = runner.get_loop()
        with (
            patch.object(time, "time", lambda: EPOCH + loop.time()),
            patch.object(stopwatch, "now", loop.time),
        ):
            return runner.run(story())


def now() -> float:
    """Simulated seconds since the beginning."""
    return asyncio.get_running_loop().time()


# Who paints.


class TimedPainter(Backend):
    """A picture takes `seconds`, and `load_seconds` more when another checkpoint is in memory.

    `leave` and `come_back` end and begin its presence. While it is away it can't be reached, which
    is told after `silence` seconds (0: the connection is refused at once); a call that it is just
    doing breaks off.
    """

    kind = "timed"

    def __init__(self, seconds: float, load_seconds: float = 0.0, silence: float = 0.0) -> None:
        super().__init__(BackendSettings(name="main", kind="timed", url="http://painter.test"))
        self.seconds, self.load_seconds, self.silence = seconds, load_seconds, silence
        self.finished: list[str] = []
        """The calls that brought a picture."""
        self.broken: list[str] = []
        """The calls that broke off."""
        self.in_vain: list[str] = []
        """The calls that it was sent while it was away."""
        self._away = asyncio.Event()

    def leave(self) -> None:
        """Nothing answers any more, and what it had in memory is lost."""
        self._away.set()
        self.loaded = None

    def come_back(self) -> None:
        """It answers again."""
        self._away.clear()

    async def probe(self) -> Ability:
        """Raises BackendUnreachable while it is away."""
        await self._reached(self.silence)
        self.ability = Ability(models=(Model("a", "a.safetensors"), Model("b", "b.safetensors")))
        return self.ability

    async def ping(self) -> None:
        """As `probe`, with a ping's own patience."""
        await self._reached(min(self.silence, PING_SECONDS))

    async def refresh(self) -> Ability:
        """Nothing has changed on its disk."""
        return await self.probe()

    async def paint(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source] = (),
        *,
        previews: bool = False,
        errand: Errand = UNLASTING,
    ) -> list[Picture]:
        """One picture, which tells the seed that was asked for."""
        if self._away.is_set():
            self.in_vain.append(task_id)
        await self._reached(self.silence)
        other = request.model is not None and request.model != self.loaded
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds + other * self.load_seconds):
                await self._away.wait()
            self.broken.append(task_id)
            raise BackendUnreachable("the connection broke", taken=True)
        self.loaded = request.model or self.loaded
        self.finished.append(task_id)
        return [picture(request.seed)]

    async def describe(self, source: Source, task_id: str, report: Report) -> str:
        raise NotImplementedError

    async def load(self, model: str) -> None:
        raise NotImplementedError

    async def forget(self, task_id: str) -> None:
        """It stops what nobody waits for by itself."""

    async def close(self) -> None:
        """Nothing is open."""

    async def _reached(self, patience: float) -> None:
        if self._away.is_set():
            # Also when it comes back meanwhile: the connection that was begun stays silent.
            await asyncio.sleep(patience)
            raise BackendUnreachable("no connection")


# Everybody together.


@dataclass(frozen=True)
class Claim:
    """A job was given a slot; `at` is in simulated seconds."""

    at: float
    job: Job


class Simulation:
    """The line, its painter with one slot, and a courier to whom nothing happens.

    `claims` in their order; `ends` the status of each ended job; `delivered` when each was, by
    job, in simulated seconds; `seeds` those of its pictures.
    """

    def __init__(self, queue: Queue, painter: TimedPainter) -> None:
        self.queue, self.painter = queue, painter
        self.health = Health(painter, lambda _: None)
        self.worker = Worker(queue, self.health, "simulated")
        self.claims: list[Claim] = []
        self.ends: dict[int, Status] = {}
        self.delivered: dict[int, float] = {}
        self.seeds: dict[int, list[int]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        queue.subscribe(self._hear)

    def begin(self) -> None:
        """The painter is probed, the worker works."""
        work = (self.worker.run(), self.health.run(), self._expire())
        self._tasks = [asyncio.create_task(one) for one in work]

    async def order(self, guild: int, member: int, caps: Caps = ROOMY, **request: Any) -> int:
        """An order that stands in line; its job's number. Raises QueueFull."""
        job = await self.queue.submit(order(member, guild, **request), caps)
        assert job is not None
        await self.queue.accept(job, message_id=job.id)
        return job.id

    async def idle(self) -> None:
        """Waits until nothing stands in line and everybody has been told."""
        while self.queue.counts() != (0, 0) or self._errands:
            await asyncio.sleep(1)

    async def end(self) -> None:
        """A calm stop; what still waits stays in line."""
        if self._tasks:
            await self.worker.stop(0)
            await self._tasks[0]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._errands, return_exceptions=True)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_SECONDS)
            await self.queue.expire()

    def _hear(self, event: JobEvent) -> None:
        job = event.job
        if job.status is Status.RUNNING and event.progress is None:
            self.claims.append(Claim(now(), job))
        if not job.status.open:
            self.ends[job.id] = job.status
        if job.status is Status.PAINTED:
            errand = asyncio.create_task(self._deliver(job))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)

    async def _deliver(self, job: Job) -> None:
        self.seeds[job.id] = [each.seed for each in await self.queue.pictures(job)]
        await self.queue.told(job)
        self.delivered[job.id] = now()


@asynccontextmanager
async def studio(
    folder: Path,
    painter: TimedPainter,
    habits: Habits | None = None,
    kind: type[Queue] = Queue,
) -> AsyncIterator[Simulation]:
    """A simulation over a new file in `folder`; `begin` starts its work."""
    file = folder / f"{len(list(folder.iterdir()))}.db"
    migrate(file)
    database = Database(file)
    simulation = Simulation(kind(Store(database), habits), painter)
    try:
        yield simulation
    finally:
        await simulation.end()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        with loop.still():
            await database.close()
