"""Any error becomes one kind, private sentence; an unknown one gets a number the log has too."""

from __future__ import annotations

import secrets

import aiohttp
import discord

from bot import log
from bot.errors import EaselError, Refusal
from cogs._ui import cards

_log = log.get("counter")


async def explain(interaction: discord.Interaction, error: BaseException) -> None:
    """Tells the member, logs for the operator. Never raises."""
    original = getattr(error, "original", error)
    ref = None
    user = interaction.user.id if interaction.user else None
    if isinstance(original, Refusal):
        _log.info("refused", user=user, kind=original.code, reason=str(original))
        sentence = original.sentence
    elif isinstance(original, EaselError):
        ref = secrets.token_hex(2)
        _log.error("not done", user=user, error_ref=ref, kind=original.code, error=str(original))
        sentence = original.sentence
    elif _too_late(original):
        _log.warning("Discord no longer takes the answer", user=user, error=str(original))
        return
    else:
        ref = secrets.token_hex(2)
        _log.error("unexpected", user=user, error_ref=ref, exc_info=original)
        sentence = EaselError.default_sentence
    await _say(interaction, cards.refusal(sentence, ref))


def _too_late(error: BaseException) -> bool:
    """10062: over 3 s; 40060: answered already (a replay): nobody is left to be told."""
    return isinstance(error, discord.HTTPException) and error.code in (10062, 40060)


async def _say(interaction: discord.Interaction, card: cards.Card) -> None:
    try:
        if interaction.response.is_done():
            await interaction.followup.send(embed=card.embed, ephemeral=True)
        else:
            await interaction.response.send_message(embed=card.embed, ephemeral=True)
    except (discord.DiscordException, aiohttp.ClientError, OSError, RuntimeError) as error:
        _log.warning("could not tell the member", error=str(error))
