"""The traps of a `/sdapi/v1` server (contracts, sdapi 0): how it listens, lists and fails."""

from __future__ import annotations

from typing import Any

import pytest

from bot.backends.http import error_text, raise_for_status
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import BackendOutOfMemory, BackendRejectedCredentials
from bot.queue.watch import ProgressWatch
from bot.settings import BackendSettings
from tests.bot.backends.orders import answer, painted, request, with_chunk
from tests.bot.backends.painters import OPTIONS, PAINT, TASK, no_news, painter
from tests.bot.backends.test_sdapi_traps_requests import paint, served
from tests.bot.backends.tiny_server import Says, TinyServer


async def test_trap_10_a_failed_task_looks_busy_but_the_truth_is_our_own_answer() -> None:
    async with served() as (demo, backend):
        demo.faults.add("oom", route=r"/txt2img$")
        with pytest.raises(BackendOutOfMemory):
            await paint(backend)
        (picture,) = await paint(backend, seed=8)
    assert picture.seed == 8


def test_trap_11_no_time_is_told_from_the_floor_that_stands_while_a_model_loads() -> None:
    watch = ProgressWatch(20)
    assert watch.at(0.01).eta_seconds is None
    assert watch.at(0.01).fraction == 0.0
    assert watch.at(0.5).fraction == 0.5
    assert watch.at(0.2).fraction == 0.5, "it never falls back"


async def test_trap_12_a_401_without_its_header_is_a_wrong_password_all_the_same() -> None:
    demo = DemoImageServer(workers=0)
    await demo.start()
    try:
        async with painter(demo.url, auth={"username": "demo", "password": "no"}) as backend:
            with pytest.raises(BackendRejectedCredentials):
                await backend.probe()
    finally:
        await demo.close()


async def test_trap_12_the_route_that_tells_the_password_is_never_asked() -> None:
    async with served() as (demo, backend):
        await paint(backend)
        assert not [path for _, path, _ in demo.requests if "cmd-flags" in path]


async def test_trap_13_without_the_web_ui_there_are_no_tasks_and_it_paints_all_the_same(
    server: TinyServer,
) -> None:
    server.table[OPTIONS] = Says({"sd_model_checkpoint": None})
    server.table["GET /sdapi/v1/progress"] = Says({"progress": 0, "state": {"job_count": 0}})
    server.table[PAINT] = Says(painted([with_chunk(42)], {"all_seeds": [42]}))
    async with painter(server.url) as backend:
        ability = await backend.probe()
        assert ability.progress, "the global progress is there"
        (picture,) = await backend.paint(request(), TASK, no_news)
    assert picture.seed == 42


def test_trap_18_one_job_is_in_flight_unless_the_operator_says_otherwise() -> None:
    assert BackendSettings(name="a", url="http://127.0.0.1:7860").concurrency == 1


async def test_trap_19_a_title_changes_at_the_first_load_and_the_name_stays() -> None:
    async with served() as (_, backend):
        before = {m.name: m.title for m in (await backend.probe()).models}
        await backend.load("inkpunk, v2.0")
        after = {m.name: m.title for m in (await backend.probe()).models}
        assert backend.ability is not None
        assert backend.ability.current_model == "inkpunk, v2.0"
    assert before.keys() == after.keys()
    assert before["inkpunk, v2.0"] != after["inkpunk, v2.0"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "Sampler not found"}, "Sampler not found"),
        ({"detail": [{"loc": ["body", "steps"], "msg": "not an integer"}]}, "not an integer"),
        ({"detail": {"msg": "Server is busy", "type": "x"}}, "Server is busy"),
        ({"error": "RuntimeError", "detail": "", "errors": "it broke"}, "it broke"),
        ({"error": "server_error", "message": "it broke"}, "it broke"),
        ("it broke", "it broke"),
    ],
)
def test_trap_20_the_words_of_an_error_stand_somewhere_else_each_time(
    body: Any, words: str
) -> None:
    assert words in error_text(answer(body))


async def test_trap_21_a_generating_call_never_uses_a_connection_again(
    server: TinyServer,
) -> None:
    server.table[OPTIONS] = Says({})
    server.table[PAINT] = Says(painted([with_chunk(42)], {"all_seeds": [42]}))
    async with painter(server.url) as backend:
        await backend.probe()
        for _ in range(2):
            await backend.paint(request(), TASK, no_news)
    used = [a.connection for a in server.asked if a.path != "/sdapi/v1/txt2img"]
    paints = [a.connection for a in server.asked if a.path == "/sdapi/v1/txt2img"]
    assert len(set(map(id, paints))) == 2
    assert not set(map(id, paints)) & set(map(id, used))
    raise_for_status(answer({}))
