"""Who is next: the waiting jobs in memory, in the order of their turns.

Two levels of fairness (`fairness`): among guilds, then among the members of one; within a member
first come, first served. A backend that has a checkpoint loaded may take a job for it first, for
a while. Pure: no I/O, the clock is handed in. Rows are the truth, this is an index of them.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from bot.queue.fairness import Clock, cost_of

__all__ = ["Line", "Ticket", "cost_of"]

LOOK_AHEAD = 50
"""So far down the fair order a job for the loaded checkpoint is looked for."""
_FURTHEST = 1_000
"""So many jobs that may not be painted yet are passed by."""

Routes = frozenset[str]
Guild = int | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the line must know of a waiting job. Times are in seconds since the epoch.

    `id` is the job's and the order of arrival; `routes` the backends that can paint it; `guild`
    None is the one lane of all DMs; `cost` is GPU work (`fairness.cost_of`), `weight` the
    member's within the guild; `not_before` the time until which it must rest.
    """

    id: int
    routes: Routes
    guild: Guild
    member: int
    cost: float
    weight: float = 1.0
    model: str | None = None
    since: float = 0.0
    not_before: float = 0.0


class _Lane:
    """The waiting tickets of one guild and one set of routes, by member, in order."""

    __slots__ = ("first", "members", "size")

    def __init__(self, first: int) -> None:
        self.first = first
        self.members: dict[int, list[Ticket]] = {}
        self.size = 0

    def put(self, ticket: Ticket) -> None:
        held = self.members.setdefault(ticket.member, [])
        bisect.insort(held, ticket, key=lambda t: t.id)
        self.size += 1

    def take(self, ticket: Ticket) -> None:
        held = self.members[ticket.member]
        del held[bisect.bisect_left(held, ticket.id, key=lambda t: t.id)]
        self.size -= 1
        if not held:
            del self.members[ticket.member]


class Line:
    """The line. Adding, taking and removing cost the same however many wait."""

    def __init__(self) -> None:
        self._tickets: dict[int, Ticket] = {}
        self._lanes: dict[Routes, dict[Guild, _Lane]] = {}
        self._guilds = Clock()
        self._members: dict[Guild, Clock] = {}
        self._paused: set[Guild] = set()
        # Since when a ticket has been passed over for the sake of a loaded checkpoint.
        self._passed: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._tickets

    # Coming and going.

    def add(self, ticket: Ticket) -> None:
        """Puts a ticket into line; one that stands there already stays as it is."""
        if ticket.id in self._tickets:
            return
        self._begin(ticket)
        self._put(ticket)

    def remove(self, job_id: int) -> None:
        """Takes a ticket out of line, if it stands there; nobody is charged."""
        ticket = self._tickets.get(job_id)
        if ticket is not None:
            self._take(ticket)
            self._passed.pop(job_id, None)

    def put_back(self, ticket: Ticket) -> None:
        """A ticket that was chosen stands at its old place again, its charge undone."""
        self.correct(ticket, 0.0)
        if ticket.id not in self._tickets:
            self._put(ticket)

    def correct(self, ticket: Ticket, share: float) -> None:
        """At the end of a job: only `share` (0 to 1) of its cost was really spent."""
        unspent = ticket.cost * (1.0 - min(max(share, 0.0), 1.0))
        self._guilds.refund(ticket.guild, unspent)
        self._clock(ticket.guild).refund(ticket.member, unspent / ticket.weight)

    # Admins.

    def pause(self, guild: Guild) -> None:
        """The tickets of a guild keep their places and are not chosen."""
        self._paused.add(guild)

    def resume(self, guild: Guild) -> None:
        """They are chosen again."""
        self._paused.discard(guild)

    def paused(self, guild: Guild) -> bool:
        """Whether a guild's tickets rest."""
        return guild in self._paused

    # Whose turn.

    def next(
        self,
        backend: str,
        now: float,
        *,
        model: str | None = None,
        affinity_seconds: float = 0.0,
    ) -> Ticket | None:
        """Chooses for a backend that has `model` loaded, takes out, charges both lanes."""
        due = (t for t in self._order((backend,)) if t.not_before <= now)
        head = next(due, None)
        if head is None:
            return None
        chosen = head
        if model is not None and head.model not in (None, model):
            since = self._passed.get(head.id, now)
            if now - since < affinity_seconds:
                better = next((t for t in islice(due, LOOK_AHEAD) if t.model == model), None)
                if better is not None:
                    self._passed.setdefault(head.id, now)
                    chosen = better
        self._take(chosen)
        self._passed.pop(chosen.id, None)
        self._clock(chosen.guild).charge(chosen.member, chosen.cost / chosen.weight)
        self._guilds.charge(chosen.guild, chosen.cost)
        return chosen

    def ahead(self, most: int = LOOK_AHEAD) -> list[Ticket]:
        """The next `most` tickets in the order of their turns, if nothing else came.

        Those that rest for a moment keep their places; paused guilds come last.
        """
        first = list(islice(self._order(), most))
        if len(first) < most:
            resting = [
                t
                for lanes in self._lanes.values()
                for guild in self._paused & lanes.keys()
                for held in lanes[guild].members.values()
                for t in held
            ]
            first += sorted(resting, key=lambda t: t.id)[: most - len(first)]
        return first

    # Inside.

    def _begin(self, ticket: Ticket) -> None:
        """Lanes that were idle begin at the present."""
        lanes = [held[ticket.guild] for held in self._lanes.values() if ticket.guild in held]
        if not lanes:
            self._guilds.begin(ticket.guild)
        if not any(ticket.member in lane.members for lane in lanes):
            self._clock(ticket.guild).begin(ticket.member)

    def _put(self, ticket: Ticket) -> None:
        self._tickets[ticket.id] = ticket
        lanes = self._lanes.setdefault(ticket.routes, {})
        lanes.setdefault(ticket.guild, _Lane(ticket.id)).put(ticket)

    def _take(self, ticket: Ticket) -> None:
        held = self._tickets.pop(ticket.id)
        lanes = self._lanes[held.routes]
        lanes[held.guild].take(held)
        if not lanes[held.guild].size:
            del lanes[held.guild]
            if not lanes:
                del self._lanes[held.routes]

    def _clock(self, guild: Guild) -> Clock:
        return self._members.setdefault(guild, Clock())

    def _order(self, backends: Iterable[str] | None = None) -> Iterator[Ticket]:
        """All that `backends` may paint, in the order of turns; what is chosen is not taken."""
        wanted = None if backends is None else set(backends)
        walks = [
            _Walk(lanes, self._guilds, self._members, self._paused)
            for routes, lanes in self._lanes.items()
            if wanted is None or wanted & routes
        ]
        spent: dict[Guild, float] = {}
        spent_by: dict[tuple[Guild, int], float] = {}
        heads = [walk for walk in walks if walk.settle(spent)]
        while heads:
            walk = min(heads, key=lambda w: w.heap[0])
            yield walk.pop(spent, spent_by)
            heads = [w for w in heads if w.settle(spent)]


class _Walk:
    """A look along the lanes of one set of routes, which changes nothing.

    What it would have charged is in `spent` (by guild) and `spent_by` (by member), shared with
    the other walks of the same look.
    """

    def __init__(
        self,
        lanes: dict[Guild, _Lane],
        guilds: Clock,
        members: dict[Guild, Clock],
        paused: set[Guild],
    ) -> None:
        self._lanes, self._guilds, self._members = lanes, guilds, members
        # Guilds with equal virtual times come in the order in which they began to wait.
        self.heap = [
            (guilds.at(guild), lane.first, guild)
            for guild, lane in lanes.items()
            if guild not in paused
        ]
        heapq.heapify(self.heap)
        self._seen: dict[tuple[Guild, int], int] = {}
        self._left: dict[Guild, list[tuple[float, int, int]]] = {}

    def settle(self, spent: dict[Guild, float]) -> bool:
        """Brings the head up to date; whether anything is left."""
        while self.heap:
            at, oldest, guild = self.heap[0]
            really = self._guilds.at(guild) + spent.get(guild, 0.0)
            if really <= at:
                return True
            heapq.heapreplace(self.heap, (really, oldest, guild))
        return False

    def pop(self, spent: dict[Guild, float], spent_by: dict[tuple[Guild, int], float]) -> Ticket:
        """The head's ticket, charged in this look alone."""
        guild = self.heap[0][2]
        members = self._members_of(guild, spent_by)
        member = members[0][2]
        held, n = self._lanes[guild].members[member], self._seen.get((guild, member), 0)
        ticket = held[n]
        self._seen[guild, member] = n + 1
        spent[guild] = spent.get(guild, 0.0) + ticket.cost
        mine = spent_by[guild, member] = (
            spent_by.get((guild, member), 0.0) + ticket.cost / ticket.weight
        )
        if n + 1 < len(held):
            at = self._members[guild].at(member) + mine
            heapq.heapreplace(members, (at, held[n + 1].id, member))
        else:
            heapq.heappop(members)
        if not members:
            heapq.heappop(self.heap)
        return ticket

    def _members_of(
        self, guild: Guild, spent_by: dict[tuple[Guild, int], float]
    ) -> list[tuple[float, int, int]]:
        if guild not in self._left:
            clock = self._members[guild]
            self._left[guild] = [
                (clock.at(member) + spent_by.get((guild, member), 0.0), held[0].id, member)
                for member, held in self._lanes[guild].members.items()
            ]
            heapq.heapify(self._left[guild])
        return self._left[guild]
