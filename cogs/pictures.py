"""/upscale and /describe: what can be done with a picture that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.queue.job import Job
from bot.studio import UpscaleOptions
from cogs._ui import completions, orders, uploads
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.post import Postman

if TYPE_CHECKING:
    from bot.client import EaselBot


class Pictures(commands.Cog):
    """Both stand in line like every order."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.slash_command(name="upscale", description="Make a picture larger.")
    @discord.option("image", discord.Attachment, description="The picture.")
    @discord.option(
        "by",
        float,
        description="How many times larger (2).",
        required=False,
        min_value=1.1,
        max_value=8,
    )
    @discord.option(
        "upscaler",
        str,
        description="Which upscaler; best left alone.",
        required=False,
        autocomplete=completions.upscalers,
    )
    @discord.option("private", bool, description="Show it to you alone.", required=False)
    async def upscale(
        self,
        ctx: discord.ApplicationContext,
        image: discord.Attachment,
        by: float = 2.0,
        upscaler: str | None = None,
        private: bool | None = None,
    ) -> None:
        """Puts an upscaling into the line."""
        uploads.check("image", image)
        studio, guest = self._bot.studio, guest_of(ctx.interaction)
        alone = studio.private(guest, private)
        address = address_of(ctx.interaction, private=alone)

        async def order() -> Job | None:
            data = await uploads.fetch("image", image)
            options = UpscaleOptions(data, image.filename, by, upscaler)
            return await studio.upscale(options, guest, address)

        await orders.take(ctx.interaction, studio, self._postman, order(), private=alone)

    @commands.slash_command(name="describe", description="Words that would draw a picture.")
    @discord.option("image", discord.Attachment, description="The picture.")
    @discord.option("private", bool, description="Show it to you alone.", required=False)
    async def describe(
        self,
        ctx: discord.ApplicationContext,
        image: discord.Attachment,
        private: bool | None = None,
    ) -> None:
        """Puts a description into the line."""
        uploads.check("image", image)
        studio, guest = self._bot.studio, guest_of(ctx.interaction)
        alone = studio.private(guest, private)
        address = address_of(ctx.interaction, private=alone)

        async def order() -> Job | None:
            data = await uploads.fetch("image", image)
            return await studio.describe(data, image.filename, guest, address)

        await orders.take(ctx.interaction, studio, self._postman, order(), private=alone)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Pictures(bot))
