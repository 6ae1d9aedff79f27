"""/models: what there is to draw with; its select chooses for oneself, its Refresh looks anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.errors import NotAllowed
from bot.guilds import Scope
from bot.studio.shelf import Tab
from cogs._ui import cards, shelves
from cogs._ui.arrivals import guest_of
from cogs._ui.shelves import Refresh
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot


class Models(commands.Cog):
    """A private card whose buttons hold its state in their ids."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot

    @commands.slash_command(name="models", description="See what there is to draw with.")
    @discord.option(
        "search",
        str,
        description="Parts of a name, a label or a trigger word.",
        required=False,
        max_length=60,
    )
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
        card = await self._card(ctx.interaction, shelves.View.first(Tab(show), search))
        await ctx.respond(embed=card.embed, view=card.view, ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A turned page, another tab, a chosen model, or a wish to look anew."""
        if interaction.type is not discord.InteractionType.component:
            return
        custom_id = interaction.custom_id or ""
        pressed = shelves.pressed(custom_id)
        try:
            if custom_id == shelves.PICK:
                await self._pick(interaction)
            elif pressed is not None and pressed[0] == shelves.REFRESH:
                await self._refresh(interaction, pressed[1])
            elif pressed is not None:
                card = await self._card(interaction, pressed[1])
                await interaction.response.edit_message(embed=card.embed, view=card.view)
        except Exception as error:
            await explain(interaction, error)

    async def _card(
        self,
        interaction: discord.Interaction,
        view: shelves.View,
        *,
        running: bool = False,
        notice: str | None = None,
    ) -> cards.Card:
        guest, shelf = guest_of(interaction), self._bot.studio.shelf
        self._bot.studio.rules.welcome(guest)
        offered = Refresh.OFFERED if self._bot.studio.rules.may_change(guest) else Refresh.HIDDEN
        # A thousand names that are looked at for the first time take some time.
        entries = await asyncio.to_thread(shelf.entries, view.tab, guest, view.query)
        refresh = Refresh.RUNNING if running else offered
        fixed = self._bot.studio.fixed()
        return shelves.card(entries, shelf.tabs(), view, refresh, notice, fixed=fixed)

    async def _refresh(self, interaction: discord.Interaction, view: shelves.View) -> None:
        """Says at once that it looks, since an image server at work keeps the question waiting."""
        guest, studio = guest_of(interaction), self._bot.studio
        if not studio.rules.may_change(guest):
            raise NotAllowed("Only people who may manage this server can have me look again.")
        card = await self._card(interaction, view, running=True)
        await interaction.response.edit_message(embed=card.embed, view=card.view)
        before, notice = self._names(), None
        try:
            await studio.refresh(guest)
            notice = shelves.looked_again(view.tab, before, self._names())
        finally:
            card = await self._card(interaction, view, notice=notice)
            await interaction.edit_original_response(embed=card.embed, view=card.view)

    def _names(self) -> dict[Tab, list[str]]:
        return {tab: self._bot.studio.shelf.names(tab) for tab in Tab}

    async def _pick(self, interaction: discord.Interaction) -> None:
        data: dict[str, list[str]] = interaction.data or {}  # type: ignore[assignment]
        value = (data.get("values") or [""])[0]
        studio = self._bot.studio
        chosen = await studio.switch_model(guest_of(interaction), Scope.MEMBER, value)
        card = cards.switched(Scope.MEMBER, chosen.name)
        await interaction.response.send_message(embed=card.embed, ephemeral=True)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Models(bot))
