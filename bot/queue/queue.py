"""The desk of the line: takes orders, cancels them, hands them to workers, spreads the news.

A step is on disk before memory follows and before anybody is told. Who is next and where
everybody stands is known by `standing`: it joins `line` (by the arithmetic of `fairness`),
`places` and `register`, against whose counts the caps are held.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot import log
from bot.queue.backlog import Backlog
from bot.queue.door import Caps, Door
from bot.queue.job import Job, JobEvent, NewJob, Place, Status
from bot.queue.standing import LAST_PLACE, Standing
from bot.queue.stopwatch import Ages
from bot.queue.store import Store
from bot.values.guest import Address
from bot.values.picture import Picture, Progress
from bot.values.request import ImageRequest
from bot.values.source import Source

EXPIRED = "This waited so long that I took it out of the line. Please try again."
CLEARED = "An admin cancelled all that waited in this server."
PAUSED = "An admin has paused this server's line. Your place in line is kept."
FULL = "Finished pictures wait to be posted; I begin new ones after that. Your place is kept."
Listener = Callable[[JobEvent], None]
ToldListener = Callable[[Job, int], None]
Stop = Callable[[Job | None], bool]
"""`stop(cancelled)` tells a worker that the job it holds was cancelled. True: it saves what is
finished, and calls `Queue.stopped(cancelled)` after that. With None it saves nothing."""

_log = log.get("queue")


@dataclass(frozen=True)
class Habits:
    """How the line is kept, in seconds. `slots`: how many jobs each backend does at once;
    `undelivered_bytes`: while so much is painted and not posted, nothing new is begun."""

    affinity_seconds: float = 60.0
    max_wait_seconds: float = 7200.0
    undelivered_bytes: float = math.inf
    slots: Mapping[str, int] = field(default_factory=lambda: {"main": 1})


class Queue:
    """One line for all backends: a job waits once, and whoever can paint it may take it."""

    def __init__(self, store: Store, habits: Habits | None = None) -> None:
        self._store = store
        self._habits = habits or Habits()
        self._standing = Standing(self._habits.slots, self._moved)
        self._open = self._standing.open
        self._door = Door(self._open)
        self._ages = Ages()
        # How long those had waited whose end has not been told.
        self._waited: dict[int, float] = {}
        self._backlog = Backlog(self._habits.undelivered_bytes)
        self._wake: dict[str, asyncio.Event] = {}
        self._listeners: list[Listener] = []
        self._told_listeners: list[ToldListener] = []
        self._stoppers: dict[int, Stop] = {}
        # Cancelled jobs whose workers still save what is finished.
        self._stopping: dict[int, Job] = {}
        # Why a backend stands still just now, as a sentence.
        self._troubles: dict[str, str] = {}

    async def load(self, routes: Sequence[str] = ()) -> list[Job]:
        """At the start: rescues what ran, loads what waits; returns the rescued jobs.

        `routes` are the backends that there are; jobs of others go to the first of them.
        """
        orphans = await self._store.rescue()
        if routes and (moved := await self._store.adopt(routes, routes[0])):
            _log.warning("jobs of a removed backend go on elsewhere", jobs=moved, to=routes[0])
        self._backlog.load(await self._store.undelivered())
        accepted, _ = await self._store.open_jobs()
        for job in accepted:
            self._ages.begin(job.id, job.created_at)
            self._standing.put(job)
        return orphans

    # Who listens, and to what.

    def subscribe(self, listener: Listener) -> None:
        """`listener(event)` is called for all news, on the event loop; it must not block."""
        self._listeners.append(listener)

    def subscribe_told(self, listener: ToldListener) -> None:
        """`listener(job, pictures)` is called once a job, when its member has been told the end."""
        self._told_listeners.append(listener)

    def counts(self) -> tuple[int, int]:
        """How many jobs stand in line, and how many are being worked on."""
        waiting = len(self._standing.line)
        return waiting, len(self._open) - waiting

    def quiet(self) -> None:
        """The bot is being stopped: news of places end."""
        self._standing.quiet()

    def wake(self, route: str) -> asyncio.Event:
        """The event that is set when a job of this route may be claimed."""
        return self._wake.setdefault(route, asyncio.Event())

    # Orders.

    def check(self, user_id: int, guild_id: int | None, caps: Caps) -> None:
        """Raises QueueFull, from memory, when this guest's next job would be over a cap."""
        self._door.check(user_id, guild_id, caps)

    async def submit(self, new: NewJob, caps: Caps) -> Job | None:
        """The row, before anybody is told. None when Discord replayed the interaction.

        Raises QueueFull, DatabaseUnavailable. The job stands in line once `accept` was called.
        """
        self.check(new.guest.user_id, new.guest.guild_id, caps)
        with self._door.writing(new.guest):
            job = await self._store.add(new)
            if job is not None:
                self._door.showing(job)
            return job

    async def accept(self, job: Job, message_id: int | None, shown: Place | None = None) -> None:
        """The member has seen the card, which said `shown`: the job stands in line."""
        taken = await self._store.accept(job.id, message_id)
        self._door.shown(job.id)
        if taken is None or not taken.status.open:
            return
        self._ages.begin(taken.id, taken.created_at)
        self._standing.put(taken)
        _log.info("job accepted", job=taken.id, user=taken.guest.user_id, route=taken.route)
        self._wake_for(taken)
        # Had the line moved while the card was on its way, that is news in a moment.
        self._standing.told(taken, shown or self.place(taken))

    async def withdraw(self, job: Job) -> None:
        """The first answer never reached the member: the row goes."""
        self._door.shown(job.id)
        await self._store.drop(job.id)

    async def cancel(
        self, job_id: int, *, salvage: bool = True, sentence: str | None = None
    ) -> Job | None:
        """Ends a waiting or running job; None when it had ended already.

        `sentence`: what its member reads when it was not by their own wish.

        The row ends at once. With `salvage` the news of a running job of several pictures wait,
        for some seconds at the most, until those that are finished are on disk.
        """
        job = await self._store.cancel(job_id, sentence)
        if job is None:
            return self._stopping.get(job_id)
        stop = self._stoppers.pop(job_id, None)
        if stop is None or not stop(job if salvage else None):
            self._ended(job)
            return job
        self._leaves(job)
        self._stopping[job_id] = job
        self._tell(JobEvent(replace(job, status=Status.RUNNING), stopping=True))
        return job

    def stopped(self, job: Job) -> None:
        """The news of a cancelled job, now that what was finished of it is on disk."""
        self._stopping.pop(job.id, None)
        self._tell(JobEvent(job))

    async def readdress(self, job: Job, address: Address) -> Job | None:
        """Fresh ways to answer, kept on disk and in memory."""
        fresh = await self._store.readdress(job.id, address)
        if fresh is not None and fresh.id in self._open:
            self._open.put(fresh)
        return fresh

    # What the worker tells.

    async def claim(self, backend: str, stop: Stop, model: str | None = None) -> Job | None:
        """The next job for a backend that has `model` loaded; `stop` is called when it is
        cancelled. None when nothing waits for it, or what is painted must be posted first.
        """
        while not self._backlog.full:
            ticket = self._standing.next(
                backend, model, self._habits.affinity_seconds, lambda n: n not in self._troubles
            )
            if ticket is None:
                return None
            try:
                job = await self._store.claim(ticket.id, backend)
            except BaseException:
                self._standing.line.put_back(ticket)
                raise
            if job is None:  # the row has moved on, and so does the line
                self._standing.lost(ticket)
                self._ages.end(ticket.id)
                continue
            self._standing.claimed(ticket, job)
            self._stoppers[job.id] = stop
            self._tell(JobEvent(job))
            return job
        return None

    async def note_remote(self, job: Job, remote_id: str) -> None:
        """The name of a job at an asynchronous backend, on disk when this returns."""
        await self._store.note_remote(job, remote_id)

    async def beat(self, job: Job) -> bool:
        """Whether the attempt still owns the job."""
        return await self._store.beat(job)

    def progress(self, job: Job, progress: Progress) -> None:
        """How far it is; only memory and the listeners hear of it."""
        held = self._open.get(job.id)
        if held is None or held.status is not Status.RUNNING or held.attempt != job.attempt:
            return
        self._standing.goes_on(held, progress.eta_seconds)
        self._tell(JobEvent(held, progress=progress))

    async def release(
        self, job: Job, *, delay: float, counted: bool, error: str, trouble: str | None = None
    ) -> None:
        """Back into line at its old place; `trouble` tells its member why, as a sentence."""
        back = await self._store.release(job, delay=delay, counted=counted, code=error)
        self._stoppers.pop(job.id, None)
        if back is None:
            await self._find_again(job)
            return
        self._standing.back(back, delay)
        event = self._waits(back, self.place(back))
        self._tell(replace(event, trouble=trouble) if trouble else event)
        asyncio.get_running_loop().call_later(delay, self._wake_for, back)

    def trouble(self, backend: str, sentence: str | None) -> None:
        """Every card that only this backend can serve says why it stands still, or no longer."""
        before = dict(self._troubles)
        if sentence is None:
            self._troubles.pop(backend, None)
        else:
            self._troubles[backend] = sentence
        if before == self._troubles:
            return
        self._tell_waiting(backend)

    # What admins do.

    def pause(self, guild_id: int, paused: bool) -> None:
        """A paused guild's jobs keep their places and are not claimed; nothing is lost."""
        line = self._standing.line
        (line.pause if paused else line.resume)(guild_id)
        for job in self.waiting():
            if job.lane == guild_id and job.status is Status.WAITING:
                self._tell(self._waits(job, self.place(job)))
                self._wake_for(job)

    def clearable(self, guild_id: int) -> list[Job]:
        """All that waits of a guild, oldest first."""
        return [j for j in self.waiting() if j.lane == guild_id and j.status is Status.WAITING]

    async def clear(self, guild_id: int) -> int:
        """Cancels all that waits of a guild; how many. Raises DatabaseUnavailable, after all
        the others have been tried."""
        # At once, since steps that wait for the disk go there together.
        cancels = (self.cancel(job.id, sentence=CLEARED) for job in self.clearable(guild_id))
        ended = await asyncio.gather(*cancels, return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException):
                raise one
        return sum(one is not None for one in ended)

    async def expire(self) -> None:
        """Ends what has waited too long; called now and then."""
        longest = self._habits.max_wait_seconds
        for job in self.waiting():
            if job.status is Status.WAITING and self._ages.of(job.id) > longest:
                ended = await self._store.expire(job.id, EXPIRED)
                if ended is not None:
                    self._ended(ended)

    async def keep(self, job: Job, done: Sequence[Picture], first: int) -> bool:
        """Pictures of a job that goes on, from position `first`; False when it does not go on."""
        row = await self._store.keep(job, done, first)
        if row is not None:
            self._laid_by(job, done)
        return row is not None and row.status is Status.RUNNING

    async def kept(self, job: Job) -> int:
        """How many of its pictures are on disk."""
        return await self._store.kept(job.id)

    async def finish(self, job: Job, done: Sequence[Picture], first: int = 0) -> bool:
        """Last pictures and end on disk, then the news; False when the attempt was overtaken."""
        ended = await self._store.painted(job, done, first)
        if ended is None:
            await self._find_again(job)
            return False
        self._laid_by(job, done)
        if not first:  # else a part of it was painted by an earlier attempt
            self._standing.learn(ended)
        self._ended(ended)
        return True

    async def amend(self, job: Job, request: ImageRequest) -> None:
        """Another request for a job that still waits; its card follows."""
        changed = await self._store.amend(job, request)
        if changed is not None and changed.id in self._open:
            self._standing.put(changed)
            self._tell(self._waits(changed, self.place(changed)))

    async def reroute(self, job: Job, routes: frozenset[str]) -> None:
        """More, or fewer, backends can paint a job that waits."""
        if routes == job.routes or not self.waits(job.id):
            return
        changed = await self._store.reroute(job, routes)
        if changed is not None and self.waits(job.id):
            self._standing.put(changed)
            self._wake_for(changed)

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
        pictures = await self._store.told(job, self._waited.get(job.id))
        self._waited.pop(job.id, None)
        if pictures is not None:
            self._posted(job)
            for listener in self._told_listeners:
                listener(job, pictures)

    async def stranded(self, job: Job) -> None:
        """No way leads to the member of a painted job: its pictures wait, and hold nobody up."""
        before = self._backlog.full
        for old in self._backlog.set_aside(job.id):
            if await self._store.abandon(old):
                _log.warning("pictures that found no way are given up for newer ones", job=old)
            self._backlog.drop(old)
        self._room_again(before)

    async def recount(self) -> None:
        """What lies on disk is asked anew: something old was forgotten."""
        before = self._backlog.full
        self._backlog.load(await self._store.undelivered())
        self._room_again(before)

    async def call_due(self, job: Job) -> bool:
        """Whether the member of a delivered job waited long, and has not been called to it."""
        return await self._store.call_due(job.id)

    async def called(self, job: Job) -> None:
        """The member was called."""
        await self._store.called(job.id)

    async def uncalled(self) -> list[Job]:
        """Delivered jobs whose members are still to be called."""
        return await self._store.uncalled()

    async def get(self, job_id: int) -> Job | None:
        """A job by its number, from memory while it is open, else from its row."""
        return self._open.get(job_id) or await self._store.get(job_id)

    def waits(self, job_id: int) -> bool:
        """Whether a job stands in line."""
        job = self._open.get(job_id)
        return job is not None and job.status is Status.WAITING

    def waiting(self) -> Iterable[Job]:
        """All that stands in line or is being painted, oldest first."""
        return tuple(sorted(self._open, key=lambda job: job.id))

    def place(self, job: Job) -> Place:
        """Where a job stands, as of now; of one whose card is not shown yet, where it would."""
        return self._standing.place(job)

    def places(self) -> dict[int, Place]:
        """The places of the next 50, by job."""
        return self._standing.places()

    # Inside.

    def _moved(self, job: Job, place: Place) -> None:
        self._tell(self._waits(job, place))

    async def _find_again(self, job: Job) -> None:
        """An attempt was overtaken: a job whose row waits must not be missing in the line."""
        row = await self._store.get(job.id)
        if row is not None and row.status is Status.WAITING and job.id in self._open:
            self._standing.put(row)
            self._wake_for(row)

    def _tell_waiting(self, backend: str | None = None) -> None:
        """All that wait, or only those that a backend can paint, hear why, or that all is well."""
        places = self.places()
        for job in self.waiting():
            if job.status is Status.WAITING and (backend is None or backend in job.routes):
                self._tell(self._waits(job, places.get(job.id, LAST_PLACE)))

    def _laid_by(self, job: Job, done: Sequence[Picture]) -> None:
        before = self._backlog.full
        self._backlog.put(job.id, done)
        if self._backlog.full and not before:
            _log.error("pictures pile up unposted: none are begun", bytes=self._backlog.total)
            self._tell_waiting()

    def _posted(self, job: Job) -> None:
        before = self._backlog.full
        self._backlog.drop(job.id)
        self._room_again(before)

    def _room_again(self, before: bool) -> None:
        if before and not self._backlog.full:
            _log.info("pictures are begun again", bytes=self._backlog.total)
            self._tell_waiting()
            for event in self._wake.values():
                event.set()

    def _leaves(self, job: Job) -> None:
        self._stoppers.pop(job.id, None)
        self._standing.leave(job)
        if (age := self._ages.end(job.id)) is not None:
            self._waited[job.id] = age

    def _ended(self, job: Job) -> None:
        self._leaves(job)
        self._tell(JobEvent(job))

    def _wake_for(self, job: Job) -> None:
        for backend in job.routes:
            self.wake(backend).set()

    def _waits(self, job: Job, place: Place) -> JobEvent:
        return JobEvent(job, place=place, trouble=self.why_still(job))

    def why_still(self, job: Job) -> str | None:
        """Why a waiting job does not move just now, as a sentence; None when all is well."""
        if job.lane is not None and self._standing.line.paused(job.lane):
            return PAUSED
        if self._backlog.full:
            return FULL
        told = [self._troubles.get(backend) for backend in sorted(job.routes)]
        return told[0] if told and all(told) else None

    def _tell(self, event: JobEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                # News must not end the work that it is about.
                _log.exception("a listener broke", job=event.job.id)
