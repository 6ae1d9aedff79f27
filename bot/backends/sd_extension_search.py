"""Finds a job of which nobody knows the id: it was sent in one step, and the answer never came.

A row does not tell what it draws before it has ended; its parameters do then. Another's job with
the same words, seed and size drew the same picture, so it may be taken as well.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bot.backends.bulky import Bulky
from bot.backends.sd_extension_api import Job
from bot.backends.sd_extension_classic import Classic
from bot.backends.sd_extension_http import MOST_PARAMETERS, Store
from bot.backends.sd_extension_patience import steadily
from bot.backends.sd_extension_payload import Parcel

CLOCKS_SECONDS: Final = 120.0
"""How far their clock and ours may differ."""
SEARCH_PAUSE = 2.0


class Search:
    """Among the jobs of one middleware."""

    def __init__(self, service: Classic, store: Store) -> None:
        self._service = service
        self._store = store

    async def find(self, parcel: Parcel, at: float) -> Job | None:
        """The job that was sent then (epoch seconds) and drew what is in the parcel.

        None when none of those that began about then did, or not in good time.
        """
        task, window = parcel.order.task, (at - CLOCKS_SECONDS, at + CLOCKS_SECONDS)
        until = time.monotonic() + self._service.settings.first_result_timeout
        ended: set[str] = set()
        looks = 0
        while time.monotonic() < until:
            ids = await steadily(self._service.started_between, task, *window)
            for job_id in [one for one in ids if one not in ended]:
                job = await steadily(self._service.job, job_id)
                if job.good and await self._drew(job, parcel):
                    return job
                if job.good is not None:
                    ended.add(job_id)
            looks += 1
            if looks > 1 and ended.issuperset(ids):
                return None
            await asyncio.sleep(SEARCH_PAUSE)
        return None

    async def _drew(self, job: Job, parcel: Parcel) -> bool:
        outputs = await steadily(self._service.outputs, job)
        if not outputs.parameters:
            return False
        found = await self._store.get(outputs.parameters, MOST_PARAMETERS)
        try:
            held = (await asyncio.to_thread(Bulky, found or b"")).value
        except (ValueError, RecursionError):
            return False
        told = held.get("parameters") if isinstance(held, dict) else None
        return isinstance(told, dict) and all(told.get(k) == v for k, v in parcel.marks.items())
