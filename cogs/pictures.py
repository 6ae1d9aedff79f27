"""/upscale and /describe: what can be done with a picture that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.queue.job import Job
from bot.studio import UpscaleOptions
from cogs._ui import orders, uploads
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.options import takes
from cogs._ui.post import Postman

if TYPE_CHECKING:
    from bot.client import EaselBot


class Pictures(commands.Cog):
    """Both stand in line like every order."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.slash_command(name="upscale", description="Make a picture larger.")
    @takes("by", "upscaler", "private", required=("image",))
    async def upscale(self, ctx: discord.ApplicationContext, **given: Any) -> None:
        """Puts an upscaling into the line."""
        image: discord.Attachment = given["image"]
        uploads.check("image", image)
        studio, guest = self._bot.studio, guest_of(ctx.interaction)
        alone = studio.private(guest, given["private"])
        address = address_of(ctx.interaction, private=alone)

        async def order() -> Job | None:
            data = await uploads.fetch("image", image)
            options = UpscaleOptions(data, image.filename, given["by"] or 2.0, given["upscaler"])
            return await studio.upscale(options, guest, address)

        await orders.take(ctx.interaction, studio, self._postman, order(), private=alone)

    @commands.slash_command(name="describe", description="Words that would draw a picture.")
    @takes("private", required=("image",))
    async def describe(self, ctx: discord.ApplicationContext, **given: Any) -> None:
        """Puts a description into the line."""
        image: discord.Attachment = given["image"]
        uploads.check("image", image)
        studio, guest = self._bot.studio, guest_of(ctx.interaction)
        alone = studio.private(guest, given["private"])
        address = address_of(ctx.interaction, private=alone)

        async def order() -> Job | None:
            data = await uploads.fetch("image", image)
            return await studio.describe(data, image.filename, guest, address)

        await orders.take(ctx.interaction, studio, self._postman, order(), private=alone)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Pictures(bot))
