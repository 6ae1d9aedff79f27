"""/img2img: a picture and words to a picture; with a mask, only a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.queue.job import Job
from bot.studio import DrawOptions, OverOptions
from cogs._ui import offers, orders, uploads
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.options import takes
from cogs._ui.post import Postman

if TYPE_CHECKING:
    from bot.client import EaselBot


class Img2Img(commands.Cog):
    """One command, one order; the picture is fetched and prepared on the way to the row."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.slash_command(name="img2img", description="Paint over a picture of yours.")
    @takes(
        *("strength", "negative_prompt", "style", "model", "lora", "size", "resize", "count"),
        *("mask", "mask_blur", "masked_content", "only_masked", "mask_padding", "invert_mask"),
        *("control", "control_weight", "steps", "sampler", "cfg_scale", "seed"),
        *("extra", "spoiler", "private"),
        required=("image", "prompt"),
    )
    async def img2img(self, ctx: discord.ApplicationContext, **given: Any) -> None:
        """Checks from memory, then fetches, prepares and puts the order into the line."""
        studio, guest = self._bot.studio, guest_of(ctx.interaction)
        for option in ("image", "mask"):
            if given[option] is not None:
                uploads.check(option, given[option])
        options, pasted = studio.in_words(DrawOptions.of(given))
        studio.compose(options, guest, OverOptions.of(given).kind)
        alone = studio.private(guest, given["private"])
        address = address_of(ctx.interaction, private=alone, spoiler=bool(given["spoiler"]))

        async def order() -> Job | None:
            fetched = {
                option: await uploads.fetch(option, given[option])
                for option in ("image", "mask")
                if given[option] is not None
            }
            return await studio.img2img(options, OverOptions.of(given | fetched), guest, address)

        await orders.take(ctx.interaction, studio, self._postman, order(), private=alone)
        if pasted:
            await orders.add(ctx.interaction, offers.WORDS_ONLY)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Img2Img(bot))
