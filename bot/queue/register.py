"""The open jobs in memory, with the counts that caps are held against: no walk over the line.

The rows are the truth; this follows a step only after the row has taken it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from bot.queue.job import Job


class Register:
    """Jobs that wait or run, by id. Counts are of jobs, per member (everywhere) and per lane."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._members: Counter[int] = Counter()
        self._lanes: Counter[int | None] = Counter()

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._jobs

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs.values()))

    def get(self, job_id: int) -> Job | None:
        """The job as it is now; None when it is not open."""
        return self._jobs.get(job_id)

    def put(self, job: Job) -> None:
        """A new job, or a newer state of one."""
        if job.id not in self._jobs:
            self._members[job.guest.user_id] += 1
            self._lanes[job.lane] += 1
        self._jobs[job.id] = job

    def pop(self, job_id: int) -> None:
        """It is open no more."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        _less(self._members, job.guest.user_id)
        _less(self._lanes, job.lane)

    def of_member(self, user_id: int) -> int:
        """How many of a member's are open, in all guilds."""
        return self._members[user_id]

    def of_lane(self, lane: int | None) -> int:
        """How many of a guild's are open."""
        return self._lanes[lane]


def _less(counts: Counter[Any], key: int | None) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
