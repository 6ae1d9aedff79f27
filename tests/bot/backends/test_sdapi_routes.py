"""Which route is asked how: over a fresh connection, not where there is none, and what a route
that has gone means."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from bot.backends.http import TOO_LARGE
from bot.backends.sdapi import CANT_DESCRIBE, REFRESHED, SdApi
from bot.backends.sdapi_probe import NO_INTERFACE
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendRefused,
    BackendUnreachable,
)
from bot.values.request import ImageRequest
from bot.values.source import Role, Source
from tests.bot.backends.orders import BARE, painted, request, with_chunk
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
from tests.bot.backends.tiny_server import NOT_FOUND, Says, TinyServer
from tests.bot.images import pictures

EXTRAS, WORDS = "POST /sdapi/v1/extra-single-image", "POST /sdapi/v1/interrogate"
SOURCE = Source(Role.INIT, pictures.png(), 12, 9)
UPSCALE = request(kind="upscale", upscaler="Lanczos", upscale_by=2)


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """A small A1111 that can do all of it."""
    server.table = {
        OPTIONS: Says({"sd_model_checkpoint": "tinyA.st"}),
        "GET /sdapi/v1/sd-models": Says([{"title": "tinyA.st", "model_name": "tinyA"}]),
        "POST /sdapi/v1/options": Says(None),
        PROGRESS: running(0.0, job_count=0),
        INTERRUPT: Says({}),
        PAINT: Says(painted([with_chunk(42)])),
        EXTRAS: Says({"image": BARE}),
        WORDS: Says({"caption": "a fox"}),
        **{f"POST /sdapi/v1/refresh-{name}": Says(None) for name in REFRESHED},
    }
    return server


async def describe(backend: SdApi) -> str:
    return await backend.describe(SOURCE, TASK, no_news)


# -- fresh connections -----------------------------------------------------------------------------


async def test_every_post_that_does_something_has_a_connection_of_its_own(
    server: TinyServer,
) -> None:
    """A kept one may have been closed meanwhile, and a POST is not repeated (trap 21)."""

    async def stopping(asked: web.Request) -> web.StreamResponse:
        await backend.forget(TASK)
        return Says(painted([with_chunk(42)])).response()

    async with painter(server.url) as backend:
        await backend.probe()
        await backend.paint(UPSCALE, TASK, no_news, [SOURCE])
        await describe(backend)
        await backend.load("tinyA")
        await backend.refresh()
        server.table[PAINT] = stopping
        await backend.paint(request(count=2), TASK, no_news)
    posts = [a for a in server.asked if a.method == "POST" and "/internal/" not in a.path]
    kept = {a.connection for a in server.asked if a not in posts}
    assert {a.path.rpartition("/")[2] for a in posts} == {
        *("txt2img", "extra-single-image", "interrogate", "options", "interrupt"),
        *(f"refresh-{name}" for name in REFRESHED),
    }
    assert len({a.connection for a in posts} - kept) == len(posts)


# -- a route that has gone -------------------------------------------------------------------------

GONE = [
    NOT_FOUND,
    Says({"detail": "Method Not Allowed"}, 405),
    Says(b"", 404, ""),
    Says("<html><h1>404 Not Found</h1></html>", 404, "text/html"),
    Says({"error": "HTTPException", "detail": "Not Found", "body": "", "errors": ""}, 404),
]


@pytest.mark.parametrize("says", GONE)
@pytest.mark.parametrize("order", [request(), UPSCALE], ids=["draw", "upscale"])
async def test_a_server_that_has_lost_its_interface_is_away(
    server: TinyServer, says: Says, order: ImageRequest
) -> None:
    """It was started anew without --api: the job waits until it is back (see `Health`)."""
    async with painter(server.url) as backend:
        await backend.probe()
        server.table |= {PAINT: says, EXTRAS: says}
        with pytest.raises(BackendUnreachable) as caught:
            await backend.paint(order, TASK, no_news, [SOURCE])
    assert caught.value.sentence == NO_INTERFACE
    assert "--api" in str(caught.value)
    assert caught.value.taken, "a route that alone is missing is not tried for ever"


@pytest.mark.parametrize(
    "says",
    [
        Says({"error": "HTTPException", "detail": "Init image not found", "errors": ""}, 404),
        Says({"detail": "Sampler not found"}, 404),
    ],
)
async def test_a_thing_that_is_not_found_is_no_lost_interface(
    server: TinyServer, says: Says
) -> None:
    """SD.Next and older A1111 (sdapi 1 and 10)."""
    server.table[PAINT] = says
    async with painter(server.url) as backend:
        with pytest.raises(BackendRefused):
            await backend.paint(request(), TASK, no_news)


async def test_the_probe_of_such_a_server_says_the_same(server: TinyServer) -> None:
    server.table = {"GET /": Says("<html>Gradio</html>", content_type="text/html")}
    async with painter(server.url) as backend:
        with pytest.raises(BackendBadAnswer) as caught:
            await backend.probe()
    assert caught.value.sentence == NO_INTERFACE


async def test_a_picture_that_is_too_large_is_said_to_be_so(server: TinyServer) -> None:
    server.table[EXTRAS] = Says("<h1>413</h1>", 413, "text/html")
    async with painter(server.url) as backend:
        with pytest.raises(BackendRefused) as caught:
            await backend.paint(UPSCALE, TASK, no_news, [SOURCE])
    assert caught.value.sentence == TOO_LARGE


# -- refreshing ------------------------------------------------------------------------------------


async def test_only_the_a1111_family_is_asked_to_look_at_its_disk(server: TinyServer) -> None:
    """An unknown POST waits for the running picture on KoboldCpp (sdapi 10)."""
    async with painter(server.url) as backend:
        await backend.refresh()
    assert {p for p in server.paths("POST") if "refresh" in p} == {
        f"/sdapi/v1/refresh-{name}" for name in REFRESHED
    }
    server.asked.clear()
    del server.table[PROGRESS]
    async with painter(server.url) as backend:
        await backend.refresh()
        await backend.refresh()
    assert not [p for p in server.paths("POST") if "refresh" in p]


# -- describing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (Says({"detail": {"msg": "No vision model", "type": "service_unavailable"}}, 503), None),
        (Says(b"", 503), None),
        (NOT_FOUND, None),
        (Says(b"", 501), None),
        (Says({"error": "HTTPException", "detail": "Model not found"}, 404), None),
        (Says({"caption": "<error>"}), None),
        (Says({"caption": ""}), None),
        (Says({"detail": {"msg": "Server is busy", "type": "x"}}, 503), BackendBusy),
    ],
)
async def test_a_server_that_cannot_see_is_told_from_a_busy_one(
    server: TinyServer, says: Says, error: type[BackendError] | None
) -> None:
    """KoboldCpp: 503 for both (sdapi 10); as busy it would be asked again for ever."""
    server.table[WORDS] = says
    async with painter(server.url) as backend:
        with pytest.raises(error or BackendFailed) as caught:
            await describe(backend)
    assert (caught.value.sentence == CANT_DESCRIBE) is (error is None)


async def test_koboldcpp_may_be_able_to_describe() -> None:
    """Its GET is a 404 as of an unknown route, and a POST would be work."""
    demo = DemoImageServer(kind="koboldcpp", workers=0)
    await demo.start()
    try:
        async with painter(demo.url) as backend:
            assert (await backend.probe()).describe
            assert not [path for _, path, _ in demo.requests if path.endswith("2img")]
            assert await describe(backend)
    finally:
        await demo.close()


# -- stopping and following what has no task id ----------------------------------------------------


async def begun(server: TinyServer, path: str) -> None:
    async with asyncio.timeout(5):
        while path not in server.paths("POST"):
            await asyncio.sleep(0.002)


def extras(job: str) -> Says:
    """The progress of the server while this job runs."""
    return Says({"progress": 0.01, "state": {"job": job, "job_count": 1}})


@pytest.mark.parametrize("knows_tasks", [True, False])
@pytest.mark.parametrize(
    ("what", "job", "stopped"),
    [
        ("extra-single-image", "extras", True),
        ("extra-single-image", "scripts_txt2img", False),
        ("extra-single-image", "task(abc)", False),
        ("interrogate", "interrogate", True),
        ("interrogate", "Batch 2 out of 4", False),
        ("interrogate", "", False),
    ],
)
async def test_a_cancel_stops_only_what_is_surely_ours(
    server: TinyServer, knows_tasks: bool, what: str, job: str, stopped: bool
) -> None:
    """No task id can be given to these two; what runs is told by its name alone (sdapi 4)."""
    if knows_tasks:
        server.table[TASKS] = task(None, active=False)
    server.table |= {EXTRAS: server.silence, WORDS: server.silence}
    async with painter(server.url) as backend:
        await backend.probe()
        server.table[PROGRESS] = extras(job)
        upscale = what == "extra-single-image"
        call = backend.paint(UPSCALE, TASK, no_news, [SOURCE]) if upscale else describe(backend)
        working: asyncio.Task[object] = asyncio.create_task(call)
        await begun(server, f"/sdapi/v1/{what}")
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert ("/sdapi/v1/interrupt" in server.paths("POST")) is stopped


async def test_out_of_time_stops_it_too(server: TinyServer) -> None:
    server.table |= {EXTRAS: server.silence, PROGRESS: extras("extras")}
    async with painter(server.url, timeout_seconds=0.05) as backend:
        with pytest.raises(BackendError):
            await backend.paint(UPSCALE, TASK, no_news, [SOURCE])
    assert "/sdapi/v1/interrupt" in server.paths("POST")


@pytest.mark.parametrize("knows_tasks", [True, False])
async def test_how_far_an_upscaling_is_is_told(
    server: TinyServer, knows_tasks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.backends.sdapi_watch.POLL_SECONDS", 0.01)
    if knows_tasks:
        server.table[TASKS] = task(None, active=False)
    says = iter([extras("scripts_txt2img")] * 2 + [extras("extras")] * 99)
    polls = 0

    async def progress(_: web.Request) -> web.StreamResponse:
        nonlocal polls
        polls += 1
        return next(says).response()

    async def enlarge(_: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(5):
            while polls < 4:
                await asyncio.sleep(0.005)
        return Says({"image": BARE}).response()

    news: list[float] = []
    async with painter(server.url) as backend:
        await backend.probe()
        server.table |= {PROGRESS: progress, EXTRAS: enlarge}
        await backend.paint(UPSCALE, TASK, lambda f, _: news.append(f), [SOURCE])
    assert news, "its own progress"
    assert len(news) <= polls - 2, "and not another's"


# -- what is loaded --------------------------------------------------------------------------------


async def test_the_checkpoint_that_drew_is_the_loaded_one() -> None:
    """The option is put back after a picture, the weights stay (trap 4)."""
    demo = DemoImageServer(workers=0, step_seconds=0.001, load_seconds=0.01, password=None)
    await demo.start()
    try:
        async with painter(demo.url) as backend:
            ability = await backend.probe()
            assert (ability.current_model, backend.loaded) == ("dreamshaper_8", None)
            await backend.paint(request(model="inkpunk, v2.0"), TASK, no_news)
            assert backend.ability is not None
            assert backend.ability.current_model == "dreamshaper_8"
            assert backend.loaded == demo.engine.shelf.loaded.name == "inkpunk, v2.0"
            await backend.refresh()
            assert backend.loaded == "inkpunk, v2.0", "its disk says nothing of its memory"
            await backend.load("dreamshaper_8")
            assert backend.loaded == demo.engine.shelf.loaded.name == "dreamshaper_8"
            await backend.probe()
            assert backend.loaded is None, "after trouble it may have been started anew"
    finally:
        await demo.close()


@pytest.mark.parametrize(
    ("told", "loaded"), [("tinyA", "tinyA"), ("stranger", None), ("", None), (7, None)]
)
async def test_a_checkpoint_that_is_not_listed_is_not_called_loaded(
    server: TinyServer, told: object, loaded: str | None
) -> None:
    server.table[PAINT] = Says(painted([with_chunk(42)], {"sd_model_name": told}))
    async with painter(server.url) as backend:
        await backend.probe()
        await backend.paint(request(), TASK, no_news)
        assert backend.loaded == loaded
