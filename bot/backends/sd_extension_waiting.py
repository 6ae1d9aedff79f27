"""Waits for one job of the extension's middleware, which is asked about it at growing intervals.

The service knows no list of several jobs by their ids, no progress and no news; so the first
question waits until the job should be nearly done, as far as that is known.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bot import log
from bot.backends.base import Errand
from bot.backends.sd_extension_answers import UnknownJob
from bot.backends.sd_extension_api import CREATED, Job, Middleware
from bot.backends.sd_extension_submission import REAL_TIME_SECONDS, Sent
from bot.backends.warmth import Warmth
from bot.errors import BackendError, BackendFailed, BackendTimeout, BackendUnreachable

FIRST_LOOK: Final = 0.7
"""The share of the usual time after which a job is asked about the first time."""
POLL_SECONDS = 1.0
MOST_SECONDS: Final = 10.0
GROWTH: Final = 1.4
TELL_SECONDS = 5.0
LEAST_PATIENCE = 20.0
"""Seconds for which any job is asked about, however long ago it was sent."""
LONGEST: Final = 3600.0
"""Seconds: SageMaker ends an asynchronous invocation after that, whatever else is going on."""
BROKEN_LOOKS: Final = 6
"""After so many failed questions in a row the waiting ends: the line keeps the job."""
WAKING_AFTER = 6.0
WAKING: Final = "the image server is waking up, this can take minutes"

_log = log.get("extension")


class Waiting:
    """For the jobs of one middleware."""

    def __init__(self, service: Middleware, warmth: Warmth) -> None:
        self._service = service
        self._warmth = warmth
        self._own = service.settings

    async def good(self, sent: Sent, errand: Errand) -> Job:
        """The job once it has ended well.

        Raises BackendTimeout (nothing came of it), BackendFailed or BackendOutOfMemory (it
        broke there), and BackendUnreachable when nobody answers for a while.
        """
        job, began, pause = sent.job, time.monotonic(), POLL_SECONDS
        expected = await self._warmth.expected(self._endpoint(job))
        rest = max(pause, (expected or 0.0) * FIRST_LOOK - (time.time() - sent.at))
        broken = 0
        while job.good is None:
            await self._pause(rest, job, sent, errand, began)
            try:
                job, broken = await self._service.job(job.id), 0
            except BackendError as error:
                broken += 1
                _log.warning("a job can't be asked about", task=job.id, error=str(error))
                if broken >= BROKEN_LOOKS:
                    raise _final(error) from error
            rest = pause = min(MOST_SECONDS, pause * GROWTH)
        if job.trouble is not None:
            raise job.trouble
        if sent.anew:
            await self._warmth.came(self._endpoint(job), time.time() - sent.at)
        return job

    async def _pause(
        self, seconds: float, job: Job, sent: Sent, errand: Errand, began: float
    ) -> None:
        """Says every few seconds what is known; raises BackendTimeout when it is too late."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            await self._tell(job, sent, errand)
            patience = max(self._patience(job, sent), LEAST_PATIENCE - (time.monotonic() - began))
            if patience <= 0:
                raise BackendTimeout(
                    f"endpoint {self._endpoint(job) or '(any)'}: nothing came of job {job.id}, "
                    f"which is {job.status}"
                )
            await asyncio.sleep(min(rest, patience, TELL_SECONDS))

    def _patience(self, job: Job, sent: Sent) -> float:
        if job.status == CREATED and self._own.real_time:
            return sent.at + REAL_TIME_SECONDS - time.time()
        limits = (self._own.first_result_timeout, self._own.result_timeout)
        patience = self._warmth.patience(self._endpoint(job), sent.at, *limits)
        return min(patience, sent.at + LONGEST - time.time())

    async def _tell(self, job: Job, sent: Sent, errand: Errand) -> None:
        waited, endpoint = time.time() - sent.at, self._endpoint(job)
        if self._warmth.cold(endpoint) and waited > WAKING_AFTER:
            words: str | None = WAKING
            usual = await self._warmth.cold_start(endpoint)
        else:
            usual = await self._warmth.expected(endpoint)
            words = f"drawing on {endpoint}" if endpoint else None
        left = None if usual is None else max(1.0, usual - waited)
        errand.tell(words, left)

    def _endpoint(self, job: Job) -> str:
        return job.endpoint or self._own.endpoint or ""


def _final(error: BackendError) -> BackendError:
    if isinstance(error, UnknownJob):
        return BackendFailed(f"the job was deleted there: {error}")
    # Not `taken`: whoever takes the job up asks for it, and starts nothing.
    return BackendUnreachable(str(error)) if error.retryable or _late(error) else error


def _late(error: BackendError) -> bool:
    return isinstance(error, BackendTimeout)
