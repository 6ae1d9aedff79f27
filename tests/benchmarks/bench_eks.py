"""500 orders at once on Stable Diffusion on EKS, through the queue and a real S3 (moto).

The painter takes 5 s and any number at a time, so what limits is the key: 30 requests a second
after a burst of 50. The stand-ins run in a process of their own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.backends.sd_on_eks import SdOnEks
from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.queue.door import Caps
from bot.queue.health import Health
from bot.queue.job import Job, JobEvent, Status
from bot.queue.queue import Habits, Queue
from bot.queue.store import Store
from bot.queue.worker import Worker
from bot.settings import BackendSettings
from tests.bot.queue.props import order

TASKS, PAINT_SECONDS, RATE, BURST = 500, 5.0, 30.0, 50
IDEAL = (TASKS - BURST) / RATE + PAINT_SECONDS
ROOMY = Caps(10**6, 10**6, 10**6)
SERVICE = """
import asyncio, json, sys
from bot.demo.servers.eks import DemoEks
from bot.demo.servers.s3 import DemoS3

async def main():
    s3 = DemoS3()
    await s3.start()
    eks = DemoEks(s3=s3, paint_seconds=%f, rate=%f, burst=%d)
    await eks.start()
    told = {"url": eks.url, "bucket": s3.bucket, "endpoint": s3.url,
            "access_key_id": s3.access_key, "secret_access_key": s3.secret_key}
    print(json.dumps(told), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        told = {"refused": eks.refused, "submitted": len(eks.submitted), "s3": len(s3.requests)}
        print(json.dumps(told), flush=True)

asyncio.run(main())
"""


class Service:
    """The stand-ins, and what they have counted."""

    def __init__(self, process: asyncio.subprocess.Process, where: dict[str, str]) -> None:
        self.process, self.where = process, where

    async def counts(self) -> dict[str, int]:
        """How many requests were refused, tasks taken, S3 requests answered."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        found: dict[str, int] = json.loads(await self.process.stdout.readline())
        return found


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    """The stand-ins in a process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVICE % (PAINT_SECONDS, RATE, BURST),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    yield Service(process, json.loads(await process.stdout.readline()))
    process.terminate()
    await process.wait()


def settings(where: dict[str, str]) -> BackendSettings:
    """As an operator's, with room for all tasks."""
    s3: dict[str, Any] = {key: value for key, value in where.items() if key != "url"}
    runtimes = [{"name": "sdruntime", "model": "dreamshaper_8.safetensors"}]
    return BackendSettings.model_validate(
        {
            "name": "main",
            "kind": "sd-on-eks",
            "url": where["url"],
            "auth": {"api_key": "demo-key"},
            "concurrency": TASKS,
            "eks": {"s3": s3, "runtimes": runtimes},
        }
    )


@pytest.mark.timeout(180)
async def test_500_tasks_at_once_are_paced_and_fetched_with_few_requests(tmp_path: Path) -> None:
    migrate(tmp_path / "easel.db")
    database = Database(tmp_path / "easel.db")
    async with service() as cloud:
        backend = SdOnEks(settings(cloud.where))
        health = Health(backend, lambda _: None)
        queue = Queue(Store(database), Habits(slots={"main": TASKS}))
        delivered, telling = asyncio.Event(), set[asyncio.Task[None]]()
        ends: list[Status] = []

        async def tell(job: Job) -> None:
            await queue.told(job)
            ends.append(job.status)
            if len(ends) == TASKS:
                delivered.set()

        def heard(event: JobEvent) -> None:
            if not event.job.status.open:
                telling.add(asyncio.create_task(tell(event.job)))

        queue.subscribe(heard)
        for n in range(TASKS):
            job = await queue.submit(order(n % 50, n % 10), ROOMY)
            assert job is not None
            await queue.accept(job, n)
        probing = asyncio.create_task(health.run())
        await health.ready()
        await asyncio.sleep(2)  # the probe's own request is made good
        before = await cloud.counts()
        workers = [Worker(queue, health, "bench") for _ in range(TASKS)]
        began = time.perf_counter()
        working = [asyncio.create_task(worker.run()) for worker in workers]
        await delivered.wait()
        took = time.perf_counter() - began
        after = await cloud.counts()
        await asyncio.sleep(3)
        idle = await cloud.counts()
        for task in (*working, probing):
            task.cancel()
        await asyncio.gather(*working, probing, return_exceptions=True)
        await backend.close()
    await database.close()
    each = (after["s3"] - before["s3"]) / TASKS
    print(
        f"\n{TASKS} tasks: {took:.1f} s (ideal {IDEAL:.1f} s, ratio {took / IDEAL:.3f}), "
        f"{after['refused']} refused, {each:.2f} S3 requests a task, "
        f"{idle['s3'] - after['s3']} S3 requests in 3 idle seconds"
    )
    assert set(ends) == {Status.PAINTED}
    assert after["refused"] == 0
    assert after["submitted"] == TASKS
    assert took <= 1.1 * IDEAL
    assert each <= 4
    assert idle["s3"] == after["s3"]
