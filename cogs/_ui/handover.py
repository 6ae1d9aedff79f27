"""The end of a round: the pictures, or the word that there are none, reach the guest for certain.

What was finished of a job that was cancelled or failed half-way goes along with that word.

The ways, in order: the message through its token, then through its channel, then a direct
message (`_ui.post`). What finds no way stays on disk and is tried again whenever the gateway is
back (READY or RESUMED). A private picture never goes to a public channel.
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
from bot.studio.prompting import without_tags
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from cogs._ui import cards
from cogs._ui.arrivals import DEFAULT_UPLOAD_BYTES
from cogs._ui.calls import call
from cogs._ui.faces import ALT_LIMIT
from cogs._ui.post import Outcome, Postman, Upload

if TYPE_CHECKING:
    from bot.client import EaselBot

REQUEST_BYTES = (25 << 20) - (256 << 10)
"""All files of one request together, with room for the rest of it (contracts: discord 8)."""
SMALLEST_LIMIT = 64 << 10
STRAGGLER_SECONDS = 15.0
"""An edit that was given up has landed, or failed, after this long."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between tries; the last one repeats, for about an hour in all."""

_log = log.get("delivery")


async def hand_over(bot: EaselBot, job: Job, *, straggler: bool = False) -> None:
    """Tries until the guest has it, or no way is left; then calls them, if that is due.

    `straggler`: an older edit may still be on its way and land after ours. Then ours is made
    once more after it must have landed, before the pictures are let go. A job that finds no way
    is dispatched as `job_undelivered`. Never raises for Discord's sake.
    """
    # With the parcel gone: a call may be tried for an hour, and pictures are large.
    if job.status is not Status.DELIVERED and await _deliver(bot, job, straggler):
        await call(bot, job)


async def _deliver(bot: EaselBot, job: Job, straggler: bool) -> bool:
    """Whether there is now a message that its member can be called to."""
    parcel = Parcel(bot, job)
    brought: Outcome | None = None
    for pause in (*PAUSES, *([PAUSES[-1]] * 60)):
        try:
            # What the guest has and only the database does not know is not brought again:
            # Discord drops a second direct message for a few minutes only.
            outcome = brought or await parcel.bring()
            if outcome is Outcome.DONE and straggler and brought is None:
                await asyncio.sleep(STRAGGLER_SECONDS)
                outcome = await parcel.bring()
            if outcome in (Outcome.DONE, Outcome.GONE):
                brought = outcome
                await bot.studio.told(job)
                if outcome is Outcome.GONE:
                    await bot.studio.called(job)
                return outcome is Outcome.DONE
        except DatabaseUnavailable as error:
            _log.error("delivery has to wait", job=job.id, error=str(error), pause=pause)
            await asyncio.sleep(pause)
            continue
        if outcome in (Outcome.NO_WAY, Outcome.REFUSED):
            bot.dispatch("job_undelivered", job, len(parcel.files))
            return False
        if outcome is not Outcome.TOO_LARGE:
            _log.warning("delivery has to wait", job=job.id, reason=outcome.name, pause=pause)
            await asyncio.sleep(pause)
    _log.error("given up for now; kept, and tried again later", job=job.id)
    return False


class Parcel:
    """What is to be brought: the end's card and its files, packed once for each limit."""

    def __init__(self, bot: EaselBot, job: Job) -> None:
        self._bot = bot
        self._job = job
        self._postman = Postman(bot)
        self._limit = job.address.upload_limit
        self._packed_for = -1
        self._note: str | None = None
        self.files: list[Upload] = []

    async def bring(self) -> Outcome:
        """One try by the ways that there are. TOO_LARGE has halved the limit already."""
        job, card = self._job, await self._pack()
        if card is None:
            return Outcome.DONE
        outcome = await self._postman.edit(job.address, card, self.files)
        if outcome is Outcome.GONE:
            _log.info("the message was deleted; nothing is posted", job=job.id)
            return Outcome.GONE
        channel = job.address.channel_id
        if outcome is Outcome.TOO_OFTEN and channel is not None and job.address.by_channel():
            nonce = f"easel-{job.id}-end"
            return await self._postman.post_channel(channel, card, self.files, nonce)
        if outcome in (Outcome.NO_WAY, Outcome.TOO_OFTEN):
            return await _by_dm(self._bot, job, card, self.files)
        if outcome is Outcome.TOO_LARGE and self._limit > SMALLEST_LIMIT:
            self._limit = max(SMALLEST_LIMIT, self._limit // 2)
            _log.warning("Discord found a file too large", job=job.id, next_limit=self._limit)
        elif outcome in (Outcome.REFUSED, Outcome.TOO_LARGE):
            _log.error("Discord does not take the end of a job; it is kept", job=job.id)
            await self._postman.edit(job.address, cards.undeliverable(job))
            return Outcome.REFUSED
        return outcome

    async def _pack(self) -> cards.Card | None:
        """The card, with `files` packed; None when there is nothing left to bring."""
        job, limit = self._job, self._limit
        pictures: list[Picture] = []
        whole = job.status is Status.PAINTED and job.outcome is None
        if whole or job.request.count > 1:
            pictures = await self._bot.studio.pictures(job)
        if whole and not pictures:
            return None
        if not job.address.alive(time.time()):
            # The interaction's limit may have been the member's own; a channel's is the default.
            limit = min(limit, DEFAULT_UPLOAD_BYTES)
        if limit != self._packed_for:
            self.files, self._note = await pack(job, pictures, limit)
            self._packed_for = limit
        return await _card(self._bot, job, pictures, self._note)


async def _by_dm(bot: EaselBot, job: Job, card: cards.Card, files: Sequence[Upload]) -> Outcome:
    if job.status is Status.CANCELLED and not files:
        return Outcome.DONE  # they cancelled it themselves; no message is worth a DM
    outcome = await Postman(bot).post_dm(job.guest.user_id, card, files, f"easel-{job.id}-end")
    if outcome is Outcome.NO_WAY:
        _log.warning("no way to the member; the picture is kept", job=job.id)
    return outcome


async def _card(
    bot: EaselBot, job: Job, pictures: Sequence[Picture], note: str | None
) -> cards.Card:
    if job.status is Status.CANCELLED:
        return cards.cancelled(job, pictures, note=note)
    if job.status is Status.PAINTED and job.outcome is not None:
        loaded = job.request.kind == "load"
        return cards.loaded(job) if loaded else cards.described(job)
    if job.status in (Status.FAILED, Status.EXPIRED):
        card = cards.failed(job)
        if pictures:
            more = "\n".join(w for w in (cards.so_far(job, pictures), note) if w)
            card.embed.description = f"{card.embed.description}\n{more}"
        return card
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
    for number, picture in enumerate(pictures):
        data, media_type = picture.data, picture.media_type
        if len(data) > share:
            smaller += 1
            try:
                data, media_type = await asyncio.to_thread(
                    codec.shrink_to, data, share, picture.infotext
                )
            except BrokenPicture as error:
                _log.error("a picture can't be made smaller", job=job.id, error=str(error))
        name = f"{_stem(job.request, picture.seed, number)}.{codec.extension(media_type)}"
        alt = cards.clipped(job.request.prompt, ALT_LIMIT)
        files.append(Upload(name, data, alt, spoiler=job.address.spoiler))
    if not smaller:
        return files, None
    what = "Saved" if len(files) == 1 else f"{smaller} of {len(files)} saved"
    return files, f"⚠️ {what} in a smaller form: Discord takes {_megabytes(share)} here."


def _stem(request: ImageRequest, seed: int, number: int) -> str:
    """The member's own words and what tells the pictures of an order apart."""
    words = _slug(without_tags(request.subject or request.prompt))
    if request.rare.variation_strength:
        return f"{words}-{seed}-{(request.rare.variation_seed or 0) + number}"
    return f"{words}-{seed}"


def _slug(prompt: str) -> str:
    words = re.findall(r"[a-z0-9]+", prompt.casefold())
    return "-".join(words)[:40].strip("-") or "picture"


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.3g} MiB"
