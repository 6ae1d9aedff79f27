"""The message menus that begin with a picture which is there already: Use as source, Upscale,
Describe. (PNG info is in `cogs.readings`.)
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.errors import Gone
from bot.queue.job import Job
from bot.studio import DrawOptions, OverOptions, UpscaleOptions
from bot.studio.over import USUAL_STRENGTH
from bot.values.guest import Address
from cogs._ui import forms, offers, orders, uploads
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.post import Postman
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot

MOST_OPEN = 1_000
"""Forms that may be open at once; the oldest is forgotten first."""


class Menus(commands.Cog):
    """The first picture of the message is taken, whoever sent it."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)
        # Which picture each open form is about: a form's id has no room for an address.
        self._open: OrderedDict[str, uploads.Shown] = OrderedDict()

    @commands.message_command(name="Use as source")
    async def use_as_source(
        self, ctx: discord.ApplicationContext, message: discord.Message
    ) -> None:
        """Opens a form that asks what to make of the picture."""
        key = forms.source_id(ctx.interaction.id)
        self._open[key] = uploads.first_in(message)
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        await ctx.interaction.response.send_modal(forms.source(key))

    @commands.message_command(name="Upscale")
    async def upscale(self, ctx: discord.ApplicationContext, message: discord.Message) -> None:
        """Twice as large, by the best upscaler there is."""
        shown, studio = uploads.first_in(message), self._bot.studio

        async def order(address: Address) -> Job | None:
            data = await uploads.fetch_shown(self._bot, shown)
            options = UpscaleOptions(data, shown.name)
            return await studio.upscale(options, guest_of(ctx.interaction), address)

        await self._take(ctx.interaction, shown, order)

    @commands.message_command(name="Describe")
    async def describe(self, ctx: discord.ApplicationContext, message: discord.Message) -> None:
        """Words that would draw the picture."""
        shown, studio = uploads.first_in(message), self._bot.studio

        async def order(address: Address) -> Job | None:
            data = await uploads.fetch_shown(self._bot, shown)
            return await studio.describe(data, shown.name, guest_of(ctx.interaction), address)

        await self._take(ctx.interaction, shown, order)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A filled form."""
        key = interaction.custom_id or ""
        if interaction.type is not discord.InteractionType.modal_submit or not forms.is_source(key):
            return
        try:
            await self._paint_over(interaction, key)
        except Exception as error:
            await explain(interaction, error)

    async def _paint_over(self, interaction: discord.Interaction, key: str) -> None:
        studio, guest = self._bot.studio, guest_of(interaction)
        shown = self._open.get(key)
        if shown is None:
            raise Gone("I was restarted while this form was open. Please open it once more.")
        typed = forms.typed(interaction)
        given = DrawOptions(typed.get("prompt", ""), typed.get("negative_prompt") or None)
        options, pasted = studio.in_words(given)
        strength, bent = _strength(typed.get("strength", ""))
        studio.compose(options, guest, "img2img")

        async def order(address: Address) -> Job | None:
            over = OverOptions(await uploads.fetch_shown(self._bot, shown), strength)
            return await studio.img2img(options, over, guest, address)

        await self._take(interaction, shown, order)
        words = [bent, offers.WORDS_ONLY if pasted else None]
        if any(words):
            await orders.add(interaction, "\n".join(filter(None, words)))

    async def _take(
        self,
        interaction: discord.Interaction,
        shown: uploads.Shown,
        order: Callable[[Address], Coroutine[Any, Any, Job | None]],
    ) -> None:
        """What was hidden until it is clicked stays so."""
        studio = self._bot.studio
        alone = studio.private(guest_of(interaction), None)
        making = order(address_of(interaction, private=alone, spoiler=shown.spoiler))
        await orders.take(interaction, studio, self._postman, making, private=alone)


def _strength(typed: str) -> tuple[float | None, str | None]:
    """A number of 0 to 1, with a point or a comma, and a word when another was typed.

    A refusal would lose all that stands in the form.
    """
    text = typed.strip()
    if not text:
        return None, None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if 0 <= value <= 1:
        return value, None
    bent = USUAL_STRENGTH if math.isnan(value) else min(max(value, 0.0), 1.0)
    shown = text[:20].replace("`", "'")
    return bent, f"The strength can be 0 to 1, so I took {bent:g} in the place of `{shown}`."


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Menus(bot))
