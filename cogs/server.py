"""/server: what is in force here, where each value comes from, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.guilds import KEYS, Scope
from cogs._ui import cards, rules
from cogs._ui.arrivals import guest_of
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot


class Server(commands.Cog):
    """One private card; a select opens a form for one setting."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot

    @commands.slash_command(
        name="server",
        description="See and change what this server draws with.",
        default_member_permissions=discord.Permissions(manage_guild=True),
        contexts={discord.InteractionContextType.guild},
    )
    @discord.option(
        "setting",
        str,
        description="Which setting to change.",
        required=False,
        choices=[discord.OptionChoice(name) for name in KEYS],
    )
    @discord.option("value", str, description="Its new value; empty takes it back.", required=False)
    @discord.option("channel_only", bool, description="For this channel alone.", required=False)
    async def server(
        self,
        ctx: discord.ApplicationContext,
        setting: str | None = None,
        value: str | None = None,
        channel_only: bool = False,
    ) -> None:
        """Shows the card; with a setting, changes it first."""
        scope = Scope.CHANNEL if channel_only else Scope.SERVER
        notice = None
        if setting is not None:
            notice = await self._set(ctx.interaction, scope, setting, value, granted=True)
        card = await self._card(ctx.interaction, scope, notice, granted=True)
        await ctx.respond(embed=card.embed, view=card.view, ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """The select opens the form; the form changes the setting and the card."""
        custom_id = interaction.custom_id or ""
        try:
            if interaction.type is discord.InteractionType.component:
                await self._open(interaction, custom_id)
            elif interaction.type is discord.InteractionType.modal_submit:
                await self._change(interaction, custom_id)
        except Exception as error:
            await explain(interaction, error)

    async def _open(self, interaction: discord.Interaction, custom_id: str) -> None:
        scope = rules.scope_of(custom_id, rules.PICK)
        if scope is None:
            return
        data: dict[str, list[str]] = interaction.data or {}  # type: ignore[assignment]
        name = (data.get("values") or [""])[0]
        if name in KEYS:
            own = self._bot.studio.rules.own(guest_of(interaction), scope).get(name)
            await interaction.response.send_modal(rules.form(scope, KEYS[name], own))

    async def _change(self, interaction: discord.Interaction, custom_id: str) -> None:
        asked = rules.asked(custom_id)
        if asked is None:
            return
        scope, name = asked
        # Nobody but whom Discord let into the command sees its private card.
        granted = interaction.message is not None and interaction.message.flags.ephemeral
        typed = rules.typed(interaction) or None
        notice = await self._set(interaction, scope, name, typed, granted=granted)
        card = await self._card(interaction, scope, notice, granted=granted)
        await interaction.response.edit_message(embed=card.embed, view=card.view)

    async def _set(
        self,
        interaction: discord.Interaction,
        scope: Scope,
        name: str,
        typed: str | None,
        *,
        granted: bool,
    ) -> str | None:
        """Changes one setting; a line where another still holds."""
        guest, asked = guest_of(interaction), self._bot.studio.rules
        typed = rules.meant(name, typed, interaction.guild)
        value = await asked.change(guest, scope, name, typed, granted=granted)
        return rules.outdone(name, value, asked.in_force(guest))

    async def _card(
        self,
        interaction: discord.Interaction,
        scope: Scope,
        notice: str | None = None,
        *,
        granted: bool,
    ) -> cards.Card:
        guest, studio = guest_of(interaction), self._bot.studio
        history = await studio.rules.history(guest, granted=granted)
        return rules.card(studio.drafts.in_force(guest), history, scope, notice)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Server(bot))
