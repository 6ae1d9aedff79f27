"""`/backend endpoints` and `/backend checkpoint` as cards: what there is, and the question before
something costs money or is taken away.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import discord

from bot.studio.idle import Idle
from bot.studio.search import shortened
from bot.studio.stewards import Arrival, Machine, Rental
from bot.values.look import CALM_COLOUR, DONE_COLOUR, QUIET_COLOUR
from cogs._ui.backends import ROOM, button, custom_id, machine_line, select, usd
from cogs._ui.cards import Card, clipped, duration, plain

MOST_SHOWN = 15
"""Endpoints on one card."""


def endpoints(
    name: str,
    machines: Sequence[Machine],
    prices: Mapping[str, float],
    notice: str | None = None,
) -> Card:
    """All endpoints of a backend; selects that delete one, or deploy one of the types that have
    `prices` (US dollars per hour and instance)."""
    now = time.time()
    lines = [machine_line(m, now) for m in machines[:MOST_SHOWN]] or ["There are no endpoints."]
    if len(machines) > MOST_SHOWN:
        lines.append(f"… and {len(machines) - MOST_SHOWN} more")
    if notice:
        lines = [notice, "", *lines]
    going = any(m.under_way for m in machines)
    embed = discord.Embed(
        title=f"Endpoints of {clipped(name, 100)}",
        description=clipped_lines(lines),
        colour=CALM_COLOUR if going else QUIET_COLOUR,
    )
    view = discord.ui.View(timeout=None, store=False)
    names = [m.state.name for m in machines if m.state.status != "Deleting"]
    if names:
        options = [discord.SelectOption(label=n[:100], value=shortened(n)) for n in names]
        view.add_item(select(custom_id("delete", name), "Delete …", options))
    if prices:
        options = [
            discord.SelectOption(
                label=kind[:100],
                value=shortened(kind),
                description=f"{usd(price)} per hour and instance",
            )
            for kind, price in prices.items()
        ]
        view.add_item(select(custom_id("rent", name), "Deploy …", options))
    view.add_item(button("Look again", custom_id("list", name)))
    return Card(embed, view)


def unseen(name: str, sentence: str) -> Card:
    """Something is under way, and its list can't be had just now."""
    text = f"⏳ It is under way. The endpoints can't be seen just now: {sentence}"
    embed = discord.Embed(
        title=f"Endpoints of {clipped(name, 100)}", description=text, colour=CALM_COLOUR
    )
    view = discord.ui.View(timeout=None, store=False)
    view.add_item(button("Look again", custom_id("list", name)))
    return Card(embed, view)


def deployed(endpoint: str, machines: Sequence[Machine]) -> tuple[str, bool]:
    """What has become of a deployment so far, and whether it goes on."""
    here = next((m for m in machines if m.state.name == endpoint), None)
    shown = plain(endpoint)
    if here is None or here.under_way:
        return f"⏳ **{shown}** is being deployed, which takes minutes.", True
    if here.state.status == "Failed":
        return f"🔴 **{shown}** could not be deployed.", False
    return f"🟢 **{shown}** is in service.", False


def deleted(endpoint: str, machines: Sequence[Machine]) -> tuple[str, bool]:
    """The same of one that is given back."""
    shown = plain(endpoint)
    if any(m.state.name == endpoint for m in machines):
        return f"⏳ **{shown}** is being deleted.", True
    return f"🗑️ **{shown}** is deleted.", False


def sure_to_deploy(rental: Rental) -> Card:
    """What a deployment costs; a select for how many instances, where several are allowed."""
    count, kind = rental.instances, plain(rental.type)
    text = (
        f"Deploy {count} × **{kind}** on **{plain(rental.backend)}**?\n"
        f"This costs about {usd(rental.usd_per_hour)} per hour while it runs, until you delete it."
    )
    view = discord.ui.View(timeout=None, store=False)
    what = shortened(rental.type, ROOM - 4)
    if rental.most > 1:
        options = [
            discord.SelectOption(
                label="1 instance" if n == 1 else f"{n} instances", value=str(n), default=n == count
            )
            for n in range(1, min(rental.most, 25) + 1)
        ]
        view.add_item(select(custom_id("count", rental.backend, what), "Instances", options))
    there = custom_id("deploy", rental.backend, f"{count}/{what}")
    view.add_item(button("Yes, deploy", there, danger=True))
    view.add_item(button("No", custom_id("list", rental.backend)))
    return Card(discord.Embed(description=text, colour=QUIET_COLOUR), view)


def sure_to_delete(name: str, endpoint: str) -> Card:
    """Asks before an endpoint is given back."""
    text = (
        f"Delete **{plain(endpoint)}** of **{plain(name)}**?\n"
        "What it is drawing just now is lost; what waits keeps its place until another is there."
    )
    view = discord.ui.View(timeout=None, store=False)
    there = custom_id("undeploy", name, shortened(endpoint, ROOM))
    view.add_item(button("Yes, delete it", there, danger=True))
    view.add_item(button("No", custom_id("list", name)))
    return Card(discord.Embed(description=text, colour=QUIET_COLOUR), view)


def arriving(arrival: Arrival, *, there: bool) -> Card:
    """A checkpoint on its way, or there."""
    what = f"**{plain(clipped(arrival.name, 200))}** ({arrival.kind})"
    where = plain(arrival.backend)
    if there:
        text = f"✅ {what} is on {where} and can be chosen."
        return Card(discord.Embed(description=text, colour=DONE_COLOUR))
    text = (
        f"⏳ {what} is on its way to {where}, since <t:{int(arrival.since)}:R>. It takes minutes; "
        "a link that leads nowhere is not told to me."
    )
    return Card(discord.Embed(description=text, colour=CALM_COLOUR))


def unused(idle: Idle) -> Card:
    """For the owners: a rented endpoint has had no job for long."""
    state, price = idle.machine.state, idle.machine.usd_per_hour
    cost = "" if not price else f" It costs about {usd(price)} per hour."
    text = (
        f"💤 **{plain(state.name)}** of **{plain(idle.backend)}** has drawn nothing for "
        f"{duration(idle.seconds)}.{cost} `/backend endpoints` deletes it; I say this once, and "
        "again only after another job."
    )
    return Card(discord.Embed(description=text, colour=CALM_COLOUR))


def switched(checkpoint: str, kind: str, name: str, *, enabled: bool) -> Card:
    """Whether members may choose a checkpoint from now on."""
    what = f"**{plain(clipped(checkpoint, 200))}** ({plain(kind)})"
    text = (
        f"✅ Members can choose {what} of {plain(name)}."
        if enabled
        else f"🚫 Members can no longer choose {what} of {plain(name)}; its file stays."
    )
    return Card(discord.Embed(description=text, colour=QUIET_COLOUR))


def clipped_lines(lines: Sequence[str], most: int = 3900) -> str:
    """As many whole lines as fit."""
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) > most:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)
