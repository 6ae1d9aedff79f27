"""Carries one job at a time to one painter: claim, paint, report, retry; and stops calmly."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from bot import log
from bot.backends.base import Backend
from bot.errors import (
    BackendBusy,
    BackendError,
    BackendRejectedCredentials,
    BackendUnreachable,
    DatabaseUnavailable,
    EaselError,
)
from bot.queue.health import Health
from bot.queue.job import Job
from bot.queue.queue import Queue
from bot.values.picture import Picture
from bot.values.source import Source

MAX_FAILURES = 3
LEAST_PAUSE = 1.0
"""Seconds before a busy server is asked again, whatever it says."""
BEAT_SECONDS = 15.0
IDLE_SECONDS = 5.0
"""How often an idle worker looks by itself; the wake event is what usually calls it."""

_log = log.get("worker")


@dataclass(frozen=True)
class Retry:
    """Back into line for `delay` seconds; `counted` as one of the three tries."""

    delay: float
    counted: bool


def verdict(error: EaselError, failures: int) -> Retry | None:
    """Whether a job that met `error` after `failures` broken tries goes on; None: it fails.

    A server that was never reached, or is busy, costs the job nothing.
    """
    if isinstance(error, BackendBusy):
        return Retry(max(LEAST_PAUSE, error.retry_after or 5.0), counted=False)
    if isinstance(error, BackendUnreachable):
        if not error.taken:
            return Retry(1.0, counted=False)
        return Retry(1.0, counted=True) if failures + 1 < MAX_FAILURES else None
    return None


class Worker:
    """One slot of one painter."""

    def __init__(self, queue: Queue, health: Health, instance: str) -> None:
        self._queue = queue
        self._health = health
        self._backend: Backend = health.backend
        self._instance = instance
        self._stopping = asyncio.Event()
        self._painting: asyncio.Task[list[Picture] | str] | None = None
        self._unwanted = False

    async def run(self) -> None:
        """Works until `stop`; a database that is away for a while only delays it."""
        while not self._stopping.is_set():
            try:
                await self._next()
            except DatabaseUnavailable as error:
                _log.error("database unavailable", error=str(error))
                await asyncio.sleep(2)
            except Exception:
                # One odd job must not stop the line; its row goes on at the next start.
                _log.exception("the worker stumbled", backend=self._backend.name)
                await asyncio.sleep(1)

    async def stop(self, seconds: float) -> None:
        """Claims no more; gives the running job `seconds`, then hands it back into line."""
        self._stopping.set()
        self._queue.wake(self._backend.name).set()
        if self._painting is not None:
            await asyncio.wait({self._painting}, timeout=seconds)
            self._painting.cancel()

    async def _next(self) -> None:
        wake = self._queue.wake(self._backend.name)
        wake.clear()
        if not self._health.usable:
            await self._unless_stopped(self._health.ready())
            return
        self._unwanted = False
        job = await self._queue.claim(self._backend.name, self._interrupt)
        if job is not None and self._stopping.is_set():
            await self._queue.release(job, delay=0, counted=False, error="Stopped")
        elif job is not None:
            await self._carry(job)
        if job is not None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), IDLE_SECONDS)

    async def _unless_stopped(self, waiting: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(waiting)
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        for one in (task, stop):
            one.cancel()

    def _interrupt(self) -> None:
        self._unwanted = True
        if self._painting is not None:
            self._painting.cancel()

    async def _carry(self, job: Job) -> None:
        """The work, and a clear end for the job when something unforeseen breaks it."""
        try:
            await self._work(job)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            ref = secrets.token_hex(2)
            _log.exception("job broke", job=job.id, error_ref=ref, error=str(error))
            await self._queue.fail(job, "Unknown", EaselError.default_sentence, ref)

    async def _work(self, job: Job) -> None:
        if job.attempt > 1:
            await self._backend.forget(self._task_id(job.id, job.attempt - 1))
        if self._unwanted:  # cancelled before there was anything to interrupt
            return
        sources = () if job.request.kind == "txt2img" else await self._queue.sources(job)
        self._painting = asyncio.create_task(self._outcome(job, sources))
        beating = asyncio.create_task(self._beat(job))
        try:
            await asyncio.wait({self._painting})
            await self._report_surely(job, self._painting)
        finally:
            # Also when this worker itself is stopped: the server must hear of it.
            for task in (beating, self._painting):
                task.cancel()
            await asyncio.gather(beating, self._painting, return_exceptions=True)
            self._painting = None

    async def _outcome(self, job: Job, sources: Sequence[Source]) -> list[Picture] | str:
        """Pictures, or words about one."""
        if job.request.kind == "describe":
            return await self._backend.describe(sources[0])
        return await self._backend.paint(
            job.request,
            self._task_id(job.id, job.attempt),
            lambda progress: self._queue.progress(job, progress),
            sources,
        )

    async def _report_surely(self, job: Job, painting: asyncio.Task[list[Picture] | str]) -> None:
        """A picture in hand is not given up because the disk is full for a moment."""
        while True:
            try:
                return await self._report(job, painting)
            except DatabaseUnavailable as error:
                _log.error("can't save an outcome yet", job=job.id, error=str(error))
                await asyncio.sleep(2)

    async def _report(self, job: Job, painting: asyncio.Task[list[Picture] | str]) -> None:
        if painting.cancelled():
            # The member's cancel has moved the row on already; then this changes nothing.
            await self._queue.release(job, delay=0, counted=False, error="Stopped")
            return
        error = painting.exception()
        if error is None:
            await self._finish(job, painting.result())
        elif isinstance(error, EaselError):
            await self._trouble(job, error)
        else:
            ref = secrets.token_hex(2)
            _log.error("job broke", job=job.id, error_ref=ref, exc_info=error)
            await self._queue.fail(job, "Unknown", EaselError.default_sentence, ref)

    async def _finish(self, job: Job, done: list[Picture] | str) -> None:
        if isinstance(done, str):
            await self._queue.word(job, done)
            _log.info("job described", job=job.id, user=job.guest.user_id)
            return
        if not await self._queue.finish(job, done):
            _log.info("job was taken over or cancelled", job=job.id, attempt=job.attempt)
            return
        now = time.time()
        _log.info(
            "job painted",
            job=job.id,
            user=job.guest.user_id,
            guild=job.guest.guild_id,
            backend=self._backend.name,
            model=job.request.model,
            size=f"{done[0].width}x{done[0].height}",
            pictures=len(done),
            waited=round((job.started_at or now) - job.created_at, 1),
            painted=round(now - (job.started_at or now), 1),
        )

    async def _trouble(self, job: Job, error: EaselError) -> None:
        retry = verdict(error, job.failures)
        if isinstance(error, BackendUnreachable | BackendRejectedCredentials):
            self._health.doubt(error)
        if retry is None:
            await self._fail(job, error)
            return
        _log.warning("job goes back into line", job=job.id, error=str(error), delay=retry.delay)
        busy = isinstance(error, BackendBusy)
        await self._queue.release(
            job,
            delay=retry.delay,
            counted=retry.counted,
            error=error.code,
            trouble="The image server is busy. Your place in line is kept." if busy else None,
        )

    async def _fail(self, job: Job, error: EaselError) -> None:
        ref = secrets.token_hex(2)
        kind = error.code if isinstance(error, BackendError) else "Unknown"
        _log.error(
            "job failed",
            job=job.id,
            user=job.guest.user_id,
            guild=job.guest.guild_id,
            backend=self._backend.name,
            error_ref=ref,
            kind=kind,
            error=str(error),
        )
        await self._queue.fail(job, kind, self._sentence(job, error), ref)

    @staticmethod
    def _sentence(job: Job, error: EaselError) -> str:
        size = f"{job.request.width}×{job.request.height}"
        return error.sentence.replace("ran out of memory.", f"ran out of memory at {size}.")

    async def _beat(self, job: Job) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(DatabaseUnavailable):
                if not await self._queue.beat(job):
                    self._interrupt()

    def _task_id(self, job: int, attempt: int) -> str:
        return f"easel-{self._instance}-{job}-{attempt}"
