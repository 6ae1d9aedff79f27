"""What every route shares: keys, JSON bodies, credentials, errors, counters."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import web

from bot.demo.servers.sdapi import forms
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Invalid, Raised, Refused, Spoken
from bot.demo.servers.sdapi.faults import Faults
from bot.demo.servers.sdapi.limiter import Limiter
from bot.demo.servers.sdapi.manners import Manner

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# FastAPI's pool for plain functions: who waits in the queue holds one of these (trap 18).
THREADS: Final = 40
_LARGE_TEXT: Final = 200_000
_LOG: Final = logging.getLogger(__name__)
_GZIP_FROM: Final = 2048


@dataclass
class Desk:
    """What the handlers work with; ``requests`` are (method, path, seconds of the clock)."""

    manner: Manner
    engine: Engine
    faults: Faults
    limiter: Limiter
    credentials: tuple[str, str] | None
    requests: list[tuple[str, str, float]]
    threads: asyncio.Semaphore
    jobs: set[asyncio.Task[Any]]

    def read(
        self, fields: forms.Fields, body: Any, required: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """The values of a body, as strictly as this server takes them; raises ``Invalid``."""
        return forms.read(fields, body, required, self.manner.reading)

    async def unabandoned(self, job: Awaitable[T]) -> T:
        """Wait for a job that goes on when the client leaves (trap 9)."""
        task: asyncio.Task[T] = asyncio.ensure_future(job)
        self.jobs.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self.jobs.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains when the client has left


DESK: Final = web.AppKey("desk", Desk)


async def body_of(request: web.Request) -> Any:
    """The JSON body; raises ``Invalid``. A large one is parsed aside: it holds pictures."""
    text = await request.text()
    if len(text) < _LARGE_TEXT:
        return forms.parse_body(text)
    return await asyncio.to_thread(forms.parse_body, text)


async def reply(value: Any) -> web.Response:
    """200 with JSON, dumped aside: pictures in base64 are megabytes."""
    text = await asyncio.to_thread(_dump, value)
    return web.Response(body=text, content_type="application/json")


@web.middleware
async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every request; say how long it took, but not on a 500; compress if it does."""
    desk, start = request.app[DESK], time.perf_counter()
    desk.requests.append((request.method, request.path, time.time()))
    response = await handler(request)
    if response.prepared:
        return response
    if desk.manner.timed and response.status != 500:
        response.headers["X-Process-Time"] = f"{time.perf_counter() - start:.4f}"
    taken = "gzip" in request.headers.get("Accept-Encoding", "")
    if desk.manner.gzips and taken and (response.content_length or 0) >= _GZIP_FROM:
        response.enable_compression(web.ContentCoding.gzip)
    return response


@web.middleware
async def troubled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ordered faults come before anything else."""
    if request.path.startswith("/demo/"):
        return await handler(request)
    return await request.app[DESK].faults.around(request, handler)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Rates, routing errors, credentials, and this server's forms of no."""
    desk, wrong = request.app[DESK], request.match_info.http_exception
    try:
        _limit(desk, request)
        if wrong is not None:
            return await _not_routed(desk, request, wrong.status)
        header = request.headers.get("Authorization")
        desk.manner.gate.check(request.path, header, desk.credentials)
        async with desk.threads:
            return await handler(request)
    except (Invalid, Refused, Raised, Spoken) as error:
        return desk.manner.errors(error)
    except web.HTTPException:
        raise
    except Exception as error:
        _LOG.exception("The demo server broke at %s", request.path)
        return desk.manner.errors(error)


def _limit(desk: Desk, request: web.Request) -> None:
    status, client = desk.manner.limit_status, request.remote or ""
    if status is None or request.path.startswith("/demo/"):
        return
    if not desk.limiter.admits(client, request.path):
        raise Refused(status, f"{client}:{request.path}: rate limit exceeded")


async def _not_routed(desk: Desk, request: web.Request, status: int) -> web.Response:
    if desk.manner.missing_waits and request.method == "POST":
        async with desk.engine.turn():
            pass
    return desk.manner.missing(status)


def _dump(value: Any) -> bytes:
    return json.dumps(_finite(value), ensure_ascii=False).encode()


def _finite(value: Any) -> Any:
    """NaN and infinities as null, at any depth: JSON has none."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
