"""/queue: where things stand, with a select that cancels; admins pause, resume and clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.errors import Refusal
from bot.queue.job import Status
from bot.studio.lines import View
from cogs._ui import cards, lines
from cogs._ui.arrivals import guest_of
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot


class QueueCard(commands.Cog):
    """A private card; its ids hold its state."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot

    @commands.slash_command(name="queue", description="See where your pictures stand in line.")
    @discord.option(
        "show",
        str,
        description="Whose pictures (yours).",
        required=False,
        choices=[discord.OptionChoice(title, view.value) for view, title in lines.TITLES.items()],
    )
    async def queue(self, ctx: discord.ApplicationContext, show: str = View.MINE) -> None:
        """The card of one view."""
        card = self._card(ctx.interaction, View(show))
        await ctx.respond(embed=card.embed, view=card.view, ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A press or a choice on such a card."""
        if interaction.type is not discord.InteractionType.component:
            return
        asked = lines.parse(interaction.custom_id or "")
        if asked is None:
            return
        try:
            card = await self._act(interaction, *asked)
            await interaction.response.edit_message(embed=card.embed, view=card.view)
        except Exception as error:
            await explain(interaction, error)

    async def _act(self, interaction: discord.Interaction, action: str, view: View) -> cards.Card:
        studio, guest, notice = self._bot.studio, guest_of(interaction), None
        if action == "cancel":
            data: dict[str, list[str]] = interaction.data or {}  # type: ignore[assignment]
            try:
                await studio.cancel(int((data.get("values") or ["0"])[0]), guest)
                notice = "Cancelled."
            except Refusal as refusal:
                notice = refusal.sentence
        elif action in ("pause", "resume"):
            await studio.lines.pause(guest, action == "pause")
        elif action == "clear":
            return lines.sure(view, studio.lines.clearable(guest))
        elif action == "really":
            ended = await studio.lines.clear(guest)
            notice = f"Cancelled {ended} waiting pictures."
        return self._card(interaction, view, notice)

    def _card(
        self, interaction: discord.Interaction, view: View, notice: str | None = None
    ) -> cards.Card:
        studio, guest = self._bot.studio, guest_of(interaction)
        standing = studio.lines.shown(guest, view)
        open_jobs = (s.job for s in standing if s.job.status in (Status.WAITING, Status.RUNNING))
        return lines.card(
            standing,
            view,
            studio.lines.views(guest),
            may_cancel=[job.id for job in open_jobs if studio.may_end(job, guest)],
            admin=studio.rules.may_change(guest),
            paused=view is View.SERVER and studio.lines.paused(guest.guild_id),
            notice=notice,
        )


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(QueueCard(bot))
