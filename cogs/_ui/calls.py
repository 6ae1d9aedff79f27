"""The call: an edit notifies nobody, so who waited long is mentioned once in a short reply.

The row says "due" in the same step as the delivery, and "sent" afterwards; a nonce lets Discord
drop a second one if the bot breaks in between. A private picture is called for in private. What
has lain there for an hour is no news: nobody is called to it any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from bot import log
from bot.errors import DatabaseUnavailable
from bot.queue.job import Job
from cogs._ui.cards import duration, word
from cogs._ui.post import Outcome, Postman

if TYPE_CHECKING:
    from bot.client import EaselBot

FRESH_SECONDS = 3600.0
"""Nobody is called to a picture that is older."""
PAUSES = (1.0, 3.0, 10.0, 30.0, 60.0, 120.0, *([300.0] * 11))
"""Seconds between tries of one call: about an hour in all."""

_log = log.get("delivery")


async def call(bot: EaselBot, job: Job) -> None:
    """Calls a member to a job that has just been delivered, if that is due.

    Tried again for about an hour; never raises for Discord's or the database's sake.
    """
    made = False
    for pause in PAUSES:
        try:
            if not made:
                if not await bot.studio.call_due(job):
                    return
                made = await _ring(bot, job) is not Outcome.LATER
            if made:
                await bot.studio.called(job)
                return
        except DatabaseUnavailable as error:
            _log.error("can't note a call yet", job=job.id, error=str(error))
        await asyncio.sleep(pause)
    await waive(bot, job)


async def call_late(bot: EaselBot, job: Job) -> None:
    """After a restart: the call that an earlier run may have left out, unless that is long ago.

    Of the delivery itself no time is kept; what counts is when the picture was finished.
    """
    if time.time() - (job.ended_at or job.created_at) > FRESH_SECONDS:
        await waive(bot, job)
    else:
        await call(bot, job)


async def waive(bot: EaselBot, job: Job) -> None:
    """Nobody is called to it. Without the database it stays due, for the next start to decide."""
    with contextlib.suppress(DatabaseUnavailable):
        await bot.studio.called(job)


async def _ring(bot: EaselBot, job: Job) -> Outcome:
    address, member = job.address, job.guest.user_id
    waited = duration((job.ended_at or job.created_at) - job.created_at)
    nonce = f"easel-{job.id}-ready"
    if address.token or address.by_channel():
        words = f"<@{member}> ready after {waited}"
        return await Postman(bot).call(address, member, words, nonce)
    # An earlier run delivered it, and its token went with that: only a letter is left.
    if not address.alive(job.ended_at or 0.0):
        return Outcome.NO_WAY  # it came as a direct message, which has called them itself
    where = f" in <#{address.channel_id}>" if address.channel_id is not None else ""
    card = word(f"Your picture{where} is ready after {waited}.")
    return await Postman(bot).post_dm(member, card, (), nonce)
