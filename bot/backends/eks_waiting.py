"""Waits for tasks whose only sign of an end is a file in S3; many are asked about in one listing.

Each task is looked for when it should be done, as far as that is known, and then at growing
intervals. Tasks of the same hour share a folder, so one listing answers for all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot import log
from bot.backends.s3 import Bucket, by_number
from bot.errors import BackendError, BackendRejectedCredentials, BackendUnreachable

FIRST_LOOK = 0.9
"""The share of the usual time after which a task is looked for the first time."""
LEAST_SECONDS = 1.0
MOST_SECONDS = 10.0
GROWTH = 1.4
TOGETHER = 3
"""So many tasks of one folder are asked about in one listing; fewer each by itself."""
MANY, MANY_SECONDS = 30, 0.3
"""While so many wait together, one listing in so short a time costs each of them little."""
BROKEN_LOOKS = 6
"""After so many failed looks in a row the waiting ends: the line keeps the job."""

_log = log.get("eks")


@dataclass(frozen=True)
class Finished:
    """What lies there of the run that ended first: the `.out`, and its files in order."""

    out: str
    files: tuple[str, ...]


def _future() -> asyncio.Future[Finished]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class _Awaited:
    folder: str
    task: str
    due: float
    pause: float
    found: asyncio.Future[Finished] = field(default_factory=_future)

    @property
    def place(self) -> str:
        return f"{self.folder}/{self.task}"


class Waiting:
    """The tasks of one backend. It asks nothing while nobody waits."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._awaited: set[_Awaited] = set()
        self._looking: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._broken = 0
        # How many keys a folder held when it was last listed.
        self._sizes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._awaited)

    async def finished(self, folder: str, task: str, expected: float | None) -> Finished:
        """Waits until the task has ended; `expected` is in seconds from now.

        Raises BackendUnreachable when S3 can't be asked for a while. It waits for ever otherwise.
        """
        first = LEAST_SECONDS if expected is None else expected * FIRST_LOOK
        pause = LEAST_SECONDS if expected is None else max(MANY_SECONDS, expected / 15)
        one = _Awaited(folder, task, time.monotonic() + max(0.0, first), min(pause, MOST_SECONDS))
        self._awaited.add(one)
        self._news.set()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            return await one.found
        finally:
            self._awaited.discard(one)

    async def close(self) -> None:
        """Looks no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        while self._awaited:
            wait = min(one.due for one in self._awaited) - time.monotonic()
            if wait > 0:
                self._news.clear()
                try:
                    async with asyncio.timeout(wait):
                        await self._news.wait()
                    continue  # somebody new may be due sooner
                except TimeoutError:
                    pass
            try:
                await self._round()
                self._broken = 0
            except BackendError as error:
                self._trouble(error)
            except Exception as error:
                _log.exception("a look for results broke")
                self._trouble(BackendUnreachable(f"a look for results broke: {error}"))

    async def _round(self) -> None:
        now = time.monotonic()
        due = {one.folder for one in self._awaited if one.due <= now}
        for folder in sorted(due):
            mine = [one for one in self._awaited if one.folder == folder]
            pages = self._sizes.get(folder, 0) // 1000 + 1
            # Whoever is due soon is asked about now: a folder is listed once in a while only.
            soon = LEAST_SECONDS if len(mine) < MANY else MANY_SECONDS
            late = [one for one in mine if one.due <= now + soon]
            if len(mine) >= TOGETHER and len(late) > pages:
                keys = await self._bucket.keys(folder)
                self._sizes[folder] = len(keys)
                self._settle(mine, keys)
            else:
                for one in late:
                    self._settle([one], await self._bucket.keys(one.place))
            for one in late:
                one.due = time.monotonic() + one.pause
                one.pause = min(MOST_SECONDS, one.pause * GROWTH)
        waited_for = {one.folder for one in self._awaited}
        self._sizes = {f: n for f, n in self._sizes.items() if f in waited_for}

    def _settle(self, awaited: Iterable[_Awaited], keys: list[tuple[str, float]]) -> None:
        by_place: dict[str, list[tuple[str, float]]] = {}
        for key, at in keys:
            by_place.setdefault(key.rsplit("/", 1)[0], []).append((key, at))
        for one in awaited:
            held = by_place.get(one.place)
            ended = first_finished(held) if held else None
            if ended is not None and not one.found.done():
                one.found.set_result(ended)

    def _trouble(self, error: BackendError) -> None:
        self._broken += 1
        _log.warning("results can't be looked for", bucket=self._bucket.name, error=str(error))
        away = isinstance(error, BackendRejectedCredentials) or self._broken >= BROKEN_LOOKS
        for one in self._awaited:
            one.due = time.monotonic() + min(MOST_SECONDS, LEAST_SECONDS * 2**self._broken)
            if away and not one.found.done():
                one.found.set_exception(BackendUnreachable(str(error)))


def first_finished(keys: Iterable[tuple[str, float]]) -> Finished | None:
    """Of all runs of one task (SQS may deliver it twice) the one that ended first."""
    held = list(keys)
    outs = sorted((at, key) for key, at in held if key.endswith(".out"))
    if not outs:
        return None
    out = outs[0][1]
    stem = out.removesuffix(".out") + "-"
    return Finished(out, tuple(by_number([key for key, _ in held if key.startswith(stem)])))
