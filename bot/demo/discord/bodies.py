"""Reading what a client sends: JSON, `payload_json` in a form, and files.

py-cord sends an interaction's first answer as a urlencoded form with one field `payload_json`,
and as multipart when files come with it (contract, section 2 "Bodies").
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from bot.demo.discord.errors import Refusal, too_large
from bot.demo.discord.files import Upload
from bot.demo.discord.wire import MIB, Json

REQUEST_LIMIT = 25 * MIB
READ_LIMIT = 128 * MIB


@dataclass(frozen=True)
class Body:
    """What came: `data` is the JSON value (None without one), `form` tells that it came as
    `payload_json`, `files` in the order sent, `size` in bytes of all of it, `broken` that the
    JSON could not be read."""

    data: Any = None
    form: bool = False
    files: tuple[Upload, ...] = ()
    size: int = 0
    broken: bool = False

    def checked(self) -> Body:
        """Raises:
        Refusal: 413 with 40005 over 25 MiB, 400 with 50109 for broken JSON.
        """
        if self.size > REQUEST_LIMIT:
            raise too_large()
        if self.broken:
            raise Refusal(400, 50109, "The request body contains invalid JSON.")
        return self

    def object(self) -> Json:
        """The body as an object; nothing at all counts as an empty one.

        Raises:
            Refusal: 400 with 50035 for a list or a bare value.
        """
        if self.data is None:
            return {}
        if not isinstance(self.data, dict):
            words = "Only dictionaries may be used in a ModelType"
            tree = {"_errors": [{"code": "MODEL_TYPE_CONVERT", "message": words}]}
            raise Refusal(400, 50035, "Invalid Form Body", errors=tree)
        return self.data


async def read_body(request: web.Request) -> Body:
    """Read a request's body whole; the bytes that are too many are counted and dropped."""
    kind = request.content_type
    if kind == "multipart/form-data":
        return await _multipart(request)
    raw = await request.read()
    if not raw:
        return Body()
    if kind == "application/x-www-form-urlencoded":
        fields = await request.post()
        return _parsed(str(fields.get("payload_json", "")), form=True, size=len(raw))
    if kind == "application/json":
        return _parsed(raw.decode("utf-8", "replace"), form=False, size=len(raw))
    return Body(size=len(raw), broken=True)


async def _multipart(request: web.Request) -> Body:
    payload, files, size = "", [], 0
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            continue
        chunks = []
        while chunk := await part.read_chunk(64 * 1024):
            size += len(chunk)
            if size <= READ_LIMIT:
                chunks.append(chunk)
        data = b"".join(chunks)
        if part.filename is None and part.name == "payload_json":
            payload = data.decode("utf-8", "replace")
        elif part.filename is not None:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            files.append(Upload(part.name or "", part.filename, kind, data))
    read = _parsed(payload, form=True, size=size) if payload else Body(size=size)
    return Body(read.data, read.form, tuple(files), size, read.broken)


def _parsed(text: str, *, form: bool, size: int) -> Body:
    try:
        return Body(json.loads(text), form, size=size)
    except ValueError:
        return Body(None, form, size=size, broken=True)
