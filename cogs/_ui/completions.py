"""Completions, all from memory: at most 25, each within Discord's 100 characters."""

from __future__ import annotations

import discord

from bot.studio import Studio


async def models(ctx: discord.AutocompleteContext) -> list[str]:
    """Checkpoints that hold every typed word."""
    return _choices(_studio(ctx).painters.models(ctx.value or ""))


async def samplers(ctx: discord.AutocompleteContext) -> list[str]:
    """Samplers that hold every typed word."""
    return _choices(_studio(ctx).painters.samplers(ctx.value or ""))


async def schedulers(ctx: discord.AutocompleteContext) -> list[str]:
    """Schedulers that hold every typed word."""
    return _choices(_studio(ctx).painters.schedulers(ctx.value or ""))


async def upscalers(ctx: discord.AutocompleteContext) -> list[str]:
    """Upscalers that hold every typed word."""
    return _choices(_studio(ctx).painters.upscalers(ctx.value or ""))


def _studio(ctx: discord.AutocompleteContext) -> Studio:
    studio: Studio = ctx.bot.studio  # type: ignore[attr-defined]
    return studio


def _choices(names: list[str]) -> list[str]:
    # The beginning of a name that is too long is found again by search.
    return list(dict.fromkeys(n[:100] for n in names))
