"""The lambda that hears SageMaker's news: it puts pictures and parameters where clients look.

``out/<id>/result/`` in the bucket, JPEG in the first generation, PNG since (contract aws, 2.2 to
2.4). Objects are stored without a content type.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from bot.demo.servers.extension.generation import Generation
from bot.demo.servers.extension.tables import SIMPLE_TASKS, Job, now
from bot.demo.servers.s3 import DemoS3
from bot.demo.servers.sdapi.pictures import Encoding, chunks, encode

_FORMATS: Final = {"jpg": "JPEG", "png": "PNG", "gif": "GIF"}


@dataclass(frozen=True)
class Results:
    """Stores what models make. ``keeps_infotext``: the files hold their infotext."""

    generation: Generation
    s3: DemoS3
    keeps_infotext: bool

    async def store(
        self, job: Job, output: dict[str, Any], message: dict[str, Any], *, gif: bool = False
    ) -> None:
        """The job's end, good or bad: its objects first, then its row."""
        job.completed = now()
        if job.task in SIMPLE_TASKS and "images" in output:
            await self._store_pictures(job, output["images"], gif=gif)
            await self._store_parameters(job, output, message)
        elif job.task in SIMPLE_TASKS:
            job.status = "failed"
            job.raw = json.dumps(output) if self.generation.classic else None
            return
        elif not self.generation.classic and "image" in output:
            await self._store_one(job, output["image"], "image.png", "png")
            await self._store_parameters(job, output, message)
        if self.generation.classic:
            job.raw = str(message)
        job.status = "succeed"

    def fail(self, job: Job, message: dict[str, Any]) -> None:
        """SageMaker said "Failed": the row has its message as Python prints it."""
        job.completed = now()
        job.raw = str(message)
        job.status = "failed"

    async def _store_pictures(self, job: Job, images: list[str], *, gif: bool) -> None:
        classic = self.generation.classic
        listed = "jpg" if classic else "png"
        stored = "gif" if gif and not classic else listed
        for index, text in enumerate(images):
            name = f"image_{index}"
            await self._store_one(job, text, f"{name}.{listed}", stored)

    async def _store_one(self, job: Job, text: str, listed: str, kind: str) -> None:
        data = await asyncio.to_thread(_converted, text, kind, keep=self.keeps_infotext)
        stored = listed.rpartition(".")[0] + f".{kind}"
        await self.s3.put(f"out/{job.id}/result/{stored}", data)
        job.image_names.append(listed)

    async def _store_parameters(
        self, job: Job, output: dict[str, Any], message: dict[str, Any]
    ) -> None:
        keys = ("parameters", "html_info", "info")
        found: dict[str, Any] = {key: output[key] for key in keys if key in output}
        spelled = "endpont_name" if self.generation.classic else "endpoint_name"
        found |= {spelled: job.endpoint.name, "inference_id": job.id}
        if self.generation.classic:
            found["sns_info"] = message
            job.info_name = f"/tmp/{job.id}_param.json"  # noqa: S108 - the lambda's own
        text = await asyncio.to_thread(json.dumps, found)
        await self.s3.put(job.param_key, text.encode())


def _converted(text: str, kind: str, *, keep: bool) -> bytes:
    """One picture of the web UI's answer, encoded anew as the lambda does it."""
    data = base64.b64decode(text.rpartition(",")[2])
    texts = chunks(data) if keep else {}
    with Image.open(io.BytesIO(data)) as image:
        if texts and kind in ("jpg", "png"):
            # 75 is Pillow's own quality, which the lambda leaves as it is.
            return encode(image, Encoding(kind, jpeg_quality=75), texts)
        buffer = io.BytesIO()
        (image.convert("RGB") if kind == "jpg" else image).save(buffer, _FORMATS[kind])
        return buffer.getvalue()
