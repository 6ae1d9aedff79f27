"""Trouble to order, for tests: what a proxy, a network or a tired server may answer.

In process: ``server.faults.add("oom", times=2)``. Over HTTP: ``POST /demo/control`` with
``{"do": "oom", "times": 2}``. Each fault waits for requests whose path matches ``route``
(a regular expression, by default the generating calls) and is used up after ``times`` of
them (-1: never). The first fault that matches wins.

============== =====================================================================
``do``         what the client sees
============== =====================================================================
oom            500 with OutOfMemoryError in the server's form
html           an HTML page of a proxy; ``status`` 502 or what you say
unauthorized   401 in the server's form
flood          200 and ``size`` bytes of JSON string, streamed, never held in memory
hang           no answer, until the client leaves or the server closes
reset          the connection is reset, before any work
reset_after    the connection is reset when the work is done
slow           the answer, ``seconds`` later
no_images      200 with ``images: []``
bad_base64     200 with pictures cut in the middle of their base64
cut_png        200 with pictures whose file ends too early
============== =====================================================================

More for the control route: ``clear`` (forget all faults), ``down`` (refuse connections for
``seconds``), ``limit`` (only ``times`` requests a minute of each route, on servers that have
such a limiter; 0 ends it), ``counts`` (how many requests and generating calls there were).
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.demo.servers.sdapi import error_forms
from bot.demo.servers.sdapi.errors import Raised, Refused

GENERATING: Final = r"/sdapi/v1/(txt2img|img2img|extra-single-image)$"
KINDS: Final = frozenset(
    {"oom", "html", "unauthorized", "flood", "hang", "reset", "reset_after", "slow"}
    | {"no_images", "bad_base64", "cut_png"}
)
_OOM: Final = (
    "CUDA out of memory. Tried to allocate 4.50 GiB. GPU 0 has a total capacity of 8.00 GiB "
    "of which 1.21 GiB is free."
)
_PAGE: Final = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)
_CHUNK: Final = 256 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """One kind of trouble and how often it is still to come."""

    do: str
    times: int
    route: re.Pattern[str]
    status: int
    seconds: float
    size: int


class Faults:
    """The faults that are waiting, in the order they were added."""

    def __init__(self, form: Callable[[Exception], web.Response] = error_forms.a1111) -> None:
        self._form = form
        self._waiting: list[Fault] = []
        self._closing = asyncio.Event()

    def add(
        self,
        do: str,
        *,
        times: int = 1,
        route: str = GENERATING,
        status: int = 502,
        seconds: float = 1.0,
        size: int = 1_000_000,
    ) -> None:
        """Order trouble; ``ValueError`` for a kind that is not in the table above."""
        if do not in KINDS:
            raise ValueError(f"no such fault: {do}")
        self._waiting.append(Fault(do, times, re.compile(route), status, seconds, size))

    def clear(self) -> None:
        """Forget all faults; requests that hang are let go."""
        self._waiting.clear()
        self._closing.set()
        self._closing = asyncio.Event()

    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer by the next fault that matches, or by the handler."""
        fault = self._take(request.path)
        if fault is None:
            return await handler(request)
        if fault.do == "slow":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        if fault.do == "hang":
            await self._closing.wait()
            return _reset(request)
        if fault.do == "flood":
            return await _flood(request, fault.size)
        if fault.do in ("reset_after", "no_images", "bad_base64", "cut_png"):
            return _spoiled(fault.do, request, await handler(request))
        return self._instead(fault, request)

    def _instead(self, fault: Fault, request: web.Request) -> web.Response:
        if fault.do == "oom":
            return self._form(Raised("OutOfMemoryError", _OOM))
        if fault.do == "unauthorized":
            return self._form(Refused(401, "Incorrect username or password"))
        if fault.do == "html":
            return web.Response(status=fault.status, text=_PAGE, content_type="text/html")
        return _reset(request)

    def _take(self, path: str) -> Fault | None:
        for fault in self._waiting:
            if fault.times != 0 and fault.route.search(path):
                fault.times -= 1
                return fault
        return None


def _reset(request: web.Request) -> web.Response:
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        # A linger of zero makes close() send RST, as a crashed server's kernel would.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _flood(request: web.Request, size: int) -> web.StreamResponse:
    start, end = b'{"images":["', b'"],"parameters":{},"info":"{}"}'
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(start)
    left = size - len(start) - len(end)
    filler = b"A" * _CHUNK
    while left > 0:
        await response.write(filler[:left])
        left -= _CHUNK
    await response.write(end)
    await response.write_eof()
    return response


def _spoiled(do: str, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if do == "reset_after":
        return _reset(request)
    if not isinstance(response, web.Response) or response.status != 200:
        return response
    body = json.loads(response.text or "{}")
    if do == "no_images":
        body["images"] = []
    else:
        spoil = _cut_base64 if do == "bad_base64" else _cut_file
        body["images"] = [spoil(text) for text in body["images"]]
    return web.json_response(body)


def _cut_base64(text: str) -> str:
    return text[: len(text) // 2 // 4 * 4 + 1]


def _cut_file(text: str) -> str:
    data = base64.b64decode(text)
    return base64.b64encode(data[: len(data) * 2 // 3]).decode()
