"""The operators' book: one line for each job when its member knows the end, or no way was found
to tell it; and its clocks.

It hears the queue's news like everybody else and decides nothing. The line is the place to look
a job up: who, where, what, on which backend, how long each part took, and how it ended.
"""

from __future__ import annotations

import time

from bot import log
from bot.metrics import ENDED, PAINT, POST, WAIT, Metrics
from bot.queue.job import Job, JobEvent, Status
from bot.values.request import ImageRequest

ENDS = (Status.PAINTED, Status.FAILED, Status.CANCELLED, Status.EXPIRED)

UNDELIVERED = "undelivered"

_log = log.get("queue")


class Ledger:
    """Subscribes to a queue with `hear` and `told`, and to the bot with `undelivered`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # What found no way in this run: it is tried again and again, and written once.
        self._stuck: set[int] = set()
        for outcome in ENDS:
            metrics.add(ENDED, outcome, 0)

    def hear(self, event: JobEvent) -> None:
        """News of a job: an end is counted, and how long it waited and was painted."""
        job = event.job
        if job.status not in ENDS or job.ended_at is None:
            return
        self._metrics.add(ENDED, job.status)
        if job.started_at is not None:
            self._metrics.observe(WAIT, job.started_at - job.created_at)
            if job.status is Status.PAINTED:
                self._metrics.observe(PAINT, job.ended_at - job.started_at, job.route)

    def told(self, job: Job, pictures: int) -> None:
        """The member's message says the end of `job`, with so many pictures."""
        outcome = Status.DELIVERED if job.status is Status.PAINTED else job.status
        clocked = job.id in self._stuck
        self._stuck.discard(job.id)
        self._write(job, outcome, pictures, clocked=clocked)

    async def undelivered(self, job: Job, pictures: int) -> None:
        """Nobody could be told the end of `job`; so many pictures of it are kept.

        Once a run. Should a way be found later, that is a second line, and the clock from the
        end to the word has stopped at the first.
        """
        if job.id not in self._stuck:
            self._stuck.add(job.id)
            self._write(job, UNDELIVERED, pictures)

    def _write(self, job: Job, outcome: str, pictures: int, *, clocked: bool = False) -> None:
        now = time.time()
        ended = job.ended_at or now
        if not clocked:
            self._metrics.observe(POST, now - ended)
        failed = job.status is Status.FAILED
        # A cancel raises the attempt as well, so that the one that runs is not heard any more.
        tries = job.attempt - (job.status is Status.CANCELLED)
        began = job.started_at
        (_log.warning if failed or outcome == UNDELIVERED else _log.info)(
            "job ended",
            job=job.id,
            outcome=outcome,
            user=job.guest.user_id,
            guild=job.guest.guild_id,
            channel=job.address.channel_id,
            kind=job.request.kind,
            backend=job.route if tries else None,
            model=job.request.model,
            size=_size(job.request),
            pictures=pictures,
            attempts=tries,
            wait=_seconds(job.created_at, ended if began is None else began),
            paint=_seconds(began, ended),
            post=_seconds(ended, now),
            error=job.error_code if failed else None,
            error_ref=job.error_ref if failed else None,
        )


def _seconds(begin: float | None, end: float) -> float | None:
    """How long a part took, to a tenth; None for one that never began."""
    return None if begin is None else round(max(0.0, end - begin), 1)


def _size(request: ImageRequest) -> str:
    """Width and height in pixels of what was asked for, a second pass or upscaling included."""
    scale = request.hires.scale if request.hires else request.upscale_by or 1.0
    return f"{int(request.width * scale)}x{int(request.height * scale)}"
