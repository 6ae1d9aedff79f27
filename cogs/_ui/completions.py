"""Completions, all from memory: at most 25, each within Discord's 100 characters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import discord

from bot.studio import Studio
from bot.studio.prompting import NO_STYLE, weighed
from bot.studio.search import LONGEST_VALUE, find, shortened

_SHORTEST = 18
"""Characters that a shortened name needs at least."""


Completion = Callable[[discord.AutocompleteContext], Awaitable[list[discord.OptionChoice]]]


def of(what: str) -> Completion:
    """The names of one of the painters' lists that hold every typed word."""

    async def complete(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
        return _choices(_studio(ctx).painters.listed(what, ctx.value or ""))

    return complete


async def models(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Checkpoints that hold every typed word."""
    return _choices(_studio(ctx).painters.models(ctx.value or ""))


async def styles(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Styles that hold every typed word, and the word for none of them."""
    return _choices(find(ctx.value or "", (*_studio(ctx).styles.names, NO_STYLE)))


async def loras(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """LoRAs for the last of the typed ones, with its weight; those before it are kept."""
    head, comma, last = (ctx.value or "").rpartition(",")
    name, weight = weighed(last)
    before = f"{head}, " if comma else ""
    found = _studio(ctx).painters.loras(name)
    room = LONGEST_VALUE - len(before) - len(weight) - 1
    if room < _SHORTEST:
        return []
    return _choices(f"{before}{shortened(lora, room)}:{weight}" for lora in found)


def _studio(ctx: discord.AutocompleteContext) -> Studio:
    studio: Studio = ctx.bot.studio  # type: ignore[attr-defined]
    return studio


def _choices(names: Iterable[str]) -> list[discord.OptionChoice]:
    """A name that is too long is shown as far as it goes; its value still tells it from others."""
    return [
        discord.OptionChoice(name[:LONGEST_VALUE], shortened(name)) for name in dict.fromkeys(names)
    ]
