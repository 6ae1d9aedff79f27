"""A1111-style servers: `/sdapi/v1` (A1111, Forge, SD.Next and the many that speak alike).

The truth about them is contracts/sdapi.md; its traps are named where they are minded. Such a
server paints one picture at a time and cannot cancel a waiting one, so the line is ours and
one request at a time is in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from bot.backends import sdapi_payload
from bot.backends.base import Backend, Report
from bot.backends.http import Http, raise_for_status
from bot.backends.sdapi_dialect import Dialect
from bot.backends.sdapi_listings import current_of
from bot.backends.sdapi_pictures import read_pictures, read_upscaled
from bot.backends.sdapi_probe import ABSENT, API, Probe
from bot.backends.sdapi_watch import Tasks
from bot.errors import (
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRefused,
    BackendTimeout,
)
from bot.settings import BackendSettings
from bot.values.ability import Ability
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

COULD_NOT_LOAD = "The image server could not load that model."


REFRESHED = ("checkpoints", "vae", "loras", "embeddings")


class SdApi(Backend):
    """One server behind `/sdapi/v1`."""

    kind: ClassVar[str] = "sdapi"

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self._http = Http(settings)
        self._tasks = Tasks(self._http, self.name)
        self._dialect = Dialect()
        self._sent: Mapping[str, Any] = {}

    # What it can do.

    async def probe(self) -> Ability:
        """Asks every listing once; a missing one is an ability less, never an error.

        Raises BackendRejectedCredentials (401, 403), BackendUnreachable, BackendTimeout, and
        BackendBadAnswer when what answers there is no `/sdapi/v1` at all.
        """
        found = await Probe(self._http, self.settings).ask(self._dialect, self._sent)
        self._tasks.by_task = found.by_task
        self._dialect, self.ability = found.dialect, found.ability
        return self.ability

    async def refresh(self) -> Ability:
        """`/refresh-*` takes the server's queue lock: it waits for the running job (sdapi 6)."""
        for name in REFRESHED:
            answer = await self._http.post(
                f"{API}/refresh-{name}", {}, timeout=self.settings.timeout_seconds
            )
            if answer.status not in ABSENT:
                raise_for_status(answer)
        return await self.probe()

    # Painting.

    async def paint(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source] = (),
        *,
        previews: bool = False,
    ) -> list[Picture]:
        """One generating call for all of `count`; KoboldCpp and its like paint one all the same.

        Raises the errors of `bot.backends.http.raise_for_status`, BackendTimeout and
        BackendBadAnswer. When cancelled, or out of time, the server is interrupted.
        """
        if request.kind == "upscale":
            return [await self._upscale(request, sources[0])]
        shown = previews and self.settings.previews
        found = await self._call(request, task_id, report, sources, previews=shown)
        # An operator's script may bring any number.
        return found[: request.count]

    async def _upscale(self, request: ImageRequest, source: Source) -> Picture:
        """`/extra-single-image` (contracts, sdapi 7); the source's own infotext is kept."""
        body = await asyncio.to_thread(sdapi_payload.upscale, request, source)
        answer = await self._http.post(
            API + "/extra-single-image",
            body,
            timeout=self.settings.timeout_seconds,
            generating=True,
        )
        raise_for_status(answer)
        return await asyncio.to_thread(read_upscaled, answer, request)

    async def describe(self, source: Source) -> str:
        """`/interrogate`; a failed one is 200 with `<error>` in the caption (sdapi 7)."""
        body = await asyncio.to_thread(sdapi_payload.describe, source)
        answer = await self._http.post(
            API + "/interrogate", body, timeout=self.settings.timeout_seconds
        )
        raise_for_status(answer)
        found = answer.json()
        caption = found.get("caption") if isinstance(found, dict) else None
        if not isinstance(caption, str) or not caption.strip() or "<error>" in caption:
            raise BackendFailed("the interrogation failed on the server")
        return caption.strip()

    async def _call(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source],
        *,
        previews: bool,
    ) -> list[Picture]:
        body = self.payload(request, task_id)
        if sources:
            # Base64 of megabytes: not on the loop.
            body = await asyncio.to_thread(
                sdapi_payload.with_sources, body, request, sources, self._dialect
            )
        with self._tasks.running(task_id):
            watching = asyncio.create_task(self._watch(task_id, report, previews=previews))
            try:
                answer = await self._http.post(
                    f"{API}/{request.kind}",
                    body,
                    timeout=self.settings.timeout_seconds,
                    generating=True,
                )
            except (asyncio.CancelledError, BackendTimeout):
                # The server goes on when a client leaves (trap 9): it must be told.
                await asyncio.shield(self.forget(task_id))
                raise
            finally:
                watching.cancel()
            stopped = self._tasks.interrupted(task_id)
        unwanted = sdapi_payload.refused_keys(answer) - self._dialect.unwanted
        if unwanted:
            # A strict server (trap 17): once more without them, and so from now on.
            self._dialect = replace(self._dialect, unwanted=self._dialect.unwanted | unwanted)
            return await self._call(request, task_id, report, sources, previews=previews)
        raise_for_status(answer)
        found = await asyncio.to_thread(read_pictures, answer, request)
        # An interrupted answer ends in the unfinished picture, even if none is missing (sdapi 2).
        return found[:-1] if stopped else found

    def payload(self, request: ImageRequest, task_id: str) -> dict[str, Any]:
        """The operator's own fields, and over them ours; what is unset is left out (trap 16)."""
        operator = self.settings.payload_for(request.model)
        body = sdapi_payload.painting(request, task_id, self._dialect, operator)
        self._sent = body.get("override_settings", {})
        return body

    async def load(self, model: str) -> None:
        """`POST /options`, which answers once it is loaded (sdapi 5); asked again to be sure.

        Raises BackendFailed when the server could not in time, and the errors of `paint`.
        """
        models = self.ability.models if self.ability else ()
        title = next((m.title for m in models if m.name == model), model)
        body, seconds = {"sd_model_checkpoint": title}, self.settings.timeout_seconds
        try:
            raise_for_status(await self._http.post(API + "/options", body, timeout=seconds))
        except (BackendFailed, BackendRefused, BackendOutOfMemory, BackendTimeout) as error:
            raise BackendFailed(str(error), sentence=COULD_NOT_LOAD) from error
        answer = await self._http.get(API + "/options")
        raise_for_status(answer)
        # By name: the title changes at the first load (trap 19).
        loaded = current_of(answer.json(), models)
        if loaded != model:
            raise BackendFailed(f"asked for {title}, it has {loaded}", sentence=COULD_NOT_LOAD)
        if self.ability is not None:
            self.ability = replace(self.ability, current_model=model)

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
