"""/draw: words to a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.studio import Aspect, DrawOptions
from bot.studio.compose import LARGEST_CFG, LARGEST_SIDE, SMALLEST_SIDE
from bot.values.request import PROMPT_LIMIT, SEED_LIMIT
from cogs._ui import completions, orders
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.post import Postman

if TYPE_CHECKING:
    from bot.client import EaselBot

_ASPECTS = {
    Aspect.SQUARE: "Square",
    Aspect.PORTRAIT: "Portrait 2:3",
    Aspect.LANDSCAPE: "Landscape 3:2",
    Aspect.WIDE: "Wide 16:9",
    Aspect.TALL: "Tall 9:16",
}


class Draw(commands.Cog):
    """One command, one order."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.slash_command(name="draw", description="Draw a picture from your words.")
    @discord.option(
        "prompt", str, description="What to draw.", min_length=1, max_length=PROMPT_LIMIT
    )
    @discord.option(
        "negative_prompt",
        str,
        description="What to keep out of the picture.",
        required=False,
        max_length=PROMPT_LIMIT,
    )
    @discord.option(
        "model",
        str,
        description="Which model paints; type parts of its name.",
        required=False,
        autocomplete=completions.models,
    )
    @discord.option(
        "size",
        str,
        description="The shape; its pixels suit the model.",
        required=False,
        choices=[discord.OptionChoice(label, aspect.value) for aspect, label in _ASPECTS.items()],
    )
    @discord.option(
        "width",
        int,
        description="Width in pixels, instead of a shape.",
        required=False,
        min_value=SMALLEST_SIDE,
        max_value=LARGEST_SIDE,
    )
    @discord.option(
        "height",
        int,
        description="Height in pixels, instead of a shape.",
        required=False,
        min_value=SMALLEST_SIDE,
        max_value=LARGEST_SIDE,
    )
    @discord.option(
        "steps",
        int,
        description="How many steps; more take longer.",
        required=False,
        min_value=1,
        max_value=150,
    )
    @discord.option(
        "sampler",
        str,
        description="The sampler; best left to the model.",
        required=False,
        autocomplete=completions.samplers,
    )
    @discord.option(
        "scheduler",
        str,
        description="The noise schedule; best left to the model.",
        required=False,
        autocomplete=completions.schedulers,
    )
    @discord.option(
        "cfg_scale",
        float,
        description="How closely to follow the prompt.",
        required=False,
        min_value=0,
        max_value=LARGEST_CFG,
    )
    @discord.option(
        "seed",
        int,
        description="The same seed and settings give the same picture; -1 is random.",
        required=False,
        min_value=-1,
        max_value=SEED_LIMIT - 1,
    )
    @discord.option(
        "count",
        int,
        description="How many pictures.",
        required=False,
        min_value=1,
        max_value=10,
    )
    @discord.option("private", bool, description="Show the picture to you alone.", required=False)
    async def draw(  # noqa: PLR0917 - one parameter for each option, as py-cord calls it
        self,
        ctx: discord.ApplicationContext,
        prompt: str,
        negative_prompt: str | None = None,
        model: str | None = None,
        size: str | None = None,
        width: int | None = None,
        height: int | None = None,
        steps: int | None = None,
        sampler: str | None = None,
        scheduler: str | None = None,
        cfg_scale: float | None = None,
        seed: int | None = None,
        count: int | None = None,
        private: bool | None = None,
    ) -> None:
        """Checks from memory, then puts the order into the line."""
        studio = self._bot.studio
        guest = guest_of(ctx.interaction)
        options = DrawOptions(
            prompt=prompt,
            negative_prompt=negative_prompt,
            model=model,
            size=size,
            width=width,
            height=height,
            steps=steps,
            sampler=sampler,
            scheduler=scheduler,
            cfg_scale=cfg_scale,
            seed=seed,
            count=count,
        )
        request, route = studio.compose(options, guest)
        alone = studio.private(guest, private)
        address = address_of(ctx.interaction, private=alone)
        order = studio.draw(request, route, guest, address)
        await orders.take(ctx.interaction, studio, self._postman, order, private=alone)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Draw(bot))
