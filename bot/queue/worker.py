"""Carries one job at a time to one painter: claim, paint, report, retry; and stops calmly."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
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
from bot.queue.attempt import Attempt, surely
from bot.queue.health import Health
from bot.queue.job import Job
from bot.queue.queue import Queue

MAX_FAILURES = 3
LEAST_PAUSE = 1.0
"""Seconds before a busy server is asked again, whatever it says."""
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


class _Once:
    """Calls a function the first time only."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def __call__(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


class Worker:
    """One slot of one painter."""

    def __init__(self, queue: Queue, health: Health, instance: str) -> None:
        self._queue = queue
        self._health = health
        self._backend: Backend = health.backend
        self._instance = instance
        self._stopping = asyncio.Event()
        self._attempt: Attempt | None = None

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
        if (attempt := self._attempt) is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(attempt.over.wait(), seconds)
            attempt.drop()

    async def _next(self) -> None:
        wake = self._queue.wake(self._backend.name)
        wake.clear()
        if not self._health.takes:
            await self._unless_stopped(self._health.ready())
            return
        held = self._backend.held()
        if held > 0:
            # Its quota was refused: a job that waits in line may still go elsewhere.
            await self._unless_stopped(asyncio.sleep(min(held, IDLE_SECONDS)))
            return
        if await self._one():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), IDLE_SECONDS)

    async def _one(self) -> bool:
        """The next job, if there is one, to its end; whether there was one."""
        await self._health.gate.acquire()
        leave = _Once(self._health.gate.release)
        try:
            loaded = None if self._backend.outlives else self._health.loaded
            job = await self._queue.claim(self._backend.name, self._stop, loaded)
            if job is None:
                return False
            if self._stopping.is_set():
                await self._queue.release(job, delay=0, counted=False, error="Stopped")
                return True
            with self._health.working():
                await self._carry(job, leave)
        finally:
            leave()
        # The weights stay after a request (sdapi trap 4): the next of this model is quick.
        told = self._backend.loaded or job.request.model
        self._health.loaded = told or self._health.loaded
        return True

    async def _unless_stopped(self, waiting: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(waiting)
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        for one in (task, stop):
            one.cancel()

    def _stop(self, cancelled: Job | None) -> bool:
        return self._attempt is not None and self._attempt.stop(cancelled)

    async def _carry(self, job: Job, sent: Callable[[], None]) -> None:
        """The work, and a clear end for the job when something unforeseen breaks it.

        `sent()` is called when a painter that outlives us has it.
        """
        name = partial(self._task_id, job.id)
        attempt = Attempt(self._queue, self._backend, job, name, sent)
        self._attempt = attempt
        watching = asyncio.create_task(self._watch(attempt))
        try:
            await attempt.run()
        except EaselError as error:
            await surely(job, partial(self._trouble, job, error))
        except Exception as error:
            ref = secrets.token_hex(2)
            _log.exception("job broke", job=job.id, error_ref=ref, error=str(error))
            sentence = EaselError.default_sentence
            await surely(job, partial(self._queue.fail, job, "Unknown", sentence, ref))
        finally:
            watching.cancel()
            self._attempt = None

    async def _watch(self, attempt: Attempt) -> None:
        """A call to a host that fell silent would wait for its whole timeout."""
        lost = await self._health.lost()
        if not self._backend.outlives:
            attempt.lose(lost)

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

    def _task_id(self, job: int, attempt: int) -> str:
        return f"easel-{self._instance}-{job}-{attempt}"
