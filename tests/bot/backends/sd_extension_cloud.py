"""The painter for the AWS extension beside its stand-in and a real S3 (moto)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from bot.backends import (
    sd_extension_http,
    sd_extension_patience,
    sd_extension_results,
    sd_extension_search,
    sd_extension_submission,
    sd_extension_waiting,
)
from bot.backends.sd_extension import SdExtension
from bot.demo.servers.extension import DemoExtension
from bot.demo.servers.s3 import DemoS3
from bot.settings import BackendSettings
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Role, Source
from tests.bot.backends.cloud import Notebook, Slip
from tests.bot.backends.painters import no_news
from tests.bot.images import pictures

GENERATIONS = ("v1.3", "v1.5", "v1.7")
MODEL = "dreamshaper_8"
ENDPOINT = "infer-endpoint-demo"
TASK = "easel-x-1-1"


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Waits of a second become some of a hundredth."""
    patch.setattr(sd_extension_waiting, "POLL_SECONDS", 0.01)
    patch.setattr(sd_extension_waiting, "LEAST_PATIENCE", 0.05)
    patch.setattr(sd_extension_submission, "SETTLE_SECONDS", 0.03)
    patch.setattr(sd_extension_patience, "PAUSE", 0.01)
    patch.setattr(sd_extension_http, "STORE_PAUSE", 0.01)
    patch.setattr(sd_extension_results, "EMPTY_PAUSE", 0.01)
    patch.setattr(sd_extension_search, "SEARCH_PAUSE", 0.02)


@dataclass
class Cloud:
    """A deployed middleware with its bucket."""

    service: DemoExtension
    s3: DemoS3
    memory: Notebook = field(default_factory=Notebook)

    @property
    def classic(self) -> bool:
        return self.service.generation.classic

    @property
    def started(self) -> list[str]:
        """The ids of all jobs that were handed to an endpoint, as often as they were."""
        return [str(entry["id"]) for entry in self.service.submitted]

    def paths(self, method: str, begin: str = "") -> list[str]:
        """What was asked by this method, without the stage."""
        asked = [(m, path.removeprefix("/prod")) for m, path, _ in self.service.requests]
        return [path for m, path in asked if m == method and path.startswith(begin)]

    def settings(self, **changes: Any) -> BackendSettings:
        """As an operator would write them; `extension` changes a part of that section."""
        section = {"user": "easel"} | changes.pop("extension", {})
        usual = {
            "name": "cloud",
            "kind": "sd-extension",
            "url": self.service.url,
            "auth": {"api_key": self.service.api_key},
            "extension": section,
        }
        return BackendSettings.model_validate(usual | changes)

    @asynccontextmanager
    async def painter(
        self, settings: BackendSettings | None = None, **changes: Any
    ) -> AsyncIterator[SdExtension]:
        """A painter of it, until the block ends."""
        painter = SdExtension(settings or self.settings(**changes), None, self.memory)
        try:
            yield painter
        finally:
            await painter.close()

    async def paint(
        self, request: ImageRequest | None = None, *sources: Source, **changes: Any
    ) -> list[Picture]:
        """One order by a new painter."""
        async with self.painter(**changes) as painter:
            return await painted(painter, request or order(), Slip(), *sources)


@asynccontextmanager
async def cloud(generation: str, **options: Any) -> AsyncIterator[Cloud]:
    """A middleware that takes a fiftieth of a second for any job; its files hold no infotext,
    as those of the original."""
    s3 = DemoS3(bucket=f"easel-{uuid4().hex[:12]}")
    await s3.start()
    fast = {"paint_seconds": 0.02, "deploy_seconds": 0.02, "upload_seconds": 0.0, "workers": 0}
    service = DemoExtension(generation, s3=s3, **(fast | {"keeps_infotext": False} | options))
    await service.start()
    try:
        yield Cloud(service, s3)
    finally:
        await service.close()
        await s3.close()
    assert s3.leaks == [], "S3 has heard a key of the middleware"


def order(**changes: Any) -> ImageRequest:
    """A small order."""
    usual = {"prompt": "a fox", "width": 64, "height": 64, "steps": 2, "cfg_scale": 7, "seed": 42}
    return ImageRequest.model_validate({**usual, "model": MODEL, **changes})


def source(role: Role = Role.INIT, text: str | None = None) -> Source:
    """A picture that a guest gave."""
    data = pictures.png(text)
    return Source(role, data, 12, 9)


async def painted(
    painter: SdExtension, request: ImageRequest, slip: Slip, *sources: Source
) -> list[Picture]:
    """One call as the queue makes it."""
    return await painter.paint(request, TASK, no_news, sources, errand=slip)


async def until(sees: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something to come true."""
    async with asyncio.timeout(seconds):
        while not sees():
            await asyncio.sleep(0.002)


async def broken_off(painting: Awaitable[Any], when: Callable[[], bool]) -> None:
    """The process dies at that moment, as far as the painter is concerned."""
    task = asyncio.ensure_future(painting)
    await until(lambda: when() or task.done())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled(), "it was too late for a crash"
