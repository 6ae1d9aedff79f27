"""The door of the REST half: every call is read, recorded, perhaps broken, checked, answered.

In this order: read the body, record the request, take a fault if one waits, check the token,
count the rate limits, then do what was asked.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.demo.discord import errors
from bot.demo.discord.bodies import read_body
from bot.demo.discord.clock import Clock
from bot.demo.discord.errors import Refusal
from bot.demo.discord.faults import Fault, Faults
from bot.demo.discord.ratelimits import RateLimits
from bot.demo.discord.recorder import Recorder
from bot.demo.discord.rest import BODY, answer
from bot.demo.discord.wire import API_PREFIX

_log = logging.getLogger(__name__)
_TOKENED = re.compile(r"^/(interactions/\d+/[^/]+/callback$|webhooks/\d+/[^/]+)")
_OPEN = frozenset({"/gateway"})
VIA = "1.1 google"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Front:
    """The middleware of the whole server; what is not REST passes through."""

    def __init__(
        self,
        token: str,
        clock: Clock,
        recorder: Recorder,
        faults: Faults,
        limits: RateLimits,
    ) -> None:
        self.crashes: list[Exception] = []
        self._authorization = f"Bot {token}".encode()
        self._clock = clock
        self._recorder = recorder
        self._faults = faults
        self._limits = limits
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let go of the calls that hang on purpose."""
        self._closing.set()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        arrived = self._clock.now()
        body = request[BODY] = await read_body(request)
        path = request.path.removeprefix(API_PREFIX)
        number = self._recorder.request(request, request.path, body, arrived)
        fault = self._faults.take(request.method, path)
        if fault is not None:
            await asyncio.sleep(fault.delay)
        response: web.StreamResponse | None = None
        if fault is None or fault.status is None or fault.after_apply:
            response, code = await self._apply(request, handler, path)
        if fault is not None and fault.status is not None:
            return await self._break(request, fault, number)
        if response is None:
            raise RuntimeError("a call was neither applied nor broken")
        self._recorder.response(number, response.status, code)
        response.headers["Via"] = VIA
        return response

    async def _apply(
        self, request: web.Request, handler: Handler, path: str
    ) -> tuple[web.StreamResponse, int | None]:
        """Do the call; the answer, and Discord's code when it is a refusal."""
        headers: dict[str, str] = {}
        try:
            tokened = bool(_TOKENED.match(path))
            self._check_token(request, path, tokened=tokened)
            headers = self._limits.take(request.method, path, by_token=not tokened)
            response = await handler(request)
        except Refusal as refusal:
            return self._refuse(refusal, headers), refusal.code
        except web.HTTPNotFound:
            return self._refuse(errors.no_such_route(), headers), 0
        except web.HTTPMethodNotAllowed:
            return self._refuse(errors.no_such_method(), headers), 0
        except Exception as crash:
            _log.exception("the stand-in itself failed at %s %s", request.method, path)
            self.crashes.append(crash)
            return self._refuse(Refusal(500, 0, "500: Internal Server Error"), headers), 0
        response.headers.update(headers)
        return response, None

    def _check_token(self, request: web.Request, path: str, *, tokened: bool) -> None:
        if tokened or path in _OPEN:
            return
        given = request.headers.get("Authorization", "").encode()
        if not secrets.compare_digest(given, self._authorization):
            raise errors.unauthorized()

    def _refuse(self, refusal: Refusal, headers: dict[str, str]) -> web.Response:
        response = answer(refusal.body(), refusal.status)
        response.headers.update({**headers, **refusal.headers})
        return response

    async def _break(self, request: web.Request, fault: Fault, number: int) -> web.Response:
        if fault.status in ("reset", "hang"):
            self._recorder.response(number, fault.status, None)
            if fault.status == "hang":
                await self._closing.wait()
            _cut(request)
            return web.Response(status=500)
        refusal = fault.refusal()
        response = self._refuse(refusal, {})
        self._recorder.response(number, response.status, refusal.code)
        if fault.via:
            response.headers["Via"] = VIA
        return response


def _cut(request: web.Request) -> None:
    """End the TCP connection with a reset, so that the client sees errno 104."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
