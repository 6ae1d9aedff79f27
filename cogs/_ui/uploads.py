"""A member's picture: judged by what Discord says of it, fetched only from Discord itself."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import discord

from bot.errors import BadOption
from bot.images.sources import MAX_BYTES

_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")


_PIECE = 1 << 16
_HOMES = (".discordapp.com", ".discordapp.net")


@dataclass(frozen=True)
class Shown:
    """A picture that somebody's message shows, at Discord; `spoiler`: hidden until clicked."""

    name: str
    url: str
    spoiler: bool = False


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


def shown_in(message: discord.Message) -> list[Shown]:
    """The pictures of a message: its files, then those of its embeds. Raises BadOption.

    An embed's picture is taken from Discord's own copy; no other address is ever fetched. A file
    that can't be read is passed over where there is another.
    """
    found, refused = [], None
    for attachment in message.attachments:
        if not (attachment.content_type or "").startswith("image/"):
            continue
        try:
            check("picture", attachment)
        except BadOption as error:
            refused = refused or error
            continue
        found.append(Shown(attachment.filename, attachment.url, attachment.is_spoiler()))
    for embed in message.embeds:
        for held in (embed.image, embed.thumbnail):
            url = next((u for u in _urls(held) if _at_discord(u)), None)
            if url is not None:
                found.append(Shown(urlsplit(url).path.rpartition("/")[2] or "picture", url))
    if not found:
        raise refused or BadOption("picture", "That message shows no picture that I can read.")
    return list(dict.fromkeys(found))


def first_in(message: discord.Message) -> Shown:
    """The first of them. Raises BadOption."""
    return shown_in(message)[0]


async def fetch_shown(client: discord.Client, shown: Shown) -> bytes:
    """The bytes. Raises BadOption when Discord no longer has them, or they are too many."""
    data = bytearray()
    try:
        async for piece in client.http.stream_from_cdn(shown.url, _PIECE):
            data += piece
            if len(data) > MAX_BYTES:
                raise BadOption(
                    "picture", f"That picture is too large. At most {MAX_BYTES >> 20} MiB."
                )
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise BadOption("picture", "Discord no longer has that picture.") from error
    return bytes(data)


def _urls(held: discord.EmbedMedia | None) -> list[str]:
    # The original, if Discord has it, still holds its PNG info; the copy may not.
    return [u for u in (held.url, held.proxy_url) if u] if held else []


def _at_discord(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    own = urlsplit(discord.http.Route.API_BASE_URL).hostname
    return host.endswith(_HOMES) or (own != "discord.com" and host == own)
