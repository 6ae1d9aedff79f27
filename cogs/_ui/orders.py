"""The first answer to an order: the row on disk, then the waiting card, then the place in line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import aiohttp
import discord

from bot import log
from bot.errors import DatabaseUnavailable
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
    if not writing.done():
        await interaction.response.defer(ephemeral=private)
    job = await writing
    if job is None:
        _log.warning("a replayed interaction was ignored", interaction=interaction.id)
        return
    place = studio.place(job)
    message_id = await _show(interaction, studio, postman, job, place)
    if message_id is None:
        await studio.withdraw(job)
        return
    await accept(studio, job, message_id, place)
    interaction.client.dispatch(
        "job_accepted", replace(job, address=job.address.landed(message_id)), place
    )


async def accept(studio: Studio, job: Job, message_id: int, shown: Place | None = None) -> None:
    """The card was seen: the database is asked until it has noted that."""
    while True:
        try:
            return await studio.accepted(job, message_id, shown)
        except DatabaseUnavailable as error:
            _log.error("can't note an accepted job yet", job=job.id, error=str(error))
            await asyncio.sleep(1)


async def _show(
    interaction: discord.Interaction, studio: Studio, postman: Postman, job: Job, place: Place
) -> int | None:
    """The card as the first answer; its message's id, or None when it was not taken."""
    card = cards.waiting(job, place, studio.trouble(job))
    try:
        if interaction.response.is_done():
            message = await interaction.edit_original_response(embed=card.embed, view=card.view)
            return message.id
        await interaction.response.send_message(
            embed=card.embed, view=card.view, ephemeral=job.address.private
        )
        return (await interaction.original_response()).id
    except discord.HTTPException as error:
        _log.warning("the first answer was not taken", job=job.id, error=str(error))
    except (aiohttp.ClientError, OSError) as error:
        _log.warning("the first answer broke off; asking Discord", job=job.id, error=str(error))
    return await postman.original_id(job.address)
