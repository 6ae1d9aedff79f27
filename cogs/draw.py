"""/draw: words to a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.studio import DrawOptions
from cogs._ui import offers, orders
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.options import takes
from cogs._ui.post import Postman

if TYPE_CHECKING:
    from bot.client import EaselBot


class Draw(commands.Cog):
    """One command, one order."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.slash_command(name="draw", description="Draw a picture from your words.")
    @takes(
        *("negative_prompt", "style", "model", "lora", "size", "width", "height", "count"),
        *("steps", "sampler", "scheduler", "cfg_scale", "seed"),
        *("hires", "hires_upscaler", "hires_strength", "vae", "clip_skip"),
        *("face_restoration", "tiling", "extra", "spoiler", "private"),
        required=("prompt",),
    )
    async def draw(self, ctx: discord.ApplicationContext, **given: Any) -> None:
        """Checks from memory, then puts the order into the line."""
        studio, guest = self._bot.studio, guest_of(ctx.interaction)
        alone = studio.private(guest, given["private"])
        options = DrawOptions.of(given)
        reading = studio.pasted(options.prompt)
        if reading is not None:
            model = studio.painters.model(options.model)
            kept = offers.Kept(given["private"], bool(given["spoiler"]), options.count, model)
            rest = [name for name in options.given() if name not in ("prompt", "count", "model")]
            await offers.send(ctx.interaction, reading, "You pasted settings", kept, rest)
            return
        draft = studio.compose(options, guest)
        address = address_of(ctx.interaction, private=alone, spoiler=bool(given["spoiler"]))
        order = studio.draw(draft, guest, address)
        await orders.take(ctx.interaction, studio, self._postman, order, private=alone)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Draw(bot))
