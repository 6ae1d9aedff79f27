"""The four kinds of picture file behind one face: one table, media type -> module."""

from __future__ import annotations

from typing import Protocol

from bot.errors import BrokenPicture
from bot.images import gif, jpeg, png, sniff, webp


class Container(Protocol):
    """What a module for one kind of file knows; every function takes the whole file.

    All but `read` raise BrokenPicture when the file's structure does not hold.
    """

    MEDIA_TYPE: str

    def dimensions(self, data: bytes) -> tuple[int, int]: ...
    def check(self, data: bytes) -> None: ...
    def read(self, data: bytes) -> str | None: ...
    def embed(self, data: bytes, text: str) -> bytes: ...
    def strip(self, data: bytes) -> bytes: ...


_ALL: tuple[Container, ...] = (png, jpeg, webp, gif)
_BY_MEDIA_TYPE = {container.MEDIA_TYPE: container for container in _ALL}


def container_of(data: bytes) -> Container:
    """The module for these bytes. Raises BrokenPicture for anything that is not a picture."""
    media_type = sniff.sniff(data)
    if media_type is None:
        raise BrokenPicture(f"not a PNG, JPEG, WebP or GIF: begins with {data[:8].hex(' ')}")
    return _BY_MEDIA_TYPE[media_type]
