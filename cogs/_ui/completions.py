"""Completions, all from memory: at most 25, each within Discord's 100 characters."""

from __future__ import annotations

import discord

from bot.studio import Studio
from bot.studio.prompting import NO_STYLE, weighed
from bot.studio.search import find


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


async def hires_upscalers(ctx: discord.AutocompleteContext) -> list[str]:
    """Upscalers for a second pass, latent ones first."""
    return _choices(_studio(ctx).painters.hires_upscalers(ctx.value or ""))


async def vaes(ctx: discord.AutocompleteContext) -> list[str]:
    """VAEs that hold every typed word."""
    return _choices(_studio(ctx).painters.vaes(ctx.value or ""))


async def faces(ctx: discord.AutocompleteContext) -> list[str]:
    """Ways of face restoration."""
    return _choices(_studio(ctx).painters.faces(ctx.value or ""))


async def styles(ctx: discord.AutocompleteContext) -> list[str]:
    """Styles that hold every typed word, and the word for none of them."""
    return _choices(find(ctx.value or "", (*_studio(ctx).styles.names, NO_STYLE)))


async def loras(ctx: discord.AutocompleteContext) -> list[str]:
    """LoRAs for the last of the typed ones, with its weight; those before it are kept."""
    head, comma, last = (ctx.value or "").rpartition(",")
    name, weight = weighed(last)
    before = f"{head}, " if comma else ""
    found = _studio(ctx).painters.loras(name)
    # One that is cut would be another LoRA.
    return [c for c in (f"{before}{lora}:{weight}" for lora in found) if len(c) <= 100]


def _studio(ctx: discord.AutocompleteContext) -> Studio:
    studio: Studio = ctx.bot.studio  # type: ignore[attr-defined]
    return studio


def _choices(names: list[str]) -> list[str]:
    # The beginning of a name that is too long is found again by search.
    return list(dict.fromkeys(n[:100] for n in names))
