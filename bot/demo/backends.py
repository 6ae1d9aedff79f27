"""Which image servers the demo plays, each with the settings by which the bot reaches it.

`sdapi` needs nothing; the services of AWS keep their results in a played S3, which needs the
extra aws-demo.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import SecretStr

from bot.demo import DEMO_PASSWORD, DEMO_USER
from bot.demo.servers.eks import DemoEks, Runtime
from bot.demo.servers.extension import DemoExtension
from bot.demo.servers.s3 import DemoS3
from bot.demo.servers.sdapi import KINDS, DemoImageServer
from bot.errors import ConfigurationError
from bot.settings import BackendSettings
from bot.settings.file import Auth

STEP_SECONDS: Final = 0.15
"""One step at 512×512: twenty of them leave time to see the progress."""
COLD_START_SECONDS: Final = 12.0
"""Long enough to see the card say so; a real cluster takes minutes."""
API_KEY: Final = "demo-key-of-20-chars"
RUNTIMES: Final = {
    "sdruntime": Runtime(model="dreamshaper_8.safetensors"),
    "animeruntime": Runtime(model="animagineXL_v31.safetensors"),
    "comfyruntime": Runtime(kind="comfy", model="sd_xl_base_1.0.safetensors"),
}
AS: Final[dict[str, tuple[str, ...]]] = {
    "sdapi": KINDS,
    "eks": ("new", "old"),
    "sd-extension": ("v1.7", "v1.6", "v1.5", "v1.3"),
}
"""What `--as` may be, for each `--backend`; the first is usual."""


def kind_of(backend: str, chosen: str | None) -> str:
    """What is played. Raises ConfigurationError for what the backend does not know."""
    known = AS[backend]
    if chosen is None:
        return known[0]
    if chosen not in known:
        raise ConfigurationError(
            f"--as: {backend} can be played as {', '.join(known)}, not as {chosen}"
        )
    return chosen


def settings(backend: str, port: int, s3_port: int) -> BackendSettings:
    """How the bot reaches what `playing` plays."""
    url = f"http://127.0.0.1:{port}"
    if backend == "sdapi":
        auth = Auth(username=DEMO_USER, password=SecretStr(DEMO_PASSWORD))
        return BackendSettings(name="demo", url=url, auth=auth)
    cloud: dict[str, Any] = {"name": "demo", "url": f"{url}/prod", "auth": {"api_key": API_KEY}}
    if backend == "sd-extension":
        return BackendSettings.model_validate(cloud | {"kind": "sd-extension"})
    s3 = DemoS3(port=s3_port)
    where = {
        "bucket": s3.bucket,
        "region": s3.region,
        "endpoint": s3.url,
        "access_key_id": s3.access_key,
        "secret_access_key": s3.secret_key,
    }
    types = {"sd": "sdruntime", "comfy": "comfyui"}
    runtimes = [
        {"name": name, "model": runtime.model, "type": types[runtime.kind]}
        for name, runtime in RUNTIMES.items()
    ]
    eks = {"s3": where, "runtimes": runtimes}
    return BackendSettings.model_validate(cloud | {"kind": "sd-on-eks", "eks": eks})


@asynccontextmanager
async def playing(backend: str, kind: str, port: int, s3_port: int) -> AsyncIterator[str]:
    """Plays a backend; where it is, for people.

    Raises ConfigurationError when the extra aws-demo is missing, OSError for a port that is taken.
    """
    if backend == "sdapi":
        server = DemoImageServer(
            kind=kind,
            port=port,
            username=DEMO_USER,
            password=DEMO_PASSWORD,
            step_seconds=STEP_SECONDS,
        )
        await server.start()
        try:
            yield f"{server.url}  (user {DEMO_USER}, password {DEMO_PASSWORD})"
        finally:
            await server.close()
        return
    s3 = DemoS3(port=s3_port)
    await s3.start()
    service = _service(backend, kind, port, s3)
    try:
        await service.start()
        try:
            yield f"{service.url}  (x-api-key {API_KEY}; its S3 is {s3.url})"
        finally:
            await service.close()
    finally:
        await s3.close()


def _service(backend: str, kind: str, port: int, s3: DemoS3) -> DemoEks | DemoExtension:
    if backend == "eks":
        return DemoEks(
            "old" if kind == "old" else "new",
            port=port,
            s3=s3,
            api_key=API_KEY,
            runtimes=RUNTIMES,
            cold_start_seconds=COLD_START_SECONDS,
            step_seconds=STEP_SECONDS,
        )
    return DemoExtension(
        kind,
        port=port,
        s3=s3,
        api_key=API_KEY,
        step_seconds=STEP_SECONDS,
        start_delay=COLD_START_SECONDS,
        keeps_infotext=False,
    )
