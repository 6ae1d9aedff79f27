"""What an image server's absence of five minutes costs those who keep ordering: only time.

In simulated time (`simulation`): the real queue on SQLite, health and worker; a painter that
leaves at a random moment, mostly in the midst of a picture. Either its connections are refused at
once, or they stay silent for as long as the client's patience lasts.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.backends.http import CONNECT_SECONDS
from bot.errors import QueueFull
from bot.queue.door import Caps
from bot.queue.job import Status
from bot.settings.file import Limits
from tests.benchmarks.simulation import Simulation, TimedPainter, now, simulate, studio

AWAY_SECONDS = 300.0
BEFORE_SECONDS, AFTER_SECONDS = 120.0, 180.0
"""Members order from before the outage until after it."""
PICTURE_SECONDS = 4.0
LOAD = 0.8
"""The share of its time that the orders keep the painter busy."""
GUILDS, MEMBERS = 6, 60
LATEST = 30.0
"""Seconds after its return in which a painter must be used again (`bot.queue.health`)."""
_LIMITS = Limits()
CAPS = Caps(_LIMITS.waiting_per_member, _LIMITS.waiting_per_guild, _LIMITS.waiting_total)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    # A painter's absence is told as an error: here it is the plan.
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@dataclass(frozen=True)
class Outcome:
    """What came of all orders; `turned_away` are those over a member's or guild's cap, told at
    once. `pictures` were painted, calls were `broken` off or made `in_vain`. Seconds are
    simulated: `noticed` after the painter had left; `used` and `painted` are after the return:
    until the first job was claimed, and until its picture was delivered."""

    ordered: int
    ordered_meanwhile: int
    turned_away: int
    pictures: int
    wrong_seeds: int
    ends: Counter[Status]
    broken: int
    in_vain: int
    noticed: float
    used: float
    painted: float
    caught_up: float


@pytest.mark.parametrize("silence", [0.0, CONNECT_SECONDS], ids=["refused", "silent"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_five_minutes_away_cost_no_order(tmp_path: Path, seed: int, silence: float) -> None:
    chance = random.Random(seed)
    outcome = simulate(lambda: outage(tmp_path, chance, silence))
    tell(outcome)
    assert outcome.ordered_meanwhile > 0
    assert outcome.ends == {Status.PAINTED: outcome.ordered}
    assert outcome.wrong_seeds == 0
    assert outcome.pictures == outcome.ordered, "none was painted twice"
    assert outcome.in_vain <= 1, "nothing is sent to a painter that is known to be away"
    assert outcome.used <= LATEST


async def outage(folder: Path, chance: random.Random, silence: float) -> Outcome:
    """The whole story of one outage."""
    painter = TimedPainter(PICTURE_SECONDS, silence=silence)
    async with studio(folder, painter) as simulation:
        simulation.begin()
        members = asyncio.create_task(keep_ordering(simulation, chance))
        await asyncio.sleep(BEFORE_SECONDS + chance.uniform(0, 10 * PICTURE_SECONDS))
        left = now()
        painter.leave()
        while simulation.health.usable and now() < left + AWAY_SECONDS:
            await asyncio.sleep(0.1)
        noticed = now() - left
        await asyncio.sleep(left + AWAY_SECONDS - now())
        back = now()
        painter.come_back()
        orders, turned_away = await members
        await simulation.idle()
        return Outcome(
            ordered=len(orders),
            ordered_meanwhile=sum(left < at < back for at, _ in orders.values()),
            turned_away=turned_away,
            pictures=len(painter.finished),
            wrong_seeds=sum(simulation.seeds.get(n) != [seed] for n, (_, seed) in orders.items()),
            ends=Counter(simulation.ends[job] for job in orders if job in simulation.delivered),
            broken=len(painter.broken),
            in_vain=len(painter.in_vain),
            noticed=noticed,
            used=next(claim.at for claim in simulation.claims if claim.at >= back) - back,
            painted=min(at for at in simulation.delivered.values() if at >= back) - back,
            caught_up=max(simulation.delivered.values()) - back,
        )


async def keep_ordering(
    simulation: Simulation, chance: random.Random
) -> tuple[dict[int, tuple[float, int]], int]:
    """Members order at random, whatever happens: by job, when and with which seed; and how many
    orders were over a cap."""
    orders, turned_away = {}, 0
    while now() < BEFORE_SECONDS + AWAY_SECONDS + AFTER_SECONDS:
        await asyncio.sleep(chance.expovariate(LOAD / PICTURE_SECONDS))
        member, seed = chance.randrange(MEMBERS), chance.randrange(2**32)
        try:
            job = await simulation.order(member % GUILDS, member, CAPS, seed=seed)
        except QueueFull:
            turned_away += 1
        else:
            orders[job] = (now(), seed)
    return orders, turned_away


def tell(outcome: Outcome) -> None:
    """Prints it."""
    print(
        f"\n{AWAY_SECONDS:.0f} s away, noticed after {outcome.noticed:.1f} s: {outcome.ordered} "
        f"orders ({outcome.ordered_meanwhile} meanwhile; {outcome.turned_away} more over a cap), "
        f"{outcome.ordered - outcome.ends[Status.PAINTED]} lost, {outcome.broken} calls broken "
        f"off, {outcome.in_vain} in vain; after its return the first job was claimed in "
        f"{outcome.used:.1f} s and delivered in {outcome.painted:.1f} s, the last in "
        f"{outcome.caught_up:.0f} s"
    )
