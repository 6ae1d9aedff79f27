"""Settings and shelves: options, models, samplers and their kin (contract, sections 5 and 6).

What is only listed stands in the ``Manner``; here is what changes something.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Invalid, Problem, Raised
from bot.demo.servers.sdapi.manners.manner import API, Listing
from bot.demo.servers.sdapi.web import DESK, body_of, reply

Handler = Callable[[web.Request], Awaitable[web.Response]]


def routes(lists: Mapping[str, Listing]) -> list[web.RouteDef]:
    """The routes of this room, a server's lists among them."""
    refresh = ("checkpoints", "vae", "embeddings")
    return [
        web.post("/sdapi/v1/options", post_options),
        web.post("/sdapi/v1/refresh-loras", _says(None)),
        web.post("/sdapi/v1/unload-checkpoint", _says({})),
        web.post("/sdapi/v1/reload-checkpoint", _says({})),
        *(web.post(f"/sdapi/v1/refresh-{name}", refreshed) for name in refresh),
        *(web.get(_path(name), _lists(row), allow_head=False) for name, row in lists.items()),
    ]


async def post_options(request: web.Request) -> web.Response:
    """Change settings for everybody, and load the model named; outside the queue's lock."""
    body = await body_of(request)
    if not isinstance(body, dict):
        raise Invalid([Problem(("body",), "dict", body)])
    desk = request.app[DESK]
    await desk.unabandoned(_set_options(desk.engine, body))
    return await reply(desk.manner.updated(body))


async def refreshed(request: web.Request) -> web.Response:
    """Look at the disk again: waits for its turn like a job."""
    async with request.app[DESK].engine.turn():
        return await reply(None)


async def _set_options(engine: Engine, changes: dict[str, Any]) -> None:
    name = changes.get("sd_model_checkpoint")
    if name is not None and engine.shelf.find(name) is None:
        raise Raised("RuntimeError", f"model {name!r} not found")
    for key, value in changes.items():
        engine.options.set_by_api(key, value)
    await engine.reload()


def _says(value: Any) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return await reply(value)

    return handler


def _lists(listing: Listing) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return await reply(listing(request.app[DESK].engine))

    return handler


def _path(name: str) -> str:
    """Draw Things' one listing stands at the root, every other under the API's prefix."""
    return name if name == "/" else API + name
