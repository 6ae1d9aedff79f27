"""The first answer to an order: the row on disk, then the waiting card, then the place in line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import aiohttp
import discord

from bot import log
from bot.errors import DatabaseUnavailable, EaselError
from bot.queue.job import Job, Place
from bot.studio import Studio
from cogs._ui import cards
from cogs._ui.post import Postman

ROW_SECONDS = 1.0
"""If the row takes longer, the answer is deferred: Discord waits 3 s for the first one."""

_log = log.get("counter")


async def take(
    interaction: discord.Interaction,
    studio: Studio,
    postman: Postman,
    order: Coroutine[Any, Any, Job | None],
    *,
    private: bool,
) -> None:
    """Answers an order with its waiting card. Raises what the order raises (Refusal …).

    A job counts as accepted once the member has seen the card. When Discord does not take the
    card, the row goes again; when nobody knows (the connection broke), Discord is asked.
    """
    writing = asyncio.ensure_future(order)
    await asyncio.wait({writing}, timeout=ROW_SECONDS)
    thinking = None if writing.done() else await _think(interaction, private=private)
    try:
        job = await writing
    except EaselError:
        if thinking in (Landed.YES, Landed.UNSURE) and not private:
            # What follows "thinking …" is as public as that: a refusal is for the member alone
            # (contracts: discord 4), so it has to be an answer of its own. When Discord did not
            # take it (a replay), the first answer is another's card.
            await _unsay(interaction)
        raise
    if job is None:
        _log.warning("a replayed interaction was ignored", interaction=interaction.id)
        return
    if thinking is Landed.NO:
        await studio.withdraw(job)
        return
    place = studio.place(job)
    landed = await _show(interaction, studio, job, place)
    found = landed.message_id
    if found is None and not landed.refused:
        found = await postman.settle_original(job.address)
    if found is None:
        await studio.withdraw(job)
        return
    shown = place if landed.message_id is not None else None
    await accept(studio, job, found, shown)
    accepted = replace(job, address=job.address.landed(found))
    interaction.client.dispatch("job_accepted", accepted, shown)


async def add(interaction: discord.Interaction, text: str) -> None:
    """A private word behind an answer; the order stands even if it can't be said."""
    try:
        await interaction.followup.send(embed=cards.word(text).embed, ephemeral=True)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        _log.warning("could not tell the member", error=str(error))


class Landed(Enum):
    """What became of "thinking …"."""

    YES = auto()
    NO = auto()
    UNSURE = auto()


@dataclass(frozen=True)
class Answer:
    """What became of the card: its message if Discord said so; `refused` if it said no."""

    message_id: int | None = None
    refused: bool = False


async def accept(studio: Studio, job: Job, message_id: int | None, shown: Place | None) -> None:
    """The card was seen: the database is asked until it has noted that."""
    while True:
        try:
            return await studio.accepted(job, message_id, shown)
        except DatabaseUnavailable as error:
            _log.error("can't note an accepted job yet", job=job.id, error=str(error))
            await asyncio.sleep(1)


async def _think(interaction: discord.Interaction, *, private: bool) -> Landed:
    """The row takes its time: Discord waits only 3 s for the first answer."""
    try:
        await interaction.response.defer(ephemeral=private)
    except discord.HTTPException as error:
        _log.warning("the first answer was not taken", error=str(error))
        return Landed.NO
    except (aiohttp.ClientError, OSError) as error:
        _log.warning("the first answer broke off", error=str(error))
        return Landed.UNSURE
    return Landed.YES


async def _unsay(interaction: discord.Interaction) -> None:
    """Takes "thinking …" away again."""
    try:
        await interaction.delete_original_response()
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        _log.warning("the first answer can't be taken back", error=str(error))


async def _show(interaction: discord.Interaction, studio: Studio, job: Job, place: Place) -> Answer:
    """The card as the first answer, or in the place of "thinking …"."""
    card = cards.waiting(job, place, studio.trouble(job))
    try:
        if interaction.response.is_done():
            message = await interaction.edit_original_response(embed=card.embed, view=card.view)
            return Answer(message.id)
        await interaction.response.send_message(
            embed=card.embed, view=card.view, ephemeral=job.address.private
        )
        return Answer((await interaction.original_response()).id)
    except discord.HTTPException as error:
        _log.warning("the first answer was not taken", job=job.id, error=str(error))
        return Answer(refused=error.status < 500)
    except (aiohttp.ClientError, OSError) as error:
        _log.warning("the first answer broke off; asking Discord", job=job.id, error=str(error))
        return Answer()
