"""Settings and shelves: options, models, samplers and their kin (contract, sections 5 and 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.demo.servers.sdapi import catalogue
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Invalid, Raised
from bot.demo.servers.sdapi.forms import problem
from bot.demo.servers.sdapi.web import DESK, body_of, reply

Handler = Callable[[web.Request], Awaitable[web.Response]]
_FOLDER = catalogue.MODELS_FOLDER


def routes() -> list[web.RouteDef]:
    """The routes of this room."""
    fixed = [web.get(f"/sdapi/v1/{name}", _says(value), allow_head=False) for name, value in _LISTS]
    refresh = ("checkpoints", "vae", "embeddings")
    return [
        web.get("/sdapi/v1/options", get_options, allow_head=False),
        web.post("/sdapi/v1/options", post_options),
        web.get("/sdapi/v1/sd-models", sd_models, allow_head=False),
        web.post("/sdapi/v1/refresh-loras", _says(None)),
        web.post("/sdapi/v1/unload-checkpoint", _says({})),
        web.post("/sdapi/v1/reload-checkpoint", _says({})),
        *(web.post(f"/sdapi/v1/refresh-{name}", refreshed) for name in refresh),
        *fixed,
    ]


async def get_options(request: web.Request) -> web.Response:
    """All settings."""
    return await reply(request.app[DESK].engine.options.shown())


async def post_options(request: web.Request) -> web.Response:
    """Change settings for everybody, and load the model named; outside the queue's lock."""
    body = await body_of(request)
    if not isinstance(body, dict):
        raise Invalid([problem(("body",), "dict")])
    desk = request.app[DESK]
    await desk.unabandoned(_set_options(desk.engine, body))
    return await reply(None)


async def sd_models(request: web.Request) -> web.Response:
    """The checkpoints; a title gains its hash at the first load (trap 19)."""
    shelf = request.app[DESK].engine.shelf
    return await reply([row.listed() for row in shelf.checkpoints])


async def refreshed(request: web.Request) -> web.Response:
    """Look at the disk again: waits for its turn like a job."""
    async with request.app[DESK].engine.lock:
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


def _files(folder: str, names: tuple[str, ...], key: str) -> list[dict[str, str]]:
    return [{"name": name, key: f"{_FOLDER}/{folder}/{name}"} for name in names]


_LISTS: list[tuple[str, Any]] = [
    ("samplers", [row.listed() for row in catalogue.SAMPLERS]),
    ("schedulers", [row.listed() for row in catalogue.SCHEDULERS]),
    ("upscalers", list(catalogue.UPSCALERS)),
    ("latent-upscale-modes", [{"name": name} for name in catalogue.LATENT_UPSCALE_MODES]),
    (
        "sd-vae",
        [{"model_name": name, "filename": f"{_FOLDER}/VAE/{name}"} for name in catalogue.VAES],
    ),
    ("loras", catalogue.loras()),
    ("embeddings", catalogue.embeddings()),
    ("hypernetworks", _files("hypernetworks", catalogue.HYPERNETWORKS, "path")),
    ("prompt-styles", list(catalogue.STYLES)),
    ("face-restorers", [{"name": name, "cmd_dir": None} for name in catalogue.FACE_RESTORERS]),
    ("realesrgan-models", catalogue.realesrgan_models()),
    ("scripts", catalogue.scripts()),
    ("memory", catalogue.memory()),
]
