"""A checkpoint is brought into memory, and the server is asked whether it really is."""

from __future__ import annotations

import pytest

from bot.backends.sdapi import COULD_NOT_LOAD, SdApi
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import BackendBusy, BackendFailed
from tests.bot.backends.painters import OPTIONS, painter
from tests.bot.backends.tiny_server import Says, TinyServer

SET = "POST /sdapi/v1/options"
MODELS = "GET /sdapi/v1/sd-models"


def listed(*names: str) -> Says:
    return Says([{"title": f"{n}.safetensors", "model_name": n, "hash": None} for n in names])


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """Has two checkpoints; the first is loaded, and will be the second."""
    server.table |= {
        MODELS: listed("tinyA", "tinyB"),
        OPTIONS: Says({"sd_model_checkpoint": "tinyB.safetensors [6d45d56d23]"}),
        SET: Says(None),
    }
    return server


async def test_it_is_asked_for_by_its_title_and_known_by_its_name(server: TinyServer) -> None:
    """The title gains a hash at the first load (trap 19)."""
    async with painter(server.url) as backend:
        ability = await backend.probe()
        assert ability.current_model == "tinyB"
        server.table[OPTIONS] = Says({"sd_model_checkpoint": "tinyA.safetensors [aa45d56d23]"})
        await backend.load("tinyA")
        posted = [a.json for a in server.asked if (a.method, a.path) == tuple(SET.split(" "))]
        assert posted == [{"sd_model_checkpoint": "tinyA.safetensors"}]
        assert backend.ability is not None
        assert backend.ability.current_model == "tinyA"


@pytest.mark.parametrize(
    "says",
    [
        Says({"error": "RuntimeError", "errors": "model 'tinyA' not found"}, 500),
        Says({"error": "OutOfMemoryError", "errors": "CUDA out of memory"}, 500),
        Says({"detail": "Method Not Allowed"}, 405),
        Says(None),  # 200, and the other one stays
    ],
)
async def test_what_could_not_be_loaded_is_said_so(server: TinyServer, says: Says) -> None:
    async with painter(server.url) as backend:
        await backend.probe()
        server.table[SET] = says
        with pytest.raises(BackendFailed) as caught:
            await backend.load("tinyA")
        assert caught.value.sentence == COULD_NOT_LOAD
        assert backend.ability is not None
        assert backend.ability.current_model == "tinyB"


async def test_a_load_without_end_is_given_up(server: TinyServer) -> None:
    async with painter(server.url, timeout_seconds=0.05) as backend:
        await backend.probe()
        server.table[SET] = server.silence
        with pytest.raises(BackendFailed) as caught:
            await backend.load("tinyA")
        assert caught.value.sentence == COULD_NOT_LOAD


async def test_a_busy_server_is_asked_again_later(server: TinyServer) -> None:
    async with painter(server.url) as backend:
        await backend.probe()
        server.table[SET] = Says({"detail": "busy"}, 503)
        with pytest.raises(BackendBusy):
            await backend.load("tinyA")


@pytest.mark.parametrize("kind", ["a1111", "forge", "sdnext"])
async def test_real_looking_servers_load_all_they_list(kind: str) -> None:
    demo = DemoImageServer(kind=kind, workers=0, load_seconds=0.01, password=None)
    await demo.start()
    try:
        async with painter(demo.url) as backend:
            names = [m.name for m in (await backend.probe()).models][:4]
            for name in reversed(names):
                await backend.load(name)
                assert demo.engine.shelf.loaded.name == name
            assert _current(backend) == names[0]
    finally:
        await demo.close()


def _current(backend: SdApi) -> str | None:
    return backend.ability.current_model if backend.ability else None
