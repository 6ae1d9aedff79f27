"""The web UI's `PNG info`: infotext taken out of picture files and put into them.

Containers are walked and spliced, pixels are never decoded, so all of this is fast enough for
the event loop. A picture that already holds infotext is never touched (contract sdapi,
section 8 and trap 6).
"""

from __future__ import annotations

from bot.errors import BrokenPicture
from bot.images.containers import container_of


def read(data: bytes) -> str | None:
    """The infotext inside a picture; None where there is none.

    PNG: tEXt, zTXt and iTXt named `parameters`, before or after the image data, unpacked to at
    most 1 MiB; an EXIF UserComment wins over them. JPEG and WebP: the EXIF UserComment. GIF:
    the comment. Never raises: foreign and broken bytes have no infotext.
    """
    try:
        return container_of(data).read(data)
    except BrokenPicture:
        return None


def embed(data: bytes, text: str) -> bytes:
    """`data` with `text` as its infotext, image data unchanged.

    The very same object comes back when the picture already holds infotext or `text` is empty.
    NUL is left out and lone surrogates become `?`. A JPEG holds about 32,000 characters, see
    `jpeg.embed`. Raises BrokenPicture for bytes that are no picture or whose structure is broken.
    """
    text = text.replace("\0", "")
    if not text or read(data):
        return data
    return container_of(data).embed(data, text)


def strip(data: bytes) -> bytes:
    """`data` without infotext or any other words, for pictures whose prompt is private.

    Text chunks (other programs' workflows too), EXIF, XMP, comments and what follows the end of a
    PNG, WebP or GIF go; colour profiles and how to turn the picture stay. Raises BrokenPicture.
    """
    return container_of(data).strip(data)
