"""The same walk on the services of AWS: pictures, and a word on where they were drawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.demo.servers.eks import DemoEks, Runtime
from bot.demo.servers.extension import DemoExtension
from bot.demo.servers.s3 import DemoS3
from bot.images import pnginfo
from tests.house import House, open_house, words

RUNTIMES = {
    "sdruntime": Runtime(model="dreamshaper_8.safetensors"),
    "comfyruntime": Runtime(kind="comfy", model="sd_xl_base_1.0.safetensors"),
}
Service = DemoEks | DemoExtension


def eks_settings(s3: DemoS3, url: str, **eks: Any) -> dict[str, Any]:
    """As an operator's easel.yaml."""
    section = {
        "s3": {
            "bucket": s3.bucket,
            "endpoint": s3.url,
            "access_key_id": s3.access_key,
            "secret_access_key": s3.secret_key,
        },
        "runtimes": [
            {"name": "sdruntime", "model": "dreamshaper_8.safetensors"},
            {"name": "comfyruntime", "type": "comfyui", "model": "sd_xl_base_1.0.safetensors"},
        ],
    }
    if eks.get("api_version") == "v1alpha1":
        section["runtimes"] = section["runtimes"][:1]  # type: ignore[index]
    return {
        "kind": "sd-on-eks",
        "url": url,
        "auth": {"api_key": "demo-key"},
        "concurrency": 20,
        "eks": section | eks,
    }


@asynccontextmanager
async def clouded(
    folder: Path, make: Callable[[DemoS3], tuple[Service, dict[str, Any]]]
) -> AsyncIterator[tuple[House, Service]]:
    """The house in front of a service."""
    s3 = DemoS3(bucket=f"easel-{uuid4().hex[:12]}")
    await s3.start()
    service, more = make(s3)
    await service.start()

    def settings(house: House) -> None:
        house.backend = more | {"url": service.url} if more.get("url") is None else more

    if isinstance(service, DemoEks):
        more = eks_settings(s3, service.url, **more)
    try:
        async with open_house(folder, before=settings) as house:
            yield house, service
    finally:
        await service.close()
        await s3.close()


def eks(version: Any, api: str) -> Callable[[DemoS3], tuple[Service, dict[str, Any]]]:
    """One release of the service, by one version of its interface."""
    return lambda s3: (
        DemoEks(version, s3=s3, runtimes=RUNTIMES, step_seconds=0.001, workers=0),
        {"api_version": api},
    )


def extension(generation: str) -> Callable[[DemoS3], tuple[Service, dict[str, Any]]]:
    """One release of the middleware; its pictures hold no words, as the real one's."""
    return lambda s3: (
        DemoExtension(generation, s3=s3, step_seconds=0.001, workers=0, keeps_infotext=False),
        {
            "kind": "sd-extension",
            "auth": {"api_key": "demo-key-of-20-chars"},
            "concurrency": 20,
            "url": None,
        },
    )


SERVICES = {
    "EKS 1.2.0, v1alpha2": eks("new", "v1alpha2"),
    "EKS 1.1.0, v1alpha1": eks("old", "v1alpha1"),
    "extension v1.3": extension("v1.3"),
    "extension v1.7": extension("v1.7"),
}


@pytest.mark.parametrize("name", SERVICES)
async def test_the_same_walk_on_each(tmp_path: Path, name: str) -> None:
    async with clouded(tmp_path, SERVICES[name]) as (house, _):
        message = await house.draw(
            "/draw prompt:a red fox width:64 height:64 steps:2 seed:7 count:2"
        )
        names = [a["filename"] for a in message["attachments"]]
        assert [n.rsplit("-", 1)[-1].split(".")[0] for n in names] == ["7", "8"]
        for n in range(2):
            text = pnginfo.read(await house.file(message, n)) or ""
            assert text.startswith("a red fox")
            assert f"Seed: {7 + n}" in text
        assert "Drawn on" in words(message)
        models = await house.draw("/models")
        assert "DreamShaper" in words(models) or "v1-5" in words(models)


async def test_a_restart_takes_a_task_up_and_submits_nothing_twice(tmp_path: Path) -> None:
    def slow(s3: DemoS3) -> tuple[Service, dict[str, Any]]:
        return DemoEks(s3=s3, runtimes=RUNTIMES, paint_seconds=3.0), {}

    async with clouded(tmp_path, slow) as (house, service):
        assert isinstance(service, DemoEks)
        messages = [await house.order(prompt=f"bird {n}", steps=2, seed=n) for n in range(3)]
        await house.until(lambda: len(service.submitted) == 3)
        await house.restart()
        for message in messages:
            await house.until(lambda m=message: bool(house.message(m)["attachments"]), 20)  # type: ignore[misc]
        assert len(service.submitted) == 3


async def test_a_cancelled_order_is_forgotten_though_the_cluster_paints_it(tmp_path: Path) -> None:
    def slow(s3: DemoS3) -> tuple[Service, dict[str, Any]]:
        return DemoEks(s3=s3, runtimes=RUNTIMES, paint_seconds=1.0), {}

    async with clouded(tmp_path, slow) as (house, service):
        assert isinstance(service, DemoEks)
        message = await house.order(prompt="never mind", steps=2)
        await house.until(lambda: len(service.submitted) == 1)
        await house.press(message, "cancel")
        await house.quiet()
        assert "Cancelled" in words(house.message(message))
        await asyncio.sleep(1.5)
        assert not house.message(message)["attachments"]
