"""Settings offered to be drawn: a picture's PNG info, or what was pasted in the place of a prompt.

The card holds the infotext itself, as a block that can be copied; a press reads it from there
(from the file beside it where it is too long), so that the buttons work for ever. What the member
chose beside the settings stands in the ids of its buttons.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.errors import Gone
from bot.images.foreign import Reading, from_infotext
from bot.studio.search import shortened
from bot.values.look import QUIET_COLOUR
from cogs._ui import uploads

DRAW = "reading:draw"
WORDS = "reading:words"
WORDS_ONLY = "I took the words of the pasted settings, and nothing else of them."
_LONGEST_MODEL = 75
"""Characters of a model's name in an id of at most 100 (contracts: discord 8)."""
_FILE = "settings.txt"
_ROOM = 3_900
"""Characters of a block; Discord takes 4,096 for the whole description."""
_BLOCK = re.compile(r"```\n(.*)\n```", re.DOTALL)
_TICKS, _KEPT = "```", "`\u200b`\u200b`"


@dataclass(frozen=True)
class Kept:
    """What a member chose beside the settings; None is "not chosen"."""

    private: bool | None = None
    spoiler: bool = False
    count: int | None = None
    model: str | None = None

    def custom_id(self, button: str) -> str:
        """`reading:draw:<flags>:<count>:<model>`; the flags are p(rivate), o(pen), s(poiler)."""
        flags = {True: "p", False: "o", None: ""}[self.private] + ("s" if self.spoiler else "")
        model = shortened(self.model or "", _LONGEST_MODEL)
        return f"{button}:{flags}:{self.count or ''}:{model}"

    def options(self) -> dict[str, Any]:
        """The options of /draw among it, by name."""
        given = {"count": self.count, "model": self.model}
        return {name: value for name, value in given.items() if value is not None}


def pressed(custom_id: str) -> tuple[bool, Kept] | None:
    """Whether all or only the words are to be drawn, and what was chosen; None for another id."""
    for button in (DRAW, WORDS):
        if custom_id == button:
            return button == DRAW, Kept()
        if custom_id.startswith(f"{button}:"):
            parts = custom_id.removeprefix(f"{button}:").split(":", 2)
            flags, count, model = [*parts, "", ""][:3]
            private = True if "p" in flags else False if "o" in flags else None
            number = int(count) if count.isdecimal() else None
            return button == DRAW, Kept(private, "s" in flags, number, model or None)
    return None


async def send(
    interaction: discord.Interaction,
    reading: Reading,
    title: str,
    kept: Kept = Kept(),
    passed_over: Sequence[str] = (),
) -> None:
    """A private card with the settings and what can be done with them.

    `passed_over` names options that were given beside them and are not drawn.
    """
    text = reading.infotext.render()
    embed, files = _card(text, title)
    if passed_over:
        embed.set_footer(text=f"Not used beside pasted settings: {', '.join(passed_over)}.")
    respond = (
        interaction.followup.send
        if interaction.response.is_done()
        else interaction.response.send_message
    )
    await respond(embed=embed, view=_buttons(kept), files=files, ephemeral=True)


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


def _buttons(kept: Kept) -> discord.ui.View:
    view = discord.ui.View(timeout=None, store=False)
    for label, emoji, custom_id, style in (
        ("Draw this", "🎨", DRAW, discord.ButtonStyle.primary),
        ("Only its words", None, WORDS, discord.ButtonStyle.secondary),
    ):
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label=label, emoji=emoji, custom_id=kept.custom_id(custom_id), style=style
        )
        view.add_item(button)
    return view
