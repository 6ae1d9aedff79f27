"""From a good job to pictures: presigned URLs, files without a type, parameters beside them.

The service encodes pictures anew, as JPEG in its first generation, and may leave their infotext
out; it stands in the parameters then. Source: contracts, aws 2.2 to 2.5.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any, Final

from bot.backends.bulky import Bulky
from bot.backends.http import Answer
from bot.backends.sd_extension_api import Job, Middleware, Outputs
from bot.backends.sd_extension_http import MOST_PARAMETERS, LinkExpired, Store
from bot.backends.sd_extension_patience import steadily
from bot.backends.sdapi_pictures import MAX_PICTURE_BYTES, read_painted, read_upscaled
from bot.errors import BackendBadAnswer, BackendFailed, BrokenPicture
from bot.images import pnginfo
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

AT_ONCE: Final = 4
EMPTY_TRIES: Final = 3
EMPTY_PAUSE = 0.5
"""Seconds: a list of pictures may be a moment behind the row that says `succeed`."""
NOT_KEPT: Final = (
    "This image server keeps no enlarged pictures. Its operator would need a newer release of it."
)
ANIMATION: Final = "The image server made an animation, which it can't hand out."


class Results:
    """Where pictures of one middleware are fetched."""

    def __init__(self, service: Middleware, store: Store) -> None:
        self._service = service
        self._store = store

    async def pictures(
        self, job: Job, request: ImageRequest, sources: Sequence[Source], listed: Sequence[str]
    ) -> list[Picture]:
        """Each whole, with infotext in it. `listed`: the names of checkpoints.

        Raises BackendBadAnswer, BackendUnreachable, and BackendFailed where nothing is kept.
        """
        files, parameters = await self._files(job, request)
        if request.kind == "upscale":
            return [await asyncio.to_thread(_upscaled, files, request, sources)]
        return await asyncio.to_thread(_painted, files, parameters, request, listed)

    async def _files(
        self, job: Job, request: ImageRequest
    ) -> tuple[list[bytes | None], bytes | None]:
        """All pictures, None for one that is not there, and the parameters if they are."""
        outputs = await self._outputs(job, request)
        try:
            return await self._fetched(outputs)
        except LinkExpired:
            # A long wait in line, or a restart: the middleware signs anew.
            fresh = await steadily(self._service.job, job.id)
            return await self._fetched(await self._outputs(fresh, request))

    async def _outputs(self, job: Job, request: ImageRequest) -> Outputs:
        for tries in range(1, EMPTY_TRIES + 1):
            outputs = await steadily(self._service.outputs, job)
            if outputs.pictures:
                return outputs
            if tries < EMPTY_TRIES:
                await asyncio.sleep(EMPTY_PAUSE)
                job = await steadily(self._service.job, job.id)
        if request.kind == "upscale":
            raise BackendFailed(f"job {job.id}: {job.status}, no picture", sentence=NOT_KEPT)
        raise BackendBadAnswer(f"job {job.id}: {job.status}, without a picture")

    async def _fetched(self, outputs: Outputs) -> tuple[list[bytes | None], bytes | None]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(url: str | None, bound: int) -> bytes | None:
            async with turns:
                return await self._store.get(url, bound) if url else None

        asked = [one(url, MAX_PICTURE_BYTES) for url in outputs.pictures]
        *files, parameters = await asyncio.gather(*asked, one(outputs.parameters, MOST_PARAMETERS))
        if not any(files):
            # A GIF is kept under another name than the one that is listed (aws 2.4).
            raise BackendBadAnswer("no picture lies where it is listed", sentence=ANIMATION)
        return files, parameters


def _painted(
    files: Sequence[bytes | None],
    parameters: bytes | None,
    request: ImageRequest,
    listed: Sequence[str],
) -> list[Picture]:
    """As a web UI's own answer with the same pictures; one that is missing has no words."""
    answer = _answer("images", [_base64(f) for f in files], _info(parameters))
    return read_painted(answer, request, listed).pictures[: request.count]


def _upscaled(
    files: Sequence[bytes | None], request: ImageRequest, sources: Sequence[Source]
) -> Picture:
    """With the infotext of what was made larger, as the web UI itself keeps it."""
    data = next(f for f in files if f)
    text = pnginfo.read(sources[0].data) if sources else None
    try:
        data = pnginfo.embed(data, text or "")
    except BrokenPicture as error:
        raise BackendBadAnswer(f"a broken picture: {error}") from error
    return read_upscaled(Answer(200, "", b'{"image": "%s"}' % _base64(data)), request)


def _answer(key: str, images: Sequence[bytes], info: Any) -> Answer:
    # By hand: json.dumps of megabytes would hold the interpreter.
    held = b'", "'.join(images)
    body = b'{"%s": ["%s"], "info": %s}' % (key.encode(), held, json.dumps(info).encode())
    return Answer(200, "application/json", body)


def _base64(data: bytes | None) -> bytes:
    return base64.b64encode(data or b"")


def _info(parameters: bytes | None) -> Any:
    """`info` as the web UI wrote it: seeds, infotexts; "" where it is missing or broken."""
    try:
        held = Bulky(parameters or b"{}").value
    except (ValueError, RecursionError):
        return ""
    info = held.get("info") if isinstance(held, dict) else None
    return info if isinstance(info, str | dict) else ""
