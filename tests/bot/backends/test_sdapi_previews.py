"""What a picture looks like so far: asked for now and then, made small, never in anybody's way."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from bot.backends import sdapi_watch
from bot.backends.sdapi import SdApi
from bot.demo.servers.sdapi import DemoImageServer
from tests.bot.backends.orders import b64, painted, request, with_chunk
from tests.bot.backends.painters import (
    OPTIONS,
    PAINT,
    PROGRESS,
    TASK,
    TASKS,
    after,
    in_turn,
    painter,
    running,
    task,
)
from tests.bot.backends.tiny_server import Says, TinyServer
from tests.bot.images import pictures
from tests.bot.images.test_codec import noise

SKETCH = pictures.encoded(noise(640, 400), "PNG")
"""About 700 kB of PNG."""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdapi_watch, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(sdapi_watch, "PREVIEW_SECONDS", 0.0)


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    server.table |= {OPTIONS: Says({}), PROGRESS: running(0.5)}
    return server


async def seen(backend: SdApi, **order: Any) -> list[tuple[float, bytes | None]]:
    """All that was reported of one picture."""
    news: list[tuple[float, bytes | None]] = []
    await backend.paint(request(**order), TASK, lambda *one: news.append(one), previews=True)
    return news


def sketched(progress: float, number: int, data: bytes = SKETCH) -> Says:
    """`/internal/progress` with a preview (contracts, sdapi 4)."""
    body = {"active": True, "queued": False, "completed": False, "progress": progress}
    picture = f"data:image/png;base64,{b64(data)}"
    return Says(body | {"live_preview": picture, "id_live_preview": number})


def pictured(picture: Any) -> Says:
    """`/progress` with a `current_image`."""
    body = running(0.5).body
    return Says(body | {"current_image": picture})


async def test_the_preview_of_our_own_task_comes_as_a_small_jpeg(server: TinyServer) -> None:
    server.table |= {
        TASKS: in_turn(task(None, active=False), sketched(0.3, 1), task(0.4), sketched(0.5, 2)),
        PAINT: after(5, server, "/internal/progress"),
    }
    async with painter(server.url) as backend:
        await backend.probe()
        server.asked.clear()
        news = await seen(backend)
    assert [(f, p is not None) for f, p in news[:3]] == [(0.3, True), (0.4, False), (0.5, True)]
    assert news[0][1] is not None
    with Image.open(io.BytesIO(news[0][1])) as opened:
        assert (opened.format, opened.size) == ("JPEG", (512, 320))
    asked = [a.json for a in server.asked if a.path == "/internal/progress"]
    # Not -1, with which SD.Next gives none; then the last one seen.
    assert [a["id_live_preview"] for a in asked[:4]] == [0, 1, 1, 2]


async def test_else_the_picture_of_the_running_job_is_taken(server: TinyServer) -> None:
    server.table |= {
        PROGRESS: in_turn(running(0.1), pictured(b64(SKETCH)), pictured(None)),
        PAINT: after(5, server, "/sdapi/v1/progress"),
    }
    async with painter(server.url) as backend:
        await backend.probe()
        server.asked.clear()
        news = await seen(backend)
    assert [p is not None for _, p in news[:2]] == [True, False]
    assert any("skip_current_image=false" in path for path in server.paths())


async def test_a_picture_is_asked_for_now_and_then_only(
    server: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encoding it costs the server: a bar needs none."""
    monkeypatch.setattr(sdapi_watch, "PREVIEW_SECONDS", 60.0)
    server.table[PAINT] = after(6, server, "/sdapi/v1/progress")
    async with painter(server.url) as backend:
        await seen(backend)
    polls = [path for path in server.paths() if "/progress?" in path]
    assert [path.endswith("=false") for path in polls[:5]] == [True] + [False] * 4


async def test_without_a_wish_for_previews_none_is_asked_for(server: TinyServer) -> None:
    server.table[PAINT] = after(4, server, "/sdapi/v1/progress")
    async with painter(server.url) as backend:
        await backend.paint(request(), TASK, lambda *_: None)
    assert not any("=false" in path for path in server.paths())


BOMB = pictures.encoded(Image.new("1", (20_000, 20_000)), "PNG")


@pytest.mark.parametrize(
    "preview",
    ["", "no base64!", b64(SKETCH[:-99]), b64(b"<svg/>"), b64(BOMB), 7, [1], "data:image/png,x"],
    ids=["empty", "words", "cut", "svg", "bomb", "number", "list", "no data"],
)
async def test_a_preview_that_is_none_is_left_out_and_the_bar_goes_on(
    server: TinyServer, preview: Any
) -> None:
    server.table |= {
        PROGRESS: pictured(preview),
        PAINT: after(3, server, "/sdapi/v1/progress"),
    }
    async with painter(server.url) as backend:
        news = await seen(backend)
    assert news
    assert set(news) == {(0.5, None)}


async def test_sd_next_knows_no_ids_of_ours_and_is_asked_for_all_it_does(
    server: TinyServer,
) -> None:
    """It has `/internal/progress`, with more keys, but no force_task_id (sdapi 4 and 10)."""
    unknown = task(None, active=False).body | {"job": "", "step": 0, "steps": 0, "paused": False}
    server.table |= {
        TASKS: Says(unknown),
        PROGRESS: pictured(b64(SKETCH)),
        PAINT: after(5, server, "/sdapi/v1/progress"),
    }
    async with painter(server.url) as backend:
        await backend.probe()
        news = await seen(backend)
    assert news[0][0] == 0.5
    assert any(p is not None for _, p in news)


@pytest.mark.parametrize("kind", ["a1111", "forge", "sdnext"])
async def test_real_looking_servers_show_what_they_paint(kind: str) -> None:
    demo = DemoImageServer(kind=kind, workers=0, step_seconds=0.2, load_seconds=0.01)
    await demo.start()
    try:
        login = {"username": "demo", "password": "demo"}
        async with painter(demo.url, auth=login) as backend:
            await backend.probe()
            news = await seen(backend, steps=16)
    finally:
        await demo.close()
    assert max(f for f, _ in news) > 0.3
    sketches = [p for _, p in news if p is not None]
    assert sketches
    with Image.open(io.BytesIO(sketches[-1])) as opened:
        assert opened.format == "JPEG"


async def test_a_slow_preview_does_not_keep_the_picture(server: TinyServer) -> None:
    async def slowly(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3)
        return pictured(b64(SKETCH)).response()

    async def soon(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return Says(painted([with_chunk(42)])).response()

    server.table |= {PROGRESS: slowly, PAINT: soon}
    async with painter(server.url) as backend:
        began = time.perf_counter()
        assert await seen(backend) == []
    assert time.perf_counter() - began < 2


async def test_a_large_preview_hardly_holds_the_loop(server: TinyServer) -> None:
    """Four megapixels of PNG, as a web UI with "Full" previews sends them."""
    large = b64(pictures.encoded(noise(1400, 1000), "PNG"))
    assert len(large) > 4 << 20
    raw = pictured(large).response().body

    async def large_answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=raw, content_type="application/json")

    server.table |= {PROGRESS: large_answer, PAINT: after(4, server, "/sdapi/v1/progress")}
    pauses: list[float] = []

    async def watch_the_loop() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - before)

    watching = asyncio.create_task(watch_the_loop())
    async with painter(server.url) as backend:
        news = await seen(backend)
    watching.cancel()
    assert any(p is not None for _, p in news)
    # Seen: 11 ms, with the tiny server on the same loop; a busy machine may add a turn or two.
    assert sorted(pauses)[-3] < 0.05
