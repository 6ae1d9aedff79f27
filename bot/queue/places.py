"""Where everybody stands: places and times, from what was measured and a look ahead.

`Pace` learns how long each backend takes; `places` plays the next claims through (50 at the
most) on all slots, as if nothing else came. Pure arithmetic; times are in seconds.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.queue.job import Job, Place
from bot.queue.line import Ticket

MOST = 50
"""So many places are counted; what stands further back is told "50+"."""
_NEWEST = 0.3
"""The share of the newest measurement: a backend that became slower is believed after a few."""


class Pace:
    """Seconds for a unit of work, by backend, model and size; what is unknown is borrowed."""

    def __init__(self) -> None:
        self._measured: dict[tuple[object, ...], float] = {}

    def learn(self, job: Job, cost: float, seconds: float) -> None:
        """A job of so much work (`fairness.cost_of`) took so long, from claim to picture."""
        if cost <= 0 or seconds <= 0:
            return
        for key in self._keys(job.route, job):
            known = self._measured.get(key)
            now = seconds / cost
            self._measured[key] = now if known is None else known + (now - known) * _NEWEST

    def expect(self, backend: str, job: Job, cost: float) -> float | None:
        """How long a job should take there; None before anything was measured there."""
        found = (self._measured.get(key) for key in self._keys(backend, job))
        each = next((pace for pace in found if pace is not None), None)
        return None if each is None else each * cost

    @staticmethod
    def _keys(backend: str, job: Job) -> tuple[tuple[object, ...], ...]:
        request = job.request
        size = round(math.log2(max(request.pixels, 1)))
        how = request.kind in ("txt2img", "img2img")
        return (backend, request.model, size, how), (backend, request.model, how), (backend, how)


def places(
    ahead: Sequence[Ticket],
    running: Iterable[tuple[str, float | None]],
    slots: Mapping[str, int],
    expect: Callable[[Ticket, str], float | None],
) -> dict[int, Place]:
    """The places of the next tickets, by job.

    `running`: for each running job its backend and how many seconds are left (None: unknown).
    `slots`: how many jobs each backend does at once. Positions count those before that could be
    painted by the same backends.
    """
    free = slots_of(running, slots)
    found: dict[int, Place] = {}
    passed: Counter[frozenset[str]] = Counter()
    for ticket in ahead:
        before = sum(n for routes, n in passed.items() if routes & ticket.routes)
        passed[ticket.routes] += 1
        found[ticket.id] = Place(before + 1, _take(free, ticket, expect))
    return found


def slots_of(
    running: Iterable[tuple[str, float | None]], slots: Mapping[str, int]
) -> dict[str, list[float]]:
    """For each backend a heap of the seconds until each of its slots is free."""
    free: dict[str, list[float]] = {name: [] for name in slots}
    for backend, left in running:
        free.setdefault(backend, []).append(math.nan if left is None else left)
    for name, count in slots.items():
        times = [t for t in free[name] if not math.isnan(t)]
        unknown = len(free[name]) - len(times)
        times += [math.inf] * unknown + [0.0] * max(0, count - len(times) - unknown)
        free[name] = times
        heapq.heapify(times)
    return free


def _take(
    free: dict[str, list[float]], ticket: Ticket, expect: Callable[[Ticket, str], float | None]
) -> float | None:
    """Puts a ticket onto the slot that will be free soonest; when it will be done there."""
    able = [name for name in ticket.routes if free.get(name)]
    if not able:
        return None
    name = min(able, key=lambda n: free[n][0])
    begin, takes = free[name][0], expect(ticket, name)
    if takes is None or math.isinf(begin):
        return None
    heapq.heapreplace(free[name], begin + takes)
    return begin + takes
