"""`/models` as a card: a page of names, tabs, a select to switch, and Refresh.

The ids of its buttons hold all its state, so that it works for ever. Labels, names and notes are
as long as their authors like: a page that would be too long is told in fewer words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import discord

from bot.studio.search import shortened
from bot.studio.shelf import YOURS, Entry, Tab
from bot.values.look import QUIET_COLOUR
from cogs._ui.cards import Card, clipped, plain

PICK = "models-pick"
REFRESH = "refresh"
TITLES = {
    Tab.MODELS: "Models",
    Tab.LORAS: "LoRAs",
    Tab.EMBEDDINGS: "Embeddings",
    Tab.VAES: "VAEs",
    Tab.HYPERNETWORKS: "Hypernetworks",
    Tab.CONTROL_MODELS: "ControlNet",
    Tab.SAMPLERS: "Samplers",
    Tab.UPSCALERS: "Upscalers",
}
PAGE = {Tab.MODELS: 8, Tab.LORAS: 8}
"""Entries of a page: those that have more to say than their name."""
PAGE_OF_NAMES = 20
LONGEST_TEXT = 3550
LONGEST_NOTICE = 250
"""Characters of a page and of the line above it: together below the 4096 of a description
(contracts: discord 8)."""
ROOMS = ((100, 200), (60, 100), (40, 0), (16, 0))
"""Characters of a name and of a sentence: the first room in which a page fits is taken.

In the last one it always does: an entry is at most 160 characters, a page at most 20 entries.
"""


class Refresh(Enum):
    """The button that has the lists read anew."""

    HIDDEN = "hidden"
    OFFERED = "offered"
    RUNNING = "running"


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
    def first(cls, tab: Tab, query: str) -> View:
        """The first page of a search."""
        return cls(tab, 0, clipped(query, 60))


def pressed(custom_id: str) -> tuple[str, View] | None:
    """The button of an id and where it leads; None when the id is not one of these."""
    parts = custom_id.split(":", 4)
    if len(parts) != 5 or parts[0] != "models" or parts[2] not in list(Tab):
        return None
    if not parts[3].isdecimal():
        return None
    return parts[1], View(Tab(parts[2]), int(parts[3]), parts[4])


def card(
    entries: Sequence[Entry],
    tabs: Sequence[Tab],
    view: View,
    refresh: Refresh = Refresh.HIDDEN,
    notice: str | None = None,
    *,
    fixed: str | None = None,
) -> Card:
    """The page of a view, under a line of notice; a page past the end is the last one.

    `fixed`: the sentence for models that nobody here can choose.
    """
    size = PAGE.get(view.tab, PAGE_OF_NAMES)
    pages = max(1, -(-len(entries) // size))
    page = min(view.page, pages - 1)
    shown = entries[page * size : (page + 1) * size]
    none = "Nothing here holds these words." if view.query else "Nothing is listed here yet."
    text = _text(shown) or none
    if fixed and view.tab is Tab.MODELS:
        text = f"{text}\n\n{plain(clipped(fixed, LONGEST_NOTICE))}"
    embed = discord.Embed(
        title=TITLES[view.tab],
        description=f"{clipped(notice, LONGEST_NOTICE)}\n\n{text}" if notice else text,
        colour=QUIET_COLOUR,
    )
    found = f"{len(entries)} found" if view.query else f"{len(entries)} in all"
    embed.set_footer(text=f"page {page + 1} of {pages} · {found}" if pages > 1 else found)
    here = View(view.tab, page, view.query)
    return Card(embed, _view(shown if fixed is None else (), tabs, here, pages, refresh))


def looked_again(
    tab: Tab, before: Mapping[Tab, Sequence[str]], after: Mapping[Tab, Sequence[str]]
) -> str:
    """One line for what a refresh has found, by name: on this tab, and wherever else it changed."""
    told = [_change(t, before[t], after[t]) for t in Tab if t is tab or before[t] != after[t]]
    return f"🔄 Looked again: {'; '.join(told)}."


def _change(tab: Tab, before: Iterable[str], after: Sequence[str]) -> str:
    title = TITLES[tab]
    noun = title if tab in (Tab.LORAS, Tab.VAES, Tab.CONTROL_MODELS) else title.lower()
    new, gone = len({*after} - {*before}), len({*before} - {*after})
    parts = [f"{len(after)} {noun.removesuffix('s') if len(after) == 1 else noun}"]
    parts += [f"{count} {word}" for count, word in ((new, "new"), (gone, "gone")) if count]
    return ", ".join(parts)


def _text(shown: Sequence[Entry]) -> str:
    """The page in the widest room that it fits."""
    pages = ([_entry(e, *room) for e in shown] for room in ROOMS)
    # Names alone stand close together; what has more lines is set apart.
    texts = (("\n\n" if any("\n" in e for e in page) else "\n").join(page) for page in pages)
    return next(text for text in texts if len(text) <= LONGEST_TEXT)


def _entry(entry: Entry, name: int, sentence: int) -> str:
    """One entry in at most four lines; `name` and `sentence` are characters of each of those."""
    about = entry.about
    first = [f"**{plain(_seen(entry.called, name))}**"]
    if entry.called != entry.name:
        first.append(plain(_seen(entry.name, name)))
    if entry.marks:
        first.append(f"*{plain(clipped(', '.join(entry.marks), name))}*")
    second = [plain(clipped(entry.suits, name))] if entry.suits else []
    if entry.hash and len(set(entry.hash)) > 1:  # a server without hashes says 8888888888
        second.append(_code(entry.hash[:10]))
    lines = [" · ".join(first), " · ".join(second)]
    if about.note and sentence:
        lines.append(plain(clipped(about.note, sentence)))
    if about.trigger_words and sentence:
        words = clipped(", ".join(about.trigger_words), sentence)
        lines.append(f"Trigger words: {_code(words)}")
    return "\n".join(line for line in lines if line)


def _seen(text: str, most: int) -> str:
    return clipped(text, most) or "?"


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"


def _view(
    shown: Sequence[Entry], tabs: Sequence[Tab], view: View, pages: int, refresh: Refresh
) -> discord.ui.View:
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
    if refresh is not Refresh.HIDDEN:
        running = refresh is Refresh.RUNNING
        label = "Looking …" if running else "Refresh"
        row, there = 2 + len(tabs) // 5, view.custom_id(REFRESH)
        made.add_item(_button(label, there, row=row, off=running, emoji="🔄"))
    return made


def _select(shown: Sequence[Entry]) -> discord.ui.Select[Any, Any, Any]:
    chosen: discord.ui.Select[Any, Any, Any] = discord.ui.Select(
        custom_id=PICK,
        placeholder="Draw with … (for you)",
        options=[
            discord.SelectOption(
                label=_seen(e.called, 100),
                value=shortened(e.name),
                description=_seen(e.name, 100) if e.called != e.name else None,
                default=YOURS in e.marks,
            )
            for e in shown
        ],
        row=0,
    )
    return chosen


def _button(
    label: str, custom_id: str, *, row: int, off: bool, emoji: str | None = None
) -> discord.ui.Button[discord.ui.View]:
    button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
        label=label,
        custom_id=custom_id,
        style=discord.ButtonStyle.secondary,
        disabled=off,
        row=row,
        emoji=emoji,
    )
    return button
