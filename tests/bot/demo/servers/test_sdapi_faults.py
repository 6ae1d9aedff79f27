"""Trouble to order: each fault reaches the client as the real trouble would."""

from __future__ import annotations

import asyncio
import base64
import io
import resource

import aiohttp
import pytest
from PIL import Image

from tests.bot.demo.servers.sdapi_client import SMALL, Client, basic, opened


async def test_faults_are_used_up_in_order_and_only_where_they_belong() -> None:
    async with opened() as client:
        faults = client.server.faults
        faults.add("oom")
        faults.add("unauthorized", route=r"/sd-models$", times=2)
        assert (await client.get("/sdapi/v1/samplers")).status == 200
        assert (await client.get("/sdapi/v1/sd-models")).status == 401
        oom = await client.txt2img()
        assert (oom.status, oom.json["error"], oom.json["detail"]) == (500, "OutOfMemoryError", "")
        assert oom.json["errors"].startswith("CUDA out of memory. Tried to allocate")
        assert (await client.txt2img()).status == 200
        assert (await client.get("/sdapi/v1/sd-models")).status == 401
        assert (await client.get("/sdapi/v1/sd-models")).status == 200
        with pytest.raises(ValueError, match="no such fault"):
            faults.add("earthquake")


@pytest.mark.parametrize("status", [502, 200])
async def test_a_proxys_page(status: int) -> None:
    async with opened() as client:
        client.server.faults.add("html", status=status)
        answer = await client.txt2img()
        assert answer.status == status
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.text.startswith("<html>")


async def test_spoiled_pictures() -> None:
    async with opened() as client:
        for fault in ("no_images", "bad_base64", "cut_png"):
            client.server.faults.add(fault)
        assert (await client.txt2img()).json["images"] == []
        (cut,) = (await client.txt2img()).json["images"]
        with pytest.raises(ValueError, match="base64"):
            base64.b64decode(cut)
        (short,) = (await client.txt2img()).json["images"]
        with pytest.raises(OSError, match="truncated"):
            Image.open(io.BytesIO(base64.b64decode(short))).load()
        assert len(client.server.generated) == 3


async def test_a_flood_takes_no_memory() -> None:
    size = 60_000_000
    async with opened() as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        client.server.faults.add("flood", size=size)
        received = 0
        url = client.server.url + "/sdapi/v1/txt2img"
        async with client.session.post(url, json=SMALL, headers=basic("demo", "demo")) as response:
            async for part in response.content.iter_chunked(1 << 20):
                received += len(part)
        assert received >= size
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB


@pytest.mark.parametrize(("fault", "made"), [("reset", 0), ("reset_after", 1)])
async def test_resets_before_and_after_the_work(fault: str, made: int) -> None:
    async with opened() as client:
        client.server.faults.add(fault)
        with pytest.raises(aiohttp.ClientError):
            await client.txt2img()
        assert len(client.server.generated) == made
        assert (await client.txt2img()).status == 200


async def test_slow_and_hanging_answers() -> None:
    async with opened() as client:
        client.server.faults.add("slow", seconds=0.15)
        start = asyncio.get_running_loop().time()
        assert (await client.txt2img()).status == 200
        assert asyncio.get_running_loop().time() - start >= 0.15
        client.server.faults.add("hang")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.txt2img(), 0.1)
        client.server.faults.add("hang")
        held = asyncio.create_task(client.txt2img())
        await asyncio.sleep(0.05)
        client.server.faults.clear()
        with pytest.raises(aiohttp.ClientError):
            await held


async def _down(client: Client) -> bool:
    try:
        await client.get("/sdapi/v1/options")
    except aiohttp.ClientError:
        return True
    return False


async def test_down_and_up_again_on_the_same_port_while_a_job_goes_on() -> None:
    async with opened(step_seconds=0.01) as client:
        url = client.server.url
        job = asyncio.create_task(client.txt2img(steps=20, force_task_id="task(kept)"))
        await client.until(lambda s: s["state"]["sampling_step"] > 1)
        await client.server.stop_listening()
        with pytest.raises(aiohttp.ClientError):
            await job
        assert await _down(client)
        await client.server.start_listening()
        assert client.server.url == url
        await client.until(lambda s: s["state"]["job_count"] == 0)
        kept = await client.post("/internal/progress", {"id_task": "task(kept)"})
        assert kept.json["completed"] is True


async def test_the_control_route_orders_trouble_without_credentials() -> None:
    async with opened() as client:
        control = "/demo/control"
        ordered = await client.post(control, {"do": "oom", "times": 1}, headers={})
        assert ordered.json["generated"] == 0
        assert (await client.txt2img()).status == 500
        await client.post(control, {"do": "oom", "times": -1}, headers={})
        await client.post(control, {"do": "clear"}, headers={})
        assert (await client.txt2img()).status == 200
        counts = (await client.post(control, {"do": "counts"}, headers={})).json
        assert (counts["generated"], counts["requests"]) == (1, len(client.server.requests))
        assert (await client.post(control, {"do": "dance"}, headers={})).status == 422
        await client.post(control, {"do": "down", "seconds": 0.15}, headers={})
        while not await _down(client):
            await asyncio.sleep(0.01)
        while await _down(client):
            await asyncio.sleep(0.02)


async def test_every_call_is_counted() -> None:
    async with opened() as client:
        await client.get("/sdapi/v1/options")
        await client.txt2img(prompt="a fox", width=72, batch_size=2, force_task_id="mine")
        assert [row[:2] for row in client.server.requests] == [
            ("GET", "/sdapi/v1/options"),
            ("POST", "/sdapi/v1/txt2img"),
        ]
        (made,) = client.server.generated
        made.pop("time")
        assert made == {
            "task_id": "mine",
            "kind": "txt2img",
            "seed": 42,
            "model": "dreamshaper_8",
            "prompt": "a fox",
            "size": (72, 64),
            "pictures": 2,
        }
