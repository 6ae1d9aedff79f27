"""A plain client of the demo's EKS service, as its documentation describes one."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import obstore
from obstore.store import S3Store

from bot.demo.servers.eks import DemoEks
from bot.demo.servers.s3 import DemoS3

SMALL: dict[str, Any] = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 42}


def task(kind: str = "text-to-image", **metadata: Any) -> dict[str, Any]:
    """A v1alpha2 task of a small picture; ``content`` and any field of metadata may differ."""
    content = metadata.pop("content", SMALL)
    known = {"id": str(uuid4()), "runtime": "sdruntime", "tasktype": kind, "prefix": "out"}
    return {"task": {"metadata": {**known, **metadata}, "content": content}}


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    """A copy that lacks what the path leads to."""
    copy: dict[str, Any] = json.loads(json.dumps(body))
    place = copy
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return copy


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
    def refusal(self) -> tuple[int, str, str]:
        """Status, message and type of an answer of the gateway's own."""
        return self.status, self.json["message"], self.headers["x-amzn-ErrorType"]


@dataclass
class Results:
    """What lies under one task's prefix: files of the first stem, its ``.out``, all keys."""

    files: list[bytes]
    out: dict[str, Any]
    keys: list[str]

    @property
    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = self.out["parameters"]
        return found


class Client:
    """Posts tasks and polls the bucket."""

    def __init__(self, eks: DemoEks, session: aiohttp.ClientSession) -> None:
        self.eks = eks
        self.session = session
        s3 = eks.s3
        self.store = S3Store(
            s3.bucket,
            endpoint=s3.url,
            access_key_id=s3.access_key,
            secret_access_key=s3.secret_key,
            region=s3.region,
            client_options={"allow_http": True},
            virtual_hosted_style_request=False,
        )

    async def post(self, body: Any, path: str = "/v1alpha2", **options: Any) -> Answer:
        """JSON, or text as it is, with the key unless ``headers`` are given."""
        text = body if isinstance(body, str) else json.dumps(body)
        options.setdefault("headers", {"x-api-key": self.eks.api_key})
        options["headers"] = {"Content-Type": "application/json", **options["headers"]}
        method = options.pop("method", "POST")
        url = self.eks.url + path
        data = io.BytesIO(text.encode())
        async with self.session.request(method, url, data=data, **options) as response:
            return Answer(response.status, dict(response.headers), await response.text())

    async def drawn(self, body: dict[str, Any], path: str = "/v1alpha2") -> Results:
        """Post a task and wait for its end."""
        answer = await self.post(body, path)
        assert answer.status == 200, answer.text
        return await self.results(answer.json["output_location"])

    async def results(self, location: str) -> Results:
        """Poll until there is a ``.out``, as a client must."""
        prefix = location.removeprefix(f"s3://{self.eks.s3.bucket}/") + "/"
        async with asyncio.timeout(20):
            while not (outs := [key for key in await self.keys(prefix) if key.endswith(".out")]):
                await asyncio.sleep(0.01)
        stem = outs[0].removesuffix(".out") + "-"
        keys = await self.keys(prefix)
        files = sorted(
            (key for key in keys if key.startswith(stem)),
            key=lambda key: int(key.removeprefix(stem).partition(".")[0]),
        )
        return Results([await self.get(key) for key in files], await self.out(outs[0]), keys)

    async def keys(self, prefix: str) -> list[str]:
        return [row["path"] async for page in obstore.list(self.store, prefix) for row in page]

    async def out(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.get(key))
        return found

    async def get(self, key: str) -> bytes:
        return bytes(await (await obstore.get_async(self.store, key)).bytes_async())

    async def ended(self) -> None:
        """Wait until the cluster has nothing to do."""
        async with asyncio.timeout(20):
            await self.eks.idle()


@asynccontextmanager
async def opened_bucket() -> AsyncIterator[DemoS3]:
    """An S3 for the tests of a whole file: to start it takes half a second."""
    s3 = DemoS3(bucket=f"easel-eks-{os.getpid()}")
    await s3.start()
    try:
        yield s3
    finally:
        await s3.close()


@asynccontextmanager
async def opened(s3: DemoS3, version: Any = "new", **options: Any) -> AsyncIterator[Client]:
    """A service that paints in a thread and hardly sleeps, and a client of it."""
    chosen: dict[str, Any] = {"workers": 0, "step_seconds": 0.0, **options}
    eks = DemoEks(version, s3=s3, **chosen)
    await eks.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(eks, session)
    finally:
        await eks.close()
