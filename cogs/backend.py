"""/backend: for the operators of the bot, in their own servers. How the image servers are, and
what can be done about it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.errors import BackendError, EaselError, Gone
from bot.studio.owners import Owners
from bot.studio.search import find, whole
from bot.studio.stewards import CHECKPOINT_TYPES, Arrival, Machine
from cogs._ui import backends, machines
from cogs._ui.arrivals import guest_of
from cogs._ui.backends import Pressed
from cogs._ui.following import Followers, View
from cogs._ui.trouble import explain

if TYPE_CHECKING:
    from bot.client import EaselBot

SUGGEST_SECONDS = 2.0
"""Discord waits 3 s for a completion."""
_WHICH = "Which backend (the only one)."


News = Callable[[Sequence[Machine]], tuple[str, bool]]
"""What has become of an order, from the endpoints that there are; and whether it goes on."""


def _owners(ctx: discord.AutocompleteContext) -> Owners | None:
    """The owners' room; None for anybody else."""
    owners: Owners = ctx.bot.studio.owners  # type: ignore[attr-defined]
    return owners if owners.admits(guest_of(ctx.interaction)) else None


async def _names(ctx: discord.AutocompleteContext) -> list[str]:
    """All backends that hold every typed word."""
    owners = _owners(ctx)
    return find(ctx.value or "", owners.names()) if owners else []


async def _stewards(ctx: discord.AutocompleteContext) -> list[str]:
    """Those whose machines can be looked after from here."""
    owners = _owners(ctx)
    return find(ctx.value or "", owners.stewards.names()) if owners else []


async def _enabled(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """The checkpoints that members can choose."""
    return await _checkpoints(ctx, enabled=True)


async def _disabled(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """The others."""
    return await _checkpoints(ctx, enabled=False)


async def _checkpoints(
    ctx: discord.AutocompleteContext, *, enabled: bool
) -> list[discord.OptionChoice]:
    """None while they can't be asked for."""
    owners = _owners(ctx)
    if owners is None:
        return []
    try:
        name = owners.pick_steward(ctx.options.get("backend"))
        async with asyncio.timeout(SUGGEST_SECONDS):
            found = await owners.stewards.suggested(name, ctx.value or "", enabled=enabled)
    except (EaselError, TimeoutError):
        return []
    return [discord.OptionChoice(label[:100], value) for label, value in found.items()]


_which = discord.option(
    "backend", str, description=_WHICH, required=False, max_length=32, autocomplete=_names
)
_which_steward = discord.option(
    "backend", str, description=_WHICH, required=False, max_length=32, autocomplete=_stewards
)


class BackendDesk(commands.Cog):
    """Private cards whose ids hold their state; each asks the owners' room one thing."""

    backend = discord.SlashCommandGroup(
        "backend",
        "For the operator: look after the image servers.",
        # Which servers is known at sign-in: `bot.client` says.
        guild_ids=[],
        default_member_permissions=discord.Permissions(manage_guild=True),
    )
    checkpoint = backend.create_subgroup("checkpoint", "Add, enable or disable model files.")

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._followers = Followers()

    async def close(self) -> None:
        """Follows nothing any more."""
        await self._followers.close()

    # Commands.

    @backend.command(name="status", description="How the image servers are, and their last jobs.")
    @_which
    async def status(self, ctx: discord.ApplicationContext, backend: str | None = None) -> None:
        """One card, which follows what is under way."""
        asked = self._desk(ctx.interaction).pick(backend) if backend else None
        await ctx.defer(ephemeral=True)
        await self._status(ctx.interaction, asked)

    @backend.command(name="endpoints", description="Rented endpoints: see, deploy, delete.")
    @_which_steward
    async def endpoints(self, ctx: discord.ApplicationContext, backend: str | None = None) -> None:
        """The list, with selects to deploy and delete."""
        name = self._desk(ctx.interaction).pick_steward(backend)
        await ctx.defer(ephemeral=True)
        await self._endpoints(ctx.interaction, name)

    @backend.command(name="refresh", description="Have an image server look at its files again.")
    @_which
    async def refresh(self, ctx: discord.ApplicationContext, backend: str | None = None) -> None:
        """May take as long as the picture that is being drawn."""
        owners, guest = self._desk(ctx.interaction), guest_of(ctx.interaction)
        name = owners.pick(backend)
        await ctx.defer(ephemeral=True)
        card = backends.refreshed(name, *await owners.refresh(guest, name))
        await ctx.interaction.edit_original_response(embed=card.embed)

    @backend.command(name="drain", description="Let an image server end its jobs and take no new.")
    @discord.option(
        "state",
        str,
        description="on: it takes nothing new; off: it takes jobs again.",
        choices=[discord.OptionChoice(word) for word in ("on", "off")],
    )
    @_which
    async def drain(
        self, ctx: discord.ApplicationContext, state: str, backend: str | None = None
    ) -> None:
        """Kept over restarts."""
        name = self._desk(ctx.interaction).pick(backend)
        await ctx.defer(ephemeral=True)
        await self._drain(ctx.interaction, name, state)

    @checkpoint.command(name="add", description="Have a model file fetched from the web.")
    @discord.option("url", str, description="Its https:// link.", max_length=2000)
    @discord.option(
        "type",
        str,
        description="What it is (Stable-diffusion).",
        required=False,
        parameter_name="kind",
        choices=[discord.OptionChoice(kind) for kind in CHECKPOINT_TYPES],
    )
    @_which_steward
    async def add(
        self,
        ctx: discord.ApplicationContext,
        url: str,
        kind: str = CHECKPOINT_TYPES[0],
        backend: str | None = None,
    ) -> None:
        """Followed until it is there."""
        owners, guest = self._desk(ctx.interaction), guest_of(ctx.interaction)
        name = owners.pick_steward(backend)
        await ctx.defer(ephemeral=True)
        arrival = await owners.send_for(guest, name, url.strip(), kind)
        await self._followers.show(ctx.interaction, partial(self._arrival, owners, arrival))

    @checkpoint.command(name="enable", description="Let members choose a model file.")
    @discord.option(
        "name",
        str,
        description="Parts of its name.",
        autocomplete=_disabled,
    )
    @_which_steward
    async def enable(
        self, ctx: discord.ApplicationContext, name: str, backend: str | None = None
    ) -> None:
        """Active."""
        await self._switch(ctx, name, backend, enabled=True)

    @checkpoint.command(name="disable", description="Keep members from choosing a model file.")
    @discord.option(
        "name",
        str,
        description="Parts of its name.",
        autocomplete=_enabled,
    )
    @_which_steward
    async def disable(
        self, ctx: discord.ApplicationContext, name: str, backend: str | None = None
    ) -> None:
        """Disabled; its file stays."""
        await self._switch(ctx, name, backend, enabled=False)

    # Presses.

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A press or a choice on such a card."""
        if interaction.type is not discord.InteractionType.component:
            return
        asked = backends.pressed(interaction.custom_id or "")
        if asked is None:
            return
        if interaction.message is not None:
            self._followers.leave(interaction.message.id)
        try:
            self._desk(interaction)
            await self._act(interaction, asked)
        except Exception as error:
            await explain(interaction, error)

    async def _act(self, interaction: discord.Interaction, asked: Pressed) -> None:
        name = asked.backend
        if asked.action in ("rent", "count", "delete"):
            await self._question(interaction, asked)
            return
        await interaction.response.defer()
        if asked.action == "look":
            await self._status(interaction, name or None)
        elif asked.action == "drain":
            await self._drain(interaction, name, asked.what)
        elif asked.action == "list":
            await self._endpoints(interaction, name)
        elif asked.action == "deploy":
            await self._deploy(interaction, asked)
        elif asked.action == "undeploy":
            await self._undeploy(interaction, asked)

    async def _question(self, interaction: discord.Interaction, asked: Pressed) -> None:
        """What it costs, or what is lost, before anything is done. From memory."""
        owners, name, value = self._desk(interaction), asked.backend, backends.chosen(interaction)
        if asked.action == "delete":
            card = machines.sure_to_delete(name, value)
        else:
            stewards, counts = owners.stewards, asked.action == "count"
            kind = whole(asked.what if counts else value, stewards.deployment(name).types)
            rental = stewards.rental(name, kind, int(value) if counts else 1)
            card = machines.sure_to_deploy(rental)
        await interaction.response.edit_message(embed=card.embed, view=card.view)

    async def _deploy(self, interaction: discord.Interaction, asked: Pressed) -> None:
        owners, name = self._desk(interaction), asked.backend
        count, _, what = asked.what.partition("/")
        kind = whole(what, owners.stewards.deployment(name).types)
        rental = owners.stewards.rental(name, kind, int(count))
        endpoint = await owners.deploy(guest_of(interaction), rental)
        await self._endpoints(interaction, name, partial(machines.deployed, endpoint))

    async def _undeploy(self, interaction: discord.Interaction, asked: Pressed) -> None:
        owners, name, guest = self._desk(interaction), asked.backend, guest_of(interaction)
        there = [m.state.name for m in await owners.machines(guest, name)]
        endpoint = whole(asked.what, there)
        if endpoint not in there:
            raise Gone("There is no such endpoint any more.")
        await owners.undeploy(guest, name, endpoint)
        await self._endpoints(interaction, name, partial(machines.deleted, endpoint))

    # Cards.

    async def _status(self, interaction: discord.Interaction, asked: str | None) -> None:
        owners, guest = self._desk(interaction), guest_of(interaction)
        names = [owners.pick(asked)] if asked else owners.names()

        async def look() -> View:
            reports = await owners.reports(guest, names)
            return View(backends.status(reports, asked), any(r.under_way for r in reports))

        await self._followers.show(interaction, look)

    async def _endpoints(
        self, interaction: discord.Interaction, name: str, news: News | None = None
    ) -> None:
        owners, guest = self._desk(interaction), guest_of(interaction)
        prices = owners.stewards.prices(name)

        async def look() -> View:
            try:
                found = await owners.machines(guest, name)
            except BackendError as error:
                if news is None:
                    raise
                # What was begun goes on, whether it can be seen or not.
                return View(machines.unseen(name, error.sentence), True)
            notice, going = news(found) if news else (None, False)
            card = machines.endpoints(name, found, prices, notice)
            return View(card, going or any(m.under_way for m in found))

        await self._followers.show(interaction, look)

    async def _arrival(self, owners: Owners, arrival: Arrival) -> View:
        there = False
        with contextlib.suppress(BackendError):
            there = await owners.stewards.arrived(arrival)
        return View(machines.arriving(arrival, there=there), not there)

    async def _drain(self, interaction: discord.Interaction, name: str, state: str) -> None:
        owners, guest = self._desk(interaction), guest_of(interaction)
        await owners.drain(guest, name, state == "on")
        (report,) = await owners.reports(guest, [name])
        card = backends.drained(name, report.drained, report.running, report.waiting)
        await interaction.edit_original_response(embed=card.embed, view=card.view)

    async def _switch(
        self, ctx: discord.ApplicationContext, typed: str, backend: str | None, *, enabled: bool
    ) -> None:
        owners, guest = self._desk(ctx.interaction), guest_of(ctx.interaction)
        name = owners.pick_steward(backend)
        await ctx.defer(ephemeral=True)
        chosen = await owners.switch(guest, name, typed, enabled=enabled)
        card = machines.switched(chosen.name, chosen.type, name, enabled=enabled)
        await ctx.interaction.edit_original_response(embed=card.embed)

    def _desk(self, interaction: discord.Interaction) -> Owners:
        """The owners' room. Raises NotAllowed for anybody else."""
        owners = self._bot.studio.owners
        owners.admit(guest_of(interaction))
        return owners


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(BackendDesk(bot))
