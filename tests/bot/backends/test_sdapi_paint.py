"""One generating call: what comes back, how far it is, and how it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.backends import sdapi
from bot.backends.sdapi import SdApi
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendOutOfMemory,
    BackendRefused,
    BackendTimeout,
    BackendUnreachable,
)
from bot.images.infotext import Infotext
from bot.values.ability import Ability
from bot.values.picture import Picture, Progress
from tests.bot.backends.orders import BARE, painted, request, with_chunk
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings, tiny_server

PAINT = "POST /sdapi/v1/txt2img"
PROGRESS, TASKS = "GET /sdapi/v1/progress", "POST /internal/progress"
INTERRUPT = "POST /sdapi/v1/interrupt"
TASK = "easel-x-1-1"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdapi, "POLL_SECONDS", 0.01)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TinyServer]:
    """Paints one picture at once; knows neither progress nor tasks."""
    async with tiny_server() as tiny:
        tiny.table[PAINT] = Says(painted([with_chunk(42)], {"all_seeds": [42]}))
        tiny.table["GET /sdapi/v1/options"] = Says({})
        yield tiny


@asynccontextmanager
async def painter(url: str, **settings: Any) -> AsyncIterator[SdApi]:
    backend = SdApi(backend_settings(url, **settings))
    try:
        yield backend
    finally:
        await backend.close()


def no_news(_: Progress) -> None:
    """For those who do not want to know."""


def running(progress: Any, job_count: int = 1) -> Says:
    """The global progress while a job runs (contracts, sdapi 4)."""
    state = {"job": "scripts_txt2img", "job_count": job_count, "sampling_steps": 20}
    return Says({"progress": progress, "eta_relative": 99.0, "state": state})


def task(progress: Any, *, active: bool = True) -> Says:
    """The progress of one task."""
    return Says({"active": active, "queued": False, "completed": False, "progress": progress})


def in_turn(*answers: Says) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """One answer after the other, the last one for ever."""
    left = list(answers)

    async def say(_: web.Request) -> web.StreamResponse:
        return (left.pop(0) if len(left) > 1 else left[0]).response()

    return say


def after(polls: int, server: TinyServer, path: str) -> Any:
    """A picture that is done once progress was asked for so many times."""

    async def paint(_: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(5):
            while sum(a.path.startswith(path) for a in server.asked) < polls:
                await asyncio.sleep(0.005)
        return Says(painted([with_chunk(42)])).response()

    return paint


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


async def test_a_server_that_paints_one_at_a_time_still_brings_all(server: TinyServer) -> None:
    """stable-diffusion.cpp ignores n_iter, KoboldCpp paints one a call: count asks for more."""
    server.table[PAINT] = in_turn(
        Says(painted([BARE], {"all_seeds": [42]})), Says(painted([BARE], {"all_seeds": [43]}))
    )
    async with painter(server.url) as backend:
        found = await backend.paint(request(count=2), TASK, no_news)
    assert [p.seed for p in found] == [42, 43]


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


# -- how far it is ---------------------------------------------------------------------------------


async def watched(backend: SdApi, **order: Any) -> list[Progress]:
    news: list[Progress] = []
    await backend.paint(request(**order), TASK, news.append)
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
    assert [p.fraction for p in news[:3]] == [0.25, 0.5, 0.5]
    assert max(p.fraction for p in news) == 0.75, "another's 99 percent are not ours"
    assert [(p.step, p.steps) for p in news[:2]] == [(5, 20), (10, 20)]
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
    assert [p.fraction for p in news[:3]] == [0.2, 0.2, 0.6]  # the first answer went to the probe
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


# -- stopping --------------------------------------------------------------------------------------


def interrupts(server: TinyServer) -> int:
    return server.paths("POST").count("/sdapi/v1/interrupt")


async def begun(server: TinyServer) -> None:
    """Until the server has the order in hand."""
    async with asyncio.timeout(5):
        while "/sdapi/v1/txt2img" not in server.paths("POST"):
            await asyncio.sleep(0.002)


async def stopped(backend: SdApi, server: TinyServer) -> None:
    """Begins a picture that never ends, and cancels it."""
    server.table[PAINT] = server.silence
    painting = asyncio.create_task(backend.paint(request(), TASK, no_news))
    await begun(server)
    painting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await painting


async def test_cancelling_interrupts_the_server(server: TinyServer) -> None:
    """It goes on when a client leaves (trap 9): it must be told."""
    server.table[INTERRUPT] = Says({})
    async with painter(server.url) as backend:
        await stopped(backend, server)
    assert interrupts(server) == 1


async def test_out_of_time_interrupts_too(server: TinyServer) -> None:
    server.table |= {INTERRUPT: Says({}), PAINT: server.silence}
    async with painter(server.url, timeout_seconds=0.05) as backend:
        with pytest.raises(BackendTimeout):
            await backend.paint(request(), TASK, no_news)
    assert interrupts(server) == 1


@pytest.mark.parametrize("active", [True, False])
async def test_where_tasks_are_known_only_our_own_running_one_is_interrupted(
    server: TinyServer, active: bool
) -> None:
    """Waiting in the server's line, an interrupt would hit somebody else's picture (trap 8)."""
    server.table |= {TASKS: task(None, active=False), INTERRUPT: Says({})}
    async with painter(server.url) as backend:
        await backend.probe()
        server.table[TASKS] = task(0.3, active=active)
        await stopped(backend, server)
    assert interrupts(server) == (1 if active else 0)


@pytest.mark.parametrize(
    "says", [Says(b"", 204, ""), Says(None), Says(b"", 404, ""), Says({}, 500)]
)
async def test_any_answer_to_an_interrupt_will_do(server: TinyServer, says: Says) -> None:
    server.table[INTERRUPT] = says
    async with painter(server.url) as backend:
        await stopped(backend, server)
    assert interrupts(server) == 1


async def test_an_earlier_attempt_is_only_stopped_where_it_can_be_told_apart(
    server: TinyServer,
) -> None:
    server.table |= {INTERRUPT: Says({}), PROGRESS: running(0.5)}
    async with painter(server.url) as backend:
        await backend.forget("easel-x-1-0")  # a job runs, but whose?
        assert interrupts(server) == 0
        server.table[TASKS] = task(None, active=False)
        await backend.probe()
        await backend.forget("easel-x-1-0")  # known, and not running
        assert interrupts(server) == 0
        server.table[TASKS] = task(0.5)
        await backend.forget("easel-x-1-0")
        assert interrupts(server) == 1


async def test_a_picture_that_is_done_is_no_longer_ours_to_stop(server: TinyServer) -> None:
    server.table[INTERRUPT] = Says({})
    async with painter(server.url) as backend:
        await backend.paint(request(), TASK, no_news)
        await backend.forget(TASK)
    assert interrupts(server) == 0


@pytest.mark.parametrize(
    "says",
    [Says("<html>", content_type="text/html"), Says(None), Says([]), Says({}), Says({}, 500)],
)
async def test_forgetting_never_raises(server: TinyServer, says: Says) -> None:
    server.table[TASKS] = task(None, active=False)
    async with painter(server.url) as backend:
        await backend.probe()
        server.table[TASKS] = says
        await backend.forget(TASK)
    assert interrupts(server) == 0


async def test_forgetting_on_a_server_that_is_gone_never_raises() -> None:
    async with tiny_server() as server:
        server.table |= {TASKS: task(None, active=False), "GET /sdapi/v1/options": Says({})}
        backend = SdApi(backend_settings(server.url))
        await backend.probe()
    await backend.forget(TASK)
    await backend.close()


@asynccontextmanager
async def demo_server() -> AsyncIterator[DemoImageServer]:
    demo = DemoImageServer(workers=0, step_seconds=0.02, password=None)
    await demo.start()
    try:
        yield demo
    finally:
        await demo.close()


async def at_work(demo: DemoImageServer) -> None:
    async with asyncio.timeout(5):
        while demo.engine.state.sampling_step < 2:
            await asyncio.sleep(0.005)


async def test_a_cancelled_picture_frees_the_server() -> None:
    async with demo_server() as demo, painter(demo.url) as backend:
        await backend.probe()
        painting = asyncio.create_task(backend.paint(request(steps=500), TASK, no_news))
        await at_work(demo)
        painting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await painting
        async with asyncio.timeout(5):
            while demo.engine.state.job_count:
                await asyncio.sleep(0.005)
        # And the next one is whole.
        assert len(await backend.paint(request(), "easel-x-2-1", no_news)) == 1


async def test_a_strangers_picture_goes_on() -> None:
    async with demo_server() as demo, painter(demo.url) as ours, painter(demo.url) as theirs:
        await asyncio.gather(ours.probe(), theirs.probe())
        first: asyncio.Task[list[Picture]] = asyncio.create_task(
            theirs.paint(request(steps=30), "stranger-1", no_news)
        )
        await at_work(demo)
        second = asyncio.create_task(ours.paint(request(steps=2), TASK, no_news))
        async with asyncio.timeout(5):
            while TASK not in demo.engine.tasks.pending:
                await asyncio.sleep(0.005)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert len(await first) == 1
        assert not any(path.endswith("/interrupt") for _, path, _ in demo.requests)


async def test_an_unprobed_server_may_be_painted_on(server: TinyServer) -> None:
    async with painter(server.url) as backend:
        assert backend.ability is None
        assert len(await backend.paint(request(), TASK, no_news)) == 1
        backend.ability = Ability()
        assert len(await backend.paint(request(), TASK, no_news)) == 1
