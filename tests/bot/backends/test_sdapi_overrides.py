"""Trap 5 past a restart: what leaked in an earlier run is not taken for the server's own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.backends import registry
from bot.backends.sdapi import SdApi
from bot.backends.sdapi_overrides import MOST_VALUES, Overrides
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import BackendError, DatabaseUnavailable
from tests.bot.backends.orders import painted, request, with_chunk
from tests.bot.backends.painters import OPTIONS, PAINT, PROGRESS, TASK, no_news
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings

FANCY = request(clip_skip=2, vae="None")
OWN = {"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic"}
FANCY_SENT = {"CLIP_stop_at_last_layers": 2, "sd_vae": "None"}


class Notebook:
    """A keeper in memory; `torn` refuses to be read, `full` to be written."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.written: list[str] = []
        self.torn = self.full = False

    async def recall(self, name: str) -> str | None:
        if self.torn:
            raise DatabaseUnavailable("locked")
        return self.facts.get(name)

    async def remember(self, name: str, value: str) -> None:
        if self.full:
            raise DatabaseUnavailable("full")
        self.facts[name] = value
        self.written.append(name)


@asynccontextmanager
async def run(url: str, notebook: Notebook | None, **settings: Any) -> AsyncIterator[SdApi]:
    """One run of the bot, as `bot.app` builds it; it ends as in a crash, without a word."""
    backend = registry.build(backend_settings(url, **settings), memory=notebook)
    assert isinstance(backend, SdApi)
    try:
        await backend.probe()
        yield backend
    finally:
        await backend.close()


def sent_by(backend: SdApi) -> dict[str, Any]:
    """What an order that changes nothing would send."""
    return dict(backend.payload(request(), "t")["override_settings"])


class Leaking:
    """A fresh A1111: what was never saved keeps its first override, and is put back to that."""

    def __init__(self, server: TinyServer) -> None:
        self.saved: dict[str, Any] = {}
        self.drawn_with: dict[str, Any] = {}
        server.table |= {OPTIONS: self.show, PAINT: self.paint, PROGRESS: Says({"state": {}})}

    @property
    def options(self) -> dict[str, Any]:
        return OWN | {"upcast_attn": False} | self.saved

    async def show(self, _: Any) -> Any:
        return Says(self.options).response()

    async def paint(self, asked: Any) -> Any:
        override = (await asked.json())["override_settings"]
        self.drawn_with = self.options | override
        self.saved = override | self.saved
        return Says(painted([with_chunk(42)])).response()


@pytest.fixture
def leaking(server: TinyServer) -> Leaking:
    return Leaking(server)


async def test_after_a_restart_the_servers_own_is_sent(
    server: TinyServer, leaking: Leaking
) -> None:
    notebook = Notebook()
    async with run(server.url, notebook) as backend:
        await backend.paint(FANCY, TASK, no_news)
    assert leaking.options == FANCY_SENT | {"upcast_attn": False}, "it leaked"
    async with run(server.url, notebook) as backend:
        await backend.paint(request(), TASK, no_news)
    assert leaking.drawn_with == OWN | {"upcast_attn": False}


async def test_a_leak_outlives_all_later_orders(server: TinyServer, leaking: Leaking) -> None:
    """The server puts back what it kept first, whatever was overridden last."""
    notebook = Notebook()
    async with run(server.url, notebook) as backend:
        for order in (FANCY, request(), request(clip_skip=3), request()):
            await backend.paint(order, TASK, no_news)
            await backend.probe()
            assert sent_by(backend) == OWN
    assert leaking.options["CLIP_stop_at_last_layers"] == 2
    for _ in range(2):
        async with run(server.url, notebook) as backend:
            assert sent_by(backend) == OWN


async def test_the_same_on_a_server_that_looks_real() -> None:
    demo = DemoImageServer(workers=0, step_seconds=0.001, password=None)
    await demo.start()
    notebook = Notebook()
    try:
        for order in (FANCY, request()):
            async with run(demo.url, notebook) as backend:
                (picture,) = await backend.paint(order, TASK, no_news)
        assert demo.engine.options["CLIP_stop_at_last_layers"] == 2, "it leaked there"
        assert "Clip skip" not in picture.infotext
    finally:
        await demo.close()


async def test_without_a_memory_it_holds_while_the_bot_runs(
    server: TinyServer, leaking: Leaking
) -> None:
    async with run(server.url, None) as backend:
        await backend.paint(FANCY, TASK, no_news)
        await backend.probe()
        assert sent_by(backend) == OWN


async def test_what_is_sent_is_on_disk_before_it_is_sent(
    server: TinyServer, leaking: Leaking
) -> None:
    """A crash in the midst of the picture is when it matters."""
    notebook, known = Notebook(), []

    async def paint(asked: Any) -> Any:
        known.append(json.loads(notebook.facts["sent:main"]))
        return await leaking.paint(asked)

    server.table[PAINT] = paint
    async with run(server.url, notebook) as backend:
        await backend.paint(FANCY, TASK, no_news)
    assert known == [{"CLIP_stop_at_last_layers": [2], "sd_vae": ["None"]}]


async def test_it_is_written_only_when_it_changes(server: TinyServer, leaking: Leaking) -> None:
    notebook = Notebook()
    async with run(server.url, notebook) as backend:
        for model in ("tinyA", "tinyB", "tinyA"):  # the checkpoint is not put back by us
            await backend.paint(request(model=model), TASK, no_news)
            await backend.probe()
        assert notebook.written == ["options:main"]
        for order in (FANCY, request(), FANCY, request()):
            await backend.paint(order, TASK, no_news)
    assert notebook.written == ["options:main", "sent:main"]


async def test_what_the_operator_changed_meanwhile_is_the_servers_own(
    server: TinyServer, leaking: Leaking
) -> None:
    notebook = Notebook()
    async with run(server.url, notebook) as backend:
        await backend.paint(FANCY, TASK, no_news)
    leaking.saved["sd_vae"] = "anime.pt"
    async with run(server.url, notebook) as backend:
        assert sent_by(backend) == OWN | {"sd_vae": "anime.pt"}
    leaking.saved["sd_vae"] = "None"
    async with run(server.url, notebook) as backend:
        assert sent_by(backend) == OWN | {"sd_vae": "None"}, "no leak: the key is saved there"


async def test_an_order_that_never_arrived_does_not_hide_what_leaked_before(
    server: TinyServer, leaking: Leaking
) -> None:
    """The probe that follows its failure finds the leak of the order before it."""
    notebook = Notebook()
    async with run(server.url, notebook) as backend:
        await backend.paint(FANCY, TASK, no_news)
        server.table[PAINT] = Says(b"", 502)
        with pytest.raises(BackendError):
            await backend.paint(request(), TASK, no_news)
        await backend.probe()
        assert sent_by(backend) == OWN
    async with run(server.url, notebook) as backend:
        assert sent_by(backend) == OWN


async def test_an_option_that_the_operator_no_longer_overrides_is_put_back(
    server: TinyServer, leaking: Leaking
) -> None:
    notebook, payload = Notebook(), {"override_settings": {"upcast_attn": True}}
    async with run(server.url, notebook, payload=payload) as backend:
        await backend.paint(request(), TASK, no_news)
    assert leaking.options["upcast_attn"] is True
    async with run(server.url, notebook) as backend:
        assert sent_by(backend) == OWN | {"upcast_attn": False}


async def test_a_full_disk_stops_no_picture(server: TinyServer, leaking: Leaking) -> None:
    notebook = Notebook()
    async with run(server.url, notebook) as backend:
        notebook.full = True
        assert len(await backend.paint(FANCY, TASK, no_news)) == 1
        notebook.full = False
        await backend.paint(FANCY, TASK, no_news)
    assert json.loads(notebook.facts["sent:main"])["sd_vae"] == ["None"]


async def test_what_cannot_be_recalled_is_not_overwritten(
    server: TinyServer, leaking: Leaking
) -> None:
    """The probe fails, and is made again: a guess would be kept for good."""
    notebook = Notebook()
    async with run(server.url, notebook) as backend:
        await backend.paint(FANCY, TASK, no_news)
    kept = dict(notebook.facts)
    notebook.torn = True
    with pytest.raises(DatabaseUnavailable):
        async with run(server.url, notebook):
            pass
    assert notebook.facts == kept


@pytest.mark.parametrize("odd", ["", "nonsense", "7", "null", '["x"]', '{"a": 1}', "[" * 99_999])
async def test_a_memory_that_holds_nonsense_is_as_good_as_none(
    server: TinyServer, leaking: Leaking, odd: str
) -> None:
    notebook = Notebook()
    notebook.facts = {"options:main": odd, "sent:main": odd}
    async with run(server.url, notebook) as backend:
        assert sent_by(backend) == OWN


def test_no_member_can_make_the_memory_grow_without_end() -> None:
    overrides = Overrides("main")
    for number in range(2 * MOST_VALUES):
        overrides.sending({"eta_noise_seed_delta": number})
    assert len(overrides.sent) == MOST_VALUES
