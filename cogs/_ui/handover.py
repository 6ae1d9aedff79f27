"""The end of a round: the pictures, or the word that there are none, reach the guest for certain.

The ways are tried in the order of the table in `bot.values.guest` and the postman: the message
through its token, then through its channel, then a direct message; what finds no way stays on
disk and is tried again at the next start. A private picture never goes to a public channel.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot import log
from bot.errors import BrokenPicture, DatabaseUnavailable
from bot.images import codec
from bot.queue.job import Job, Status
from bot.values.picture import Picture
from cogs._ui import cards
from cogs._ui.arrivals import DEFAULT_UPLOAD_BYTES
from cogs._ui.post import Outcome, Postman, Upload

if TYPE_CHECKING:
    from bot.client import EaselBot

REQUEST_BYTES = (25 << 20) - (256 << 10)
"""All files of one request together, with room for the rest of it (contracts: discord 8)."""
SMALLEST_LIMIT = 64 << 10
ALT_LIMIT = 1024
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between tries; the last one repeats, for about an hour in all."""

_log = log.get("delivery")


async def hand_over(bot: EaselBot, job: Job) -> None:
    """Tries until the guest has it, or no way is left. Never raises for Discord's sake."""
    limit = job.address.upload_limit
    for pause in (*PAUSES, *([PAUSES[-1]] * 60)):
        try:
            outcome = await _once(bot, job, limit)
        except DatabaseUnavailable as error:
            _log.error("delivery has to wait", job=job.id, error=str(error), pause=pause)
            await asyncio.sleep(pause)
            continue
        if outcome in (Outcome.DONE, Outcome.NO_WAY, Outcome.REFUSED):
            return
        if outcome is Outcome.TOO_LARGE and limit > SMALLEST_LIMIT:
            limit = max(SMALLEST_LIMIT, limit // 2)
            _log.warning("Discord found a file too large", job=job.id, next_limit=limit)
            continue
        _log.warning("delivery has to wait", job=job.id, reason=outcome.name, pause=pause)
        await asyncio.sleep(pause)
    _log.error("given up for now; kept for the next start", job=job.id)


async def _once(bot: EaselBot, job: Job, limit: int) -> Outcome:
    studio, postman, channel = bot.studio, Postman(bot), job.address.channel_id
    pictures = await studio.pictures(job) if job.status is Status.PAINTED else []
    if not job.address.alive(time.time()):
        # The interaction's limit may have been the member's own; a channel's is the default.
        limit = min(limit, DEFAULT_UPLOAD_BYTES)
    files, note = await pack(job, pictures, limit)
    card = await _card(bot, job, pictures, note)
    outcome = await postman.edit(job.address, card, files)
    if outcome is Outcome.GONE:
        _log.info("the message was deleted; nothing is posted", job=job.id)
        outcome = Outcome.DONE
    elif outcome is Outcome.TOO_OFTEN and channel is not None and job.address.by_channel():
        outcome = await postman.post_channel(channel, card, files, f"easel-{job.id}-end")
    elif outcome in (Outcome.NO_WAY, Outcome.TOO_OFTEN):
        outcome = await _by_dm(bot, job, card, files)
    if outcome is Outcome.DONE:
        await studio.told(job)
        _log.info("job delivered", job=job.id, end=job.status, files=len(files))
    return outcome


async def _by_dm(bot: EaselBot, job: Job, card: cards.Card, files: Sequence[Upload]) -> Outcome:
    if job.status is Status.CANCELLED:
        return Outcome.DONE  # they cancelled it themselves; no message is worth a DM
    outcome = await Postman(bot).post_dm(job.guest.user_id, card, files, f"easel-{job.id}-end")
    if outcome is Outcome.NO_WAY:
        _log.warning("no way to the member; the picture is kept", job=job.id)
    return outcome


async def _card(
    bot: EaselBot, job: Job, pictures: Sequence[Picture], note: str | None
) -> cards.Card:
    if job.status is Status.CANCELLED:
        return cards.cancelled(job)
    if job.status is Status.PAINTED and job.outcome is not None:
        return cards.described(job)
    if job.status is Status.FAILED or not pictures:
        return cards.failed(job)
    return cards.done(job, pictures, source=await _source(bot, job), note=note)


async def _source(bot: EaselBot, job: Job) -> str | None:
    """A link to the message that this picture was made from, where all can see it."""
    if job.parent_id is None:
        return None
    parent = await bot.studio.find(job.parent_id)
    if parent is None or parent.address.private or parent.address.message_id is None:
        return None
    guild = parent.guest.guild_id or "@me"
    return (
        f"https://discord.com/channels/{guild}/{parent.address.channel_id}"
        f"/{parent.address.message_id}"
    )


async def pack(
    job: Job, pictures: Sequence[Picture], limit: int
) -> tuple[list[Upload], str | None]:
    """The files, each within its share, and a word about it if one had to be made smaller."""
    if not pictures:
        return [], None
    share = min(limit, REQUEST_BYTES // len(pictures))
    files, smaller = [], 0
    for picture in pictures:
        data, media_type = picture.data, picture.media_type
        if len(data) > share:
            smaller += 1
            try:
                data, media_type = await asyncio.to_thread(
                    codec.shrink_to, data, share, picture.infotext
                )
            except BrokenPicture as error:
                _log.error("a picture can't be made smaller", job=job.id, error=str(error))
        name = f"{_slug(job.request.prompt)}-{picture.seed}.{codec.extension(media_type)}"
        files.append(Upload(name, data, cards.clipped(job.request.prompt, ALT_LIMIT)))
    if not smaller:
        return files, None
    what = "Saved" if len(files) == 1 else f"{smaller} of {len(files)} saved"
    return files, f"⚠️ {what} in a smaller form: Discord takes {_megabytes(share)} here."


def _slug(prompt: str) -> str:
    words = re.findall(r"[a-z0-9]+", prompt.casefold())
    return "-".join(words)[:40].strip("-") or "picture"


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.3g} MiB"
