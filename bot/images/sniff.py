"""Which kind of picture some bytes are: told by how they begin, never by a name or a header."""

from __future__ import annotations

PNG = "image/png"
JPEG = "image/jpeg"
WEBP = "image/webp"
GIF = "image/gif"

_EXTENSIONS = {PNG: "png", JPEG: "jpg", WEBP: "webp", GIF: "gif"}


def sniff(data: bytes) -> str | None:
    """The media type, or None for anything that is not PNG, JPEG, WebP or GIF."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    return None


def extension(media_type: str) -> str:
    """The file name's ending without its dot; raises KeyError for a type `sniff` never gives."""
    return _EXTENSIONS[media_type]
