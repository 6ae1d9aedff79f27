"""Hears every command that went wrong and explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot


class Errors(commands.Cog):
    """The one ear for errors of slash commands; buttons have theirs in `cogs.buttons`."""

    @commands.Cog.listener()
    async def on_application_command_error(
        self, ctx: discord.ApplicationContext, error: discord.DiscordException
    ) -> None:
        """py-cord wraps what a handler raised; `explain` looks inside."""
        await explain(ctx.interaction, error)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Errors())
