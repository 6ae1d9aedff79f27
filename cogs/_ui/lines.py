"""`/queue` as a card: who stands where, a select that cancels, what admins may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord

from bot.studio.lines import Standing, View
from bot.values.look import QUIET_COLOUR
from cogs._ui.cards import Card, clipped, duration, ordinal, plain

SHOWN = 12
TITLES = {View.MINE: "Yours", View.SERVER: "This server's", View.ALL: "All"}
_ID = "line"


def custom_id(action: str, view: View) -> str:
    """`line:<action>:<view>`."""
    return f"{_ID}:{action}:{view}"


def parse(text: str) -> tuple[str, View] | None:
    """The action and view of an id; None when it is not one of these."""
    parts = text.split(":")
    if len(parts) != 3 or parts[0] != _ID or parts[2] not in list(View):
        return None
    return parts[1], View(parts[2])


def card(
    standing: Sequence[Standing],
    view: View,
    views: Sequence[View],
    *,
    may_cancel: Sequence[int],
    admin: bool,
    paused: bool,
    notice: str | None = None,
) -> Card:
    """The card of a view. `may_cancel`: ids of the jobs that the guest may end."""
    lines = [_line(one) for one in standing[:SHOWN]]
    if len(standing) > SHOWN:
        lines.append(f"… and {len(standing) - SHOWN} more")
    if paused:
        lines.insert(0, "⏸️ An admin has paused this server's line.")
    if notice:
        lines.insert(0, notice)
    embed = discord.Embed(
        title=f"In line · {TITLES[view]}",
        description="\n".join(lines) or "Nothing is waiting.",
        colour=QUIET_COLOUR,
    )
    made = discord.ui.View(timeout=None, store=False)
    able = [one for one in standing[:25] if one.job.id in may_cancel]
    if able:
        made.add_item(_select(able, view))
    for other in views:
        made.add_item(_button(TITLES[other], custom_id("see", other), off=other is view))
    made.add_item(_button("Refresh", custom_id("refresh", view)))
    if admin and view is View.SERVER:
        word = "resume" if paused else "pause"
        made.add_item(_button(f"{word.title()} this server's line", custom_id(word, view)))
        made.add_item(_button("Cancel all that waits", custom_id("clear", view), danger=True))
    return Card(embed, made)


def sure(view: View, count: int) -> Card:
    """Asks before everything that waits is cancelled."""
    embed = discord.Embed(
        description=f"Cancel all {count} pictures that wait on this server?", colour=QUIET_COLOUR
    )
    made = discord.ui.View(timeout=None, store=False)
    made.add_item(_button(f"Yes, cancel {count}", custom_id("really", view), danger=True))
    made.add_item(_button("No", custom_id("see", view)))
    return Card(embed, made)


def _line(one: Standing) -> str:
    words = "a private picture" if one.words is None else f"**{plain(clipped(one.words, 80))}**"
    where = "drawing" if one.place is None else _where(one)
    trouble = " ⚠️" if one.trouble else ""
    return f"{where} · {words} · <@{one.job.guest.user_id}>{trouble}"


def _where(one: Standing) -> str:
    place = one.place
    if place is None:
        return ""
    where = f"{place.position}+" if place.beyond else ordinal(place.position)
    eta = place.eta_seconds
    return where if eta is None else f"{where}, about {duration(eta)}"


def _select(able: Sequence[Standing], view: View) -> discord.ui.Select[Any, Any, Any]:
    return discord.ui.Select(
        custom_id=custom_id("cancel", view),
        placeholder="Cancel …",
        options=[
            discord.SelectOption(
                label=clipped(one.words or "a private picture", 100), value=str(one.job.id)
            )
            for one in able
        ],
    )


def _button(
    label: str, custom_id: str, *, off: bool = False, danger: bool = False
) -> discord.ui.Button[discord.ui.View]:
    style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary
    button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
        label=label, custom_id=custom_id, style=style, disabled=off
    )
    return button
