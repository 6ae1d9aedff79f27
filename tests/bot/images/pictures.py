"""Small pictures and words for the tests of this room."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from hypothesis import settings
from PIL import Image
from PIL.PngImagePlugin import PngInfo

# For examples by hypothesis: how long one takes says more about the machine than about us.
calm = settings(deadline=None)

TAIL = "Steps: 2, Sampler: Euler, CFG scale: 7.0, Seed: 1, Size: 64x64"

# What web UI 1.10.1 and stable-diffusion.cpp wrote, as recorded.
FROM_WEB_UI = (
    "a photo of a cat, (detailed:1.2)\nNegative prompt: blurry\n"
    "Steps: 4, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.0, Seed: 42, Size: 64x64, "
    "Model hash: 6d45d56d23, Model: tinyA, Version: 1.10.1"
)
FROM_SD_CPP = (
    "a cat\nNegative prompt: bad\n"
    "Steps: 2, CFG scale: 7.000000, Guidance: 3.500000, Eta: inf, Seed: 1, Size: 64x64, "
    "Model: random15.safetensors, RNG: cuda, Sampler: euler_a, Version: stable-diffusion.cpp, "
    'SDCPP: {"auto_resize_ref_image":true,"clip_skip":-1,"prompt":{"negative":"bad",'
    '"positive":"a cat, Seed: 666, Model: stolen"},"width":64}'
)


def gradient(width: int = 12, height: int = 9, mode: str = "RGB") -> Image.Image:
    """A picture whose every pixel differs a little from its neighbours."""
    ramp = bytes((x * 19 + y * 37 + x * y * 5) % 256 for y in range(height) for x in range(width))
    grey = Image.frombytes("L", (width, height), ramp)
    flipped = grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    bands = [grey, flipped, grey.point(lambda value: 255 - value), flipped]
    return Image.merge(mode, bands[: len(mode)]) if len(mode) > 1 else grey.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png(text: str | None = None, *, keyword: str = "parameters", packed: bool = False) -> bytes:
    """A small PNG, with a text chunk as Pillow writes it if `text` is given."""
    info = PngInfo()
    if text is not None:
        info.add_text(keyword, text, zip=packed)
    return encoded(gradient(), "PNG", pnginfo=info)


def jpeg(**options: object) -> bytes:
    return encoded(gradient(), "JPEG", **options)


def webp(mode: str = "RGB", **options: object) -> bytes:
    return encoded(gradient(mode=mode), "WEBP", **options)


def gif(**options: object) -> bytes:
    return encoded(gradient(), "GIF", **options)


def exif(comment: bytes, *, orientation: int = 1) -> Image.Exif:
    """An EXIF block whose UserComment is `comment`. (Pillow writes none without a first tag.)"""
    block = Image.Exif()
    block[0x0112] = orientation
    block.get_ifd(0x8769)[0x9286] = comment
    return block


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def before(kind: bytes, data: bytes, piece: bytes) -> bytes:
    """A PNG with `piece` put before its first chunk of this kind."""
    at = data.index(kind) - 4
    return data[:at] + piece + data[at:]


def pixels(data: bytes) -> tuple[str, bytes]:
    """What Pillow decodes."""
    with Image.open(BytesIO(data)) as picture:
        return picture.mode, picture.tobytes()


def web_ui_comment(data: bytes) -> str:
    """The UserComment as the web UI reads it: `UNICODE`, big-endian, nothing else accepted."""
    with Image.open(BytesIO(data)) as picture:
        raw = picture.getexif().get_ifd(0x8769)[0x9286]
    assert raw[:8] == b"UNICODE\0"
    return str(raw[8:].decode("utf-16-be"))


# One picture without words of every kind of file and bitstream, and one of every container.
PLAIN = {
    "png": png(),
    "jpeg": jpeg(),
    "webp-lossy": webp(),
    "webp-lossless": webp(lossless=True),
    "webp-alpha": webp("RGBA", lossless=True),
    "webp-lossy-alpha": webp("RGBA", quality=50),
    "gif": gif(),
}
CONTAINERS = ["png", "jpeg", "webp-lossy", "webp-lossless", "gif"]
