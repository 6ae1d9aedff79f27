"""What every route shares: keys, JSON bodies, credentials, errors, counters."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import web

from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Invalid, Raised, Refused, answer
from bot.demo.servers.sdapi.faults import Faults
from bot.demo.servers.sdapi.forms import parse_body

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# FastAPI's pool for plain functions: who waits in the queue holds one of these (trap 18).
THREADS: Final = 40
_LARGE_TEXT: Final = 200_000
_LOG: Final = logging.getLogger(__name__)
# Routes of the built-in LoRA extension and of the page: nobody asks for a password (trap 12).
OPEN_ROUTES: Final = frozenset({"/sdapi/v1/loras", "/sdapi/v1/refresh-loras"})


@dataclass
class Desk:
    """What the handlers work with; ``requests`` are (method, path, seconds of the clock)."""

    engine: Engine
    faults: Faults
    credentials: tuple[str, str] | None
    requests: list[tuple[str, str, float]]
    threads: asyncio.Semaphore
    jobs: set[asyncio.Task[Any]]

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
        return parse_body(text)
    return await asyncio.to_thread(parse_body, text)


async def reply(value: Any) -> web.Response:
    """200 with JSON, dumped aside: pictures in base64 are megabytes."""
    text = await asyncio.to_thread(_dump, value)
    return web.Response(body=text, content_type="application/json")


@web.middleware
async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every request; say how long it took, but not on a 500."""
    desk, start = request.app[DESK], time.perf_counter()
    desk.requests.append((request.method, request.path, time.time()))
    response = await handler(request)
    if response.status != 500 and not response.prepared:
        response.headers["X-Process-Time"] = f"{time.perf_counter() - start:.4f}"
    return response


@web.middleware
async def troubled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ordered faults come before anything else."""
    if request.path.startswith("/demo/"):
        return await handler(request)
    return await request.app[DESK].faults.around(request, handler)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Routing errors, credentials, and the web UI's forms of no."""
    desk = request.app[DESK]
    if request.match_info.http_exception is not None:
        return _not_routed(request.match_info.http_exception)
    try:
        if request.path.startswith("/sdapi/") and request.path not in OPEN_ROUTES:
            check_credentials(request.headers.get("Authorization"), desk.credentials)
        async with desk.threads:
            return await handler(request)
    except (Invalid, Refused, Raised) as error:
        return answer(error)
    except web.HTTPException:
        raise
    except Exception as error:
        _LOG.exception("The demo server broke at %s", request.path)
        return answer(error)


def check_credentials(header: str | None, expected: tuple[str, str] | None) -> None:
    """Raise ``Refused`` (401) as FastAPI's ``HTTPBasic`` and the web UI do."""
    if expected is None:
        return
    scheme, _, parameter = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise Refused(401, "Not authenticated")
    try:
        name, colon, password = base64.b64decode(parameter).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise Refused(401, "Invalid authentication credentials") from error
    if not colon:
        raise Refused(401, "Invalid authentication credentials")
    if (name, password) != expected:
        raise Refused(401, "Incorrect username or password")


def _not_routed(error: web.HTTPException) -> web.Response:
    words = {404: "Not Found", 405: "Method Not Allowed"}
    detail = words.get(error.status, error.reason)
    return web.json_response({"detail": detail}, status=error.status)


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
