"""/switch-model: what you, this channel or this server draw with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.guilds import Scope
from cogs._ui import cards, orders
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.completions import models
from cogs._ui.post import Postman

if TYPE_CHECKING:
    from bot.client import EaselBot


class SwitchModel(commands.Cog):
    """The checkpoint travels with each request, so no server changes another's."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.slash_command(name="switch-model", description="Choose the model to draw with.")
    @discord.option(
        "model",
        str,
        description="Parts of its name; empty goes back to the default.",
        required=False,
        autocomplete=models,
    )
    @discord.option(
        "where",
        str,
        description="For whom (yourself, unless you manage the server).",
        required=False,
        choices=[
            discord.OptionChoice("for me", Scope.MEMBER.value),
            discord.OptionChoice("for this channel", Scope.CHANNEL.value),
            discord.OptionChoice("for this server", Scope.SERVER.value),
        ],
    )
    async def switch_model(
        self,
        ctx: discord.ApplicationContext,
        model: str | None = None,
        where: str = Scope.MEMBER,
    ) -> None:
        """Asks the rules; tells all when it is for all."""
        scope = Scope(where)
        guest = guest_of(ctx.interaction)
        studio = self._bot.studio
        switched = await studio.switch_model(guest, scope, model)
        if switched.route is not None:
            address = address_of(ctx.interaction, private=False)
            order = studio.load(switched, guest, address)
            await orders.take(ctx.interaction, studio, self._postman, order, private=False)
            return
        card = cards.switched(scope, switched.name)
        await ctx.respond(embed=card.embed, ephemeral=scope is Scope.MEMBER)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(SwitchModel(bot))
