"""Plays a recording to the stand-in and tells where its answers are otherwise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from tests.bot.demo.servers.sdapi_client import Answer, Client, basic, opened, png
from tests.bot.demo.servers.shapes import differences

PLACEHOLDERS = {"<picture 64x64>": png(Image.new("RGB", (64, 64), (90, 120, 60)))}


def load(path: Path) -> dict[str, Any]:
    """A recording, or its ``server.json``."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


async def replay(path: Path) -> list[str]:
    """Every difference between the recorded answers of a file and those of the stand-in."""
    server = load(path.parent / "server.json")
    account = {"username": server.get("username") or "demo", "password": server.get("password")}
    models = server.get("models") or ["recorded"]
    shelf = {"models": models, "modules": server.get("modules") or []}
    options = {"kind": server["kind"], "step_seconds": 0.01, **shelf, **account}
    found = []
    async with opened(fresh=True, **options) as client:
        for exchange in load(path)["exchanges"]:
            async with _meanwhile(client, exchange.get("during"), account):
                answer = await _ask(client, exchange["request"], account)
            found += [f"{exchange['name']}: {row}" for row in _wrong(exchange["answer"], answer)]
    return found


def _wrong(recorded: dict[str, Any], answer: Answer) -> list[str]:
    found = []
    if answer.status != recorded["status"]:
        found.append(f"status {answer.status} instead of {recorded['status']}")
    for name, value in recorded.get("headers", {}).items():
        if answer.headers.get(name) != value:
            found.append(f"{name}: {answer.headers.get(name)} instead of {value}")
    if recorded.get("empty"):
        return found + ([f"a body: {answer.text}"] if answer.text else [])
    if "text" in recorded:
        return found
    if recorded.get("exact"):
        same = answer.json == recorded["json"]
        return found + ([] if same else [f"not exactly {recorded['json']}"])
    return found + differences(recorded["json"], answer.json)


async def _ask(client: Client, request: dict[str, Any], account: dict[str, str | None]) -> Answer:
    options: dict[str, Any] = {"headers": _headers(request.get("authorization"), account)}
    if "text" in request:
        options["data"] = request["text"]
    elif "json" in request:
        options["json"] = _filled(request["json"])
    return await client.send(request["method"], request["path"], **options)


def _headers(said: str | None, account: dict[str, str | None]) -> dict[str, str]:
    """``said``: "none", "wrong", a whole header, or nothing for the right password."""
    user, password = account["username"] or "", account["password"] or ""
    if said is None:
        return basic(user, password)
    if said == "none":
        return {}
    return basic(user, "wrong") if said == "wrong" else {"Authorization": said}


def _filled(value: Any) -> Any:
    """With real pictures for their placeholders."""
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return PLACEHOLDERS.get(value, value) if isinstance(value, str) else value


@asynccontextmanager
async def _meanwhile(
    client: Client, job: dict[str, Any] | None, account: dict[str, str | None]
) -> AsyncIterator[None]:
    """While a job runs, if the exchange was recorded during one."""
    if job is None:
        yield
        return
    state = client.server.engine.state
    request = {"method": "POST", "path": "/sdapi/v1/txt2img", "json": job}
    running = asyncio.create_task(_ask(client, request, account))
    while state.sampling_step < 5:
        await asyncio.sleep(0.002)
    try:
        yield
    finally:
        state.interrupted = True
        await running
