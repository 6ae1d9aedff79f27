"""Files that came with messages and uploads, and the signed links to them.

Links carry `ex`, `is` and `hm` as Discord's CDN wants them: they end after a day and cannot be
guessed. The bytes are served back exactly as they came.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import mimetypes
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from PIL import Image, WebPImagePlugin

from bot.demo.discord.clock import Clock, Snowflakes
from bot.demo.discord.wire import MIB, Json

LINK_SECONDS = 24 * 3600
# A link shown again soon is the same link, so that a browser need not load the picture anew.
SAME_LINK_SECONDS = 3600
KEPT_BYTES = 512 * MIB
PROBE_IN_THREAD_BYTES = 256 * 1024
# Named one by one: for an unknown file Pillow would otherwise import all its plugins at once.
PICTURES = ("PNG", "JPEG", "GIF", WebPImagePlugin.WebPImageFile.format)


@dataclass(frozen=True)
class Upload:
    """One file part of a request, not yet judged: `field` is `files[0]`, `file` …"""

    field: str
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class StoredFile:
    """A file that Discord keeps. Width and height are pixels, for images only."""

    id: str
    channel_id: str
    filename: str
    title: str | None
    data: bytes
    content_type: str
    width: int | None
    height: int | None
    description: str | None = None
    ephemeral: bool = False


class FileStore:
    """Keeps files (the oldest go when more than 512 MiB are held) and signs their links."""

    def __init__(self, clock: Clock, snowflakes: Snowflakes) -> None:
        self.base_url = ""
        self._clock = clock
        self._snowflakes = snowflakes
        self._secret = secrets.token_bytes(32)
        self._files: dict[str, StoredFile] = {}
        self._issued: dict[str, int] = {}
        self._bytes = 0

    async def keep(
        self,
        upload: Upload,
        channel_id: str,
        *,
        description: str | None = None,
        ephemeral: bool = False,
    ) -> StoredFile:
        """Store one file under a new id, its picture size read from its header."""
        kind, width, height = await _probe(upload)
        name = safe_name(upload.filename)
        stored = StoredFile(
            id=self._snowflakes.next(),
            channel_id=channel_id,
            filename=name,
            title=upload.filename.rsplit(".", 1)[0] if name != upload.filename else None,
            data=upload.data,
            content_type=kind,
            width=width,
            height=height,
            description=description,
            ephemeral=ephemeral,
        )
        self._files[stored.id] = stored
        self._bytes += len(stored.data)
        self._forget_oldest()
        return stored

    def get(self, file_id: str) -> StoredFile | None:
        return self._files.get(file_id)

    def link(self, stored: StoredFile) -> str:
        """A link that works for 23 to 24 hours from now."""
        path = f"/cdn/attachments/{stored.channel_id}/{stored.id}/{quote(stored.filename)}"
        now = int(self._clock.wall())
        issued = self._issued.get(stored.id, 0)
        if now - issued >= SAME_LINK_SECONDS:
            issued = self._issued[stored.id] = now
        query = f"ex={issued + LINK_SECONDS:x}&is={issued:x}"
        return f"{self.base_url}{path}?{query}&hm={self._sign(stored.id, query)}&"

    def admits(self, file_id: str, query: Mapping[str, str]) -> bool:
        """Whether a link's `ex`, `is`, `hm` were signed here and have not ended."""
        signed = f"ex={query.get('ex', '')}&is={query.get('is', '')}"
        if not hmac.compare_digest(self._sign(file_id, signed), query.get("hm", "")):
            return False
        return int(query["ex"], 16) > self._clock.wall()

    def render(self, stored: StoredFile) -> Json:
        """Discord's attachment object, its link freshly signed."""
        link = self.link(stored)
        shown: Json = {
            "id": stored.id,
            "filename": stored.filename,
            "size": len(stored.data),
            "url": link,
            "proxy_url": link,
            "content_type": stored.content_type,
        }
        if stored.width is not None:
            shown |= {"width": stored.width, "height": stored.height}
        for key in ("description", "title"):
            if (value := getattr(stored, key)) is not None:
                shown[key] = value
        if stored.ephemeral:
            shown["ephemeral"] = True
        return shown

    def _sign(self, file_id: str, query: str) -> str:
        message = f"{file_id}?{query}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def _forget_oldest(self) -> None:
        while self._bytes > KEPT_BYTES and len(self._files) > 1:
            oldest = self._files.pop(next(iter(self._files)))
            self._bytes -= len(oldest.data)
            self._issued.pop(oldest.id, None)


def safe_name(filename: str) -> str:
    """Discord keeps letters, digits, dots, dashes and underscores of a file's name."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", filename.rsplit("/", 1)[-1]).strip("_")
    return name or "file"


async def _probe(upload: Upload) -> tuple[str, int | None, int | None]:
    if len(upload.data) < PROBE_IN_THREAD_BYTES:
        return _read_header(upload)
    return await asyncio.to_thread(_read_header, upload)


def _read_header(upload: Upload) -> tuple[str, int | None, int | None]:
    """Content type, width and height; a file that is no picture is named by its ending."""
    try:
        with Image.open(io.BytesIO(upload.data), formats=PICTURES) as image:
            kind = Image.MIME.get(image.format or "", "application/octet-stream")
            return kind, image.width, image.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        kind = mimetypes.guess_type(upload.filename)[0] or "application/octet-stream"
        return kind, None, None
