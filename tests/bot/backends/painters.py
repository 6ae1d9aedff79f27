"""Painters and the answers that they live on, for the tests of painting and stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.backends.sdapi import SdApi
from tests.bot.backends.orders import painted, with_chunk
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings

PAINT = "POST /sdapi/v1/txt2img"
OPTIONS, PROGRESS = "GET /sdapi/v1/options", "GET /sdapi/v1/progress"
TASKS, INTERRUPT = "POST /internal/progress", "POST /sdapi/v1/interrupt"
TASK = "easel-x-1-1"


@asynccontextmanager
async def painter(url: str, **settings: Any) -> AsyncIterator[SdApi]:
    """A painter behind a URL, until the block ends."""
    backend = SdApi(backend_settings(url, **settings))
    try:
        yield backend
    finally:
        await backend.close()


def no_news(_: float, __: bytes | None) -> None:
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


def after(
    polls: int, server: TinyServer, path: str
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A picture that is done once progress was asked for so many times."""

    async def paint(_: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(5):
            while sum(a.path.startswith(path) for a in server.asked) < polls:
                await asyncio.sleep(0.005)
        return Says(painted([with_chunk(42)])).response()

    return paint
