"""The WebUI beside an agent: it gets the body as it is, so it is the stand-in for A1111 itself."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any, Final, Protocol

import aiohttp

from bot.demo.painter import PaintOrder
from bot.demo.servers.eks.painting import QuickPainter
from bot.demo.servers.eks.runtime import ENDING, Runtime
from bot.demo.servers.sdapi import DemoImageServer

_AGENT_TIMEOUT: Final = aiohttp.ClientTimeout(total=300)  # contract aws, 1.7: of one try
_POD: Final = "http://localhost:8080/sdapi/v1/"


class HTTPError(Exception):
    """The WebUI said no; named, and worded, as the agent's own library does.

    ``reason`` is the JSON of its answer.
    """

    def __init__(self, status: int, phrase: str, route: str, reason: Any) -> None:
        side = "Client" if status < 500 else "Server"
        super().__init__(f"{status} {side} Error: {phrase} for url: {_POD}{route}")
        self.reason = reason


class Unreachable(Exception):
    """No answer, or one that is no JSON: more than the agent's handler can bear."""


class WebUI(Protocol):
    """``/sdapi/v1`` of one runtime, seen from its agent."""

    async def call(self, route: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of the answer; ``body`` None is a GET.

        Raises ``HTTPError`` for a status from 400 on, ``Unreachable``.
        """

    async def close(self) -> None:
        """Down."""


class PaintingWebUI:
    """A1111 1.10.1 that paints with the demo painter; up from the first call on."""

    def __init__(self, runtime: Runtime, step_seconds: float, workers: int) -> None:
        self.server = DemoImageServer(
            password=None,
            step_seconds=step_seconds,
            load_seconds=step_seconds * 20,
            models=runtime.models,
            workers=workers,
        )
        self._session: aiohttp.ClientSession | None = None
        self._starting = asyncio.Lock()

    async def call(self, route: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of the answer; see ``WebUI``."""
        session = await self._opened()
        method, url = "GET" if body is None else "POST", f"{self.server.url}/sdapi/v1/{route}"
        sent = None if body is None else await asyncio.to_thread(json.dumps, body)
        headers = {"Content-Type": "application/json"}
        try:
            async with session.request(method, url, data=sent, headers=headers) as response:
                status, phrase = response.status, response.reason or ""
                # Pictures in base64 are megabytes: parsed aside.
                answer = await asyncio.to_thread(json.loads, await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(str(error)) from error
        if status >= 400:
            raise HTTPError(status, phrase, route, answer)
        return answer

    async def close(self) -> None:
        """Down, if it was up."""
        if self._session is not None:
            await self._session.close()
            await self.server.close()

    async def _opened(self) -> aiohttp.ClientSession:
        async with self._starting:
            if self._session is None:
                await self.server.start()
                self._session = aiohttp.ClientSession(timeout=_AGENT_TIMEOUT)
        return self._session


class QuickWebUI:
    """The same routes with a ``QuickPainter``'s plain pictures, for load; it checks nothing."""

    def __init__(self, runtime: Runtime, painter: QuickPainter) -> None:
        self._titles = [f"{name}{ENDING}" for name in runtime.models]
        self._painter = painter

    async def call(self, route: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of the answer; see ``WebUI``."""
        if route == "sd-models":
            return [{"title": title} for title in self._titles]
        if route == "options":
            return {"sd_model_checkpoint": self._titles[0]}
        return await self._generated(route, body or {})

    async def close(self) -> None:
        """Nothing is open."""

    async def _generated(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        count = max(body.get("batch_size", 1) * body.get("n_iter", 1), 1)
        width, height = body.get("width", 512), body.get("height", 512)
        (file,) = await self._painter.paint([PaintOrder("", width=width, height=height)], 0, {})
        picture = base64.b64encode(file).decode()
        if route == "extra-single-image":
            return {"html_info": "", "image": picture}
        seeds = [body.get("seed", -1) + number for number in range(count)]
        info = json.dumps({"all_seeds": seeds})
        return {"images": [picture] * count, "parameters": body, "info": info}
