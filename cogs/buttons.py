"""Hears the presses of our buttons, also on messages from before a restart."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.studio import DrawOptions
from cogs._ui import orders
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.buttons import Action, Press
from cogs._ui.post import Postman
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot


class Buttons(commands.Cog):
    """From `job:<id>:<action>` to one question to the studio."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Component presses only; commands have their own way."""
        if interaction.type is not discord.InteractionType.component:
            return
        press = Press.parse(interaction.custom_id or "")
        if press is None:
            return
        try:
            await self._act(interaction, press)
        except Exception as error:
            await explain(interaction, error)

    async def _act(self, interaction: discord.Interaction, press: Press) -> None:
        if press.action is Action.CANCEL:
            await self._cancel(interaction, press.job_id)
        elif press.action is Action.DELETE:
            await self._delete(interaction, press.job_id)
        elif press.action is Action.DRAW:
            await self._draw(interaction, press.job_id)
        elif press.action is Action.KEEP:
            await self._keep(interaction, press.job_id)
        else:
            same = press.action is Action.RETRY
            await self._again(interaction, press.job_id, same_seed=same)

    async def _again(
        self, interaction: discord.Interaction, job_id: int, *, same_seed: bool
    ) -> None:
        """A new card beside the old one; private where the old one was."""
        message = interaction.message
        private = message is not None and message.flags.ephemeral
        guest = guest_of(interaction)
        address = address_of(interaction, private=private)
        studio = self._bot.studio
        order = studio.again(job_id, guest, address, same_seed=same_seed)
        await orders.take(interaction, studio, self._postman, order, private=private)

    async def _draw(self, interaction: discord.Interaction, job_id: int) -> None:
        """Draws the words that described a picture."""
        studio, guest = self._bot.studio, guest_of(interaction)
        words = await studio.outcome(job_id, guest)
        draft = studio.compose(DrawOptions(prompt=words), guest)
        private = interaction.message is not None and interaction.message.flags.ephemeral
        address = address_of(interaction, private=private)
        order = studio.draw(draft, guest, address)
        await orders.take(interaction, studio, self._postman, order, private=private)

    async def _cancel(self, interaction: discord.Interaction, job_id: int) -> None:
        """Only acknowledges: the courier, who alone edits a job's message, shows the end."""
        await self._bot.studio.cancel(job_id, guest_of(interaction))
        await interaction.response.defer(invisible=True)

    async def _delete(self, interaction: discord.Interaction, job_id: int) -> None:
        await self._bot.studio.owned(job_id, guest_of(interaction))
        await interaction.response.defer(invisible=True)
        with contextlib.suppress(discord.NotFound):  # pressed twice
            await interaction.delete_original_response()

    async def _keep(self, interaction: discord.Interaction, job_id: int) -> None:
        """The press brings a fresh token; the courier, who alone edits, goes on with it."""
        address = address_of(interaction, private=True)
        if interaction.message is not None:
            address = address.landed(interaction.message.id)
        job = await self._bot.studio.keep_waiting(job_id, guest_of(interaction), address)
        await interaction.response.defer(invisible=True)
        self._bot.dispatch("job_readdressed", job)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Buttons(bot))
