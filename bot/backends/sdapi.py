"""A1111-style servers: `/sdapi/v1` (A1111, Forge, SD.Next and the many that speak alike).

The truth about them is contracts/sdapi.md; its traps are named where they are minded. Such a
server paints one picture at a time and cannot cancel a waiting one, so the line is ours and
one request at a time is in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from bot import log
from bot.backends import sdapi_payload
from bot.backends.base import UNLASTING, Backend, Errand, Keeper, Report
from bot.backends.http import Answer, Http, error_text, raise_for_status
from bot.backends.quota import Quotas
from bot.backends.sdapi_dialect import Dialect
from bot.backends.sdapi_listings import current_of
from bot.backends.sdapi_overrides import Overrides
from bot.backends.sdapi_pictures import read_painted, read_upscaled
from bot.backends.sdapi_probe import ABSENT, API, NO_INTERFACE, Probe
from bot.backends.sdapi_watch import Tasks
from bot.errors import (
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRefused,
    BackendTimeout,
    BackendUnreachable,
)
from bot.settings import BackendSettings
from bot.values.ability import Ability
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

COULD_NOT_LOAD = "The image server could not load that model."
CANT_DESCRIBE = "The image server can't describe pictures just now."
PING_SECONDS = 5.0
REFRESHED = ("checkpoints", "vae", "loras", "embeddings")
MOST_REFUSALS = 2
"""How often an order is sent again with fewer keys to a server that refuses some."""

_log = log.get("sdapi")


class SdApi(Backend):
    """One server behind `/sdapi/v1`."""

    kind: ClassVar[str] = "sdapi"

    def __init__(
        self,
        settings: BackendSettings,
        quotas: Quotas | None = None,
        memory: Keeper | None = None,
    ) -> None:
        super().__init__(settings, quotas, memory)
        self._http = Http(settings, self.quota)
        self._tasks = Tasks(self._http, self.name)
        self._dialect = Dialect()
        self._overrides = Overrides(self.name, memory)

    # What it can do.

    async def probe(self) -> Ability:
        """Asks every listing once; a missing one is an ability less, never an error.

        Raises BackendRejectedCredentials (401, 403), BackendUnreachable, BackendTimeout, and
        BackendBadAnswer when what answers there is no `/sdapi/v1` at all; DatabaseUnavailable
        when what it overrode before the last restart can't be recalled.
        """
        await self._overrides.open()
        before = replace(self._dialect, own=self._overrides.own)
        found = await Probe(self._http, self.settings).ask(before, self._overrides.sent)
        await self._overrides.found(found.dialect.own)
        self._tasks.by_task = found.by_task
        self._dialect, self.ability = found.dialect, found.ability
        # It may have been started anew since then.
        self.loaded = None
        return self.ability

    async def ping(self) -> None:
        """`/progress`, the shortest answer there is (sdapi 4); a 404 is one as well."""
        path = f"{API}/progress?skip_current_image=true"
        answer = await self._http.get(path, timeout=PING_SECONDS, fresh=True)
        if answer.status in (401, 403):
            # A gateway may let this alone not through.
            other = await self._http.get(f"{API}/samplers", timeout=PING_SECONDS)
            answer = other if other.status == 200 else answer
        raise_for_status(answer)

    async def refresh(self) -> Ability:
        """`/refresh-*` takes the server's queue lock: it waits for the running job (sdapi 6).

        Those that only speak alike have no such routes, and KoboldCpp lets an unknown one wait.
        """
        if self.ability is None:
            await self.probe()
        for name in REFRESHED if self._dialect.wide else ():
            answer = await self._http.post(
                f"{API}/refresh-{name}", {}, timeout=self.settings.timeout_seconds, fresh=True
            )
            if answer.status not in ABSENT:
                raise_for_status(answer)
        loaded = self.loaded
        ability = await self.probe()
        self.loaded = loaded if loaded in {m.name for m in ability.models} else None
        return ability

    # Painting.

    async def paint(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source] = (),
        *,
        previews: bool = False,
        errand: Errand = UNLASTING,  # noqa: ARG002 - its tasks end with the call
    ) -> list[Picture]:
        """One generating call for all of `count`; KoboldCpp and its like paint one all the same.

        Raises the errors of `bot.backends.http.raise_for_status`, BackendTimeout and
        BackendBadAnswer. When cancelled, or out of time, the server is interrupted.
        """
        if request.kind == "upscale":
            return [await self._upscale(request, task_id, report, sources[0])]
        shown = previews and self.settings.previews
        found = await self._call(request, task_id, report, sources, previews=shown)
        # An operator's script may bring any number.
        return found[: request.count]

    async def _upscale(
        self, request: ImageRequest, task_id: str, report: Report, source: Source
    ) -> Picture:
        """`/extra-single-image` (contracts, sdapi 7); the source's own infotext is kept."""
        body = await asyncio.to_thread(sdapi_payload.upscale, request, source)
        call = self._http.post(
            API + "/extra-single-image",
            body,
            timeout=self.settings.timeout_seconds,
            generating=True,
        )
        answer, _ = await self._watched(call, task_id, report, job="extras")
        _check(answer)
        return await asyncio.to_thread(read_upscaled, answer, request)

    async def describe(self, source: Source, task_id: str, report: Report) -> str:
        """`/interrogate`; a failed one is 200 with `<error>` in the caption (sdapi 7)."""
        body = await asyncio.to_thread(sdapi_payload.describe, source)
        seconds = self.settings.timeout_seconds
        call = self._http.post(API + "/interrogate", body, timeout=seconds, fresh=True)
        answer, _ = await self._watched(call, task_id, report, job="interrogate")
        return _caption(answer)

    async def _call(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source],
        *,
        previews: bool,
    ) -> list[Picture]:
        for _ in range(1 + MOST_REFUSALS):
            body = await self._body(request, task_id, sources)
            call = self._http.post(
                f"{API}/{request.kind}",
                body,
                timeout=self.settings.timeout_seconds,
                generating=True,
            )
            answer, stopped = await self._watched(call, task_id, report, previews=previews)
            # A strict server (trap 17): once more without them, and so from now on.
            if not self._learns(sdapi_payload.refused_keys(answer, request)):
                break
        _check(answer)
        listed = [m.name for m in self.ability.models] if self.ability else []
        painted = await asyncio.to_thread(read_painted, answer, request, listed)
        self.loaded = painted.model or self.loaded
        # An interrupted answer ends in the unfinished picture, even if none is missing (sdapi 2).
        return painted.pictures[:-1] if stopped else painted.pictures

    async def _body(
        self, request: ImageRequest, task_id: str, sources: Sequence[Source]
    ) -> dict[str, Any]:
        body = self.payload(request, task_id)
        # Before it is sent: after a crash nobody could tell what leaked (trap 5).
        await self._overrides.keep()
        if sources:
            # Base64 of megabytes: not on the loop.
            body = await asyncio.to_thread(
                sdapi_payload.with_sources, body, request, sources, self._dialect
            )
        return body

    def _learns(self, refused: frozenset[str]) -> bool:
        """Whether these keys are new among those that the server refuses."""
        unwanted = refused - self._dialect.unwanted
        if unwanted:
            _log.warning("a server refuses keys", backend=self.name, keys=sorted(unwanted))
            self._dialect = replace(self._dialect, unwanted=self._dialect.unwanted | unwanted)
        return bool(unwanted)

    async def _watched(
        self,
        call: Coroutine[Any, Any, Answer],
        task_id: str,
        report: Report,
        *,
        previews: bool = False,
        job: str | None = None,
    ) -> tuple[Answer, bool]:
        """The answer of a call, and whether we had the server stop it meanwhile."""
        with self._tasks.running(task_id, job):
            watching = asyncio.create_task(self._watch(task_id, report, previews=previews))
            try:
                answer = await call
            except (asyncio.CancelledError, BackendTimeout):
                # The server goes on when a client leaves (trap 9): it must be told.
                await asyncio.shield(self.forget(task_id))
                raise
            finally:
                watching.cancel()
            return answer, self._tasks.interrupted(task_id)

    def payload(self, request: ImageRequest, task_id: str) -> dict[str, Any]:
        """The operator's own fields, and over them ours; what is unset is left out (trap 16)."""
        operator = self.settings.payload_for(request.model)
        body = sdapi_payload.painting(request, task_id, self._dialect, operator)
        self._overrides.sending(body.get("override_settings", {}))
        return body

    async def load(self, model: str) -> None:
        """`POST /options`, which answers once it is loaded (sdapi 5); asked again to be sure.

        Raises BackendFailed when the server could not in time, and the errors of `paint`.
        """
        models = self.ability.models if self.ability else ()
        title = next((m.title for m in models if m.name == model), model)
        body, seconds = {"sd_model_checkpoint": title}, self.settings.timeout_seconds
        try:
            answer = await self._http.post(API + "/options", body, timeout=seconds, fresh=True)
            raise_for_status(answer)
        except (BackendFailed, BackendRefused, BackendOutOfMemory, BackendTimeout) as error:
            raise BackendFailed(str(error), sentence=COULD_NOT_LOAD) from error
        answer = await self._http.get(API + "/options")
        raise_for_status(answer)
        # By name: the title changes at the first load (trap 19).
        loaded = current_of(answer.json(), models)
        if loaded != model:
            raise BackendFailed(f"asked for {title}, it has {loaded}", sentence=COULD_NOT_LOAD)
        self.loaded = model
        if self.ability is not None:
            self.ability = replace(self.ability, current_model=model)

    def held(self) -> float:
        """As of the quota, or of this server alone when it said that it is busy."""
        return max(self.quota.held(), self._http.held())

    # Watching and stopping.

    async def _watch(self, task_id: str, report: Report, *, previews: bool) -> None:
        if self.ability is None or self.ability.progress:
            await self._tasks.follow(task_id, report, previews=previews)

    async def forget(self, task_id: str) -> None:
        """Interrupts, but only while the running job is known to be this one (trap 8)."""
        if self.ability is not None and not self.ability.interrupt:
            return
        with contextlib.suppress(BackendError, TimeoutError):
            async with asyncio.timeout(5):
                await self._tasks.interrupt(task_id)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close()


def _check(answer: Answer) -> None:
    """As `raise_for_status`, for the routes that paint."""
    if sdapi_payload.without_route(answer):
        # Counted as a try: where all but this is there, a job must not go round for ever.
        raise BackendUnreachable(
            f"{answer.status}: no route to paint there: was it restarted without --api?",
            taken=True,
            sentence=NO_INTERFACE,
        )
    raise_for_status(answer)


def _caption(answer: Answer) -> str:
    """KoboldCpp says 503 when it is busy, and also when it has no model that can see (sdapi 10)."""
    words = error_text(answer) if answer.status == 503 else ""
    blind = answer.status == 503 and answer.retry_after is None and "busy" not in words.casefold()
    if blind or answer.status in ABSENT:
        raise BackendFailed(f"{answer.status}: {error_text(answer)}", sentence=CANT_DESCRIBE)
    raise_for_status(answer)
    found = answer.json()
    caption = found.get("caption") if isinstance(found, dict) else None
    if not isinstance(caption, str) or not caption.strip() or "<error>" in caption:
        raise BackendFailed("the interrogation failed on the server", sentence=CANT_DESCRIBE)
    return caption.strip()
