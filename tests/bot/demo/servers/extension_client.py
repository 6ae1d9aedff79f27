"""A plain client for the stand-in of the AWS extension: what a stranger's program would send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import yarl

from bot.demo.servers.extension import DemoExtension
from bot.demo.servers.s3 import DemoS3

KEY = "demo-key-of-20-chars"
MODEL = "dreamshaper_8.safetensors"
MODELS = {"Stable-diffusion": [MODEL]}
SMALL: dict[str, Any] = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 42}


def bearer(name: str) -> str:
    """The classic user: BASE16, not base64."""
    return f"Bearer {name.encode().hex().upper()}"


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
    def data(self) -> Any:
        """``data`` of the envelope."""
        return self.json["data"]

    @property
    def message(self) -> Any:
        """The words of a no."""
        return self.json["message"]


class Client:
    """Sends JSON with a key and a user, and reads everything."""

    def __init__(self, server: DemoExtension, s3: DemoS3, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.s3 = s3
        self.session = session
        user = {"Authorization": bearer("easel")}
        self.headers = {"x-api-key": KEY}
        self.headers |= user if server.generation.classic else {"username": "easel"}

    async def send(
        self, method: str, path: str, body: Any = None, *, headers: Any = None
    ) -> Answer:
        """One request under the base URL; ``headers`` replace key and user."""
        chosen = self.headers if headers is None else headers
        url = self.server.url + path
        async with self.session.request(method, url, json=body, headers=chosen) as response:
            return Answer(response.status, dict(response.headers), await response.text())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.send("POST", path, body, **options)

    async def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.send("PUT", path, body, **options)

    async def delete(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.send("DELETE", path, body, **options)

    async def upload(self, url: str, body: Any, **headers: str) -> int:
        """PUT to a presigned URL as contract aws, 2.5 wants it; the status."""
        data, skip = json.dumps(body).encode(), [] if headers else ["Content-Type"]
        target = yarl.URL(url, encoded=True)
        async with self.session.put(
            target, data=data, skip_auto_headers=skip, headers=headers
        ) as response:
            return response.status

    async def download(self, url: str) -> bytes:
        """What a presigned URL leads to."""
        async with self.session.get(yarl.URL(url, encoded=True)) as response:
            assert response.status == 200, await response.text()
            return await response.read()


async def until(sees: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something to come true."""
    async with asyncio.timeout(seconds):
        while not sees():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(s3: DemoS3, generation: str, **options: Any) -> AsyncIterator[Client]:
    """A middleware that paints in a thread and hardly waits, and a client for it."""
    fast = {"workers": 0, "step_seconds": 0.0, "load_seconds": 0.0, "deploy_seconds": 0.02}
    server = DemoExtension(generation, s3=s3, **{**fast, "upload_seconds": 0.0, **options})
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(server, s3, session)
    finally:
        await server.close()
