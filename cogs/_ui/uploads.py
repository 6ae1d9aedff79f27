"""A member's picture: judged by what Discord says of it, fetched only from Discord itself."""

from __future__ import annotations

import aiohttp
import discord

from bot.errors import BadOption
from bot.images.sources import MAX_BYTES

_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")


def check(option: str, attachment: discord.Attachment) -> None:
    """Raises BadOption, from what Discord says, before anything is fetched."""
    if attachment.size > MAX_BYTES:
        raise BadOption(option, f"That file is too large. At most {MAX_BYTES >> 20} MiB.")
    kind = (attachment.content_type or "").split(";")[0]
    if kind and kind not in _TYPES:
        raise BadOption(option, "That is no picture I can read. Send a PNG, JPEG, WebP or GIF.")


async def fetch(option: str, attachment: discord.Attachment) -> bytes:
    """The bytes. Raises BadOption when Discord no longer has them."""
    check(option, attachment)
    try:
        return await attachment.read()
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise BadOption(option, "Discord no longer has that file. Please send it again.") from error
