"""Our tasks on one `/sdapi/v1` server: how far each is, what it looks like, how it is stopped.

Where `/internal/progress` knows our task ids it is asked; else the server-wide `/progress`,
which tells of whichever job runs (contracts, sdapi 4; traps 8, 10 and 11). A poll that fails
costs nothing: the truth is the generating call's own answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot import log
from bot.backends.base import Report
from bot.backends.bulky import BULKY, Bulky
from bot.backends.http import Answer, Http
from bot.backends.sdapi_listings import number_of
from bot.errors import BackendError, BrokenPicture
from bot.images import codec

POLL_SECONDS = 1.0
PREVIEW_SECONDS = 2.5
"""No preview is asked for more often: a message is not edited more often either."""
PREVIEW_SIDE = 512
PREVIEW_QUALITY = 70
MAX_PREVIEW_BYTES = 8 << 20
MAX_PREVIEW_PIXELS = 16 << 20
_INTERNAL, _PROGRESS, _INTERRUPT = (
    "/internal/progress",
    "/sdapi/v1/progress?skip_current_image={}",
    "/sdapi/v1/interrupt",
)

_log = log.get("sdapi")


@dataclass(frozen=True)
class Look:
    """One answer about a task: its fraction (0 to 1), and a small JPEG if there is a new one."""

    fraction: float
    preview: bytes | None = None


class Tasks:
    """What we have in flight on one server. `by_task`: it knows our task ids."""

    def __init__(self, http: Http, name: str) -> None:
        self._http = http
        self._name = name
        self.by_task = False
        self._running: dict[str, str | None] = {}
        self._interrupted: set[str] = set()

    @contextlib.contextmanager
    def running(self, task_id: str, job: str | None = None) -> Iterator[None]:
        """While the block lasts, our generating call of this task is in flight.

        `job` is what the server calls a call that can't be given our task id (sdapi 4).
        """
        self._running[task_id] = job
        try:
            yield
        finally:
            self._running.pop(task_id, None)
            self._interrupted.discard(task_id)

    def job(self, task_id: str) -> str | None:
        """What the server calls a task that it does not know by its id."""
        return self._running.get(task_id)

    def interrupted(self, task_id: str) -> bool:
        """Whether we told the server to stop the call that runs; no answer tells that itself."""
        return task_id in self._interrupted

    async def follow(self, task_id: str, report: Report, *, previews: bool) -> None:
        """Reports how far a task is, about once a second, until it is cancelled."""
        follower = _Follower(self, task_id, previews)
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(BackendError):
                look = await follower.look()
                if look is not None:
                    report(look.fraction, look.preview)

    async def interrupt(self, task_id: str) -> None:
        """Stops the running job, but only while it is known to be this one (trap 8)."""
        if not await self._mine(task_id):
            return
        if task_id in self._running:
            # Before the call: its answer may be overtaken by the generating one.
            self._interrupted.add(task_id)
        answer = await self._http.post(_INTERRUPT, {}, timeout=3, fresh=True)
        if not 200 <= answer.status < 300:
            self._interrupted.discard(task_id)
        _log.info("interrupted", backend=self._name, task=task_id, status=answer.status)

    async def _mine(self, task_id: str) -> bool:
        job = self.job(task_id)
        if job is not None:
            told = job_of((await self.ask_all(picture=False)).value)
            return told == job and [*self._running] == [task_id]
        if self.by_task:
            state = (await self.ask(task_id)).value
            if self.by_task:
                return bool(state.get("active"))
        return [*self._running] == [task_id]

    async def ask(self, task_id: str, seen_preview: int | None = None) -> Bulky:
        """What `/internal/progress` says of a task, always an object; with a preview that is
        newer than `seen_preview` unless that is None."""
        body = {
            "id_task": task_id,
            "id_live_preview": -1 if seen_preview is None else seen_preview,
            "live_preview": seen_preview is not None,
        }
        found = await _object(await self._http.post(_INTERNAL, body, timeout=5))
        if "paused" in found.value:
            # SD.Next has the route, with more keys, but knows no ids of others (sdapi 4, 10).
            self.by_task = False
        return found

    async def ask_all(self, *, picture: bool) -> Bulky:
        """What `/progress` says of whichever job runs, always an object."""
        path = _PROGRESS.format("false" if picture else "true")
        return await _object(await self._http.get(path, timeout=5))


class _Follower:
    """Looks at one task again and again; asks for a picture now and then."""

    def __init__(self, tasks: Tasks, task_id: str, previews: bool) -> None:
        self._tasks = tasks
        self._task_id = task_id
        self._previews = previews
        self._due = 0.0
        # Not -1, with which SD.Next gives none; a web UI counts from 1.
        self._seen = 0

    async def look(self) -> Look | None:
        """None when there is nothing to tell. Raises BackendError."""
        now = asyncio.get_running_loop().time()
        picture = self._previews and now >= self._due
        if picture:
            self._due = now + PREVIEW_SECONDS
        if self._tasks.by_task and self._tasks.job(self._task_id) is None:
            return await self._at_task(picture)
        return await self._at_server(picture)

    async def _at_task(self, picture: bool) -> Look | None:
        found = await self._tasks.ask(self._task_id, self._seen if picture else None)
        state = found.value
        fraction = number_of(state.get("progress"))
        if not state.get("active") or fraction is None:
            return None
        newer = state.get("id_live_preview")
        if isinstance(newer, int) and state.get("live_preview"):
            self._seen = newer
        return Look(fraction, await _small(found.text(state.get("live_preview"))))

    async def _at_server(self, picture: bool) -> Look | None:
        """Ours is the only job that we send."""
        found = await self._tasks.ask_all(picture=picture)
        job, fraction = self._tasks.job(self._task_id), number_of(found.value.get("progress"))
        told = job_of(found.value)
        if told is None or fraction is None or job not in (None, told):
            return None
        return Look(fraction, await _small(found.text(found.value.get("current_image"))))


def job_of(progress: dict[str, Any]) -> str | None:
    """What `/progress` calls the job that runs; None when idle (trap 11)."""
    state = progress.get("state")
    if not isinstance(state, dict) or not state.get("job_count"):
        return None
    return str(state.get("job") or "")


async def _object(answer: Answer) -> Bulky:
    """The JSON object of a 200, else an empty one; a large one is read in a thread."""
    body = answer.body if answer.status == 200 else b"{}"
    with contextlib.suppress(ValueError, RecursionError):
        found = Bulky(body) if len(body) <= BULKY else await asyncio.to_thread(Bulky, body)
        if isinstance(found.value, dict):
            return found
    return Bulky(b"{}")


async def _small(encoded: bytes | None) -> bytes | None:
    """A preview, in base64 or as a data: URL, as a small JPEG; None if it is none."""
    if not encoded:
        return None
    return await asyncio.to_thread(_shrunk, encoded)


def _shrunk(encoded: bytes) -> bytes | None:
    try:
        data = codec.decode_base64(encoded, max_bytes=MAX_PREVIEW_BYTES)
        codec.check_picture(data, max_bytes=MAX_PREVIEW_BYTES, max_pixels=MAX_PREVIEW_PIXELS)
        return codec.thumbnail(data, PREVIEW_SIDE, PREVIEW_QUALITY)
    except BrokenPicture as error:
        _log.debug("a preview can't be used", error=str(error))
        return None
