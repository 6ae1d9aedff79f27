"""What runs inside a SageMaker endpoint: an A1111 that gets the sdapi body as it is.

Two kinds: the demo's own A1111, which paints and makes its callers wait in line, and a quick one
for load tests that takes a fixed time, any number at once, for a plain picture.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import secrets
import struct
import zlib
from pathlib import PurePath
from typing import Any, Final, Protocol

import aiohttp
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.demo.servers.sdapi import DemoImageServer, catalogue, infotext
from bot.demo.servers.sdapi.checkpoints import Checkpoint as Loaded

_ROUTES: Final = ("txt2img", "img2img", "extra-single-image")
_HEADER_END: Final = 33
"""Signature and IHDR of a PNG, in bytes."""


class ModelError(Exception):
    """The model's container answered something other than 200."""


class Instance(Protocol):
    """The container of one endpoint."""

    async def run(self, task: str, body: dict[str, Any], checkpoint: str | None) -> dict[str, Any]:
        """The web UI's answer for one body; raises ``ModelError``."""

    async def close(self) -> None:
        """Give back what it holds."""


class WebUI:
    """A demo A1111 of its own, asked over HTTP as the container asks the web UI within it."""

    def __init__(self, server: DemoImageServer) -> None:
        self._server = server
        self._session: aiohttp.ClientSession | None = None
        self._starting = asyncio.Lock()

    async def run(self, task: str, body: dict[str, Any], checkpoint: str | None) -> dict[str, Any]:
        """Waits in line with the other jobs of this endpoint."""
        if task not in _ROUTES:
            raise ModelError(json.dumps({"detail": "Not Found"}))
        session = await self._opened()
        text = await asyncio.to_thread(json.dumps, self._with_model(body, checkpoint))
        headers = {"Content-Type": "application/json"}
        url = f"{self._server.url}/sdapi/v1/{task}"
        async with session.post(url, data=text, headers=headers) as response:
            answer = await response.text()
        if response.status != 200:
            raise ModelError(answer)
        found: dict[str, Any] = await asyncio.to_thread(json.loads, answer)
        return found

    async def close(self) -> None:
        """Stop the server, whatever it paints."""
        if self._session is not None:
            await self._session.close()
            await self._server.close()

    async def _opened(self) -> aiohttp.ClientSession:
        async with self._starting:
            if self._session is None:
                await self._server.start()
                timeout = aiohttp.ClientTimeout(total=None)
                self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session

    def _with_model(self, body: dict[str, Any], checkpoint: str | None) -> dict[str, Any]:
        """The container loads the job's checkpoint before it hands the body on."""
        if checkpoint is None:
            return body
        name, shelf = PurePath(checkpoint).stem, self._server.engine.shelf
        if shelf.find(name) is None:
            shelf.checkpoints.append(Loaded(name))
        settings = {"sd_model_checkpoint": name, **(body.get("override_settings") or {})}
        return {**body, "override_settings": settings}


class Quick:
    """Answers after ``seconds``, however many ask, with one picture a size."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pictures: dict[tuple[int, int], bytes] = {}

    async def run(self, task: str, body: dict[str, Any], checkpoint: str | None) -> dict[str, Any]:
        """The answer of a web UI in its shape; only size, seed and the texts are looked at."""
        await asyncio.sleep(self._seconds)
        if task == "extra-single-image":
            return {"html_info": "<p></p>", "image": str(body.get("image", "")).split(",")[-1]}
        size = (int(body.get("width") or 512), int(body.get("height") or 512))
        if size not in self._pictures:
            self._pictures[size] = await asyncio.to_thread(_plain_png, size)
        texts = _texts(body, size, checkpoint)
        files = [_with_text(self._pictures[size], text) for text in texts]
        return {
            "images": [base64.b64encode(file).decode() for file in files],
            "parameters": {key: value for key, value in body.items() if key != "init_images"},
            "info": json.dumps({"prompt": body.get("prompt", ""), "infotexts": texts}),
        }

    async def close(self) -> None:
        """Nothing is held."""


def _texts(body: dict[str, Any], size: tuple[int, int], checkpoint: str | None) -> list[str]:
    seed = int(body.get("seed", -1))
    first = secrets.randbelow(2**32) if seed == -1 else seed
    fields = {
        "Steps": body.get("steps", 20),
        "Sampler": body.get("sampler_name") or "Euler",
        "CFG scale": body.get("cfg_scale", 7.0),
        "Size": f"{size[0]}x{size[1]}",
        "Model": PurePath(checkpoint).stem if checkpoint else None,
        "Version": catalogue.VERSION,
    }
    prompt, negative = str(body.get("prompt", "")), str(body.get("negative_prompt", ""))
    count = int(body.get("batch_size") or 1) * int(body.get("n_iter") or 1)
    return [
        infotext.write(prompt, negative, {**fields, "Seed": first + index})
        for index in range(count)
    ]


def _plain_png(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (122, 148, 171)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _with_text(png: bytes, text: str) -> bytes:
    """The file with a ``parameters`` chunk, without encoding the pixels anew."""
    info = PngInfo()
    info.add_text("parameters", text)
    name, data, *_ = info.chunks[0]
    checksum = struct.pack(">I", zlib.crc32(name + data))
    chunk = struct.pack(">I", len(data)) + name + data + checksum
    return png[:_HEADER_END] + chunk + png[_HEADER_END:]
