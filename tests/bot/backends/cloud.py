"""The painter for Stable Diffusion on EKS beside its stand-in and a real S3 (moto)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from bot.backends.quota import Quotas
from bot.backends.sd_on_eks import SdOnEks
from bot.demo.servers.eks import DemoEks, Runtime
from bot.demo.servers.s3 import DemoS3
from bot.settings import BackendSettings
from bot.values.request import ImageRequest

RUNTIMES = {
    "sdruntime": Runtime(model="dreamshaper_8.safetensors"),
    "comfyruntime": Runtime(kind="comfy", model="sd_xl_base_1.0.safetensors"),
}
NAMED: tuple[dict[str, Any], ...] = (
    {"name": "sdruntime", "model": "dreamshaper_8.safetensors"},
    {"name": "comfyruntime", "type": "comfyui", "model": "sd_xl_base_1.0.safetensors"},
)


@dataclass
class Slip:
    """An errand in memory, and all that was told."""

    left: str | None = None
    notes: list[str] = field(default_factory=list)
    told: list[tuple[str | None, float | None]] = field(default_factory=list)

    async def note(self, left: str) -> None:
        """Kept."""
        self.left = left
        self.notes.append(left)

    def tell(self, words: str | None, eta_seconds: float | None) -> None:
        """Heard."""
        self.told.append((words, eta_seconds))


class Notebook:
    """A memory that outlives a painter."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    async def recall(self, name: str) -> str | None:
        """What was kept."""
        return self.held.get(name)

    async def remember(self, name: str, value: str) -> None:
        """Kept."""
        self.held[name] = value


@dataclass
class Cloud:
    """A service with its bucket."""

    eks: DemoEks
    s3: DemoS3
    memory: Notebook = field(default_factory=Notebook)
    painters: list[SdOnEks] = field(default_factory=list)

    def settings(self, **changes: Any) -> BackendSettings:
        """As an operator would write them; `eks` changes a part of that section."""
        s3 = {
            "bucket": self.s3.bucket,
            "endpoint": self.s3.url,
            "region": self.s3.region,
            "access_key_id": self.s3.access_key,
            "secret_access_key": self.s3.secret_key,
        } | changes.pop("s3", {})
        section = {"s3": s3, "runtimes": NAMED} | changes.pop("eks", {})
        usual = {
            "name": "cloud",
            "kind": "sd-on-eks",
            "url": self.eks.url,
            "auth": {"api_key": self.eks.api_key},
            "eks": section,
        }
        return BackendSettings.model_validate(usual | changes)

    def painter(self, quotas: Quotas | None = None, **changes: Any) -> SdOnEks:
        """A painter of it, which is closed with the service."""
        made = SdOnEks(self.settings(**changes), quotas, self.memory)
        self.painters.append(made)
        return made


@asynccontextmanager
async def cloud(**eks: Any) -> AsyncIterator[Cloud]:
    """Both stand-ins, in a bucket of their own."""
    s3 = DemoS3(bucket=f"easel-{uuid4().hex[:12]}")
    await s3.start()
    usual: dict[str, Any] = {"paint_seconds": 0.05, "runtimes": RUNTIMES}
    service = DemoEks(s3=s3, **(usual | eks))
    await service.start()
    opened = Cloud(service, s3)
    try:
        yield opened
    finally:
        for painter in opened.painters:
            await painter.close()
        service.faults.clear()
        await service.close()
        await s3.close()


def order(**changes: Any) -> ImageRequest:
    """A small order."""
    usual = {"prompt": "a fox", "width": 64, "height": 64, "steps": 2, "cfg_scale": 7, "seed": 42}
    return ImageRequest.model_validate(usual | changes)
