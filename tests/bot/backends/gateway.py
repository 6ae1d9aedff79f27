"""A gateway in front of a farm of painters: `/sdapi/v1` behind `x-api-key`, and a token bucket.

It paints any number of pictures at the same time, and refuses as AWS does: 429, no Retry-After.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from bot.backends.quota import Quotas
from bot.backends.sdapi import SdApi
from tests.bot.backends.orders import painted, request, with_chunk
from tests.bot.backends.painters import no_news
from tests.bot.backends.tiny_server import backend_settings

KEY = "the-key-of-this-gateway"
PAINT = "/sdapi/v1/txt2img"
_PICTURE = json.dumps(painted([with_chunk(42)])).encode()
_LISTS = {"/sdapi/v1/options": b"{}", "/sdapi/v1/progress": b'{"progress": 0.5, "state": {}}'}


class Gateway:
    """`submitted`: when pictures were asked for (seconds); `refused`: how many 429 in all.

    The bucket holds `burst` tokens at most and gets `rate` a second; each request takes one.
    """

    def __init__(self, rate: float, burst: int, paint_seconds: float) -> None:
        self.submitted: list[float] = []
        self.asked = self.refused = 0
        self.url = ""
        self._rate, self._burst = rate, burst
        self._paint_seconds = paint_seconds
        self._tokens, self._seen = float(burst), time.monotonic()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        now = time.monotonic()
        if request.headers.get("x-api-key") != KEY:
            return web.json_response({"message": "Forbidden"}, status=403)
        self.asked += 1
        if not self._admits(now):
            self.refused += 1
            return web.json_response({"message": "Too Many Requests"}, status=429)
        body = _LISTS.get(request.path, b"[]")
        if request.path == PAINT:
            self.submitted.append(now)
            await request.read()
            await asyncio.sleep(self._paint_seconds)
            body = _PICTURE
        return web.Response(body=body, content_type="application/json")

    def _admits(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate)
        self._seen = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def use(self) -> float:
        """How long the submissions took, in times of the ideal: its burst, then its rate."""
        ideal = (len(self.submitted) - self._burst) / self._rate
        return (self.submitted[-1] - self.submitted[0]) / ideal


@asynccontextmanager
async def gateway(rate: float, burst: int, paint_seconds: float) -> AsyncIterator[Gateway]:
    """Listens on a free port of this machine until the block ends."""
    front = Gateway(rate, burst, paint_seconds)
    runner = web.ServerRunner(web.Server(front), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield front
    finally:
        await runner.cleanup()


@asynccontextmanager
async def two_painters(
    front: Gateway, rate: float, burst: int, quotas: Sequence[Quotas]
) -> AsyncIterator[list[SdApi]]:
    """Two backends with the gateway's key; the same `Quotas` twice, if they are to know."""
    auth = {"api_key": KEY}
    painters = [
        SdApi(backend_settings(front.url, name=name, auth=auth, rate=rate, burst=burst), known)
        for name, known in zip(("left", "right"), quotas, strict=True)
    ]
    try:
        yield painters
    finally:
        for one in painters:
            await one.close()


async def paint_all(painters: Sequence[SdApi], count: int, at_once: int = 64) -> list[object]:
    """So many jobs, shared out in turn, `at_once` of them in flight; what came of each."""
    turns = asyncio.Semaphore(at_once)

    async def one(number: int) -> object:
        async with turns:
            painter = painters[number % len(painters)]
            return await painter.paint(request(), f"easel-x-{number}-1", no_news)

    return await asyncio.gather(*map(one, range(count)), return_exceptions=True)
