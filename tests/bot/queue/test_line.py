"""Whose turn it is: fair between guilds and within them, and nothing is lost on the way."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.queue.line import Line, Ticket

MAIN = frozenset({"main"})
BOTH = frozenset({"main", "far"})
COSTS = st.sampled_from([0.5, 1.0, 3.0, 20.0])
TICKETS = st.lists(
    st.builds(
        Ticket,
        id=st.just(0),
        routes=st.sampled_from([MAIN, frozenset({"far"}), BOTH]),
        guild=st.sampled_from([None, 1, 2, 3]),
        member=st.integers(1, 4),
        cost=COSTS,
        weight=st.sampled_from([1.0, 3.0]),
        model=st.sampled_from([None, "a", "b"]),
    ),
    max_size=40,
).map(lambda found: [_numbered(t, n) for n, t in enumerate(found, 1)])


def _numbered(ticket: Ticket, n: int) -> Ticket:
    return Ticket(
        n, ticket.routes, ticket.guild, ticket.member, ticket.cost, ticket.weight, ticket.model
    )


def line_of(*tickets: Ticket) -> Line:
    """All of them in line."""
    line = Line()
    for ticket in tickets:
        line.add(ticket)
    return line


def served(line: Line, most: int = 10_000, backend: str = "main") -> list[Ticket]:
    """The next claims, one after the other."""
    found: list[Ticket] = []
    while len(found) < most and (ticket := line.next(backend, 0.0)) is not None:
        found.append(ticket)
    return found


def simple(n: int, guild: int | None = 1, member: int = 1, **more: object) -> Ticket:
    """A ticket of one unit of work."""
    return Ticket(n, MAIN, guild, member, 1.0, **more)  # type: ignore[arg-type]


# -- fair ------------------------------------------------------------------------------------------


def test_one_guild_with_500_waiting_holds_nobody_up() -> None:
    line = line_of(*(simple(n) for n in range(1, 501)), *(simple(500 + g, g) for g in range(2, 11)))
    first = [ticket.guild for ticket in served(line, 10)]
    assert sorted(first, key=str) == sorted(range(1, 11), key=str)


def test_equal_guilds_get_equal_shares() -> None:
    """Jain's index over what ten guilds got of an overloaded painter is one."""
    line = line_of(*(simple(n, n % 10, n % 70) for n in range(1, 3_001)))
    got = Counter(ticket.guild for ticket in served(line, 1_005)).values()
    assert sum(got) ** 2 / (len(got) * sum(x * x for x in got)) >= 0.99


def test_five_of_one_member_delay_anothers_first_by_one_at_most() -> None:
    line = line_of(*(simple(n, member=1) for n in range(1, 6)), simple(6, member=2))
    assert 6 in [ticket.id for ticket in served(line, 2)]


def test_what_is_shared_is_work_and_not_orders() -> None:
    heavy = [Ticket(n, MAIN, 1, 1, 10.0) for n in range(1, 21)]
    light = [Ticket(100 + n, MAIN, 2, 2, 1.0) for n in range(1, 201)]
    got = Counter(ticket.guild for ticket in served(line_of(*heavy, *light), 110))
    assert got[2] == pytest.approx(10 * got[1], abs=11)


def test_a_weight_counts_within_the_guild_alone() -> None:
    dear = [simple(n, 1, 1, weight=3.0) for n in range(1, 61)]
    others = [simple(100 + n, 1, 2) for n in range(1, 61)]
    elsewhere = [simple(200 + n, 2, 3) for n in range(1, 61)]
    got = Counter(ticket.member for ticket in served(line_of(*dear, *others, *elsewhere), 80))
    assert got[3] == pytest.approx(40, abs=1)
    assert got[1] == pytest.approx(3 * got[2], abs=3)


def test_who_was_idle_has_nothing_saved_up() -> None:
    line = line_of(*(simple(n) for n in range(1, 101)))
    served(line, 50)
    for n in range(200, 260):
        line.add(simple(n, 2, 2))
    got = Counter(ticket.guild for ticket in served(line, 40))
    assert got[1] == pytest.approx(got[2], abs=1)


# -- whoever was served out of turn is not waited for ----------------------------------------------


def slot_of(line: Line, wanted: int, backend: str = "main") -> int:
    """Which of the next claims is this ticket's."""
    return [ticket.id for ticket in served(line, backend=backend)].index(wanted) + 1


def test_a_newcomer_does_not_wait_for_what_affinity_put_first() -> None:
    line = line_of(
        *(simple(n, 1, 1, model="a") for n in range(1, 101)),
        *(simple(n, 2, 2, model="b") for n in range(101, 201)),
    )
    for second in range(50):
        line.next("main", float(second), model="b", affinity_seconds=60)
    line.add(simple(999, 3, 3, model="a"))
    assert slot_of(line, 999) <= 2


def test_a_newcomer_at_a_slow_backend_does_not_wait_for_what_a_fast_one_did() -> None:
    far = frozenset({"far"})
    line = line_of(*(simple(n) for n in range(1, 601)))
    for n in range(601, 651):
        line.add(Ticket(n, far, 2, n % 10, 1.0))
    for n in range(300):
        line.next("main", 0.0)
        if n % 50 == 0:
            line.next("far", 0.0)
    line.add(Ticket(999, far, 3, 3, 1.0))
    assert slot_of(line, 999, "far") <= 2


def test_nor_does_a_member_within_a_guild() -> None:
    far = frozenset({"far"})
    line = line_of(*(simple(n) for n in range(1, 301)))
    for n in range(301, 321):
        line.add(Ticket(n, far, 1, 2, 1.0))
    served(line, 200)
    line.add(Ticket(999, far, 1, 3, 1.0))
    assert slot_of(line, 999, "far") <= 2


def test_a_guild_that_was_paused_has_nothing_saved_up() -> None:
    line = line_of(*(simple(n) for n in range(1, 51)))
    line.pause(1)
    for n in range(51, 351):
        line.add(simple(n, 2, 2))
    served(line, 200)
    line.resume(1)
    got = Counter(ticket.guild for ticket in served(line, 40))
    assert got[1] == pytest.approx(got[2], abs=2)


def test_nor_has_a_job_that_comes_back_late() -> None:
    line = line_of(simple(1))
    (ticket,) = served(line, 1)
    for n in range(10, 410):
        line.add(simple(n, 2, 2))
    served(line, 200)
    line.put_back(ticket)
    for n in range(1000, 1040):
        line.add(simple(n, 1, 1))
    got = Counter(ticket.guild for ticket in served(line, 40))
    assert got[1] == pytest.approx(got[2], abs=2)


# -- affinity --------------------------------------------------------------------------------------


def alternating(count: int = 60) -> Line:
    """Two guilds with a checkpoint each, in turns."""
    return line_of(*(simple(n, n % 2, n % 2, model="ab"[n % 2]) for n in range(1, count + 1)))


def painted(line: Line, affinity: float, load: float = 10.0) -> tuple[float, float]:
    """How long all takes when a change of the checkpoint costs ten pictures, and the longest
    time that anything was passed over for the loaded one."""
    now, loaded, longest = 0.0, "a", 0.0
    passed: dict[int, float] = {}
    while True:
        fair = line.ahead(1)
        ticket = line.next("main", now, model=loaded, affinity_seconds=affinity)
        if ticket is None:
            return now, longest
        if fair and fair[0].id != ticket.id:
            passed.setdefault(fair[0].id, now)
        if ticket.id in passed:
            longest = max(longest, now - passed[ticket.id])
        now += 1.0 if ticket.model == loaded else 1.0 + load
        loaded = ticket.model or loaded


def test_affinity_is_worth_four_times_the_throughput_within_its_bound() -> None:
    strict, _ = painted(alternating(), 0.0)
    friendly, longest = painted(alternating(), 60.0)
    assert strict / friendly >= 4
    assert longest <= 60.0 + 11.0  # a slot comes free only when the job before it has ended


def test_what_was_passed_over_long_enough_comes_whatever_is_loaded() -> None:
    line = line_of(simple(1, 1, model="b"), *(simple(n, 2, model="a") for n in range(2, 40)))
    line.add(simple(99, 3, model="a"))
    line.next("main", 0.0, model="a", affinity_seconds=5)
    assert line.next("main", 6.0, model="a", affinity_seconds=5) is not None
    taken = [line.next("main", 6.0, model="a", affinity_seconds=5) for _ in range(3)]
    assert 1 not in line or 1 in [t.id for t in taken if t]


# -- nothing is lost -------------------------------------------------------------------------------


@given(TICKETS, st.data())
def test_everything_is_served_once_by_who_can(tickets: list[Ticket], data: st.DataObject) -> None:
    line = line_of(*tickets)
    gone: list[int] = []
    while len(line):
        backend = data.draw(st.sampled_from(["main", "far"]))
        model = data.draw(st.sampled_from([None, "a", "b"]))
        ticket = line.next(backend, 0.0, model=model, affinity_seconds=10)
        if ticket is None:
            assert not any(backend in t.routes for t in tickets if t.id in line)
            other = {"main": "far", "far": "main"}[backend]
            ticket = line.next(other, 0.0)
            assert ticket is not None
            backend = other
        assert backend in ticket.routes
        gone.append(ticket.id)
    assert sorted(gone) == [t.id for t in tickets]


@given(TICKETS)
def test_looking_ahead_tells_what_comes_and_changes_nothing(tickets: list[Ticket]) -> None:
    mine = [t for t in tickets if "main" in t.routes]
    line = line_of(*mine)
    told = [t.id for t in line.ahead(50)]
    assert told == [t.id for t in line.ahead(50)]
    assert told[: len(mine)] == [t.id for t in served(line)]


@given(TICKETS, st.integers(0, 39))
def test_what_is_put_back_stands_where_it_stood(tickets: list[Ticket], steps: int) -> None:
    line = line_of(*tickets)
    served(line, steps)
    before = [t.id for t in line.ahead(50)]
    ticket = line.next("main", 0.0)
    if ticket is not None:
        line.put_back(ticket)
    assert Counter(t.id for t in line.ahead(50)) == Counter(before)
    assert len(line) == len(before)


@given(TICKETS, st.data())
def test_removing_is_idempotent_and_leaves_the_others(
    tickets: list[Ticket], data: st.DataObject
) -> None:
    line = line_of(*tickets)
    out = data.draw(st.sets(st.integers(1, 60)))
    for n in [*out, *out]:
        line.remove(n)
    assert {t.id for t in line.ahead(100)} == {t.id for t in tickets} - out


def test_the_same_ticket_stands_in_line_once() -> None:
    line = line_of(simple(1), simple(1))
    assert [t.id for t in served(line)] == [1]


def test_one_that_rests_does_not_block_its_members_others() -> None:
    line = line_of(simple(1, not_before=5.0), simple(2))
    assert line.next("main", 0.0) == simple(2)
    assert line.next("main", 0.0) is None
    ticket = line.next("main", 5.0)
    assert ticket is not None
    assert ticket.id == 1


def test_a_paused_guild_keeps_its_places() -> None:
    line = line_of(simple(1, 1), simple(2, 2), simple(3, 1))
    line.pause(1)
    assert [t.id for t in served(line)] == [2]
    assert [t.id for t in line.ahead()] == [1, 3]
    line.resume(1)
    assert [t.id for t in served(line)] == [1, 3]


def test_work_that_was_not_done_is_not_charged() -> None:
    line = line_of(simple(1, 1), simple(2, 1), simple(3, 2, 2), simple(4, 2, 2))
    first = line.next("main", 0.0)
    assert first is not None
    line.correct(first, 0.0)
    assert [t.id for t in served(line, 1)] == [2]
