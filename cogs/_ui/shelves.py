"""`/models` as a card: a page of names, tabs, a select to switch. Its ids hold all its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.studio.shelf import Entry, Tab
from bot.values.look import QUIET_COLOUR
from cogs._ui.cards import Card, clipped, plain

PAGE = 12
PICK = "models-pick"
TITLES = {
    Tab.MODELS: "Models",
    Tab.LORAS: "LoRAs",
    Tab.EMBEDDINGS: "Embeddings",
    Tab.VAES: "VAEs",
    Tab.SAMPLERS: "Samplers",
    Tab.UPSCALERS: "Upscalers",
}


@dataclass(frozen=True)
class View:
    """What is looked at. `query` is cut so that it fits an id (Discord: 100 characters)."""

    tab: Tab
    page: int
    query: str

    def custom_id(self, button: str) -> str:
        """`models:<button>:<tab>:<page>:<query>`; two buttons may lead to the same page."""
        return f"models:{button}:{self.tab}:{self.page}:{self.query}"

    @classmethod
    def parse(cls, custom_id: str) -> View | None:
        """None when the id is not one of these."""
        parts = custom_id.split(":", 4)
        if len(parts) != 5 or parts[0] != "models" or parts[2] not in list(Tab):
            return None
        if not parts[3].isdecimal():
            return None
        return cls(Tab(parts[2]), int(parts[3]), parts[4])

    @classmethod
    def first(cls, tab: Tab, query: str) -> View:
        """The first page of a search."""
        return cls(tab, 0, clipped(query, 60))


def card(entries: Sequence[Entry], tabs: Sequence[Tab], view: View) -> Card:
    """The page of a view; a page past the end is the last one."""
    pages = max(1, -(-len(entries) // PAGE))
    page = min(view.page, pages - 1)
    shown = entries[page * PAGE : (page + 1) * PAGE]
    embed = discord.Embed(
        title=TITLES[view.tab],
        description="\n".join(map(_line, shown)) or "Nothing here holds these words.",
        colour=QUIET_COLOUR,
    )
    found = f"{len(entries)} found" if view.query else f"{len(entries)} in all"
    embed.set_footer(text=f"page {page + 1} of {pages} · {found}")
    return Card(embed, _view(shown, tabs, View(view.tab, page, view.query), pages))


def _line(entry: Entry) -> str:
    parts = [f"**{plain(clipped(entry.name, 100))}**"]
    if entry.hash:
        parts.append(f"`{entry.hash[:10]}`")
    if entry.note:
        parts.append(entry.note)
    parts += [f"*{mark}*" for mark in entry.marks]
    return " · ".join(parts)


def _view(shown: Sequence[Entry], tabs: Sequence[Tab], view: View, pages: int) -> discord.ui.View:
    made = discord.ui.View(timeout=None, store=False)
    if view.tab is Tab.MODELS and shown:
        made.add_item(_select(shown))
    if pages > 1:
        for label, name, page in (("◀", "back", view.page - 1), ("▶", "on", view.page + 1)):
            there = View(view.tab, max(0, page), view.query).custom_id(name)
            made.add_item(_button(label, there, row=1, off=not 0 <= page < pages))
    for n, tab in enumerate(tabs):
        there = View(tab, 0, view.query).custom_id("tab")
        made.add_item(_button(TITLES[tab], there, row=2 + n // 5, off=tab is view.tab))
    return made


def _select(shown: Sequence[Entry]) -> discord.ui.Select[Any, Any, Any]:
    chosen: discord.ui.Select[Any, Any, Any] = discord.ui.Select(
        custom_id=PICK,
        placeholder="Draw with … (for you)",
        options=[
            discord.SelectOption(label=e.name[:100], value=e.name[:100], default="yours" in e.marks)
            for e in shown
        ],
        row=0,
    )
    return chosen


def _button(
    label: str, custom_id: str, *, row: int, off: bool
) -> discord.ui.Button[discord.ui.View]:
    button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
        label=label,
        custom_id=custom_id,
        style=discord.ButtonStyle.secondary,
        disabled=off,
        row=row,
    )
    return button
