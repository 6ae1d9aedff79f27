"""Pictures in and out: base64, metadata in the three formats, and what a worker does.

The functions at the end take and give plain bytes, so that they can run in another process.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from bot.demo.painter import PaintOrder
from bot.demo.servers.sdapi.detection import Guide, detected
from bot.demo.servers.sdapi.effects import Effects, drawn
from bot.demo.servers.sdapi.errors import Refused

FORMATS: Final = ("png", "jpg", "jpeg", "webp")
_EXIF_IFD: Final = 0x8769
_USER_COMMENT: Final = 0x9286
_WRONG: Final = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Encoding:
    """How a picture becomes a file: the options ``samples_format`` and its friends."""

    format: str = "png"
    jpeg_quality: int = 80
    webp_lossless: bool = False
    pnginfo: bool = True


@dataclass(frozen=True)
class Source:
    """An init image or a mask as it was sent, with the size it has when upright."""

    data: bytes
    width: int
    height: int


def decode(text: object) -> Source:
    """An image from base64 or a ``data:`` URL.

    Raises ``Refused`` (500 "Invalid encoded image") for anything that Pillow cannot read;
    this server fetches no URLs at all.
    """
    if not isinstance(text, str):
        raise Refused(500, "Invalid encoded image")
    if text.startswith(("http://", "https://")):
        raise Refused(500, "Request to local resource not allowed")
    try:
        if text.startswith("data:image/"):
            text = text.split(";")[1].split(",")[1]
        data = base64.b64decode(text)
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
        with Image.open(io.BytesIO(data)) as image:
            width, height = ImageOps.exif_transpose(image).size
    except (binascii.Error, IndexError, UnidentifiedImageError, *_WRONG) as error:
        raise Refused(500, "Invalid encoded image") from error
    return Source(data, width, height)


def chunks(data: bytes) -> dict[str, str]:
    """The text chunks of a PNG, and EXIF's UserComment as ``parameters``."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        found = {
            key: value
            for key, value in image.info.items()
            if isinstance(key, str) and isinstance(value, str)
        }
        comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(b"UNICODE\0"):
        found["parameters"] = comment[8:].decode("utf-16-be", errors="replace")
    return found


def check_format(encoding: Encoding) -> None:
    """Raises ``Refused`` (500) for a format like avif; A1111 notices after all the work."""
    if encoding.format not in FORMATS:
        raise Refused(500, "Invalid image format")


def encode(image: Image.Image, encoding: Encoding, texts: dict[str, str]) -> bytes:
    """A file with its texts inside: PNG unless the format is JPEG or WebP."""
    buffer = io.BytesIO()
    if encoding.format not in ("jpg", "jpeg", "webp"):
        info = PngInfo()
        for key, text in texts.items():
            info.add_text(key, text)
        image.save(buffer, "PNG", pnginfo=info, compress_level=4)
    elif encoding.format == "webp":
        exif = _exif(texts)
        image = image.convert("RGB")
        image.save(buffer, "WEBP", exif=exif, quality=80, lossless=encoding.webp_lossless)
    else:
        image = image.convert("RGB")
        image.save(buffer, "JPEG", exif=_exif(texts), quality=encoding.jpeg_quality)
    return buffer.getvalue()


def _exif(texts: dict[str, str]) -> bytes:
    exif = Image.Exif()
    comment = b"UNICODE\0" + texts.get("parameters", "").encode("utf-16-be")
    exif[_EXIF_IFD] = {_USER_COMMENT: comment}
    return exif.tobytes()


def produce(
    order: PaintOrder, effects: Effects, encoding: Encoding, texts: dict[str, str]
) -> bytes:
    """Paint and encode one picture."""
    return encode(drawn(order, effects), encoding, texts if encoding.pnginfo else {})


def map_picture(guide: Guide, size: tuple[int, int], encoding: Encoding) -> bytes:
    """A detected map as ControlNet appends it: a file without texts."""
    return encode(detected(guide, size), encoding, {})


def mask_picture(mask: bytes, size: tuple[int, int]) -> bytes:
    """The mask as the option ``return_mask`` gives it: a PNG without a chunk."""
    with Image.open(io.BytesIO(mask)) as image:
        return encode(image.convert("L").convert("RGB").resize(size), Encoding(), {})


def grid(pictures: list[bytes], encoding: Encoding, infotext: str) -> bytes:
    """All pictures in one, as many rows as the rounded square root of their number."""
    images = [Image.open(io.BytesIO(data)) for data in pictures]
    width, height = images[0].size
    rows = round(math.sqrt(len(images)))
    columns = math.ceil(len(images) / rows)
    sheet = Image.new("RGB", (width * columns, height * rows))
    for index, image in enumerate(images):
        sheet.paste(image, (index % columns * width, index // columns * height))
        image.close()
    return encode(sheet, encoding, {"parameters": infotext} if encoding.pnginfo else {})


def upscale(
    data: bytes, size: tuple[int, int], method: str, encoding: Encoding, texts: dict[str, str]
) -> bytes:
    """Enlarge by Pillow: Nearest stays pixelated, every other upscaler is Lanczos."""
    nearest = method in ("Nearest", "None")
    filter_ = Image.Resampling.NEAREST if nearest else Image.Resampling.LANCZOS
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        upright = upright if upright.mode in ("RGB", "RGBA") else upright.convert("RGB")
        return encode(upright.resize(size, filter_), encoding, texts)
