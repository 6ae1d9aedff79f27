"""Who waits for whom: shares of guilds and members, and what a loaded checkpoint is worth.

In simulated time (`simulation`): real orders through the real queue and worker, a painter that
takes a second for a picture. A slot is one claim. Beside each figure stands what first come,
first served gives for the very same orders.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from bot.queue.job import Job
from bot.queue.queue import Habits, Queue, Stop
from bot.queue.store import Store
from tests.benchmarks.simulation import Claim, Simulation, TimedPainter, now, simulate, studio

SECOND = 1.0
"""A picture."""
LEAST_JAIN = 0.99


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


# Guilds.

CROWD = 500


@pytest.mark.parametrize("painted", [0, 100])
def test_a_guild_with_500_waiting_holds_nobody_up(tmp_path: Path, painted: int) -> None:
    """Nine others come with one order each, when so many of the crowd's have been painted."""

    async def story() -> tuple[list[int], int]:
        async with studio(tmp_path, TimedPainter(SECOND)) as simulation:
            for n in range(CROWD):
                await simulation.order(1, member=n % 50)
            if painted:
                simulation.begin()
                await asyncio.sleep((painted - 0.5) * SECOND)
            first = len(simulation.claims)
            others = [await simulation.order(guild, member=guild) for guild in range(2, 11)]
            if not painted:
                simulation.begin()
            await asyncio.sleep(20 * SECOND)
            return [slot(simulation, job) - first for job in others], first

    slots, first = simulate(story)
    print(
        f"\nnine guilds beside one with {CROWD - first} waiting: served in slots {slots};", end=""
    )
    print(f" first come, first served: {CROWD - first + 1} to {CROWD - first + 9}")
    assert first == painted
    assert max(slots) <= 10


def slot(simulation: Simulation, job_id: int) -> int:
    """Which claim was a job's; 1 is the first of all."""
    return next(n for n, claim in enumerate(simulation.claims, 1) if claim.job.id == job_id)


GUILDS, MEMBERS = 8, 5
OVERLOAD_SECONDS = 240.0


@pytest.mark.parametrize("demands", [(1.5, 1.5), (1.5, 6.0)], ids=["alike", "unlike"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equal_guilds_under_overload_get_equal_shares(
    tmp_path: Path, seed: int, demands: tuple[float, float]
) -> None:
    """Each guild orders at random, 1.5 to so many times as much as its share of the slots."""
    coming = arrivals(random.Random(seed), demands)

    async def story() -> list[int]:
        async with studio(tmp_path, TimedPainter(SECOND)) as simulation:
            simulation.begin()
            for at, guild, member in coming:
                await asyncio.sleep(at - now())
                await simulation.order(guild, member)
            await asyncio.sleep(OVERLOAD_SECONDS - now())
            return [claim.job.guest.guild_id or 0 for claim in simulation.claims]

    served = simulate(story)
    asked = Counter(guild for _, guild, _ in coming)
    got = Counter(served)
    fair, plain = jain(got), jain(Counter(guild for _, guild, _ in coming[: len(served)]))
    print(
        f"\n{len(coming)} orders of {GUILDS} guilds ({min(asked.values())} to "
        f"{max(asked.values())} each), {len(served)} slots: Jain {fair:.4f} ({min(got.values())} "
        f"to {max(got.values())} each); first come, first served: {plain:.4f}"
    )
    assert all(asked[guild] > got[guild] for guild in range(GUILDS))
    assert fair >= LEAST_JAIN


def arrivals(chance: random.Random, demands: tuple[float, float]) -> list[tuple[float, int, int]]:
    """Random orders of all guilds: (second, guild, member), the earliest first."""
    found = []
    for guild in range(GUILDS):
        rate = chance.uniform(*demands) / GUILDS / SECOND
        at = chance.expovariate(rate)
        while at < OVERLOAD_SECONDS:
            found.append((at, guild, 100 * guild + chance.randrange(MEMBERS)))
            at += chance.expovariate(rate)
    return sorted(found)


def jain(shares: Counter[int]) -> float:
    """Jain's index over all guilds: 1 when all got the same, 1/n when one got all."""
    got = [shares[guild] for guild in range(GUILDS)]
    return sum(got) ** 2 / (len(got) * sum(x * x for x in got))


# Members.


@pytest.mark.parametrize("begun", [False, True], ids=["waiting", "painting"])
def test_five_of_one_member_delay_anothers_first_by_one_slot_at_most(
    tmp_path: Path, begun: bool
) -> None:
    """The other comes when all five wait, or when the first of them is being painted."""

    async def story() -> tuple[int, int]:
        async with studio(tmp_path, TimedPainter(SECOND)) as simulation:
            for _ in range(5):
                await simulation.order(1, member=1)
            if begun:
                simulation.begin()
                await asyncio.sleep(SECOND / 2)
            claimed = len(simulation.claims)
            other = await simulation.order(1, member=2)
            if not begun:
                simulation.begin()
            await simulation.idle()
            return slot(simulation, other) - claimed - 1, 5 - claimed

    delay, plain = simulate(story)
    print(f"\n{plain} waiting orders of one member delay another's first by {delay}", end="")
    print(f" slots; first come, first served: {plain}")
    assert plain == (4 if begun else 5)
    assert delay <= 1


# Checkpoints.


class WatchedQueue(Queue):
    """Remembers at each claim whose turn it was without regard to checkpoints."""

    def __init__(self, store: Store, habits: Habits | None = None) -> None:
        super().__init__(store, habits)
        self.heads: list[tuple[float, int, int]] = []
        """(simulated second, the job whose turn it was, the one that was claimed)."""

    async def claim(self, backend: str, stop: Stop, model: str | None = None) -> Job | None:
        """As `Queue.claim`."""
        places = self.places()
        head = min(places, key=lambda job: places[job].position, default=0)
        job = await super().claim(backend, stop, model)
        if job is not None:
            self.heads.append((now(), head, job.id))
        return job


@dataclass(frozen=True)
class Run:
    """How long all orders took. `held`: for how long a job had been passed over at most when it
    was passed over once more; `until`: at most when it was claimed. `overtaken`: from the first
    claim of any later order until its own at most, its turn or not. In simulated seconds."""

    took: float
    loads: int
    held: float
    until: float
    overtaken: float


def run(folder: Path, jobs: int, picture: float, affinity: float) -> Run:
    """Two guilds with a checkpoint each order in turns; a load costs ten pictures."""

    async def story() -> Run:
        painter = TimedPainter(picture, load_seconds=10 * picture)
        habits = Habits(affinity_seconds=affinity, max_wait_seconds=86_400.0)
        async with studio(folder, painter, habits, WatchedQueue) as simulation:
            for n in range(jobs):
                await simulation.order(n % 2, member=n % 2, model="ab"[n % 2])
            simulation.begin()
            await simulation.idle()
            assert isinstance(simulation.queue, WatchedQueue)
            models = [claim.job.request.model for claim in simulation.claims]
            assert len(models) == jobs
            loads = 1 + sum(one != other for one, other in pairwise(models))
            took = max(simulation.delivered.values())
            behind = overtaken(simulation.claims)
            return Run(took, loads, *passed_over(simulation.queue.heads), behind)

    return simulate(story)


def passed_over(heads: Iterable[tuple[float, int, int]]) -> tuple[float, float]:
    """`Run.held` and `Run.until`."""
    since: dict[int, float] = {}
    held = until = 0.0
    for at, head, claimed in heads:
        if head != claimed:
            held = max(held, at - since.setdefault(head, at))
        until = max(until, at - since.get(claimed, at))
    return held, until


def overtaken(claims: Sequence[Claim]) -> float:
    """`Run.overtaken`: two guilds that order in turns have their turns in the order of arrival."""
    longest = 0.0
    for n, claim in enumerate(claims):
        since = next((c.at for c in claims[:n] if c.job.id > claim.job.id), claim.at)
        longest = max(longest, claim.at - since)
    return longest


def test_affinity_is_worth_four_times_the_throughput(tmp_path: Path) -> None:
    affinity = Habits().affinity_seconds
    strict, friendly = (run(tmp_path, 60, SECOND, seconds) for seconds in (0.0, affinity))
    tell(strict, friendly, affinity)
    assert strict.took / friendly.took >= 4
    assert friendly.overtaken <= affinity
    assert friendly.until <= affinity


@pytest.mark.parametrize("picture", [0.7, 4.3])
def test_in_a_long_line_nobody_is_passed_over_for_longer_than_was_promised(
    tmp_path: Path, picture: float
) -> None:
    """The time is up in the midst of a picture: the next slot is theirs."""
    affinity = Habits().affinity_seconds
    strict, friendly = (run(tmp_path, 300, picture, seconds) for seconds in (0.0, affinity))
    tell(strict, friendly, affinity)
    assert friendly.held < affinity
    assert friendly.until <= affinity + picture


def tell(strict: Run, friendly: Run, affinity: float) -> None:
    """Prints them."""
    assert strict.held == strict.until == 0.0
    print(
        f"\nstrict order: {strict.took:.0f} s, {strict.loads} loads; with affinity_seconds "
        f"{affinity:.0f}: {friendly.took:.0f} s, {friendly.loads} loads: "
        f"{strict.took / friendly.took:.2f} times the throughput; longest passed over "
        f"{friendly.until:.1f} s, when last passed {friendly.held:.1f} s; longest "
        f"overtaken {friendly.overtaken:.1f} s"
    )
