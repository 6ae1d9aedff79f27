"""One try at one job: call after call, each picture on disk at once, until the job has ended.

A painter brings as many pictures a call as its server can; what is still missing is asked for
again, and a later attempt begins where an earlier one broke off. A cancel from the member lets
the call that runs come to an early end, so that nothing that is finished is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot import log
from bot.backends.base import Backend
from bot.errors import BackendUnreachable, DatabaseUnavailable
from bot.queue.job import Job
from bot.queue.queue import Queue
from bot.queue.watch import ProgressWatch, steps_of
from bot.values.picture import Picture, Progress
from bot.values.source import Source

BEAT_SECONDS = 15.0
SALVAGE_SECONDS = 10.0
"""How long a cancelled call may take to bring what it has finished."""

Done = list[Picture] | str
"""What came of a call: pictures, or words."""
Step = TypeVar("Step")
_log = log.get("worker")


async def surely(job: Job, step: Callable[[], Awaitable[Step]]) -> Step:
    """A picture in hand is not given up because the disk is full for a moment."""
    while True:
        try:
            return await step()
        except DatabaseUnavailable as error:
            _log.error("can't save an outcome yet", job=job.id, error=str(error))
            await asyncio.sleep(2)


class QueuedErrand:
    """What a painter noted of a job, in the job's row: for this backend alone."""

    def __init__(self, queue: Queue, job: Job, backend: str, sent: Callable[[], None]) -> None:
        self._queue, self._job, self._backend, self._sent = queue, job, backend, sent
        by, _, left = (job.remote_id or "").partition("\n")
        self.left: str | None = left if left and by == backend else None

    async def note(self, left: str) -> None:
        """Kept on disk, for whoever takes the job up again."""
        self.left = left
        remote = f"{self._backend}\n{left}"
        await surely(self._job, lambda: self._queue.note_remote(self._job, remote))

    def tell(self, words: str | None, eta_seconds: float | None) -> None:
        """News without a fraction; whoever has some to tell has taken the job."""
        self._sent()
        self._queue.progress(self._job, Progress(0.0, eta_seconds=eta_seconds, note=words))


class Attempt:
    """Made for one claim of one job; `run` once. `name` is of an attempt: "easel-inst-7-1"."""

    def __init__(
        self,
        queue: Queue,
        backend: Backend,
        job: Job,
        name: Callable[[int], str],
        sent: Callable[[], None] = lambda: None,
    ) -> None:
        self.job = job
        self.over = asyncio.Event()
        self._queue = queue
        self._backend = backend
        self._name = name
        self._kept = 0
        self._errand = QueuedErrand(queue, job, backend.name, sent)
        self._watch = ProgressWatch(steps_of(job.request), job.request.count)
        self._sources: Sequence[Source] = ()
        self._call: asyncio.Task[Done] | None = None
        self._dropped = False
        self._lost: BackendUnreachable | None = None
        self._cancelled: Job | None = None
        self._hurrying: asyncio.Task[None] | None = None

    # From outside, while it runs.

    def drop(self) -> None:
        """It is not wanted here any more: the server is told, and the job handed back."""
        self._dropped = True
        if self._call is not None:
            self._call.cancel()

    def lose(self, error: BackendUnreachable) -> None:
        """Its painter is gone: `run` raises the error, whatever the call still waits for."""
        self._lost = error
        if self._call is not None:
            self._call.cancel()

    def stop(self, cancelled: Job | None) -> bool:
        """The job was cancelled; see `bot.queue.queue.Stop`."""
        if cancelled is None or self.job.request.count == 1 or self.over.is_set():
            self.drop()
            return False
        self._cancelled = cancelled
        if self._call is not None:
            self._hurrying = asyncio.create_task(self._hurry(self._call))
        return True

    # The work.

    async def run(self) -> None:
        """Until the job has ended, went back into line, or is another's.

        Raises what the painter raised; what was finished before is on disk then.
        """
        beating = asyncio.create_task(self._beat())
        try:
            await self._begin()
            while await self._step():
                pass
        finally:
            # Also when the worker itself is stopped: the server must hear of it.
            tasks = [t for t in (beating, self._hurrying, self._call) if t is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.over.set()
            if self._cancelled is not None:
                self._queue.stopped(self._cancelled)

    async def _begin(self) -> None:
        job, request = self.job, self.job.request
        if job.attempt > 1:
            await self._backend.forget(self._name(job.attempt - 1))
            self._kept = await self._surely(lambda: self._queue.kept(job))
            self._watch = ProgressWatch(steps_of(request), request.count, self._kept)
        if request.begins_with_picture:
            self._sources = await self._surely(lambda: self._queue.sources(job))

    async def _step(self) -> bool:
        """One generating call and what becomes of it; whether another one is needed."""
        if self._cancelled is not None:
            return False
        if not self._dropped:
            self._call = asyncio.create_task(self._outcome())
            await asyncio.wait({self._call})
        call, self._call = self._call, None
        if self._lost is not None and (call is None or call.cancelled()):
            raise self._lost
        if call is None or call.cancelled():
            await self._surely(self._hand_back)
            return False
        if self._cancelled is not None and call.exception() is not None:
            return False
        done = call.result()
        if isinstance(done, str):
            await self._surely(lambda: self._word(done))
            return False
        return await self._surely(lambda: self._save(done))

    async def _outcome(self) -> Done:
        request, name = self.job.request, self._name(self.job.attempt)
        if request.kind == "describe":
            return await self._backend.describe(self._sources[0], name, self._report)
        if request.kind == "load":
            return await self._loaded(request.model or "")
        return await self._backend.paint(
            request.rest(self._kept),
            name,
            self._report,
            self._sources,
            previews=not self.job.address.spoiler,
            errand=self._errand,
        )

    def _report(self, fraction: float, preview: bytes | None) -> None:
        self._queue.progress(self.job, self._watch.at(fraction, preview))

    async def _loaded(self, model: str) -> str:
        began = time.monotonic()
        await self._backend.load(model)
        return f"{model} is loaded ({max(1, round(time.monotonic() - began))} s)"

    async def _hurry(self, call: asyncio.Task[Done]) -> None:
        """The server is told to stop; its answer, with what is finished, is waited for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SALVAGE_SECONDS):
                await self._backend.forget(self._name(self.job.attempt))
                await asyncio.wait({call})
        call.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(DatabaseUnavailable):
                if not await self._queue.beat(self.job) and self._cancelled is None:
                    self.drop()

    # What becomes of it.

    async def _surely(self, step: Callable[[], Awaitable[Step]]) -> Step:
        return await surely(self.job, step)

    async def _hand_back(self) -> None:
        """The member's cancel has moved the row on already; then this changes nothing."""
        await self._queue.release(self.job, delay=0, counted=False, error="Stopped")

    async def _word(self, outcome: str) -> None:
        await self._queue.word(self.job, outcome)

    async def _save(self, done: list[Picture]) -> bool:
        """The pictures on disk, with the end if none is missing; whether the job goes on."""
        first, job = self._kept, self.job
        if first + len(done) >= job.request.count and await self._queue.finish(job, done, first):
            return False
        # Short of the end; or cancelled meanwhile, and then they are kept all the same.
        if not done or not await self._queue.keep(job, done, first):
            _log.info("job was taken over or cancelled", job=job.id, attempt=job.attempt)
            return False
        self._kept += len(done)
        self._errand.left = None  # those that are missing are another task
        self._queue.progress(job, self._watch.kept(self._kept))
        return True
