"""What the operators of the bot may do from Discord: look at the backends, refresh and drain
them, and look after those whose machines are rented (`stewards`).

Only the OWNER_IDS come in. Every deed is written into the history of the server it was asked
from, before it is done, and into the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot import log
from bot.backends.base import Keeper
from bot.backends.steward import CheckpointState, Steward
from bot.errors import BackendError, NotAllowed, Refusal
from bot.guilds import Guilds
from bot.queue.health import Health, State
from bot.queue.job import Job, Status
from bot.queue.past import Past
from bot.queue.queue import Queue
from bot.studio.budget import Budgets, Used
from bot.studio.search import resolve
from bot.studio.stewards import Arrival, Machine, Rental, Stewards, check_link
from bot.values.ability import UNKNOWN
from bot.values.guest import Guest

RECENT = 5
ASK_SECONDS = 10.0
"""How long a look at a backend's endpoints may take before the rest is told without them."""

_log = log.get("owners")


@dataclass(frozen=True)
class Throttle:
    """What a backend's key may spend (None: as much as it likes) and has spent since the start;
    other backends may share it."""

    rate: float | None
    burst: int
    permits: int
    waits: int
    seconds_waited: float
    refusals: int


@dataclass(frozen=True)
class Report:
    """One backend as it is now. `since` is in seconds since the epoch; `why` is a sentence while
    it can't be used. `machines` are None where there are none to look after, or where they could
    not be asked for: then `unasked` says why."""

    name: str
    kind: str
    state: State
    since: float
    why: str | None
    drained: bool
    loaded: str | None
    models: int
    waiting: int
    running: int
    recent: tuple[Job, ...]
    throttle: Throttle
    used: Used
    machines: tuple[Machine, ...] | None = None
    unasked: str | None = None
    arriving: tuple[Arrival, ...] = ()

    @property
    def under_way(self) -> bool:
        """Whether something there is going to change by itself."""
        return bool(self.arriving) or any(m.under_way for m in self.machines or ())


class Owners:
    """`keeper` and `past` are the database; `budgets` the ceilings of a day."""

    def __init__(
        self,
        painters: Mapping[str, Health],
        queue: Queue,
        guilds: Guilds,
        owners: Sequence[int],
        *,
        keeper: Keeper,
        past: Past,
        budgets: Budgets,
    ) -> None:
        self._painters = painters
        self._queue = queue
        self._guilds = guilds
        self._owners = frozenset(owners)
        self._keeper = keeper
        self._past = past
        self._budgets = budgets
        self.stewards = Stewards(painters, queue, past)

    async def restore(self) -> None:
        """At the start: what was drained stays drained. Raises DatabaseUnavailable."""
        for name, health in self._painters.items():
            if await self._keeper.recall(_drained(name)):
                _log.warning("backend is drained; /backend drain lets it take jobs", backend=name)
                health.drain(True)

    # Who, and which.

    def admit(self, guest: Guest) -> None:
        """Raises NotAllowed for everybody but the operators."""
        if not self.admits(guest):
            raise NotAllowed("Only the operator of this bot can do that.")

    def admits(self, guest: Guest) -> bool:
        """Whether a guest is one of them."""
        return guest.user_id in self._owners

    def names(self) -> list[str]:
        """All backends, in the operator's order."""
        return list(self._painters)

    def pick(self, typed: str | None, among: Sequence[str] | None = None) -> str:
        """The backend that is meant; without a name the only one of those. Raises Refusal."""
        if typed is not None:
            return resolve("backend", "backend", typed, {n: n for n in self._painters})
        names = self.names() if among is None else among
        if len(names) != 1:
            raise Refusal(f"Which backend? There are {', '.join(names)}.")
        return names[0]

    def pick_steward(self, typed: str | None) -> str:
        """The same among those whose machines can be looked after. Raises Refusal."""
        name = self.pick(typed, self.stewards.names() or self.names()[:1])
        self.stewards.able(name)
        return name

    # Looking.

    async def reports(self, guest: Guest, names: Sequence[str]) -> list[Report]:
        """How backends are. Raises NotAllowed, DatabaseUnavailable."""
        self.admit(guest)
        return list(await asyncio.gather(*map(self._report, names)))

    async def machines(self, guest: Guest, name: str) -> list[Machine]:
        """The endpoints of one backend. Raises NotAllowed, Refusal, BackendError."""
        self.admit(guest)
        return await self.stewards.machines(name)

    # Deeds. All raise NotAllowed, Refusal and DatabaseUnavailable; then nothing was done.

    async def refresh(self, guest: Guest, name: str) -> tuple[int, int]:
        """Has a backend look again at what it has: how many models before, and now.

        Raises BackendError.
        """
        await self._note(guest, name, "refresh")
        health = self._painters[name]
        before = len((health.backend.ability or UNKNOWN).models)
        await health.refresh()
        return before, len((health.backend.ability or UNKNOWN).models)

    async def drain(self, guest: Guest, name: str, drained: bool) -> None:
        """A drained backend ends what it does and takes nothing new, also after a restart."""
        await self._note(guest, name, "drain" if drained else "take jobs again")
        await self._keeper.remember(_drained(name), "yes" if drained else "")
        self._painters[name].drain(drained)

    async def deploy(self, guest: Guest, rental: Rental) -> str:
        """Begins to rent machines; the endpoint's name. Raises BackendError."""
        what = f"deploy {rental.instances} × {rental.type}"
        await self._note(guest, rental.backend, what)
        return await self.stewards.deploy(rental)

    async def undeploy(self, guest: Guest, name: str, endpoint: str) -> None:
        """Gives an endpoint back. Raises BackendError."""
        await self._note(guest, name, f"delete {endpoint}")
        await self.stewards.undeploy(name, endpoint)

    async def send_for(self, guest: Guest, name: str, url: str, kind: str) -> Arrival:
        """Has a model fetched. Raises BackendError."""
        check_link(url)
        # Links may carry keys behind the question mark.
        await self._note(guest, name, f"add {kind} {url.partition('?')[0]}")
        return await self.stewards.send_for(name, url, kind)

    async def switch(
        self, guest: Guest, name: str, typed: str, *, enabled: bool
    ) -> CheckpointState:
        """Whether members may choose a checkpoint. Raises UnknownName, BackendError."""
        self.admit(guest)
        chosen = await self.stewards.checkpoint(name, typed)
        await self._note(guest, name, f"{'enable' if enabled else 'disable'} {chosen.name}")
        await self.stewards.switch(name, chosen, enabled=enabled)
        return chosen

    # Inside.

    async def _note(self, guest: Guest, name: str, deed: str) -> None:
        self.admit(guest)
        _log.warning("owner's deed", user=guest.user_id, backend=name, deed=deed)
        if guest.guild_id is not None:
            await self._guilds.note(guest.guild_id, f"backend {name}", deed, guest)

    async def _report(self, name: str) -> Report:
        health = self._painters[name]
        backend, quota = health.backend, health.backend.quota
        ability = backend.ability or UNKNOWN
        jobs = [*self._queue.waiting()]
        machines, unasked = await self._machines(name)
        error = None if health.usable else health.error
        return Report(
            name=name,
            kind=backend.settings.kind,
            state=health.state,
            since=time.time() - (time.monotonic() - health.since),
            why=error.sentence if error else None,
            drained=health.drained,
            loaded=None if backend.outlives else health.loaded or ability.current_model,
            models=len(ability.models),
            waiting=sum(j.status is Status.WAITING and name in j.routes for j in jobs),
            running=sum(j.status is Status.RUNNING and j.route == name for j in jobs),
            recent=tuple(await self._past.recent(name, RECENT)),
            throttle=Throttle(
                rate=quota.rate if quota.rate < float("inf") else None,
                burst=quota.burst,
                permits=quota.spent.permits,
                waits=quota.spent.waits,
                seconds_waited=quota.spent.seconds_waited,
                refusals=quota.spent.refusals,
            ),
            used=self._budgets.used(name),
            machines=machines,
            unasked=unasked,
            arriving=await self._arriving(name),
        )

    async def _arriving(self, name: str) -> tuple[Arrival, ...]:
        """What was sent for and, as far as can be seen, is not there yet."""
        with contextlib.suppress(BackendError, TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                for arrival in self.stewards.arriving(name):
                    await self.stewards.arrived(arrival)
        return tuple(self.stewards.arriving(name))

    async def _machines(self, name: str) -> tuple[tuple[Machine, ...] | None, str | None]:
        if not isinstance(self._painters[name].backend, Steward):
            return None, None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return tuple(await self.stewards.machines(name)), None
        except BackendError as error:
            return None, error.sentence
        except TimeoutError:
            return None, "It took too long to say which there are."


def _drained(name: str) -> str:
    """The name of the fact that a backend takes nothing new."""
    return f"drained:{name}"
