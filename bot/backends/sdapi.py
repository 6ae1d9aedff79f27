"""A1111-style servers: `/sdapi/v1` (A1111, Forge, SD.Next and the many that speak alike).

The truth about them is contracts/sdapi.md; its traps are named where they are minded. Such a
server paints one picture at a time and cannot cancel a waiting one, so the line is ours and
one request at a time is in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from bot import log
from bot.backends import sdapi_payload
from bot.backends.base import Backend, Report
from bot.backends.http import Http, raise_for_status
from bot.backends.sdapi_listings import (
    current_of,
    each,
    embeddings_of,
    model_of,
    names_of,
    number_of,
    public,
    sampler_of,
    scheduler_of,
)
from bot.backends.sdapi_pictures import read_pictures, read_upscaled
from bot.backends.watch import ProgressWatch
from bot.errors import (
    BackendBadAnswer,
    BackendError,
    BackendFailed,
    BackendRefused,
    BackendTimeout,
)
from bot.settings import BackendSettings
from bot.values.ability import Ability
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

API = "/sdapi/v1"
ABSENT = frozenset({404, 405, 501})
POLL_SECONDS = 1.0
MOST_PICTURES = 10
"""Of one job: a message takes ten files, while an operator's script may bring any number."""

_log = log.get("sdapi")


class SdApi(Backend):
    """One server behind `/sdapi/v1`."""

    kind: ClassVar[str] = "sdapi"

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self._http = Http(settings)
        self._by_task = False
        self._active: str | None = None
        self._broken: list[BackendError] = []

    # What it can do.

    async def probe(self) -> Ability:
        """Asks every listing once; a missing one is an ability less, never an error.

        Raises BackendRejectedCredentials (401, 403), BackendUnreachable, BackendTimeout, and
        BackendBadAnswer when what answers there is no `/sdapi/v1` at all.
        """
        self._broken = []
        options, models, samplers, schedulers, progress = await asyncio.gather(
            self._list("/options"),
            self._list("/sd-models"),
            self._list("/samplers"),
            self._list("/schedulers"),
            self._list("/progress?skip_current_image=true"),
        )
        upscalers, loras, embeddings, vaes = await asyncio.gather(
            self._list("/upscalers"),
            self._list("/loras"),
            self._list("/embeddings"),
            self._list("/sd-vae"),
        )
        if all(found is None for found in (options, models, samplers)):
            if self._broken:
                raise self._broken[0]
            raise BackendBadAnswer(
                f"{self.settings.url} answers, but has no {API}: is it the right address, "
                "and was the server started with --api?"
            )
        self._by_task = await self._knows_tasks()
        can_upscale, can_describe = await asyncio.gather(
            self._has("/extra-single-image"), self._has("/interrogate")
        )
        listed = tuple(each(models, model_of))
        self.ability = Ability(
            models=listed,
            samplers=tuple(each(samplers, sampler_of)),
            schedulers=tuple(each(schedulers, scheduler_of)),
            upscalers=names_of(upscalers, "name"),
            loras=names_of(loras, "name"),
            embeddings=embeddings_of(embeddings),
            vaes=names_of(vaes, "model_name"),
            current_model=current_of(options, listed),
            progress=progress is not None or self._by_task,
            interrupt=progress is not None or self._by_task,
            upscale=can_upscale,
            describe=can_describe,
            step_pixels=8 if progress is not None else 64,
            warnings=tuple(self._warnings()),
        )
        return self.ability

    async def _list(self, path: str) -> Any | None:
        answer = await self._http.get(API + path)
        if answer.status in ABSENT:
            return None
        try:
            raise_for_status(answer)
            return answer.json()
        except (BackendFailed, BackendBadAnswer, BackendRefused) as error:
            # Nothing but txt2img is required (11.1): a broken listing is an ability less.
            _log.warning("a listing is broken", backend=self.name, path=path, error=str(error))
            self._broken.append(error)
            return None

    async def _has(self, path: str) -> bool:
        """Whether a POST route is there, without using it: FastAPI answers a GET with 405."""
        return (await self._http.get(API + path)).status == 405

    async def _knows_tasks(self) -> bool:
        """Whether `/internal/progress` answers (web UI mode only; trap 13)."""
        try:
            answer = await self._http.post("/internal/progress", {"id_task": "easel"}, timeout=5)
            return answer.status == 200 and isinstance(answer.json(), dict)
        except BackendError:
            return False

    def _warnings(self) -> list[str]:
        """What will hurt the operator later."""
        found = []
        auth, url = self.settings.auth, urlsplit(self.settings.url)
        if auth.password is not None and not auth.password.get_secret_value().isascii():
            found.append("the password holds other than ASCII: A1111 and Forge never accept it")
        if public(url.hostname or ""):
            if not auth.secrets():
                found.append("it is open to the internet without a password or key")
            elif url.scheme == "http":
                found.append("the password or key travels in the clear: use https://")
        return found

    # Painting.

    async def paint(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source] = (),
    ) -> list[Picture]:
        """All `count` pictures in as few generating calls as the server needs, watched meanwhile.

        One call (n_iter) on the A1111 family; servers that paint one a call (KoboldCpp,
        stable-diffusion.cpp) are asked again for the rest, with the seeds that follow.

        Raises the errors of `bot.backends.http.raise_for_status`, BackendTimeout and
        BackendBadAnswer. When cancelled, or out of time, the server is interrupted.
        """
        if request.kind == "upscale":
            return [await self._upscale(request, sources[0])]
        done: list[Picture] = []
        watch = ProgressWatch(request.steps * request.count)

        def tell(fraction: float) -> None:
            share = len(done) + fraction * (request.count - len(done))
            report(watch.at(share / request.count))

        while len(done) < request.count:
            rest = request.model_copy(
                update={"seed": request.seed + len(done), "count": request.count - len(done)}
            )
            done += await self._call(rest, task_id, tell, sources)
        return done[:MOST_PICTURES]

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
        tell: Callable[[float], None],
        sources: Sequence[Source],
    ) -> list[Picture]:
        body = self.payload(request, task_id)
        if sources:
            # Base64 of megabytes: not on the loop.
            body |= await asyncio.to_thread(sdapi_payload.painted_over, request, sources)
        watching = asyncio.create_task(self._watch(task_id, tell))
        self._active = task_id
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
            self._active = None
            watching.cancel()
        raise_for_status(answer)
        return await asyncio.to_thread(read_pictures, answer, request)

    def payload(self, request: ImageRequest, task_id: str) -> dict[str, Any]:
        """The operator's own fields, and over them ours; what is unset is left out (trap 16)."""
        return sdapi_payload.txt2img(request, task_id, self.settings.payload)

    # Watching and stopping.

    async def _watch(self, task_id: str, tell: Callable[[float], None]) -> None:
        if self.ability is not None and not self.ability.progress:
            return
        ask: Callable[[], Awaitable[float | None]] = (
            (lambda: self._task_progress(task_id)) if self._by_task else self._any_progress
        )
        while True:
            await asyncio.sleep(POLL_SECONDS)
            # A poll that fails costs nothing: the truth is the generating call's own answer.
            with contextlib.suppress(BackendError):
                fraction = await ask()
                if fraction is not None:
                    tell(fraction)

    async def _task_progress(self, task_id: str) -> float | None:
        body = {"id_task": task_id, "id_live_preview": -1, "live_preview": False}
        answer = await self._http.post("/internal/progress", body, timeout=5)
        found = answer.json() if answer.status == 200 else {}
        if not isinstance(found, dict) or not found.get("active"):
            return None
        return number_of(found.get("progress"))

    async def _any_progress(self) -> float | None:
        """The server-wide progress: whichever job runs (trap 8); ours is the only one we send."""
        answer = await self._http.get(API + "/progress?skip_current_image=true", timeout=5)
        found = answer.json() if answer.status == 200 else {}
        state = found.get("state") if isinstance(found, dict) else None
        if not isinstance(state, dict) or not state.get("job_count"):
            return None
        return number_of(found.get("progress"))

    async def forget(self, task_id: str) -> None:
        """Interrupts, but only while the running job is known to be this one (trap 8)."""
        if self.ability is not None and not self.ability.interrupt:
            return
        with contextlib.suppress(BackendError, TimeoutError):
            async with asyncio.timeout(5):
                if self._by_task:
                    body = {"id_task": task_id, "live_preview": False}
                    answer = await self._http.post("/internal/progress", body, timeout=3)
                    state = answer.json() if answer.status == 200 else {}
                    mine = isinstance(state, dict) and bool(state.get("active"))
                else:
                    mine = self._active == task_id
                if mine:
                    await self._http.post(API + "/interrupt", {}, timeout=3)
                    _log.info("interrupted", backend=self.name, task=task_id)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close()
