"""One runtime's agent: takes its messages, has them run, and writes what came of it to S3.

Contract aws, 1.5: the files first, numbered from 1, the ``.out`` last; a new stem at each run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from bot.demo.servers.eks import faults
from bot.demo.servers.eks.faults import EksFaults
from bot.demo.servers.eks.handling import Handler, Outcome, Task
from bot.demo.servers.eks.runtime import Release
from bot.demo.servers.eks.webui import Unreachable
from bot.demo.servers.s3 import DemoS3

_LOG: Final = logging.getLogger(__name__)
_LONGEST_ID: Final = 64
_BROKEN: Final = json.dumps({"code": 500, "error": "Runtime handler failed"})
_MAGIC: Final = {
    b"\x89PNG": (".png", "image/png"),
    b"\xff\xd8\xff": (".jpg", "image/jpeg"),
    b"GIF8": (".gif", "image/gif"),
    b"RIFF": (".webp", "image/webp"),
}
_NO_MAGIC: Final = (".bin", "application/octet-stream")


@dataclass
class Cluster:
    """What all agents share. ``runs`` are the ids of tasks in the order in which they began.

    ``visibility_seconds``: after so long SQS delivers a message again that was not finished.
    """

    release: Release
    s3: DemoS3
    faults: EksFaults
    visibility_seconds: float
    cold_start_seconds: float
    runs: list[str] = field(default_factory=list)


class Agent:
    """Takes tasks for one runtime: one at a time, or (``parallel``) all that come."""

    def __init__(self, handler: Handler, cluster: Cluster, *, parallel: bool) -> None:
        self._handler, self._cluster = handler, cluster
        self._turn: asyncio.Lock | None = None if parallel else asyncio.Lock()
        self._waking = asyncio.Lock()
        self.cold = True

    async def serve(self, text: str, *, times: int = 1) -> None:
        """A message has come in: run it when its turn is, so many times; a bad one is dropped."""
        await self._cluster.faults.agents_live()
        await self._wake()
        for _ in range(times):
            while True:
                if await self._done(text):
                    break
                await asyncio.sleep(self._cluster.visibility_seconds)

    async def _done(self, text: str) -> bool:
        async with self._turn or contextlib.nullcontext():
            await self._cluster.faults.agents_live()
            task = _read(text, self._cluster.release)
            return task is None or await self._run(task)

    async def _wake(self) -> None:
        async with self._waking:
            if self.cold:
                await asyncio.sleep(self._cluster.cold_start_seconds)
                self.cold = False

    async def _run(self, task: Task) -> bool:
        """Whether the message is done with; the old agent dies of a runtime that is away."""
        self._cluster.runs.append(task.name)
        fault = self._cluster.faults.take(faults.RUNNING)
        try:
            outcome = await self._handler.handle(task, fault.do if fault else "")
        except Unreachable:
            if self._cluster.release == "old":
                return False
            outcome = Outcome(_BROKEN, [])
        await self._write(task, outcome)
        return True

    async def _write(self, task: Task, outcome: Outcome) -> None:
        stem = f"{task.folder}/{task.name}-{uuid.uuid4().hex[:4]}"
        for number, data in enumerate(outcome.files, 1):
            ending, content_type = _kind_of(data)
            await self._cluster.s3.put(f"{stem}-{number}{ending}", data, content_type)
        await self._cluster.s3.put(f"{stem}.out", outcome.out.encode(), "application/json")


def _read(text: str, release: Release) -> Task | None:
    """The task of a message, None if the agent cannot make sense of it."""
    message: Any = json.loads(text)
    metadata = message["metadata"]
    name = str(metadata["id"])
    if release == "new":
        name = name[:_LONGEST_ID]
    try:
        slash = "" if metadata["prefix"][-1] == "/" else "/"
        folder = metadata["prefix"] + slash + name
    except (IndexError, KeyError, TypeError):
        _LOG.info("A task with an unusable prefix is dropped")
        return None
    return Task(name, metadata["tasktype"], folder, message["content"])


def _kind_of(data: bytes) -> tuple[str, str]:
    """Ending and media type by the first bytes, as libmagic tells them."""
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    return _NO_MAGIC
