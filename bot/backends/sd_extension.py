"""The middleware of the Stable Diffusion extension for AWS: jobs by its API, pictures from S3.

Two generations of it differ in nearly every address (`sd_extension_classic`, `_modern`); here
both are one painter. A job is handed in (`_submission`), waited for (`_waiting`), and fetched
(`_results`). It goes on without us, so what was begun is taken up again. Source: contracts, aws 2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from bot import log
from bot.backends.base import UNLASTING, Backend, Errand, Keeper, Report
from bot.backends.quota import Quotas
from bot.backends.sd_extension_api import Middleware, endpoint_of
from bot.backends.sd_extension_classic import Classic
from bot.backends.sd_extension_http import Gate, Store
from bot.backends.sd_extension_listings import Shelf, ability_of
from bot.backends.sd_extension_modern import Modern
from bot.backends.sd_extension_payload import TASKS, Parcel, parcel_of
from bot.backends.sd_extension_results import Results
from bot.backends.sd_extension_steward import Stewardship
from bot.backends.sd_extension_submission import Submission
from bot.backends.sd_extension_waiting import Waiting
from bot.backends.steward import IN_SERVICE, EndpointState
from bot.backends.warmth import Warmth
from bot.errors import (
    BackendBadAnswer,
    BackendFailed,
    BackendRefused,
    BackendRejectedCredentials,
)
from bot.settings import BackendSettings
from bot.settings.aws import ExtensionSettings
from bot.values.ability import Ability
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

PING_SECONDS = 5.0
PROBE_SECONDS = 15.0
_GENERATIONS: tuple[type[Modern], type[Classic]] = (Modern, Classic)

_log = log.get("extension")


@dataclass(frozen=True)
class _Rooms:
    """What works for one generation, once it is known which one answers."""

    service: Middleware
    submission: Submission
    waiting: Waiting
    results: Results


class SdExtension(Stewardship, Backend):
    """One deployed middleware, asked as one user."""

    kind: ClassVar[str] = "sd-extension"
    outlives: ClassVar[bool] = True

    def __init__(
        self,
        settings: BackendSettings,
        quotas: Quotas | None = None,
        memory: Keeper | None = None,
    ) -> None:
        super().__init__(settings, quotas, memory)
        self._own = settings.extension or ExtensionSettings()
        self._gate = Gate(settings, self.quota, self._own.user)
        self._store = Store(self._gate.tls)
        self._warmth = Warmth(settings.name, memory)
        self._shelf = Shelf()
        self._endpoints: list[EndpointState] = []
        self._rooms: _Rooms | None = None

    # What it can do.

    async def probe(self) -> Ability:
        """Which generation answers, its models and its endpoints; nothing is painted.

        Raises BackendRejectedCredentials (the key, the user, or no right to see models),
        BackendBadAnswer (the address), BackendUnreachable, BackendTimeout and BackendBusy.
        """
        service = await self._recognised()
        shelf = Shelf.of(await service.models(usable=True))
        self._endpoints = await self._machines(service)
        self._shelf = shelf
        self.ability = ability_of(
            shelf, self._endpoints, self.settings, self._own, service.generation
        )
        return self.ability

    async def ping(self) -> None:
        """`/ping`, or `/inference/test-connection`."""
        service = self._rooms.service if self._rooms else None
        await (service.ping(PING_SECONDS) if service else self._recognised())

    async def refresh(self) -> Ability:
        """The service looks at its own tables with each question."""
        return await self.probe()

    async def _recognised(self) -> Middleware:
        """The generation that answers; the first one has no `/ping`."""
        chosen = [g for g in _GENERATIONS if self._own.generation in ("auto", g.generation)]
        for generation in chosen:
            service = generation(self._gate, self._own)
            try:
                await service.ping(PROBE_SECONDS)
            except (BackendBadAnswer, BackendRefused, BackendFailed):
                if generation is chosen[-1]:
                    raise
                continue
            self._enter(service)
            return service
        raise BackendBadAnswer(f"no generation {self._own.generation}")

    def _enter(self, service: Middleware) -> None:
        if self._rooms is not None and type(self._rooms.service) is type(service):
            return
        _log.info("middleware found", backend=self.name, generation=service.generation)
        submission = Submission(service, self._store, self.name, self.memory, self._any_endpoint)
        waiting, results = Waiting(service, self._warmth), Results(service, self._store)
        self._rooms = _Rooms(service, submission, waiting, results)

    async def _machines(self, service: Middleware) -> list[EndpointState]:
        """None where our user may draw but not look at them."""
        try:
            rows = await service.machines()
        except (BackendRejectedCredentials, BackendRefused, BackendFailed) as error:
            _log.warning("endpoints can't be listed", backend=self.name, error=str(error))
            return []
        return [state for row in rows if (state := endpoint_of(row)) is not None]

    def _any_endpoint(self) -> str | None:
        """The one of the settings, or the first that is in service."""
        ready = [e.name for e in self._endpoints if e.status == IN_SERVICE]
        return self._own.endpoint or next(iter(ready), None)

    # Painting.

    async def paint(
        self,
        request: ImageRequest,
        task_id: str,  # noqa: ARG002 - the service makes ids itself
        report: Report,  # noqa: ARG002 - it tells no progress
        sources: Sequence[Source] = (),
        *,
        previews: bool = False,  # noqa: ARG002
        errand: Errand = UNLASTING,
    ) -> list[Picture]:
        """One job for all of `count`, taken up where it was left.

        Raises BackendRefused, BackendBusy, BackendUnreachable (taken only if it may be done
        twice), BackendTimeout, BackendFailed, BackendOutOfMemory, BackendBadAnswer;
        DatabaseUnavailable when a job can't be noted, which then is not started.
        """
        if request.kind not in TASKS:
            raise BackendRefused(f"{request.kind} as a job")
        rooms = await self._known()

        async def pack() -> Parcel:
            return await self._packed(request, sources)

        sent = await rooms.submission.hand_in(pack, errand)
        job = await rooms.waiting.good(sent, errand)
        listed = self._shelf.names("Stable-diffusion")
        pictures = await rooms.results.pictures(job, request, sources, listed)
        where = job.endpoint or self._own.endpoint
        return [_with_place(picture, where) for picture in pictures] if where else pictures

    async def _packed(self, request: ImageRequest, sources: Sequence[Source]) -> Parcel:
        operator = self.settings.payload_for(request.model)
        return await asyncio.to_thread(
            parcel_of, request, sources, self._shelf, operator, self._own.endpoint
        )

    async def _known(self) -> _Rooms:
        if self._rooms is None or self.ability is None:
            await self.probe()
        assert self._rooms is not None  # noqa: S101 - probe enters them
        return self._rooms

    async def service(self) -> Middleware:
        """For the steward's work."""
        return (await self._known()).service

    async def describe(self, source: Source, task_id: str, report: Report) -> str:  # noqa: ARG002
        """There is no such task."""
        raise BackendRefused("describe", sentence="The image server can't describe pictures.")

    async def load(self, model: str) -> None:
        """Each job names its own."""
        raise BackendRefused(
            f"load {model}",
            sentence="The image server loads a model with each picture; there is nothing to "
            "load ahead.",
        )

    async def forget(self, task_id: str) -> None:
        """Nothing can be stopped there: what still comes is looked at by nobody."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._gate.close()
        await self._store.close()


def _with_place(picture: Picture, endpoint: str) -> Picture:
    """The picture with a word for its member on where it was drawn."""
    told = f"Drawn on {endpoint}. {picture.remark or ''}".rstrip()
    return replace(picture, remark=told)
