"""The line: takes orders, cancels them, knows every place, spreads the news.

Open jobs are held in memory as well (loaded at the start), so caps and places cost no I/O.
The rows stay the truth: memory follows a step only after the row has taken it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot import log
from bot.errors import QueueFull
from bot.queue.job import Job, JobEvent, NewJob, Place, Status
from bot.queue.store import Store
from bot.values.guest import Address, Guest
from bot.values.picture import Picture, Progress
from bot.values.request import ImageRequest
from bot.values.source import Source

SHOWING_SECONDS = 60.0
"""An order whose card is on its way counts against the caps for so long at the most."""
Listener = Callable[[JobEvent], None]
Stop = Callable[[Job | None], bool]
"""`stop(cancelled)` tells a worker that the job it holds was cancelled. True: it saves what is
finished, and calls `Queue.stopped(cancelled)` after that. With None it saves nothing."""

_log = log.get("queue")


@dataclass(frozen=True)
class Caps:
    """How many may wait or run at once; they arrive with the order."""

    per_member: int
    per_guild: int
    total: int


class Queue:
    """One line per route; first come, first served (fairness has its own seam: `Store.claim`)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: dict[int, Job] = {}
        # Orders whose row is being written, and those whose card is on its way.
        self._writing: list[Guest] = []
        self._shown: dict[int, Job] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._listeners: list[Listener] = []
        self._stoppers: dict[int, Stop] = {}
        # Cancelled jobs whose workers still save what is finished.
        self._stopping: dict[int, Job] = {}
        # Why a route stands still just now, as a sentence.
        self._troubles: dict[str, str] = {}
        # Seconds from claim to picture of the last jobs of each route, for the ETA.
        self._seconds: dict[str, deque[float]] = {}

    async def load(self, routes: Sequence[str] = ()) -> list[Job]:
        """At the start: rescues what ran, loads what waits; returns the rescued jobs.

        `routes` are the backends that there are; jobs of others go to the first of them.
        """
        orphans = await self._store.rescue()
        if routes and (moved := await self._store.adopt(routes, routes[0])):
            _log.warning("jobs of a removed backend go on elsewhere", jobs=moved, to=routes[0])
        accepted, _ = await self._store.open_jobs()
        self._open = {job.id: job for job in accepted}
        return orphans

    # Who listens, and to what.

    def subscribe(self, listener: Listener) -> None:
        """`listener(event)` is called for all news, on the event loop; it must not block."""
        self._listeners.append(listener)

    def wake(self, route: str) -> asyncio.Event:
        """The event that is set when a job of this route may be claimed."""
        return self._wake.setdefault(route, asyncio.Event())

    # Orders.

    def check(self, user_id: int, guild_id: int | None, caps: Caps) -> None:
        """Raises QueueFull, from memory, when this guest's next job would be over a cap."""
        oldest = time.time() - SHOWING_SECONDS
        held = [*self._writing, *(job.guest for job in self._open.values())]
        held += [job.guest for job in self._shown.values() if job.created_at > oldest]
        mine = sum(guest.user_id == user_id for guest in held)
        if mine >= caps.per_member:
            raise QueueFull(
                f"You already have {mine} pictures waiting. Let one finish or cancel one first."
            )
        if len(held) >= caps.total:
            raise QueueFull("The line is full right now. Please try again in a few minutes.")
        if guild_id is not None:
            theirs = sum(guest.guild_id == guild_id for guest in held)
            if theirs >= caps.per_guild:
                raise QueueFull(
                    f"This server already has {theirs} pictures waiting. "
                    "Please try again in a few minutes."
                )

    async def submit(self, new: NewJob, caps: Caps) -> Job | None:
        """The row, before anybody is told. None when Discord replayed the interaction.

        Raises QueueFull, DatabaseUnavailable. The job stands in line once `accept` was called.
        """
        self.check(new.guest.user_id, new.guest.guild_id, caps)
        self._writing.append(new.guest)
        try:
            job = await self._store.add(new)
            if job is not None:
                self._shown[job.id] = job
            return job
        finally:
            self._writing.remove(new.guest)

    async def accept(self, job: Job, message_id: int | None, shown: Place | None = None) -> None:
        """The member has seen the card, which said `shown`: the job stands in line."""
        taken = await self._store.accept(job.id, message_id)
        self._shown.pop(job.id, None)
        if taken is None or not taken.status.open:
            return
        self._open[taken.id] = taken
        _log.info("job accepted", job=taken.id, user=taken.guest.user_id, route=taken.route)
        self.wake(taken.route).set()
        place = self.place(taken)
        if shown is not None and place.position != shown.position:
            # The line moved while the card was on its way.
            self._tell(self._waits(taken, place))

    async def withdraw(self, job: Job) -> None:
        """The first answer never reached the member: the row goes."""
        self._shown.pop(job.id, None)
        await self._store.drop(job.id)

    async def cancel(self, job_id: int, *, salvage: bool = True) -> Job | None:
        """Ends a waiting or running job; None when it had ended already.

        The row ends at once. With `salvage` the news of a running job of several pictures wait,
        for some seconds at the most, until those that are finished are on disk.
        """
        job = await self._store.cancel(job_id)
        if job is None:
            return self._stopping.get(job_id)
        stop = self._stoppers.pop(job_id, None)
        if stop is None or not stop(job if salvage else None):
            self._ended(job)
            return job
        self._open.pop(job_id, None)
        self._stopping[job_id] = job
        self._tell(JobEvent(replace(job, status=Status.RUNNING), stopping=True))
        self._tell_places(job.route)
        return job

    def stopped(self, job: Job) -> None:
        """The news of a cancelled job, now that what was finished of it is on disk."""
        self._stopping.pop(job.id, None)
        self._tell(JobEvent(job))

    async def readdress(self, job: Job, address: Address) -> Job | None:
        """Fresh ways to answer, kept on disk and in memory."""
        fresh = await self._store.readdress(job.id, address)
        if fresh is not None and fresh.id in self._open:
            self._open[fresh.id] = fresh
        return fresh

    # What the worker tells.

    async def claim(self, route: str, stop: Stop) -> Job | None:
        """The next job of a route; `stop` is called when it is cancelled."""
        job = await self._store.claim(route)
        if job is not None:
            self._open[job.id] = job
            self._stoppers[job.id] = stop
            self._tell(JobEvent(job))
            self._tell_places(route)
        return job

    async def beat(self, job: Job) -> bool:
        """Whether the attempt still owns the job."""
        return await self._store.beat(job)

    def progress(self, job: Job, progress: Progress) -> None:
        """How far it is; only memory and the listeners hear of it."""
        held = self._open.get(job.id)
        if held is not None and held.status is Status.RUNNING and held.attempt == job.attempt:
            self._tell(JobEvent(held, progress=progress))

    async def release(
        self, job: Job, *, delay: float, counted: bool, error: str, trouble: str | None = None
    ) -> None:
        """Back into line at its old place; `trouble` tells its member why, as a sentence."""
        back = await self._store.release(job, delay=delay, counted=counted, code=error)
        self._stoppers.pop(job.id, None)
        if back is not None:
            self._open[back.id] = back
            event = self._waits(back, self.place(back))
            self._tell(replace(event, trouble=trouble) if trouble else event)
            asyncio.get_running_loop().call_later(delay, self.wake(back.route).set)

    def trouble(self, route: str, sentence: str | None) -> None:
        """Every waiting card of a route says why it stands still, or no longer says it."""
        if sentence is None:
            self._troubles.pop(route, None)
        else:
            self._troubles[route] = sentence
        self._tell_places(route)

    async def keep(self, job: Job, done: Sequence[Picture], first: int) -> bool:
        """Pictures of a job that goes on, from position `first`; False when it does not go on."""
        row = await self._store.keep(job, done, first)
        return row is not None and row.status is Status.RUNNING

    async def kept(self, job: Job) -> int:
        """How many of its pictures are on disk."""
        return await self._store.kept(job.id)

    async def finish(self, job: Job, done: Sequence[Picture], first: int = 0) -> bool:
        """Last pictures and end on disk, then the news; False when the attempt was overtaken."""
        ended = await self._store.painted(job, done, first)
        if ended is None:
            return False
        if ended.started_at is not None and ended.ended_at is not None:
            times = self._seconds.setdefault(ended.route, deque(maxlen=10))
            times.append(ended.ended_at - ended.started_at)
        self._ended(ended)
        return True

    async def amend(self, job: Job, request: ImageRequest) -> None:
        """Another request for a job that still waits; its card follows."""
        changed = await self._store.amend(job, request)
        if changed is not None and changed.id in self._open:
            self._open[changed.id] = changed
            self._tell(self._waits(changed, self.place(changed)))

    async def refuse(self, job: Job, sentence: str) -> None:
        """The end of a waiting job that turned out to be impossible, then the news."""
        ended = await self._store.refuse(job, sentence)
        if ended is not None:
            self._ended(ended)

    async def word(self, job: Job, outcome: str) -> bool:
        """The end of a job whose outcome is words, then the news."""
        ended = await self._store.worded(job, outcome)
        if ended is not None:
            self._ended(ended)
        return ended is not None

    async def sources(self, job: Job) -> tuple[Source, ...]:
        """What the guest gave."""
        return await self._store.sources(job.id)

    async def fail(self, job: Job, code: str, sentence: str, ref: str) -> None:
        """The end by an error, then the news."""
        ended = await self._store.fail(job, code, sentence, ref)
        if ended is not None:
            self._ended(ended)

    # What the courier asks.

    async def untold(self) -> list[Job]:
        """Jobs that ended while nobody could be told."""
        return await self._store.untold()

    async def unaccepted(self) -> list[Job]:
        """Rows whose card may or may not have reached the member before a crash."""
        return (await self._store.open_jobs())[1]

    async def pictures(self, job: Job) -> list[Picture]:
        """The finished pictures of a job."""
        return await self._store.pictures(job.id)

    async def told(self, job: Job) -> None:
        """The member's message says the end."""
        await self._store.told(job)

    async def get(self, job_id: int) -> Job | None:
        """A job by its number, from memory while it is open, else from its row."""
        return self._open.get(job_id) or await self._store.get(job_id)

    def waits(self, job_id: int) -> bool:
        """Whether a job stands in line."""
        job = self._open.get(job_id)
        return job is not None and job.status is Status.WAITING

    def waiting(self) -> Iterable[Job]:
        """All that stands in line or is being painted, oldest first."""
        return tuple(self._open[key] for key in sorted(self._open))

    def place(self, job: Job) -> Place:
        """How many stand before it (position 1 is next) and when it should be done."""
        before = [j for j in self._line(job.route) if j.id < job.id]
        ahead = sum(j.status is Status.WAITING for j in before)
        return Place(ahead + 1, self._eta(job.route, len(before) + 1))

    # Inside.

    def _line(self, route: str) -> list[Job]:
        return [j for j in self.waiting() if j.route == route]

    def _ended(self, job: Job) -> None:
        self._open.pop(job.id, None)
        self._stoppers.pop(job.id, None)
        self._tell(JobEvent(job))
        self._tell_places(job.route)

    def _eta(self, route: str, jobs: int) -> float | None:
        times = self._seconds.get(route)
        return jobs * sum(times) / len(times) if times else None

    def _waits(self, job: Job, place: Place) -> JobEvent:
        return JobEvent(job, place=place, trouble=self._troubles.get(job.route))

    def _tell_places(self, route: str) -> None:
        position = 0
        for n, job in enumerate(self._line(route), 1):
            if job.status is Status.WAITING:
                position += 1
                self._tell(self._waits(job, Place(position, self._eta(route, n))))

    def _tell(self, event: JobEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                # News must not end the work that it is about.
                _log.exception("a listener broke", job=event.job.id)
