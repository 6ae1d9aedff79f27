"""A server that refuses keys (trap 17): only what nobody asked for is left out."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from bot.backends.sdapi import MOST_REFUSALS
from bot.errors import BackendRefused
from bot.values.request import Inpainting
from bot.values.source import Role, Source
from tests.bot.backends.orders import BARE, painted, request
from tests.bot.backends.painters import PAINT, TASK, no_news, painter
from tests.bot.backends.tiny_server import Says, TinyServer
from tests.bot.images import pictures

OVER = "POST /sdapi/v1/img2img"


def refusing(*keys: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Draws only without these keys, and names those that it was sent."""

    async def paint(asked: web.Request) -> web.StreamResponse:
        sent = [key for key in await asked.json() if key in keys]
        says = Says({"error": f"Unrecognized keys: {json.dumps(sent)}"}, 400)
        return (says if sent else Says(painted([BARE]))).response()

    return paint


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """Draw Things: it tells nothing but its configuration."""
    server.table = {"GET /": Says({"steps": 20}), PAINT: refusing("negative_prompt", "cfg_scale")}
    return server


def sent(server: TinyServer) -> list[Any]:
    return [a.json for a in server.asked if a.path.endswith("2img")]


async def test_what_nobody_asked_for_is_left_out_from_then_on(
    server: TinyServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with painter(server.url) as backend:
        await backend.probe()
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                assert len(await backend.paint(request(), TASK, no_news)) == 1
    first, second, third = sent(server)
    assert set(first) - set(second) == {"negative_prompt", "cfg_scale"}
    assert second == third
    assert "cfg_scale" in caplog.text, "the operator is told"


async def test_what_was_left_out_is_refused_once_somebody_asks_for_it(server: TinyServer) -> None:
    async with painter(server.url) as backend:
        await backend.probe()
        await backend.paint(request(), TASK, no_news)
        with pytest.raises(BackendRefused) as caught:
            await backend.paint(request(negative_prompt="fog"), TASK, no_news)
    assert caught.value.sentence == "The image server can't take a negative prompt."


def over() -> tuple[list[Source], dict[str, Any]]:
    """An order over a picture, with a mask."""
    image = pictures.png()
    sources = [Source(Role.INIT, image, 12, 9), Source(Role.MASK, image, 12, 9)]
    return sources, {"kind": "img2img", "inpainting": Inpainting(), "denoising_strength": 0.5}


@pytest.mark.parametrize(
    ("keys", "lost"),
    [
        (["seed"], "a seed"),
        (["sampler_name"], "a sampler"),
        (["prompt"], "a prompt"),
        (["mask"], "a mask"),
        (["init_images"], "a picture to begin with"),
        (["denoising_strength"], "a strength"),
        (["cfg_scale", "mask", "seed"], "a seed and a mask"),
    ],
)
async def test_what_was_asked_for_is_never_left_out_in_silence(
    server: TinyServer, keys: list[str], lost: str
) -> None:
    """Without its mask or its picture it would be another order, drawn with a 200."""
    server.table[OVER] = refusing(*keys)
    sources, order = over()
    async with painter(server.url) as backend:
        await backend.probe()
        for _ in range(2):
            with pytest.raises(BackendRefused) as caught:
                await backend.paint(request(sampler="Euler", **order), TASK, no_news, sources)
            assert caught.value.sentence == f"The image server can't take {lost}."
    assert len(sent(server)) == 2, "once each: it would be refused again"


async def test_a_sampler_that_only_the_operator_named_is_left_out(server: TinyServer) -> None:
    server.table[PAINT] = refusing("sampler_name")
    async with painter(server.url, payload={"sampler_name": "UniPC"}) as backend:
        await backend.probe()
        assert len(await backend.paint(request(), TASK, no_news)) == 1


async def test_a_server_that_refuses_something_new_each_time_is_not_asked_for_ever(
    server: TinyServer,
) -> None:
    keys = iter(range(1000))

    async def never(_: web.Request) -> web.StreamResponse:
        return Says({"error": f'Unrecognized keys: ["key{next(keys)}"]'}, 400).response()

    server.table[PAINT] = never
    async with painter(server.url) as backend:
        await backend.probe()
        with pytest.raises(BackendRefused):
            await backend.paint(request(), TASK, no_news)
    assert len(sent(server)) == 1 + MOST_REFUSALS
