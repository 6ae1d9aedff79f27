"""A plain client for the demo image server: what a stranger's program would send."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from PIL import Image

from bot.demo.servers.sdapi import DemoImageServer

SMALL: dict[str, Any] = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 42}


def basic(user: str, password: str, encoding: str = "utf-8") -> dict[str, str]:
    """The header of HTTP Basic."""
    token = base64.b64encode(f"{user}:{password}".encode(encoding)).decode()
    return {"Authorization": f"Basic {token}"}


@dataclass
class Answer:
    """A response that has been read."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def info(self) -> dict[str, Any]:
        """``info`` of a generating call."""
        found: dict[str, Any] = json.loads(self.json["info"])
        return found

    @property
    def images(self) -> list[Image.Image]:
        """The pictures, loaded."""
        found: list[Image.Image] = []
        for text in self.json["images"]:
            image = Image.open(io.BytesIO(base64.b64decode(text)))
            image.load()
            found.append(image)
        return found

    @property
    def infotext(self) -> str:
        """The ``parameters`` chunk of the first picture."""
        return str(self.images[0].info["parameters"])


class Client:
    """Sends JSON with credentials and reads everything."""

    def __init__(self, server: DemoImageServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.send("POST", path, json=body, **options)

    async def txt2img(self, **changes: Any) -> Answer:
        """A small picture of a cat, unless changed."""
        return await self.post("/sdapi/v1/txt2img", {**SMALL, **changes})

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        options.setdefault("headers", basic("demo", "demo"))
        async with self.session.request(method, self.server.url + path, **options) as response:
            return Answer(response.status, dict(response.headers), await response.text())

    async def state(self) -> dict[str, Any]:
        """The answer of ``/progress`` without a picture."""
        answer = await self.get("/sdapi/v1/progress?skip_current_image=true")
        found: dict[str, Any] = answer.json
        return found

    async def until(self, sees: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Poll ``/progress`` until it shows what is awaited."""
        while not sees(found := await self.state()):
            await asyncio.sleep(0.005)
        return found


@asynccontextmanager
async def opened(*, fresh: bool = False, **options: Any) -> AsyncIterator[Client]:
    """A server that paints in a thread and hardly sleeps, and a client for it.

    ``fresh``: a new connection for every request.
    """
    chosen = {"workers": 0, "step_seconds": 0.0, "load_seconds": 0.0, **options}
    server = DemoImageServer(**chosen)
    await server.start()
    try:
        connector = aiohttp.TCPConnector(force_close=fresh)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Client(server, session)
    finally:
        await server.close()


def png(image: Image.Image) -> str:
    """Base64 of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


async def together(*calls: Awaitable[Answer]) -> list[Answer]:
    """All answers."""
    return list(await asyncio.gather(*calls))
