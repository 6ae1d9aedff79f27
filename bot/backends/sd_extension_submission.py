"""Hands a job to the middleware once, whatever breaks on the way or is cancelled.

In two steps its id is in the job's row before it is started, so a start of which nobody knows is
looked for before it is repeated. In one step the id comes late: then the job is known by what it
drew. Source: contracts, aws 2.2 to 2.4.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Final

from bot import log
from bot.backends.base import Errand, Keeper
from bot.backends.sd_extension_answers import UnknownJob, UnknownKeys
from bot.backends.sd_extension_api import CREATED, Job, Middleware, Prepared
from bot.backends.sd_extension_classic import DOCUMENTED, SERVED, Classic
from bot.backends.sd_extension_http import LinkExpired, Store
from bot.backends.sd_extension_patience import TRIES, steadily
from bot.backends.sd_extension_payload import Parcel
from bot.backends.sd_extension_search import Search
from bot.errors import (
    BackendBusy,
    BackendError,
    BackendTimeout,
    BackendUnreachable,
    DatabaseUnavailable,
)

SETTLE_SECONDS = 1.0
"""What was sent before the connection broke shows in the row within this time, or was lost."""
REAL_TIME_SECONDS = 90.0
"""SageMaker ends a real-time invocation after 60 s; its row says nothing but `created`."""
ONE_STEP_BYTES: Final = 5 << 20
"""A lambda takes 6 MB (aws 2.2)."""

_log = log.get("extension")


@dataclass(frozen=True)
class Left:
    """A job as its row remembers it. `id` None: sent in one step, and not answered yet. `at`:
    epoch seconds of its start. `started`: it was accepted, or at a real-time endpoint, sent."""

    id: str | None
    flow: str
    started: bool
    at: float

    @property
    def text(self) -> str:
        """For the row."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str | None) -> Left | None:
        """What the row remembers; None when it is nothing that we wrote."""
        try:
            return cls(**json.loads(text)) if text else None
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True)
class Sent:
    """A job that paints. `anew`: we saw it begin, so its time can be learnt from."""

    job: Job
    at: float
    anew: bool


class Submission:
    """The desk of one middleware. `endpoint` names one for those who must name one."""

    def __init__(
        self,
        service: Middleware,
        store: Store,
        name: str,
        memory: Keeper | None,
        endpoint: Callable[[], str | None],
    ) -> None:
        self._service = service
        self._store = store
        self._name = name
        self._memory = memory
        self._endpoint = endpoint
        # Whether the documented address took the document's body; None before it was tried.
        self._documented: bool | None = None

    async def hand_in(self, pack: Callable[[], Awaitable[Parcel]], errand: Errand) -> Sent:
        """The job that paints what is in the parcel, or has painted it.

        Raises what `value_of` raises; BackendUnreachable is `taken` only if it may have begun.
        """
        left = Left.read(errand.left)
        if left is not None and (sent := await self._taken_up(left, pack, errand)) is not None:
            return sent
        parcel, service = await pack(), self._service
        if isinstance(service, Classic) and (path := await self._one_step_at(service, parcel)):
            try:
                return await self._in_one_step(service, parcel, path, errand)
            except UnknownKeys:
                if path != DOCUMENTED:
                    raise
                await self._learn_refusal()
        return await self._in_two_steps(parcel, errand)

    # Taking up.

    async def _taken_up(
        self, left: Left, pack: Callable[[], Awaitable[Parcel]], errand: Errand
    ) -> Sent | None:
        """The job that was left, begun if it was not; None where there is none."""
        if left.id is None:
            found = await self._lost(self._service, await pack(), left.at)
            return None if found is None else Sent(found, left.at, anew=False)
        try:
            job = await steadily(self._service.job, left.id)
        except UnknownJob:
            return None
        if job.status != CREATED:
            return Sent(job, left.at, anew=False)
        if self._real_time and left.started:
            ended = await self._outlasted(job, left.at)
            if ended is not None:
                return Sent(ended, left.at, anew=False)
        return await self._start(job.id, errand, doubtful=True)

    async def _outlasted(self, job: Job, at: float) -> Job | None:
        """A real-time job that may have been begun then, once it shows; None when it can't be
        going on any more, and so may be begun again."""
        while time.time() - at < REAL_TIME_SECONDS:
            await asyncio.sleep(SETTLE_SECONDS)
            job = await steadily(self._service.job, job.id)
            if job.status != CREATED:
                return job
        return None

    # In two steps.

    async def _in_two_steps(self, parcel: Parcel, errand: Errand) -> Sent:
        """A job that is only prepared costs nothing: until its body is there, it is forgotten."""
        prepared = await self._prepared(parcel)
        await errand.note(Left(prepared.id, "two-step", started=False, at=time.time()).text)
        return await self._start(prepared.id, errand, doubtful=False)

    async def _prepared(self, parcel: Parcel) -> Prepared:
        for last in (False, True):
            prepared = await steadily(self._service.prepare, parcel.order)
            try:
                await self._store.put(prepared.upload_url, parcel.body)
                break
            except LinkExpired:
                if last:
                    raise
        return prepared

    async def _start(self, job_id: str, errand: Errand, *, doubtful: bool) -> Sent:
        """`doubtful`: an earlier start may have arrived."""
        trouble: BackendError | None = None
        for _ in range(TRIES):
            if doubtful and (job := await self._begun(job_id)) is not None:
                return await self._sent(job, errand)
            if self._real_time:
                # The row will not tell: from here on it counts as begun.
                await errand.note(Left(job_id, "two-step", started=True, at=time.time()).text)
            try:
                return await self._sent(await self._service.start(job_id), errand)
            except (BackendUnreachable, BackendTimeout) as error:
                trouble, doubtful = error, True
                if self._real_time and _arrived(error):
                    return Sent(Job(job_id, CREATED), time.time(), anew=True)
                await self._not_begun(job_id, errand)
            except BackendBusy:
                await self._not_begun(job_id, errand)
                raise
        if (job := await self._begun(job_id)) is not None:
            return await self._sent(job, errand)
        raise BackendUnreachable(str(trouble), taken=True) from trouble

    async def _begun(self, job_id: str) -> Job | None:
        """The job if it has begun by now, or does so within a moment."""
        for pause in (0.0, SETTLE_SECONDS):
            await asyncio.sleep(pause)
            job = await steadily(self._service.job, job_id)
            if job.status != CREATED:
                return job
        return None

    async def _not_begun(self, job_id: str, errand: Errand) -> None:
        if self._real_time:
            await errand.note(Left(job_id, "two-step", started=False, at=time.time()).text)

    async def _sent(self, job: Job, errand: Errand) -> Sent:
        at = time.time()
        await errand.note(Left(job.id, "two-step", started=True, at=at).text)
        _log.info("job sent", backend=self._name, task=job.id, endpoint=job.endpoint)
        return Sent(job, at, anew=True)

    @property
    def _real_time(self) -> bool:
        return self._service.settings.real_time and not isinstance(self._service, Classic)

    # In one step.

    async def _one_step_at(self, service: Classic, parcel: Parcel) -> str | None:
        """Where this parcel goes in one step; None for two."""
        flow = service.settings.flow
        whole = len(parcel.body) <= ONE_STEP_BYTES and (parcel.order.endpoint or self._endpoint())
        if flow == "two-step" or not whole or parcel.order.task not in ("txt2img", "img2img"):
            return None
        if flow == "one-step":
            return SERVED
        return None if await self._refuses() else DOCUMENTED

    async def _in_one_step(
        self, service: Classic, parcel: Parcel, path: str, errand: Errand
    ) -> Sent:
        """Begun before its id is known. Raises UnknownKeys where two steps are wanted."""
        at = time.time()
        await errand.note(Left(None, "one-step", started=False, at=at).text)
        try:
            job = await service.one_step(path, parcel.one_step(self._endpoint() or ""))
        except (BackendUnreachable, BackendTimeout) as error:
            found = await self._lost(service, parcel, at) if _arrived(error) else None
            if found is None:
                raise BackendUnreachable(str(error), taken=_arrived(error)) from error
            job = found
        except BackendError:
            await errand.note("")  # it was told no: nothing began
            raise
        await errand.note(Left(job.id, "one-step", started=True, at=at).text)
        _log.info("job sent", backend=self._name, task=job.id, endpoint=job.endpoint)
        return Sent(job, at, anew=True)

    async def _lost(self, service: Middleware, parcel: Parcel, at: float) -> Job | None:
        if not isinstance(service, Classic):
            return None
        return await Search(service, self._store).find(parcel, at)

    async def _refuses(self) -> bool:
        """Whether the documented address is known to want two steps; that is asked only once."""
        if self._documented is None and self._memory is not None:
            try:
                self._documented = await self._memory.recall(self._key) != "two-step"
            except DatabaseUnavailable:
                return False
        return self._documented is False

    async def _learn_refusal(self) -> None:
        self._documented = False
        if self._memory is not None:
            try:
                await self._memory.remember(self._key, "two-step")
            except DatabaseUnavailable:
                _log.info("could not remember how jobs are handed in", backend=self._name)

    @property
    def _key(self) -> str:
        return f"flow:{self._name}"


def _arrived(error: BackendError) -> bool:
    """Whether the request may have reached them."""
    return isinstance(error, BackendTimeout) or getattr(error, "taken", True)
