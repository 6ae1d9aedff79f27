"""Makes a guest's picture fit to be painted over: upright, one frame, opaque, within bounds.

Runs Pillow: call in a thread. The bounds are checked on headers before Pillow opens anything,
so that a bomb is refused for what it claims to be.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps

from bot.errors import BrokenPicture
from bot.images import codec, pnginfo
from bot.values.source import Role, Source

MAX_BYTES = 25 << 20
MAX_PIXELS = 40_000_000
LARGEST_SIDE = 4096
"""Larger sources are made smaller: no server paints over more."""


def prepare(data: bytes, role: Role) -> Source:
    """A source from the bytes of a PNG, JPEG, WebP or GIF (its first frame).

    EXIF orientation is applied and transparency laid on white, as the webui does it (contracts,
    sdapi 3); a mask becomes grey. Raises BrokenPicture.
    """
    codec.check_picture(data, max_bytes=MAX_BYTES, max_pixels=MAX_PIXELS)
    try:
        with Image.open(BytesIO(data)) as opened:
            opened.seek(0)
            upright = ImageOps.exif_transpose(opened)
            flat = _grey(upright) if role is Role.MASK else _opaque(upright)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenPicture(f"cannot be decoded ({type(error).__name__})") from error
    flat.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    out = BytesIO()
    flat.save(out, "PNG", compress_level=1)
    # What made it stays with it: an upscaler hands the text on (sdapi 7).
    text = pnginfo.read(data) if role is Role.INIT else None
    kept = pnginfo.embed(out.getvalue(), text) if text else out.getvalue()
    return Source(role, kept, flat.width, flat.height)


def extremes(mask: Source) -> tuple[int, int]:
    """The darkest and the lightest grey of a mask, 0 to 255."""
    with Image.open(BytesIO(mask.data)) as opened:
        greys = [grey for grey, count in enumerate(opened.convert("L").histogram()) if count]
    return greys[0], greys[-1]


def fit_mask(mask: Source, width: int, height: int) -> Source:
    """The mask at the size of its source: of another size it would land wrong (sdapi 3)."""
    if (mask.width, mask.height) == (width, height):
        return mask
    with Image.open(BytesIO(mask.data)) as opened:
        fitted = opened.resize((width, height), Image.Resampling.BILINEAR)
    out = BytesIO()
    fitted.save(out, "PNG", compress_level=1)
    return Source(mask.role, out.getvalue(), width, height)


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return picture.convert("RGB")


def _grey(picture: Image.Image) -> Image.Image:
    """A painted mask is what is white; of a picture with alpha it is what is opaque."""
    if picture.mode in ("RGBA", "LA", "PA"):
        alpha = picture.convert("RGBA").getchannel("A")
        low, high = alpha.getextrema()
        if low != high:
            return alpha
    return picture.convert("L")
