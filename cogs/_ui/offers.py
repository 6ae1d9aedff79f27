"""Settings offered to be drawn: a picture's PNG info, or what was pasted in the place of a prompt.

The card holds the infotext itself, as a block that can be copied; a press reads it from there
(from the file beside it where it is too long), so that the buttons work for ever.
"""

from __future__ import annotations

import io
import re

import discord

from bot.errors import Gone
from bot.images.foreign import Reading, from_infotext
from bot.values.look import QUIET_COLOUR
from cogs._ui import uploads

DRAW = "reading:draw"
WORDS = "reading:words"
_FILE = "settings.txt"
_ROOM = 3_900
"""Characters of a block; Discord takes 4,096 for the whole description."""
_BLOCK = re.compile(r"```\n(.*)\n```", re.DOTALL)
_TICKS, _KEPT = "```", "`\u200b`\u200b`"


async def send(interaction: discord.Interaction, reading: Reading, title: str) -> None:
    """A private card with the settings and what can be done with them."""
    text = reading.infotext.render()
    embed, files = _card(text, title)
    respond = (
        interaction.followup.send
        if interaction.response.is_done()
        else interaction.response.send_message
    )
    await respond(embed=embed, view=_buttons(), files=files, ephemeral=True)


async def offered(message: discord.Message | None) -> Reading:
    """The settings on such a card. Raises Gone, BadOption."""
    text = ""
    if message is not None and message.attachments:
        text = (await uploads.fetch("settings", message.attachments[0])).decode("utf-8", "replace")
    elif message is not None and message.embeds:
        block = _BLOCK.search(message.embeds[0].description or "")
        text = block[1].replace(_KEPT, _TICKS) if block else ""
    reading = from_infotext(text)
    if reading is None:
        raise Gone("I can no longer read these settings. Please ask for them again.")
    return reading


def _card(text: str, title: str) -> tuple[discord.Embed, list[discord.File]]:
    shown = text.replace(_TICKS, _KEPT)
    files = []
    if len(shown) > _ROOM:
        files.append(discord.File(io.BytesIO(text.encode("utf-8")), _FILE))
        shown = shown[:_ROOM].rstrip() + " …"
    embed = discord.Embed(title=title, description=f"```\n{shown}\n```", colour=QUIET_COLOUR)
    return embed, files


def _buttons() -> discord.ui.View:
    view = discord.ui.View(timeout=None, store=False)
    for label, emoji, custom_id, style in (
        ("Draw this", "🎨", DRAW, discord.ButtonStyle.primary),
        ("Only its words", None, WORDS, discord.ButtonStyle.secondary),
    ):
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label=label, emoji=emoji, custom_id=custom_id, style=style
        )
        view.add_item(button)
    return view
