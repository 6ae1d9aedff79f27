"""Who is next: the waiting jobs in memory, in the order of their turns.

Two levels of fairness (`fairness`): among guilds, then among the members of one; within a member
first come, first served. A backend that has a checkpoint loaded may take a job for it first, for
a while. Pure: no I/O, the clock is handed in. Rows are the truth, this is an index of them.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import EllipsisType

from bot.queue.fairness import Clock, cost_of
from bot.queue.turns import Look, Turn, Turns

__all__ = ["Line", "Ticket", "cost_of"]

LOOK_AHEAD = 50
"""So far down the fair order a job for the loaded checkpoint is looked for."""

Routes = frozenset[str]
Guild = int | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the line must know of a waiting job.

    `id` is the job's and the order of arrival; `routes` the backends that can paint it; `guild`
    None is the one lane of all DMs; `cost` is GPU work (`fairness.cost_of`), `weight` the
    member's within the guild; `not_before` the time, by the clock that is
    handed in, until which it must rest.
    """

    id: int
    routes: Routes
    guild: Guild
    member: int
    cost: float
    weight: float = 1.0
    model: str | None = None
    not_before: float = 0.0


class _Lane:
    """The waiting tickets of one guild and one set of routes, by member, in order."""

    __slots__ = ("first", "members", "order", "size")

    def __init__(self, first: int, clock: Clock) -> None:
        self.first = first
        self.size = 0
        self.members: dict[int, list[Ticket]] = {}
        self.order: Turns[int] = Turns(lambda m: (clock.at(m), self.members[m][0].id))

    def put(self, ticket: Ticket) -> None:
        held = self.members.setdefault(ticket.member, [])
        bisect.insort(held, ticket, key=_arrival)
        self.size += 1
        if held[0] is ticket:
            self.order.put(ticket.member)

    def take(self, ticket: Ticket) -> None:
        held = self.members[ticket.member]
        del held[bisect.bisect_left(held, ticket.id, key=_arrival)]
        self.size -= 1
        if not held:
            del self.members[ticket.member]
            self.order.discard(ticket.member)


class _Road:
    """The lanes of one set of routes; those of paused guilds are there, but not in `order`."""

    __slots__ = ("lanes", "order")

    def __init__(self, clock: Clock) -> None:
        self.lanes: dict[Guild, _Lane] = {}
        # Guilds with equal virtual times come in the order in which they began to wait.
        self.order: Turns[Guild] = Turns(lambda g: (clock.at(g), self.lanes[g].first))


class Line:
    """The line. Adding, taking and removing cost the same however many wait."""

    def __init__(self) -> None:
        self._tickets: dict[int, Ticket] = {}
        self._roads: dict[Routes, _Road] = {}
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
        self.add(ticket)

    def correct(self, ticket: Ticket, share: float) -> None:
        """At the end of a job: only `share` (0 to 1) of its cost was really spent."""
        unspent = ticket.cost * (1.0 - min(max(share, 0.0), 1.0))
        self._guilds.refund(ticket.guild, unspent)
        self._clock(ticket.guild).refund(ticket.member, unspent / ticket.weight)
        for road in self._roads.values():
            road.order.sooner(ticket.guild)
            if ticket.guild in road.lanes:
                road.lanes[ticket.guild].order.sooner(ticket.member)

    # Admins.

    def pause(self, guild: Guild) -> None:
        """The tickets of a guild keep their places and are not chosen."""
        self._paused.add(guild)
        for road in self._roads.values():
            road.order.discard(guild)

    def resume(self, guild: Guild) -> None:
        """They are chosen again."""
        self._paused.discard(guild)
        own = [routes for routes, road in self._roads.items() if guild in road.lanes]
        if own:
            # It has not saved up what it did not draw meanwhile.
            self._guilds.begin(guild, self._present(frozenset().union(*own)))
        for routes in own:
            self._roads[routes].order.put(guild)

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
        leave: Callable[[Ticket], bool] | None = None,
    ) -> Ticket | None:
        """Chooses for a backend that has `model` loaded, takes out, charges both lanes.

        `leave(ticket)`: whether one is better left to another backend, where it will be done
        sooner; so far down the line as affinity looks.
        """
        due = (t for t in self._order((backend,)) if t.not_before <= now)
        if leave is not None:
            due = (t for t in islice(due, LOOK_AHEAD) if not leave(t))
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
            first += islice(self._order(paused=True), most - len(first))
        return first

    # Inside.

    def _begin(self, ticket: Ticket) -> None:
        """Lanes that were idle begin where the next of their rivals stands."""
        guild, member = ticket.guild, ticket.member
        lanes = [road.lanes[guild] for road in self._roads.values() if guild in road.lanes]
        if not lanes:
            self._guilds.begin(guild, self._present(ticket.routes))
        if not any(member in lane.members for lane in lanes):
            rivals = [road.lanes[guild] for road in self._meeting(ticket.routes, guild)]
            self._clock(guild).begin(member, _latest(lane.order.least() for lane in rivals))

    def _present(self, routes: Routes) -> float | None:
        """Where the next of all who want the same backends stands.

        Of several roads it is the latest: on that one nobody is passed, and it is open.
        """
        return _latest(road.order.least() for road in self._meeting(routes))

    def _meeting(self, routes: Routes, guild: Guild | EllipsisType = ...) -> list[_Road]:
        """The roads that share a backend with `routes`; only those with lanes of `guild`."""
        return [
            road
            for others, road in self._roads.items()
            if routes & others and (guild is ... or guild in road.lanes)
        ]

    def _put(self, ticket: Ticket) -> None:
        guild = ticket.guild
        self._tickets[ticket.id] = ticket
        road = self._roads.get(ticket.routes)
        if road is None:
            road = self._roads[ticket.routes] = _Road(self._guilds)
        lane = road.lanes.get(guild)
        if lane is None:
            lane = road.lanes[guild] = _Lane(ticket.id, self._clock(guild))
            if guild not in self._paused:
                road.order.put(guild)
        lane.put(ticket)

    def _take(self, ticket: Ticket) -> None:
        held = self._tickets.pop(ticket.id)
        road = self._roads[held.routes]
        lane = road.lanes[held.guild]
        lane.take(held)
        if not lane.size:
            del road.lanes[held.guild]
            road.order.discard(held.guild)
            if not road.lanes:
                del self._roads[held.routes]
        others = [r.lanes[held.guild] for r in self._roads.values() if held.guild in r.lanes]
        if not others:
            self._guilds.rest(held.guild)
        if not any(held.member in other.members for other in others):
            self._clock(held.guild).rest(held.member)

    def _clock(self, guild: Guild) -> Clock:
        return self._members.setdefault(guild, Clock())

    def _order(
        self, backends: Iterable[str] | None = None, *, paused: bool = False
    ) -> Iterator[Ticket]:
        """All that `backends` may paint, in the order of turns; what is chosen is not taken.

        `paused`: instead those that rest, in the order in which they would have their turns.
        """
        wanted = None if backends is None else set(backends)
        spent = _Spent(self._guilds, self._members)
        walks = [
            _Walk(road, spent, self._resting(road) if paused else road.order)
            for routes, road in self._roads.items()
            if wanted is None or wanted & routes
        ]
        while True:
            heads = [(turn, n) for n, walk in enumerate(walks) if (turn := walk.head()) is not None]
            if not heads:
                return
            yield walks[min(heads)[1]].pop()

    def _resting(self, road: _Road) -> Turns[Guild]:
        order: Turns[Guild] = Turns(lambda g: (self._guilds.at(g), road.lanes[g].first))
        for guild in self._paused & road.lanes.keys():
            order.put(guild)
        return order


class _Spent:
    """The clocks as they would be in one look, with what it would have charged so far."""

    def __init__(self, guilds: Clock, members: dict[Guild, Clock]) -> None:
        self._guilds, self._members = guilds, members
        self._by_guild: dict[Guild, float] = {}
        self._by_member: dict[tuple[Guild, int], float] = {}

    def guild(self, guild: Guild) -> float:
        return self._guilds.at(guild) + self._by_guild.get(guild, 0.0)

    def member(self, guild: Guild, member: int) -> float:
        return self._members[guild].at(member) + self._by_member.get((guild, member), 0.0)

    def charge(self, ticket: Ticket) -> None:
        lane = (ticket.guild, ticket.member)
        self._by_guild[ticket.guild] = self._by_guild.get(ticket.guild, 0.0) + ticket.cost
        self._by_member[lane] = self._by_member.get(lane, 0.0) + ticket.cost / ticket.weight


class _Walk:
    """A look along one road, which changes nothing but `spent`."""

    def __init__(self, road: _Road, spent: _Spent, order: Turns[Guild]) -> None:
        self._lanes, self._spent = road.lanes, spent
        self._guilds = order.look(lambda g: (spent.guild(g), road.lanes[g].first))
        self._members: dict[Guild, Look[int]] = {}
        # How many of a member's tickets were passed.
        self._seen: dict[tuple[Guild, int], int] = {}

    def head(self) -> Turn | None:
        """When the next ticket is due; None at the end."""
        head = self._guilds.head()
        return None if head is None else head[0]

    def pop(self) -> Ticket:
        """The next ticket, charged in this look alone. There must be one."""
        guild = self._guilds.first()
        members = self._members.get(guild)
        if members is None:
            members = self._members[guild] = self._look(guild)
        member = members.first()
        held, n = self._lanes[guild].members[member], self._seen.get((guild, member), 0)
        self._spent.charge(held[n])
        self._seen[guild, member] = n + 1
        if n + 1 == len(held):
            members.drop()
            if members.head() is None:
                self._guilds.drop()
        return held[n]

    def _look(self, guild: Guild) -> Look[int]:
        lane, spent, seen = self._lanes[guild], self._spent, self._seen

        def turn(member: int) -> Turn:
            next_ticket = lane.members[member][seen.get((guild, member), 0)]
            return spent.member(guild, member), next_ticket.id

        return lane.order.look(turn)


def _latest(turns: Iterable[Turn | None]) -> float | None:
    return max((turn[0] for turn in turns if turn is not None), default=None)


def _arrival(ticket: Ticket) -> int:
    return ticket.id
