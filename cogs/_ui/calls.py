"""The call: an edit notifies nobody, so who waited long is mentioned once in a short reply.

The row says "due" in the same step as the delivery, and "sent" afterwards; a nonce lets Discord
drop a second one if the bot breaks in between. A private picture is called for in private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import DatabaseUnavailable
from bot.queue.job import Job
from cogs._ui.cards import duration
from cogs._ui.post import Outcome, Postman

if TYPE_CHECKING:
    from bot.client import EaselBot


async def call(bot: EaselBot, job: Job) -> None:
    """Calls a member to a delivered job, if that is due. Never raises for Discord's sake."""
    try:
        if not await bot.studio.call_due(job):
            return
        waited = duration((job.ended_at or job.created_at) - job.created_at)
        words = f"<@{job.guest.user_id}> ready after {waited}"
        outcome = await Postman(bot).call(
            job.address, job.guest.user_id, words, f"easel-{job.id}-ready"
        )
        if outcome is not Outcome.LATER:
            await bot.studio.called(job)
    except DatabaseUnavailable:
        return  # it stays due, and is tried at the next sign-in
