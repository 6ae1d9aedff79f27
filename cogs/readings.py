"""What a picture says of itself: the menu "PNG info", and the buttons that draw its settings."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.errors import Refusal
from bot.images.foreign import read_any
from bot.studio.readings import words_of
from cogs._ui import cards, offers, orders, uploads
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.post import Postman
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot

MOST = 4
"""Pictures of one message that are read: each answers with a card of its own."""
_SILENT = (
    "That picture doesn't say how it was made. Previews and screenshots lose it; the file that "
    "was downloaded in full may still hold it."
)


class Readings(commands.Cog):
    """Reads on the member's wish; what it finds is shown to them alone."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.message_command(name="PNG info")
    async def png_info(self, ctx: discord.ApplicationContext, message: discord.Message) -> None:
        """How the pictures of a message were made, whatever program made them."""
        pictures = uploads.shown_in(message)[:MOST]
        await ctx.interaction.response.defer(ephemeral=True)
        told, refused = [], None
        for picture in pictures:
            try:
                data = await uploads.fetch_shown(self._bot, picture)
            except Refusal as refusal:
                refused = refused or refusal
                continue
            reading = await asyncio.to_thread(read_any, data)
            if reading is not None:
                told.append((reading, picture.spoiler))
        if not told:
            raise refused or Refusal(_SILENT)
        for reading, spoiler in told:
            kept = offers.Kept(spoiler=spoiler)
            await offers.send(ctx.interaction, reading, f"PNG info · {reading.origin}", kept)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A press on an offer."""
        if interaction.type is not discord.InteractionType.component:
            return
        pressed = offers.pressed(interaction.custom_id or "")
        if pressed is None:
            return
        try:
            await self._draw(interaction, pressed[1], whole=pressed[0])
        except Exception as error:
            await explain(interaction, error)

    async def _draw(
        self, interaction: discord.Interaction, kept: offers.Kept, *, whole: bool
    ) -> None:
        studio, guest = self._bot.studio, guest_of(interaction)
        reading = await offers.offered(interaction.message)
        if whole:
            draft, left_out = studio.redraw(reading, guest, kept.options())
        else:
            options = replace(words_of(reading), **kept.options())
            draft, left_out = studio.compose(options, guest), []
        alone = studio.private(guest, kept.private)
        address = address_of(interaction, private=alone, spoiler=kept.spoiler)
        order = studio.draw(draft, guest, address)
        await orders.take(interaction, studio, self._postman, order, private=alone)
        if left_out:
            gone = cards.plain(", ".join(left_out))
            await orders.add(interaction, f"Drawing without what can't be had here: {gone}.")


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Readings(bot))
