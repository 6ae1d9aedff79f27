"""The watch over rented endpoints that nobody uses: their operators are told once, and again only
after another job has run there.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot import log
from bot.backends.base import Keeper
from bot.errors import EaselError
from bot.queue.health import Health
from bot.studio.stewards import Machine, Stewards

LOOK_SECONDS = 300.0
"""How often endpoints are looked at."""

_log = log.get("owners")


@dataclass(frozen=True)
class Idle:
    """An endpoint that has had no job for long. `seconds`: for how long."""

    backend: str
    machine: Machine
    seconds: float


class IdleWatch:
    """`tell` hears of each idle endpoint once. Watches the backends that have `deploy:`."""

    def __init__(
        self,
        painters: Mapping[str, Health],
        stewards: Stewards,
        keeper: Keeper,
        tell: Callable[[Idle], None],
    ) -> None:
        self._hours = {
            name: deploy.idle_hours
            for name in stewards.names()
            if (deploy := painters[name].backend.settings.deploy) is not None
        }
        self._stewards = stewards
        self._keeper = keeper
        self._tell = tell

    async def run(self) -> None:
        """Looks now and then, for ever."""
        while self._hours:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:
                # Whatever one look brings about, the money goes on being spent.
                _log.exception("idle endpoints could not be looked for")

    async def look(self) -> None:
        """Looks once at all backends; one that can't be asked is left for the next time."""
        for name, hours in self._hours.items():
            try:
                await self._look(name, hours * 3600)
            except EaselError as error:
                _log.info("endpoints can't be looked at", backend=name, error=str(error))

    async def _look(self, name: str, most: float) -> None:
        machines = await self._stewards.machines(name)
        told: dict[str, float] = json.loads(await self._keeper.recall(f"idle:{name}") or "{}")
        now, still = time.time(), dict[str, float]()
        for machine in machines:
            endpoint, since = machine.state.name, machine.idle_since
            if endpoint in told:
                still[endpoint] = told[endpoint]
            costs = machine.state.instances != 0  # one that has scaled to nothing does not
            waited = since is not None and now - since >= most
            if since is None or not (costs and waited) or still.get(endpoint, -1.0) >= since:
                continue
            _log.warning("endpoint is idle", backend=name, endpoint=endpoint)
            self._tell(Idle(name, machine, now - since))
            still[endpoint] = since
        if still != told:
            await self._keeper.remember(f"idle:{name}", json.dumps(still))
