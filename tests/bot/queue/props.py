"""What the tests of the queue play with: orders, pictures, and a painter without a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from bot.backends.base import UNLASTING, Backend, Errand, Report
from bot.queue.door import Caps
from bot.queue.health import Health
from bot.queue.job import Job, JobEvent, NewJob, Status
from bot.queue.queue import Queue, Stop
from bot.queue.store import Store
from bot.queue.worker import Worker
from bot.settings import BackendSettings
from bot.values.ability import Ability, Model
from bot.values.guest import Address, Guest
from bot.values.picture import Picture, Progress
from bot.values.request import ImageRequest
from bot.values.source import Source

ROOMY = Caps(per_member=100, per_guild=100, total=100)
ADA, BOB = 7, 8
_interactions = count(1_000_000)


def request(**changes: Any) -> ImageRequest:
    """A small order of a picture."""
    usual = {"prompt": "a fox", "width": 64, "height": 64, "steps": 2, "cfg_scale": 7, "seed": 5}
    return ImageRequest.model_validate(usual | changes)


def address(**changes: Any) -> Address:
    """Where an answer goes: each time another interaction."""
    usual = Address(
        interaction_id=next(_interactions),
        application_id=42,
        token="a-token",
        expires_at=time.time() + 900,
        channel_id=11,
        message_id=None,
        private=False,
        upload_limit=10 << 20,
    )
    return replace(usual, **changes)


def order(
    user: int = ADA,
    guild: int | None = 1,
    *,
    route: str = "main",
    parent: int | None = None,
    to: Address | None = None,
    routes: frozenset[str] = frozenset(),
    **changes: Any,
) -> NewJob:
    """What a member asks for."""
    guest = Guest(user, f"user {user}", guild)
    return NewJob(request(**changes), guest, to or address(), route, parent, routes=routes)


def picture(seed: int = 5, data: bytes = b"\x89PNG") -> Picture:
    """A finished picture."""
    return Picture(data, "image/png", 64, 64, seed, f"a fox\nSteps: 2, Seed: {seed}")


class FakePainter(Backend):
    """A painter without a server: the test says what its next calls do.

    `script` holds what each `paint` does: an error is raised, pictures are returned, an Event
    holds it until it is set (then it returns a picture). With no script it paints at once.
    It paints one picture a call; `forget` sets the Event of a call that it is about if
    `interruptible`, and `loading` raises.
    """

    kind = "fake"

    def __init__(self, name: str = "main") -> None:
        super().__init__(BackendSettings(name=name, kind="fake", url="http://painter.test"))
        self.script: list[Exception | list[Picture] | asyncio.Event] = []
        self.probes: list[Exception] = []
        self.probed = 0
        self.began: list[str] = []
        self.interrupted: list[str] = []
        self.forgotten: list[str] = []
        self.forgetting: asyncio.Event | None = None
        self.report: Report | None = None
        self.asked: list[ImageRequest] = []
        self.previews = False
        self.interruptible = False
        self.brought: list[str] = []
        self.loading: Exception | None = None
        self._held: dict[str, asyncio.Event] = {}

    async def probe(self) -> Ability:
        """Raises the next of `probes`; without one it is well."""
        self.probed += 1
        await asyncio.sleep(0)
        if self.probes:
            raise self.probes.pop(0)
        self.ability = Ability(models=(Model("m", "m.safetensors"),))
        return self.ability

    async def refresh(self) -> Ability:
        """Nothing has changed on its disk."""
        return await self.probe()

    async def describe(self, source: Source, task_id: str, report: Report) -> str:
        raise NotImplementedError

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
        """Does what the script says."""
        self.began.append(task_id)
        self.asked.append(request)
        self.report, self.previews = report, previews
        await asyncio.sleep(0)
        act = self.script.pop(0) if self.script else [picture(request.seed)]
        if isinstance(act, Exception):
            raise act
        if isinstance(act, asyncio.Event):
            self._held[task_id] = act
            try:
                await act.wait()
            except asyncio.CancelledError:
                self.interrupted.append(task_id)
                raise
            return [picture(request.seed)]
        return act

    async def load(self, model: str) -> None:
        """Loads at once."""
        if self.loading is not None:
            raise self.loading
        self.brought.append(model)

    async def forget(self, task_id: str) -> None:
        """Waits for `forgetting`, when the test has put it there."""
        self.forgotten.append(task_id)
        if self.interruptible and task_id in self._held:
            self._held[task_id].set()
        if self.forgetting is not None:
            await self.forgetting.wait()

    async def close(self) -> None:
        """Nothing is open."""


class Clock:
    """`time.time` in the hand of a test."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Later."""
        self.now += seconds


@dataclass
class Line:
    """A queue over a store, and all the news it told."""

    store: Store
    queue: Queue
    news: list[JobEvent] = field(default_factory=list)

    @classmethod
    def over(cls, store: Store) -> Line:
        """A new queue; it hears of what `load` finds only."""
        line = cls(store, Queue(store))
        line.queue.subscribe(line.news.append)
        return line

    async def submit(self, *arguments: Any, caps: Caps = ROOMY, **named: Any) -> Job:
        """An order whose card is on its way."""
        job = await self.queue.submit(order(*arguments, **named), caps)
        assert job is not None
        return job

    async def accepted(self, *arguments: Any, caps: Caps = ROOMY, **named: Any) -> Job:
        """An order that stands in line."""
        job = await self.submit(*arguments, caps=caps, **named)
        await self.queue.accept(job, message_id=job.id + 500)
        return await self.row(job)

    async def claim(self, route: str = "main", stop: Stop = lambda _: False) -> Job:
        """The next job, which there must be."""
        job = await self.queue.claim(route, stop)
        assert job is not None
        return job

    async def row(self, job: Job) -> Job:
        """The job as its row says."""
        found = await self.store.get(job.id)
        assert found is not None
        return found

    async def settled(self) -> None:
        """News of places come a moment after the step that they are about."""
        for _ in range(5):
            await asyncio.sleep(0.001)

    def open_ids(self) -> list[int]:
        """The numbers of all open jobs, oldest first."""
        return [job.id for job in self.queue.waiting()]

    def heard(self, job: Job) -> list[JobEvent]:
        """The news about one job."""
        return [event for event in self.news if event.job.id == job.id]

    def statuses(self, job: Job) -> list[Status]:
        """The states that were told about one job, without repetitions."""
        told = [event.job.status for event in self.heard(job) if not event.stopping]
        return [s for n, s in enumerate(told) if n == 0 or told[n - 1] is not s]


class Studio:
    """A line with a painter, its health and one worker, as the architect would join them."""

    def __init__(self, line: Line, painter: FakePainter) -> None:
        self.line = line
        self.painter = painter
        self.health = Health(painter, lambda _: None)
        self.worker = Worker(line.queue, self.health, "inst")
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Everybody begins to work."""
        self._tasks = [
            asyncio.create_task(self.worker.run()),
            asyncio.create_task(self.health.run()),
        ]

    @property
    def working(self) -> bool:
        """Whether the worker still goes round."""
        return not self._tasks[0].done()

    async def stopped(self, seconds: float = 0.0) -> None:
        """A calm stop: the worker must end by itself."""
        await self.worker.stop(seconds)
        await asyncio.wait_for(asyncio.shield(self._tasks[0]), 2)

    async def close(self) -> None:
        """Sends everybody home."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reaches(self, job: Job, *states: Status) -> Job:
        """Waits until the row is in one of these states."""
        async with asyncio.timeout(5):
            while (row := await self.line.row(job)).status not in states:
                await asyncio.sleep(0)
        return row


async def take(store: Store, backend: str = "main") -> Job | None:
    """The oldest job that may be claimed, as the line would choose it if all were one guild's."""
    accepted, _ = await store.open_jobs()
    waits = next((job for job in accepted if job.status is Status.WAITING), None)
    return None if waits is None else await store.claim(waits.id, backend)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition; fails the test after five seconds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def progress(fraction: float) -> Progress:
    """How far a painter is."""
    return Progress(fraction, step=round(fraction * 20), steps=20)


def ids(jobs: Sequence[Job]) -> list[int]:
    """The numbers of jobs."""
    return [job.id for job in jobs]
