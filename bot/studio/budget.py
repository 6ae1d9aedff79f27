"""The operator's ceilings of a day: how many pictures a backend paints, and how many of them for
one server.

Counted from the rows at the start, and from the queue's news afterwards. An order counts against
all backends that may paint it until one has claimed it, so that no ceiling is ever passed; what
fails, expires or is cancelled is given back. A day is UTC's, and an order's the one it was made
on. All direct messages are one server together, as they are one lane in the line.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bot.errors import Refusal
from bot.queue.job import Job, JobEvent, NewJob, Status
from bot.queue.past import RETURNED, Counted, Past
from bot.settings.aws import Budget
from bot.values.request import ImageRequest

DAY_SECONDS = 86_400
_PAINTING = frozenset({"txt2img", "img2img", "upscale"})
_EVERYBODY = "all"
_Account = tuple[str, int | str | None]
"""A backend, and a lane of it or everybody."""


@dataclass(frozen=True)
class Used:
    """What a backend has painted or promised today, and its ceiling (None: there is none)."""

    pictures: int
    most: int | None


@dataclass(frozen=True)
class _Held:
    """What an open job has taken."""

    routes: frozenset[str]
    lane: int | None
    count: int


class Budgets:
    """`ceilings` by backend. Everything from memory but `load`."""

    def __init__(self, ceilings: Mapping[str, Budget]) -> None:
        self._ceilings = {
            name: budget
            for name, budget in ceilings.items()
            if budget.pictures_per_day is not None or budget.per_guild is not None
        }
        self._taken: Counter[_Account] = Counter()
        self._held: dict[int, _Held] = {}
        self._day = _today()

    async def load(self, past: Past) -> None:
        """Today's pictures, from the rows. Raises DatabaseUnavailable."""
        if not self._ceilings:
            return
        self._taken.clear()
        self._held.clear()
        self._day = _today()
        for row in await past.counted(self._day * DAY_SECONDS):
            self._count(row)

    # Asking.

    def room(self, routes: Iterable[str], lane: int | None, request: ImageRequest) -> list[str]:
        """The backends that still may paint a request today, in the order given.

        Raises Refusal, with when there will be room again, when none of them may.
        """
        asked = list(routes)
        count = pictures(request.kind, request.count)
        left = {route: self._left(route, lane) for route in asked}
        able = [route for route in asked if not count or left[route] >= count]
        if able or not asked:
            return able
        most = max(left.values())
        again = f"New ones from 00:00 UTC: <t:{(self._day + 1) * DAY_SECONDS}:R>."
        if most > 0:
            pieces = "1 picture is" if most == 1 else f"{most:.0f} pictures are"
            raise Refusal(f"Only {pieces} left for today here. {again}")
        raise Refusal(f"The pictures for today are used up here. {again}")

    def hopeful(self, routes: Sequence[str], lane: int | None) -> list[str]:
        """The same backends, those behind the others that paint nothing more today."""
        return sorted(routes, key=lambda route: self._left(route, lane) <= 0)

    def used(self, route: str) -> Used:
        """How far a backend is today."""
        self._turn()
        ceiling = self._ceilings.get(route)
        most = ceiling.pictures_per_day if ceiling else None
        return Used(self._taken[route, _EVERYBODY], most)

    # Counting.

    @contextmanager
    def writing(self, new: NewJob) -> Iterator[NewJob]:
        """While the row of an order is written; the order as those may paint it who still may.

        Raises Refusal as `room` does.
        """
        every = [new.route, *sorted(new.routes - {new.route})]
        lane = new.guest.guild_id if new.address.reachable else None
        able = self.room(every, lane, new.request)
        if able != every:
            new = replace(new, route=able[0], routes=frozenset(able))
        held = _Held(frozenset(able), lane, pictures(new.request.kind, new.request.count))
        day = self._day
        self._add(held, held.count)
        try:
            yield new
        finally:
            if self._day == day:
                self._add(held, -held.count)

    def put(self, job: Job) -> None:
        """A new order."""
        self._turn()
        if job.created_at >= self._day * DAY_SECONDS:
            made, request = job.created_at, job.request
            routes, lane = _routes(job), job.lane
            self._count(Counted(job.id, routes, lane, request.kind, request.count, made, open=True))

    def widened(self, job: Job, able: frozenset[str]) -> frozenset[str]:
        """Of those that can paint a waiting order now, those that may; it counts there as well."""
        count = pictures(job.request.kind, job.request.count)
        may = {r for r in able if r in job.routes or self._left(r, job.lane) >= count}
        held = self._held.get(job.id)
        if held is not None:
            self._move(job.id, held, frozenset(may))
        return frozenset(may)

    def withdraw(self, job_id: int) -> None:
        """An order whose card nobody has seen."""
        self._release(job_id)

    def hear(self, event: JobEvent) -> None:
        """The queue's news: who paints it now, or how it ended."""
        job = event.job
        held = self._held.get(job.id)
        if held is None:
            return
        if job.status in RETURNED:
            self._release(job.id)
        elif not job.status.open:
            self._move(job.id, held, frozenset({job.route}))
            del self._held[job.id]
        else:
            self._move(job.id, held, _routes(job))

    # Inside.

    def _left(self, route: str, lane: int | None) -> float:
        """How many pictures a backend may still paint today for a lane."""
        self._turn()
        ceiling = self._ceilings.get(route)
        if ceiling is None:
            return float("inf")
        mosts = ((ceiling.pictures_per_day, _EVERYBODY), (ceiling.per_guild, lane))
        return min(m - self._taken[route, who] for m, who in mosts if m is not None)

    def _count(self, job: Counted) -> None:
        held = _Held(job.routes, job.lane, pictures(job.kind, job.count))
        self._add(held, held.count)
        if job.open:
            self._held[job.id] = held

    def _move(self, job_id: int, held: _Held, routes: frozenset[str]) -> None:
        self._add(held, -held.count)
        moved = _Held(routes, held.lane, held.count)
        self._add(moved, moved.count)
        self._held[job_id] = moved

    def _release(self, job_id: int) -> None:
        held = self._held.pop(job_id, None)
        if held is not None:
            self._add(held, -held.count)

    def _add(self, held: _Held, count: int) -> None:
        for route in held.routes:
            self._taken[route, _EVERYBODY] += count
            self._taken[route, held.lane] += count

    def _turn(self) -> None:
        """A new day begins with nothing; what is still open was yesterday's."""
        if _today() != self._day:
            self._day = _today()
            self._taken.clear()
            self._held.clear()


def pictures(kind: str, count: int) -> int:
    """How many pictures an order counts for: words and loaded models are none."""
    return count if kind in _PAINTING else 0


def _routes(job: Job) -> frozenset[str]:
    if job.status is Status.WAITING and job.routes:
        return job.routes
    return frozenset({job.route})


def _today() -> int:
    """Days since the epoch, in UTC."""
    return int(time.time() // DAY_SECONDS)
