"""From what lies in S3 to pictures: the `.out` says how it ended, its files are the pictures.

Runs in a thread: it checks megabytes. Source: contracts, aws 1.5.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.backends.sdapi_pictures import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS, own_text
from bot.errors import BackendBadAnswer, BackendFailed, BackendOutOfMemory, BrokenPicture
from bot.images import codec, infotext, pnginfo
from bot.values.picture import Picture
from bot.values.request import ImageRequest

MAX_OUT_BYTES = 64 << 20
"""The pictures that were sent come back in it."""


@dataclass(frozen=True)
class Ended:
    """How a task ended well. `seeds`: of its pictures, as far as they are told."""

    seeds: tuple[int, ...] = ()


def read_out(data: bytes) -> Ended:
    """The `.out` of a web UI or of ComfyUI. Raises BackendFailed, BackendOutOfMemory or
    BackendBadAnswer."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BackendBadAnswer("an .out that is no JSON") from error
    if not isinstance(body, dict):
        raise BackendBadAnswer("an .out that is no object")
    code = body.get("code")
    if code is not None and code != 200:
        raise _failed(f"code {code}: {body.get('error') or 'the graph broke'}")
    parameters = body.get("parameters")
    if not isinstance(parameters, dict):
        return Ended()
    if parameters.get("error_msg"):
        reason = parameters.get("reason")
        told = json.dumps(reason, ensure_ascii=False)[:500] if reason else ""
        raise _failed(f"{parameters['error_msg']} {told}".strip())
    return Ended(tuple(_seeds(parameters.get("image_seed"))))


def read_pictures(
    files: Sequence[bytes], ended: Ended, request: ImageRequest, remark: str | None
) -> list[Picture]:
    """The pictures, each with infotext in it; maps behind them are left out.

    Raises BackendBadAnswer when there is none, or one is broken.
    """
    whole = [_checked(data, request) for data in files[: request.count]]
    if not whole:
        raise BackendBadAnswer("a task that ended without a picture")
    return [_picture(n, data, ended, request, remark) for n, data in enumerate(whole)]


def _failed(reason: str) -> BackendFailed | BackendOutOfMemory:
    if "outofmemory" in reason.replace(" ", "").casefold():
        return BackendOutOfMemory(reason)
    return BackendFailed(reason)


def _seeds(told: Any) -> list[int]:
    parts = [part.strip() for part in told.split(",")] if isinstance(told, str) else []
    return [int(part) for part in parts] if parts and all(p.isdecimal() for p in parts) else []


def _checked(data: bytes, request: ImageRequest) -> bytes:
    try:
        codec.check_picture(data, max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PICTURE_PIXELS)
    except BrokenPicture as error:
        raise BackendBadAnswer(f"a broken picture of {request.kind}: {error}") from error
    return data


def _picture(
    n: int, data: bytes, ended: Ended, request: ImageRequest, remark: str | None
) -> Picture:
    facts = codec.check_picture(data, max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PICTURE_PIXELS)
    written = pnginfo.read(data) or ""
    told = infotext.Infotext.parse(written).seed if written else None
    counted = ended.seeds[n] if n < len(ended.seeds) else request.rest(n).seed
    seed = counted if told is None else told
    text = written or own_text(request, seed, facts.width, facts.height)
    return Picture(
        data=data if written else pnginfo.embed(data, text),
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
        seed=seed,
        infotext=text,
        remark=remark,
    )
