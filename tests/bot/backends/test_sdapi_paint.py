"""One generating call: what comes back, how far it is, and how it is stopped."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from bot.backends import sdapi_watch
from bot.backends.sdapi import SdApi
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendOutOfMemory,
    BackendRefused,
    BackendUnreachable,
)
from bot.images.infotext import Infotext
from tests.bot.backends.orders import BARE, painted, request, with_chunk
from tests.bot.backends.painters import (
    OPTIONS,
    PAINT,
    PROGRESS,
    TASK,
    TASKS,
    after,
    in_turn,
    no_news,
    painter,
    running,
    task,
)
from tests.bot.backends.tiny_server import Says, TinyServer


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdapi_watch, "POLL_SECONDS", 0.01)


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """Paints one picture at once; knows neither progress nor tasks."""
    server.table[PAINT] = Says(painted([with_chunk(42)], {"all_seeds": [42]}))
    server.table[OPTIONS] = Says({})
    return server


# -- one picture -----------------------------------------------------------------------------------


async def test_a_real_looking_server_paints_what_was_ordered() -> None:
    demo = DemoImageServer(workers=0, step_seconds=0.001, load_seconds=0.01)
    await demo.start()
    try:
        login = {"username": "demo", "password": "demo"}
        async with painter(demo.url, auth=login) as backend:
            await backend.probe()
            order = request(
                prompt="a fox",
                model="inkpunk, v2.0",
                sampler="Euler a",
                scheduler="Karras",
                count=2,
            )
            found = await backend.paint(order, TASK, no_news)
    finally:
        await demo.close()
    assert [p.seed for p in found] == [42, 43]
    assert {(p.width, p.height, p.media_type) for p in found} == {(64, 64, "image/png")}
    read = Infotext.parse(found[1].infotext)
    assert (read.prompt, read.seed, read.model) == ("a fox", 43, "inkpunk, v2.0")
    assert (read.sampler, read.scheduler) == ("Euler a", "Karras")
    (made,) = demo.generated
    assert made["task_id"] == TASK, "the server knows the job by our own id"


async def test_the_order_is_what_is_posted_once(server: TinyServer) -> None:
    async with painter(server.url) as backend:
        order = request(prompt="a fox", model="tinyA")
        await backend.paint(order, TASK, no_news)
        posted = [a for a in server.asked if a.path == "/sdapi/v1/txt2img"]
        assert [a.json for a in posted] == [backend.payload(order, TASK)]


async def test_a_server_that_paints_one_at_a_time_is_asked_once(server: TinyServer) -> None:
    """stable-diffusion.cpp ignores n_iter, KoboldCpp paints one a call: the worker asks again."""
    server.table[PAINT] = Says(painted([BARE], {"all_seeds": [42]}))
    async with painter(server.url) as backend:
        found = await backend.paint(request(count=2), TASK, no_news)
    assert [p.seed for p in found] == [42]
    assert server.paths("POST").count("/sdapi/v1/txt2img") == 1


async def test_no_more_pictures_come_than_were_asked_for(server: TinyServer) -> None:
    """An operator's script may bring a dozen variants."""
    server.table[PAINT] = Says(painted([with_chunk(n) for n in range(12)]))
    async with painter(server.url) as backend:
        assert len(await backend.paint(request(count=3), TASK, no_news)) == 3


FAILURES: list[tuple[Says, type[BackendError]]] = [
    (
        Says({"error": "OutOfMemoryError", "detail": "", "errors": "CUDA out of memory"}, 500),
        BackendOutOfMemory,
    ),
    (Says({"error": "prompt required"}, 400), BackendRefused),
    (Says({"detail": {"msg": "Server is busy", "type": "x"}}, 503), BackendBusy),
    (Says(b"<html>502</html>", 502, "text/html"), BackendUnreachable),
    (Says(b"<html>Welcome</html>", 200, "text/html"), BackendBadAnswer),
    (Says(painted([])), BackendBadAnswer),
    (Says(painted([""])), BackendBadAnswer),
    (Says(painted([BARE[:-9]])), BackendBadAnswer),
]


@pytest.mark.parametrize(("says", "error"), FAILURES)
async def test_every_failure_is_one_of_our_errors(
    server: TinyServer, says: Says, error: type[BackendError]
) -> None:
    server.table[PAINT] = says
    async with painter(server.url) as backend:
        with pytest.raises(error):
            await backend.paint(request(), TASK, no_news)
    assert server.paths("POST").count("/sdapi/v1/interrupt") == 0, "nothing is left to stop"


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", None), (None, None)])
async def test_a_busy_server_may_say_for_how_long(
    server: TinyServer, header: str | None, seconds: float | None
) -> None:
    """The worker waits so long before it sends the job again (SD.Next's own rate limiter)."""
    headers = {} if header is None else {"Retry-After": header}
    server.table[PAINT] = Says({"detail": "Rate limit exceeded"}, 429, headers=headers)
    async with painter(server.url) as backend:
        with pytest.raises(BackendBusy) as caught:
            await backend.paint(request(), TASK, no_news)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "header", ["inf", "nan", "-5", "1000000000000", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 99", ""]
)
async def test_no_server_makes_a_job_wait_for_ever(server: TinyServer, header: str) -> None:
    headers = {"Retry-After": header}
    server.table[PAINT] = Says({"detail": "busy"}, 503, headers=headers)
    async with painter(server.url) as backend:
        with pytest.raises(BackendBusy) as caught:
            await backend.paint(request(), TASK, no_news)
    assert 0 <= (caught.value.retry_after or 0) <= 3600


async def test_a_busy_server_may_say_until_when(server: TinyServer) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.table[PAINT] = Says({}, 503, headers={"Retry-After": until})
    async with painter(server.url) as backend:
        with pytest.raises(BackendBusy) as caught:
            await backend.paint(request(), TASK, no_news)
    assert caught.value.retry_after == pytest.approx(29, abs=2)


# -- how far it is ---------------------------------------------------------------------------------


async def watched(backend: SdApi, **order: Any) -> list[float]:
    news: list[float] = []
    await backend.paint(request(**order), TASK, lambda fraction, _: news.append(fraction))
    return news


async def test_where_tasks_are_known_our_own_is_followed(server: TinyServer) -> None:
    server.table |= {
        TASKS: in_turn(task(None, active=False), task(0.25), task(0.5), task(0.4), task(0.75)),
        PROGRESS: running(0.99),
        PAINT: after(8, server, "/internal/progress"),
    }
    async with painter(server.url) as backend:
        await backend.probe()
        server.asked.clear()
        news = await watched(backend, steps=10, count=2)
    assert news[:3] == [0.25, 0.5, 0.4], "what the server says, as it says it"
    assert max(news) == 0.75, "another's 99 percent are not ours"
    polls = [a.json for a in server.asked if a.path == "/internal/progress"]
    assert {p["id_task"] for p in polls} == {TASK}
    assert not any(p["live_preview"] for p in polls), "a bar needs no picture: encoding costs"
    assert server.paths() == []


async def test_else_the_progress_of_the_server_is_followed(server: TinyServer) -> None:
    server.table |= {
        PROGRESS: in_turn(running(0.1), running(0.2), running(0.1), running(0.6)),
        PAINT: after(7, server, "/sdapi/v1/progress"),
    }
    async with painter(server.url) as backend:
        await backend.probe()
        news = await watched(backend)
    assert news[:3] == [0.2, 0.1, 0.6]  # the first answer went to the probe
    assert all("skip_current_image=true" in p for p in server.paths() if "progress" in p)


@pytest.mark.parametrize(
    "says",
    [
        running(0.5, job_count=0),  # idle: what stands there is left over (trap 11)
        running(None),
        running("0.5"),
        Says({"progress": 0.5}),
        Says({"progress": 0.5, "state": None}),
        Says(None),
        Says([]),
        Says("<html>", content_type="text/html"),
        Says({"detail": "busy"}, 503),
        Says(b"", 404),
    ],
)
async def test_progress_that_means_nothing_is_not_told(server: TinyServer, says: Says) -> None:
    async with painter(server.url) as backend:
        server.table |= {PROGRESS: says, PAINT: after(3, server, "/sdapi/v1/progress")}
        assert await watched(backend) == []


@pytest.mark.parametrize(
    "says",
    [
        task(0.5, active=False),
        task(None),
        Says({}),
        Says(None),
        Says([]),
        Says("<html>", content_type="text/html"),
        Says({"detail": "oops"}, 500),
    ],
)
async def test_a_task_that_means_nothing_is_not_told(server: TinyServer, says: Says) -> None:
    server.table[TASKS] = task(None, active=False)
    async with painter(server.url) as backend:
        await backend.probe()
        server.table |= {TASKS: says, PAINT: after(4, server, "/internal/progress")}
        assert await watched(backend) == []


async def test_a_server_without_progress_is_not_asked_again_and_again(server: TinyServer) -> None:
    async with painter(server.url) as backend:
        await backend.probe()
        server.asked.clear()

        async def slowly(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(0.05)
            return Says(painted([with_chunk(42)])).response()

        server.table[PAINT] = slowly
        assert await watched(backend) == []
    assert [a.path for a in server.asked] == ["/sdapi/v1/txt2img"]


async def test_nothing_is_asked_after_the_end(server: TinyServer) -> None:
    server.table |= {PROGRESS: running(0.5), PAINT: after(1, server, "/sdapi/v1/progress")}
    async with painter(server.url) as backend:
        await watched(backend)
        asked = len(server.asked)
        await asyncio.sleep(0.05)
        assert len(server.asked) == asked
