"""/img2img: a picture and words to a picture; with a mask, only a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.queue.job import Job
from bot.studio import Aspect, DrawOptions, OverOptions
from bot.studio.compose import LARGEST_CFG
from bot.studio.over import FILLS, RESIZE_MODES
from bot.values.guest import Address, Guest
from bot.values.request import PROMPT_LIMIT, SEED_LIMIT
from cogs._ui import completions, orders, uploads
from cogs._ui.arrivals import address_of, guest_of
from cogs._ui.post import Postman

if TYPE_CHECKING:
    from bot.client import EaselBot


class Img2Img(commands.Cog):
    """One command, one order; the picture is fetched and prepared on the way to the row."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)

    @commands.slash_command(name="img2img", description="Paint over a picture of yours.")
    @discord.option("image", discord.Attachment, description="The picture to begin with.")
    @discord.option(
        "prompt", str, description="What to make of it.", min_length=1, max_length=PROMPT_LIMIT
    )
    @discord.option(
        "strength",
        float,
        description="How much may change: 0 nothing, 1 all (0.6).",
        required=False,
        min_value=0,
        max_value=1,
    )
    @discord.option(
        "negative_prompt",
        str,
        description="What to keep out of the picture.",
        required=False,
        max_length=PROMPT_LIMIT,
    )
    @discord.option(
        "mask",
        discord.Attachment,
        description="White is painted anew, black is kept.",
        required=False,
    )
    @discord.option(
        "mask_blur",
        int,
        description="How softly the mask ends, in pixels (4).",
        required=False,
        min_value=0,
        max_value=64,
    )
    @discord.option(
        "masked_content",
        str,
        description="What the masked part begins as (original).",
        required=False,
        choices=list(FILLS),
    )
    @discord.option(
        "only_masked", bool, description="Paint the masked part at full size.", required=False
    )
    @discord.option(
        "invert_mask", bool, description="Paint the black part instead.", required=False
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
        description="The shape, instead of the picture's own.",
        required=False,
        choices=[a.value for a in Aspect],
    )
    @discord.option(
        "resize",
        str,
        description="How the picture is brought to another shape.",
        required=False,
        choices=list(RESIZE_MODES),
    )
    @discord.option(
        "steps", int, description="How many steps.", required=False, min_value=1, max_value=150
    )
    @discord.option(
        "sampler",
        str,
        description="The sampler; best left to the model.",
        required=False,
        autocomplete=completions.samplers,
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
        "count", int, description="How many pictures.", required=False, min_value=1, max_value=10
    )
    @discord.option("private", bool, description="Show the picture to you alone.", required=False)
    async def img2img(  # noqa: PLR0917 - one parameter for each option, as py-cord calls it
        self,
        ctx: discord.ApplicationContext,
        image: discord.Attachment,
        prompt: str,
        strength: float | None = None,
        negative_prompt: str | None = None,
        mask: discord.Attachment | None = None,
        mask_blur: int = 4,
        masked_content: str = "original",
        only_masked: bool = False,
        invert_mask: bool = False,
        model: str | None = None,
        size: str | None = None,
        resize: str = "stretch",
        steps: int | None = None,
        sampler: str | None = None,
        cfg_scale: float | None = None,
        seed: int | None = None,
        count: int | None = None,
        private: bool | None = None,
    ) -> None:
        """Checks from memory, then fetches, prepares and puts the order into the line."""
        options = DrawOptions(
            prompt=prompt,
            negative_prompt=negative_prompt,
            model=model,
            size=size,
            steps=steps,
            sampler=sampler,
            cfg_scale=cfg_scale,
            seed=seed,
            count=count,
        )
        uploads.check("image", image)
        if mask is not None:
            uploads.check("mask", mask)
        guest = guest_of(ctx.interaction)
        self._bot.studio.compose(options, guest)
        alone = self._bot.studio.private(guest, private)
        address = address_of(ctx.interaction, private=alone)

        async def order() -> Job | None:
            over = OverOptions(
                image=await uploads.fetch("image", image),
                strength=strength,
                resize=resize,
                mask=None if mask is None else await uploads.fetch("mask", mask),
                mask_blur=mask_blur,
                masked_content=masked_content,
                only_masked=only_masked,
                invert_mask=invert_mask,
            )
            return await self._order(options, over, guest, address)

        await orders.take(ctx.interaction, self._bot.studio, self._postman, order(), private=alone)

    async def _order(
        self, options: DrawOptions, over: OverOptions, guest: Guest, address: Address
    ) -> Job | None:
        return await self._bot.studio.img2img(options, over, guest, address)


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Img2Img(bot))
