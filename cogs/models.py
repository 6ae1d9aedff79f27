"""/models: what there is to draw with; and the select on it that chooses for oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.guilds import Scope
from bot.studio.shelf import Tab
from cogs._ui import cards, shelves
from cogs._ui.arrivals import guest_of
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot


class Models(commands.Cog):
    """A private card whose buttons hold its state in their ids."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot

    @commands.slash_command(name="models", description="See what there is to draw with.")
    @discord.option("search", str, description="Parts of a name.", required=False, max_length=60)
    @discord.option(
        "show",
        str,
        description="Which list.",
        required=False,
        choices=[discord.OptionChoice(title, tab.value) for tab, title in shelves.TITLES.items()],
    )
    async def models(
        self, ctx: discord.ApplicationContext, search: str = "", show: str = Tab.MODELS
    ) -> None:
        """The first page of a list."""
        card = self._card(ctx.interaction, shelves.View.first(Tab(show), search))
        await ctx.respond(embed=card.embed, view=card.view, ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A turned page, another tab, or a chosen model."""
        if interaction.type is not discord.InteractionType.component:
            return
        custom_id = interaction.custom_id or ""
        view = shelves.View.parse(custom_id)
        try:
            if view is not None:
                card = self._card(interaction, view)
                await interaction.response.edit_message(embed=card.embed, view=card.view)
            elif custom_id == shelves.PICK:
                await self._pick(interaction)
        except Exception as error:
            await explain(interaction, error)

    def _card(self, interaction: discord.Interaction, view: shelves.View) -> cards.Card:
        shelf = self._bot.studio.shelf
        entries = shelf.entries(view.tab, guest_of(interaction), view.query)
        return shelves.card(entries, shelf.tabs(), view)

    async def _pick(self, interaction: discord.Interaction) -> None:
        data: dict[str, list[str]] = interaction.data or {}  # type: ignore[assignment]
        typed = (data.get("values") or [""])[0]
        rules = self._bot.studio.rules
        name = await rules.change(guest_of(interaction), Scope.MEMBER, "model", typed)
        card = cards.word(f"From now on you draw with **{cards.plain(str(name))}**.")
        await interaction.response.send_message(embed=card.embed, ephemeral=True)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Models(bot))
