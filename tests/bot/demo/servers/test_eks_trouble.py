"""What goes wrong with the EKS service, to order; cold starts, and hundreds of tasks at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.demo.servers.eks import Runtime
from bot.demo.servers.s3 import DemoS3
from tests.bot.demo.servers.eks_client import Client, opened, opened_bucket, task
from tests.bot.demo.servers.test_eks_comfy import GRAPH

pytestmark = pytest.mark.asyncio(loop_scope="module")
RUNTIMES = {"sdruntime": Runtime(), "comfy": Runtime(kind="comfy")}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bucket() -> AsyncIterator[DemoS3]:
    async with opened_bucket() as s3:
        yield s3


@pytest_asyncio.fixture(loop_scope="module")
async def new(bucket: DemoS3) -> AsyncIterator[Client]:
    async with opened(bucket, runtimes=RUNTIMES, paint_seconds=0.0) as client:
        yield client


async def outs(client: Client, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What every run of a task left."""
    keys = await client.keys(f"out/{body['task']['metadata']['id']}/")
    return [await client.out(key) for key in keys if key.endswith(".out")]


# --- at the gateway


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "Unauthorized", "UnauthorizedException"),
        (429, "Too Many Requests", "TooManyRequestsException"),
        (500, "Internal server error", "InternalServerErrorException"),
        (502, "Internal server error", "InternalServerErrorException"),
        (503, "Internal server error", "ServiceUnavailableException"),
        (504, "Endpoint request timed out", "InternalServerErrorException"),
    ],
)
async def test_answers_that_publish_nothing(
    new: Client, status: int, message: str, kind: str
) -> None:
    new.eks.faults.add("fail", times=2, status=status)
    for _ in range(2):
        assert (await new.post(task())).refusal == (status, message, kind)
    assert new.eks.submitted == []
    assert (await new.post(task())).status == 200


async def test_a_quota_that_is_used_up(new: Client) -> None:
    new.eks.faults.add("quota", times=-1)
    for _ in range(3):
        assert (await new.post(task())).refusal[:2] == (429, "Limit Exceeded")
    new.eks.faults.clear()
    assert (await new.post(task())).status == 200


async def test_a_504_though_the_task_is_under_way(new: Client) -> None:
    new.eks.faults.add("accept")
    body = task()
    assert (await new.post(body)).status == 504
    await new.ended()
    assert len(await outs(new, body)) == 1
    # Who posts it again has it run again: two stems under one prefix.
    assert (await new.post(body)).status == 200
    await new.ended()
    assert len(await outs(new, body)) == 2


async def test_broken_and_slow_connections(new: Client) -> None:
    for do, published in (("reset", 0), ("reset_after", 1)):
        new.eks.faults.add(do)
        with pytest.raises(aiohttp.ClientConnectionError):
            await new.post(task())
        assert len(new.eks.submitted) == published
    new.eks.faults.add("slow", seconds=0.1)
    start = time.monotonic()
    assert (await new.post(task())).status == 200
    assert time.monotonic() - start >= 0.1
    with pytest.raises(ValueError, match="no such fault"):
        new.eks.faults.add("rain")


# --- in the cluster


async def test_a_task_that_is_lost(new: Client) -> None:
    new.eks.faults.add("lose")
    lost, found = task(), task()
    assert (await new.post(lost)).status == 200
    await new.drawn(found)
    assert await outs(new, lost) == []
    assert len(new.eks.submitted) == 2
    assert new.eks.runs == [found["task"]["metadata"]["id"]]


async def test_a_task_that_sqs_delivers_again(new: Client) -> None:
    new.eks.faults.add("twice")
    body = task()
    await new.post(body)
    await new.ended()
    assert new.eks.runs == [body["task"]["metadata"]["id"]] * 2
    assert len(await outs(new, body)) == 2


async def test_a_runtime_that_fails(new: Client) -> None:
    new.eks.faults.add("webui_error", times=2)
    found = await new.drawn(task())
    assert found.parameters["error_msg"].startswith("HTTPError('500 Server Error")
    assert found.parameters["reason"]["error"] == "OutOfMemoryError"
    found = await new.drawn(task(runtime="comfy", content=GRAPH))
    assert found.out == {"code": 500}


async def test_a_success_without_pictures(new: Client) -> None:
    new.eks.faults.add("no_pictures", times=2)
    found = await new.drawn(task())
    assert (found.files, found.parameters["error_msg"]) == ([], "")
    found = await new.drawn(task(runtime="comfy", content=GRAPH))
    assert (found.files, found.out) == ([], {"code": 200})


@pytest.mark.parametrize("runtime", ["sdruntime", "comfy"])
async def test_a_runtime_that_is_away(bucket: DemoS3, new: Client, runtime: str) -> None:
    body = task(runtime=runtime, content=GRAPH)
    new.eks.faults.add("unreachable")
    assert (await new.drawn(body)).out == {"code": 500, "error": "Runtime handler failed"}
    # The old agent dies of it, and SQS hands the message to the next one.
    quick = {"runtimes": RUNTIMES, "paint_seconds": 0.0, "visibility_seconds": 0.05}
    async with opened(bucket, "old", **quick) as old:
        old.eks.faults.add("unreachable", times=2)
        body = task(runtime=runtime, content=GRAPH if runtime == "comfy" else {})
        found = await old.drawn(body)
        assert len(found.files) == 1
        assert len(old.eks.runs) == 3


async def test_a_webui_behind_a_broken_proxy(bucket: DemoS3) -> None:
    async with opened(bucket, runtimes=RUNTIMES) as client:
        client.eks.webui("sdruntime").server.faults.add("html")
        found = await client.drawn(task())
        assert found.out == {"code": 500, "error": "Runtime handler failed"}
        client.eks.webui("sdruntime").server.faults.add("oom")
        found = await client.drawn(task())
        assert found.parameters["reason"]["error"] == "OutOfMemoryError"


async def test_a_dead_agent_takes_nothing_until_it_lives(new: Client) -> None:
    new.eks.faults.add("dead_agent")
    body = task()
    await new.post(body)
    await asyncio.sleep(0.05)
    assert (new.eks.runs, await outs(new, body)) == ([], [])
    new.eks.faults.clear()
    await new.ended()
    assert len(await outs(new, body)) == 1


async def test_the_first_task_waits_for_a_pod(bucket: DemoS3) -> None:
    async with opened(bucket, paint_seconds=0.0, cold_start_seconds=0.2) as client:

        async def seconds() -> float:
            start = time.monotonic()
            await asyncio.gather(*(client.post(task()) for _ in range(3)))
            await client.ended()
            return time.monotonic() - start

        cold, warm = await seconds(), await seconds()
        assert cold >= 0.2
        assert warm < cold
        client.eks.go_cold(seconds=0.3)
        assert await seconds() >= 0.3


# --- many


async def test_five_hundred_tasks_at_once(bucket: DemoS3) -> None:
    """A load test needs the stand-in to be no brake: no task waits for another."""
    async with opened(bucket, paint_seconds=0.3, rate=1e4, burst=1_000) as client:
        bodies = [task(prefix="many") for _ in range(500)]
        answers = await asyncio.gather(*(client.post(body) for body in bodies))
        assert {answer.status for answer in answers} == {200}
        start = time.monotonic()
        await client.ended()
        assert time.monotonic() - start < 10
        keys = await client.keys("many/")
        assert len(keys) == 1000
        assert sorted(client.eks.runs) == sorted(row["task"]["metadata"]["id"] for row in bodies)


async def test_the_usual_rate_under_pressure(bucket: DemoS3) -> None:
    """Eighty at once: the burst of fifty goes through, and what came back in the meantime."""
    async with opened(bucket, paint_seconds=0.0) as client:
        start = time.monotonic()
        answers = await asyncio.gather(*(client.post(task()) for _ in range(80)))
        spent = time.monotonic() - start
        taken = sum(answer.status == 200 for answer in answers)
        assert 50 <= taken <= 51 + 30 * spent
        assert {answer.status for answer in answers} == {200, 429}
        assert client.eks.refused == 80 - taken
        await client.ended()
