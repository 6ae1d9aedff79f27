"""How a picture is stopped: the server must be told, and nobody else's may be hit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.backends import sdapi_watch
from bot.backends.sdapi import SdApi
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import (
    BackendTimeout,
)
from bot.values.ability import Ability
from bot.values.picture import Picture
from tests.bot.backends.orders import painted, request, with_chunk
from tests.bot.backends.painters import (
    INTERRUPT,
    OPTIONS,
    PAINT,
    PROGRESS,
    TASK,
    TASKS,
    no_news,
    painter,
    running,
    task,
)
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings, tiny_server


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdapi_watch, "POLL_SECONDS", 0.01)


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """Paints one picture at once; knows neither progress nor tasks."""
    server.table[PAINT] = Says(painted([with_chunk(42)], {"all_seeds": [42]}))
    server.table[OPTIONS] = Says({})
    return server


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


async def test_a_server_that_has_no_interrupt_is_not_asked_for_it(server: TinyServer) -> None:
    """KoboldCpp lets an unknown POST wait for the running picture: the member would wait too."""
    async with painter(server.url) as backend:
        assert not (await backend.probe()).interrupt
        await stopped(backend, server)
    assert interrupts(server) == 0


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
        server.table |= {TASKS: task(None, active=False), OPTIONS: Says({})}
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


# -- what is finished of a batch ------------------------------------------------------------------


async def test_what_is_finished_of_a_batch_comes_back(server: TinyServer) -> None:
    """The answer of an interrupted call: the finished ones, the unfinished one last (sdapi 2)."""
    told = asyncio.Event()

    async def interrupt(_: web.Request) -> web.StreamResponse:
        told.set()
        return Says({}).response()

    async def paint(_: web.Request) -> web.StreamResponse:
        await asyncio.wait_for(told.wait(), 5)
        return Says(painted([with_chunk(n) for n in (42, 43, 44)])).response()

    server.table |= {INTERRUPT: interrupt, PAINT: paint}
    async with painter(server.url) as backend:
        for count, seeds in ((4, [42, 43]), (3, [42, 43])):
            told.clear()
            painting = asyncio.create_task(backend.paint(request(count=count), TASK, no_news))
            await begun(server)
            await backend.forget(TASK)
            assert [p.seed for p in await painting] == seeds
            server.asked.clear()
        server.table[PAINT] = Says(painted([with_chunk(n) for n in (42, 43, 44)]))
        found = await backend.paint(request(count=3), TASK, no_news)
        assert len(found) == 3, "the next call of that name is not the one that was stopped"


async def test_where_nothing_was_stopped_nothing_is_thrown_away(server: TinyServer) -> None:
    async def late(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return Says(painted([with_chunk(42)])).response()

    server.table |= {INTERRUPT: Says({}, 500), PAINT: late}
    async with painter(server.url) as backend:
        painting = asyncio.create_task(backend.paint(request(count=2), TASK, no_news))
        await begun(server)
        await backend.forget(TASK)
        assert len(await painting) == 1
    assert interrupts(server) == 1


async def test_two_in_flight_that_cannot_be_told_apart_are_both_left_alone(
    server: TinyServer,
) -> None:
    server.table |= {INTERRUPT: Says({}), PAINT: server.silence}
    async with painter(server.url) as backend:
        both = [
            asyncio.create_task(backend.paint(request(), name, no_news)) for name in (TASK, "y")
        ]
        await begun(server)
        await backend.forget(TASK)
        assert interrupts(server) == 0
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)


@pytest.mark.parametrize("kind", ["a1111", "sdnext"])
async def test_an_interrupted_batch_of_a_real_looking_server(kind: str) -> None:
    demo = DemoImageServer(kind=kind, workers=0, step_seconds=0.2, password=None)
    await demo.start()
    try:
        async with painter(demo.url) as backend:
            await backend.probe()
            order = request(steps=10, count=4)
            painting = asyncio.create_task(backend.paint(order, TASK, no_news))
            async with asyncio.timeout(5):
                while demo.engine.state.job_no < 2:
                    await asyncio.sleep(0.005)
            await backend.forget(TASK)
            found = await painting
            assert [p.seed for p in found] == [42, 43]
    finally:
        await demo.close()


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
