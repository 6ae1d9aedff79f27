"""What owners may do to backends whose machines are rented: endpoints and checkpoints.

Endpoints cost money while they run, so nothing is deployed that `deploy:` in easel.yaml does not
allow. Every deed is written into the history of the server it was asked from before it is done.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from bot.backends.steward import IN_SERVICE, CheckpointState, EndpointState, Steward
from bot.errors import BackendError, Gone, Refusal
from bot.queue.health import Health
from bot.queue.job import Status
from bot.queue.past import Past
from bot.queue.queue import Queue
from bot.settings.aws import DeploySettings
from bot.studio.search import find, resolve

CHECKPOINT_TYPES = ("Stable-diffusion", "embeddings", "Lora", "hypernetworks", "ControlNet", "VAE")
"""Of model files, as the extension names them (contracts: aws 2)."""
ACTIVE, DISABLED = "Active", "Disabled"
UNDER_WAY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
"""Statuses of an endpoint that change by themselves."""
FRESH_SECONDS = 60.0
"""A list of checkpoints that is younger completes what an owner types."""
ARRIVAL_SECONDS = 3600.0
"""A checkpoint that is not there after so long is no longer expected."""
_PAGE, _PAGES = 500, 20


@dataclass(frozen=True)
class Machine:
    """One endpoint. `idle_since`: when its backend last ended a job, or when it started, in
    seconds since the epoch; None while it works or is not in service. `usd_per_hour` is for all
    its instances; None where the operator has not told the price."""

    state: EndpointState
    idle_since: float | None
    usd_per_hour: float | None

    @property
    def under_way(self) -> bool:
        """Whether its status is going to change by itself."""
        return self.state.status in UNDER_WAY


@dataclass(frozen=True)
class Rental:
    """A deployment that is asked for. `most`: instances of one deployment; `usd_per_hour`: of
    all its instances together."""

    backend: str
    type: str
    instances: int
    most: int
    usd_per_hour: float


@dataclass(frozen=True)
class Arrival:
    """A checkpoint that was sent for at `since` (epoch seconds)."""

    backend: str
    name: str
    kind: str
    since: float


class Stewards:
    """Asks the backends that can do it. Raises Refusal for those that can't, BackendError for
    what the service itself refuses. Who may ask is `Owners`' to say."""

    def __init__(self, painters: Mapping[str, Health], queue: Queue, past: Past) -> None:
        self._painters = painters
        self._queue = queue
        self._past = past
        self._listed: dict[str, tuple[float, list[CheckpointState]]] = {}
        self._arriving: dict[tuple[str, str], Arrival] = {}
        self._busy: set[str] = set()

    def names(self) -> list[str]:
        """The backends whose machines can be looked after from here."""
        return [n for n, h in self._painters.items() if isinstance(h.backend, Steward)]

    def able(self, name: str) -> Steward:
        """Raises Refusal for a backend that is none."""
        backend = self._painters[name].backend
        if not isinstance(backend, Steward):
            raise Refusal(
                f"That can't be done from here, because {name} is of the kind "
                f"{backend.settings.kind}: its machines and model files are looked after where "
                "it runs."
            )
        return backend

    # Endpoints.

    async def machines(self, name: str) -> list[Machine]:
        """The endpoints of a backend as they are now, those in service first."""
        states = await self.able(name).endpoints()
        idle = await self._idle_since(name)
        deploy = self._painters[name].backend.settings.deploy
        made = [Machine(s, _idle(s, idle), _price(s, deploy)) for s in states]
        return sorted(made, key=lambda m: (m.state.status != IN_SERVICE, m.state.name))

    def deployment(self, name: str) -> DeploySettings:
        """What may be deployed there. Raises Refusal where nothing may."""
        self.able(name)
        deploy = self._painters[name].backend.settings.deploy
        if deploy is None:
            raise Refusal(
                f"Deploying can't be done from here, because `deploy:` is not set for {name} in "
                "easel.yaml."
            )
        return deploy

    def prices(self, name: str) -> Mapping[str, float]:
        """US dollars per hour and instance of what may be deployed there, by type."""
        deploy = self._painters[name].backend.settings.deploy
        return {kind: deploy.usd_per_hour[kind] for kind in deploy.types} if deploy else {}

    def rental(self, name: str, instance_type: str, instances: int = 1) -> Rental:
        """What a deployment would cost. Raises Refusal for what is not allowed."""
        deploy = self.deployment(name)
        if instance_type not in deploy.types:
            raise Refusal(f"{instance_type} may not be deployed: {', '.join(deploy.types)} may.")
        if not 1 <= instances <= deploy.max_instances:
            raise Refusal(f"Between 1 and {deploy.max_instances} instances may be deployed.")
        price = deploy.usd_per_hour[instance_type] * instances
        return Rental(name, instance_type, instances, deploy.max_instances, price)

    async def deploy(self, rental: Rental) -> str:
        """Begins to rent; the endpoint's full name."""
        with self._alone(rental.backend):
            steward = self.able(rental.backend)
            return await steward.deploy(rental.type, rental.instances, None)

    async def undeploy(self, name: str, endpoint: str) -> None:
        """Gives an endpoint back."""
        with self._alone(name):
            await self.able(name).undeploy(endpoint)

    # Checkpoints.

    async def checkpoints(self, name: str) -> list[CheckpointState]:
        """All model files of a backend, whatever their type and status."""
        steward, found = self.able(name), list[CheckpointState]()
        for page in range(1, _PAGES + 1):
            some = await steward.checkpoints(page, _PAGE)
            found += some
            if len(some) < _PAGE:
                break
        self._listed[name] = time.monotonic(), found
        return found

    async def suggested(self, name: str, typed: str, *, enabled: bool) -> dict[str, str]:
        """At most 25 checkpoints that are enabled, or disabled, and hold the typed words: what is
        shown of each, and its id."""
        at, listed = self._listed.get(name, (float("-inf"), []))
        if time.monotonic() - at > FRESH_SECONDS:
            listed = await self.checkpoints(name)
        status = ACTIVE if enabled else DISABLED
        shown = {_shown(c): c.id for c in listed if c.status == status}
        return {label: shown[label] for label in find(typed, shown)}

    async def checkpoint(self, name: str, typed: str) -> CheckpointState:
        """The checkpoint that is meant. Raises UnknownName."""
        listed = {c.id: c for c in await self.checkpoints(name)}
        names = {key: c.id for c in listed.values() for key in (c.id, _shown(c), c.name)}
        return listed[resolve("name", "checkpoint", typed, names)]

    async def switch(self, name: str, chosen: CheckpointState, *, enabled: bool) -> None:
        """Whether members may choose a checkpoint."""
        await self.able(name).set_checkpoint(chosen.id, enabled=enabled)
        self._listed.pop(name, None)

    async def send_for(self, name: str, url: str, kind: str) -> Arrival:
        """Has a model fetched from the web."""
        file = await self.able(name).add_checkpoint(url, kind)
        arrival = Arrival(name, file, kind, time.time())
        self._arriving[name, file] = arrival
        return arrival

    def arriving(self, name: str) -> list[Arrival]:
        """What was sent for and is not known to be there."""
        oldest = time.time() - ARRIVAL_SECONDS
        self._arriving = {k: a for k, a in self._arriving.items() if a.since > oldest}
        return [a for a in self._arriving.values() if a.backend == name]

    async def arrived(self, arrival: Arrival) -> bool:
        """Whether a checkpoint is there now; then members can choose it."""
        listed = await self.checkpoints(arrival.backend)
        if not any(c.name == arrival.name and c.status == ACTIVE for c in listed):
            return False
        if self._arriving.pop((arrival.backend, arrival.name), None) is not None:
            # The painter's own list is as old as its last probe.
            with contextlib.suppress(BackendError):
                await self._painters[arrival.backend].refresh()
        return True

    # Inside.

    async def _idle_since(self, name: str) -> float | None:
        """When a backend last ended a job, in epoch seconds; 0 for never, None while it works."""
        if any(j.route == name and j.status is Status.RUNNING for j in self._queue.waiting()):
            return None
        last = await self._past.recent(name, 1)
        return (last[0].ended_at or 0.0) if last else 0.0

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One change at a time: a button that is pressed twice is meant once."""
        if name in self._busy:
            raise Gone("That is being done already.")
        self._busy.add(name)
        try:
            yield
        finally:
            self._busy.discard(name)


def _idle(state: EndpointState, ended: float | None) -> float | None:
    if ended is None or state.status != IN_SERVICE:
        return None
    return max(ended, state.started_at or 0.0) or None


def _price(state: EndpointState, deploy: DeploySettings | None) -> float | None:
    if deploy is None or state.instance_type not in deploy.usd_per_hour:
        return None
    # An endpoint that scales to nothing costs nothing; one that does not tell is taken as one.
    instances = 1 if state.instances is None else state.instances
    return deploy.usd_per_hour[state.instance_type] * instances


def _shown(checkpoint: CheckpointState) -> str:
    return f"{checkpoint.name} ({checkpoint.type})"


def check_link(url: str) -> None:
    """Raises Refusal for a link that is no model file's."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
        named = bool(PurePosixPath(unquote(parts.path)).name)
    except ValueError:
        good = named = False
    if not good:
        raise Refusal("The link must begin with https:// and hold no password.")
    if not named:
        raise Refusal("The link must lead to one model file.")
