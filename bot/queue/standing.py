"""Who stands where: the open jobs in memory, their turns, their places, and when those change.

The rows are the truth; this follows a step only after the row has taken it. What was claimed is
remembered with its ticket, so that it can stand at its old place again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from bot.queue import stopwatch
from bot.queue.fairness import cost_of
from bot.queue.job import Job, Place, Status
from bot.queue.line import Line, Ticket
from bot.queue.places import MOST, Pace, places, slots_of
from bot.queue.register import Register

FRESH_SECONDS = 10.0
"""Waiting times are looked at again this often while a job goes on."""
PLACES_SECONDS = 0.25
"""Places are worked out anew at most this often: many steps of the line are one piece of news."""
CLEARLY = 0.8
"""The share of our own time that another backend must not need, or a job is not left to it."""
LEFT_SECONDS = 30.0
"""A job is left to a faster backend for so long at the most."""
LAST_PLACE = Place(MOST, None, beyond=True)
"""The place of all that stands further back than is counted."""


class Standing:
    """`changed(job, place)` hears of every place that has changed, a moment afterwards.

    `slots`: how many jobs each backend does at once.
    """

    def __init__(self, slots: Mapping[str, int], changed: Callable[[Job, Place], None]) -> None:
        self.open = Register()
        self.line = Line()
        self._slots = slots
        self._changed = changed
        self._pace = Pace()
        self._claimed: dict[int, Ticket] = {}
        self._began: dict[int, float] = {}
        self._places: dict[int, Place] = {}
        # When running jobs should end, as they told themselves; when places were last looked at.
        self._ends: dict[int, float] = {}
        # Since when a job has been left to a faster backend.
        self._left_since: dict[int, float] = {}
        self._looked = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._quiet = False

    # Coming and going.

    def put(self, job: Job) -> None:
        """A job that is open: it waits, or an earlier run left it running."""
        self.open.put(job)
        if job.status is Status.WAITING:
            self._claimed.pop(job.id, None)
            self.line.remove(job.id)
            self.line.add(_ticket(job))
        self.soon()

    def next(
        self,
        backend: str,
        model: str | None,
        affinity_seconds: float,
        usable: Callable[[str], bool] = lambda _: True,
    ) -> Ticket | None:
        """Whose turn it is on a backend that has `model` loaded; `usable`: which others work."""
        now = stopwatch.now()
        others = [name for name in self._slots if name != backend and usable(name)]
        ends = self._soonest(others, now) if others else {}
        return self.line.next(
            backend,
            now,
            model=model,
            affinity_seconds=affinity_seconds,
            leave=(lambda ticket: self._left_to_others(ticket, backend, ends, now))
            if ends
            else None,
        )

    def claimed(self, ticket: Ticket, job: Job) -> None:
        """The row says that it runs."""
        self._claimed[job.id] = ticket
        self._left_since.pop(job.id, None)
        self._began[job.id] = stopwatch.now()
        self.open.put(job)
        self.soon()

    def lost(self, ticket: Ticket) -> None:
        """A ticket whose row has moved on: nothing was done for it."""
        self.line.correct(ticket, 0.0)
        self.open.pop(ticket.id)

    def back(self, job: Job, delay: float) -> None:
        """A claimed job waits at its old place again, and rests for `delay` seconds."""
        self.open.put(job)
        self._ends.pop(job.id, None)
        self._began.pop(job.id, None)
        until = stopwatch.now() + delay
        ticket = self._claimed.pop(job.id, None)
        if ticket is not None:
            self.line.put_back(replace(ticket, not_before=until))
        else:
            self.line.add(replace(_ticket(job), not_before=until))
        self.soon()

    def leave(self, job: Job) -> None:
        """A job that is open no more; work that was not done is not charged."""
        self.open.pop(job.id)
        self._places.pop(job.id, None)
        self._ends.pop(job.id, None)
        self._left_since.pop(job.id, None)
        self.line.remove(job.id)
        ticket = self._claimed.pop(job.id, None)
        if ticket is not None and job.status is not Status.PAINTED:
            self.line.correct(ticket, self._spent(job, ticket))
        self._began.pop(job.id, None)
        self.soon()

    # What is known of time.

    def learn(self, job: Job) -> None:
        """A whole job has been painted: how long it took is remembered."""
        if job.id in self._began:
            seconds = stopwatch.now() - self._began[job.id]
            self._pace.learn(job, cost_of(job.request), seconds)

    def goes_on(self, job: Job, eta_seconds: float | None) -> None:
        """A running job told how far it is; those who wait may hear of it."""
        now = stopwatch.now()
        if eta_seconds is not None:
            self._ends[job.id] = now + eta_seconds
        if len(self.line) and now - self._looked > FRESH_SECONDS:
            self.soon()

    # Where.

    def place(self, job: Job) -> Place:
        """Where a job stands, as of now; of one whose card is not shown yet, where it would."""
        if job.id in self.line:
            return self.places().get(job.id, LAST_PLACE)
        self.line.add(_ticket(job))
        try:
            return self.places(job).get(job.id, LAST_PLACE)
        finally:
            self.line.remove(job.id)

    def told(self, job: Job, place: Place) -> None:
        """The place that was told; it is news again only when it changes."""
        self._places[job.id] = place

    def places(self, also: Job | None = None) -> dict[int, Place]:
        """The places of the next 50, by job; `also` stands in line without being open yet."""
        now = stopwatch.now()
        running = [job for n in self._claimed if (job := self.open.get(n)) is not None]
        left = [(job.route, self._left(job, now)) for job in running]

        def expect(ticket: Ticket, backend: str) -> float | None:
            job = self.open.get(ticket.id) or also
            return None if job is None else self._pace.expect(backend, job, ticket.cost)

        return places(self.line.ahead(MOST), left, self._slots, expect)

    def soon(self) -> None:
        """Soon, and once for many steps: everybody whose place has changed hears of it."""
        if self._telling is None and not self._quiet:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(PLACES_SECONDS, self._look)

    def quiet(self) -> None:
        """The bot is being stopped: from now on nobody hears that their place has changed."""
        self._quiet = True
        if self._telling is not None:
            self._telling.cancel()

    # Inside.

    def _look(self) -> None:
        self._telling, self._looked = None, stopwatch.now()
        before, self._places = self._places, self.places()
        for job_id, place in self._places.items():
            job = self.open.get(job_id)
            if job is not None and before.get(job_id) != place:
                self._changed(job, place)

    def _soonest(self, others: Iterable[str], now: float) -> dict[str, float]:
        """In how many seconds each of the others has a slot free, as far as that is known."""
        running = [job for n in self._claimed if (job := self.open.get(n)) is not None]
        free = slots_of([(job.route, self._left(job, now)) for job in running], self._slots)
        return {name: free[name][0] for name in others if free[name] and free[name][0] < math.inf}

    def _left_to_others(
        self, ticket: Ticket, backend: str, ends: Mapping[str, float], now: float
    ) -> bool:
        """Whether another backend, busy as it may be, will have it done clearly sooner.

        Nobody is left for long: what is expected may not come true.
        """
        job = self.open.get(ticket.id)
        here = None if job is None else self._pace.expect(backend, job, ticket.cost)
        if job is None or here is None:
            return False
        for other in ticket.routes & ends.keys():
            there = self._pace.expect(other, job, ticket.cost)
            if there is not None and ends[other] + there < here * CLEARLY:
                since = self._left_since.setdefault(ticket.id, now)
                return now - since < LEFT_SECONDS
        return False

    def _spent(self, job: Job, ticket: Ticket) -> float:
        """The share of its work that a job has had when it ended early: by time."""
        expected = self._pace.expect(job.route, job, ticket.cost)
        if not expected or job.id not in self._began:
            return 1.0
        return min(1.0, (stopwatch.now() - self._began[job.id]) / expected)

    def _left(self, job: Job, now: float) -> float | None:
        if job.id in self._ends:
            return max(0.0, self._ends[job.id] - now)
        expected = self._pace.expect(job.route, job, cost_of(job.request))
        if expected is None or job.id not in self._began:
            return None
        return max(0.0, expected - (now - self._began[job.id]))


def _ticket(job: Job) -> Ticket:
    return Ticket(
        id=job.id,
        routes=job.routes,
        guild=job.lane,
        member=job.guest.user_id,
        cost=cost_of(job.request),
        weight=job.weight,
        model=job.request.model,
    )
