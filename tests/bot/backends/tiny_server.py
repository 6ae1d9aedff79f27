"""A very small HTTP server for one test: it answers from a table and remembers what came in."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.backends.http import Http
from bot.settings import BackendSettings


@dataclass(frozen=True)
class Asked:
    """One request as it really arrived. `connection` differs for each TCP connection."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """An answer; `body` is sent as it is when it is bytes or text, else as JSON."""

    body: Any = None
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        body = self.body if isinstance(self.body, str | bytes) else json.dumps(self.body)
        raw = body.encode() if isinstance(body, str) else body
        response = web.Response(body=raw, status=self.status, headers=dict(self.headers))
        if self.content_type:
            response.content_type = self.content_type
        return response


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOT_FOUND = Says({"detail": "Not Found"}, 404)


class TinyServer:
    """`table` maps "GET /path" to what it says, or to a handler; anything else is `otherwise`."""

    def __init__(self) -> None:
        self.table: dict[str, Says | Handler] = {}
        self.otherwise: Says = NOT_FOUND
        self.asked: list[Asked] = []
        self.closing = asyncio.Event()
        self.url = ""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            Asked(request.method, request.path_qs, request.headers, body, request.transport)
        )
        says = self.table.get(f"{request.method} {request.path}", self.otherwise)
        if isinstance(says, Says):
            return says.response()
        return await says(request)  # type: ignore[arg-type]

    async def silence(self, request: web.Request) -> web.StreamResponse:
        """A handler that never answers while the test lasts."""
        await self.closing.wait()
        return web.Response()

    def paths(self, method: str = "GET") -> list[str]:
        """What was asked by this method, in order."""
        return [a.path for a in self.asked if a.method == method]


@asynccontextmanager
async def tiny_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[TinyServer]:
    """Listens on a free port of this machine until the block ends."""
    server = TinyServer()
    runner = web.ServerRunner(web.Server(server), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.closing.set()
        await runner.cleanup()


def backend_settings(url: str, **more: Any) -> BackendSettings:
    """Settings of a backend called main."""
    return BackendSettings(**{"name": "main", "url": url} | more)


@asynccontextmanager
async def connected(url: str, **settings: Any) -> AsyncIterator[Http]:
    """Our client for a URL, until the block ends."""
    client = Http(backend_settings(url, **settings))
    try:
        yield client
    finally:
        await client.close()
