"""The courier: hears the queue's news and brings each piece to the guest's one message.

One task a message. News that comes while an edit is under way replaces older news; the end
waits for nothing but that edit, and nothing edits after the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from discord.ext import commands

from bot import log
from bot.errors import DatabaseUnavailable
from bot.queue.job import Job, JobEvent, Place, Status
from bot.throttle import Throttle
from cogs._ui import cards, orders
from cogs._ui.calls import call
from cogs._ui.handover import ALT_LIMIT, hand_over
from cogs._ui.post import Outcome, Postman, Unsettled, Upload

if TYPE_CHECKING:
    from bot.client import EaselBot

PROGRESS_SECONDS = 2.5
WAITING_SECONDS = 10.0
LAST_WORD_SECONDS = 1.0
"""How long the end waits for an edit under way, before that edit is dropped."""
CLOSE_SECONDS = 1.5
"""How long a stop of the bot waits for an end that is being told."""
PARK_SECONDS = 120.0
"""This long before its token ends, a private card asks to be kept alive."""
OLD_MESSAGE_SECONDS = 50 * 60.0
"""No progress on older messages: Discord counts edits of those over an hour old (30046)."""

WAITING_EDITS = 20.0
"""Edits of waiting cards a second, of all messages together."""
MOST_PLACES = 1_000_000
"""Before a place was told, any is better."""

_log = log.get("delivery")


class Courier(commands.Cog):
    """All open deliveries, by job."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)
        self._rounds: dict[int, Round] = {}
        self._pacing = Throttle(WAITING_EDITS, int(WAITING_EDITS))
        bot.studio.subscribe(self.hear)

    @property
    def busy(self) -> int:
        """How many messages are still to say their end."""
        return len(self._rounds)

    def hear(self, event: JobEvent) -> None:
        """News of a job: its round begins, or learns of it."""
        job = event.job
        if job.id not in self._rounds:
            self._rounds[job.id] = Round(self._bot, event, self._rounds, self._pacing)
        else:
            self._rounds[job.id].hear(event)

    @commands.Cog.listener()
    async def on_job_accepted(self, job: Job, shown: Place | None) -> None:
        """A card that was just shown is watched from now on, also while the line stands still."""
        if job.id not in self._rounds and self._bot.studio.waits(job):
            trouble = self._bot.studio.trouble(job)
            event = JobEvent(job, place=self._bot.studio.place(job), trouble=trouble)
            self._rounds[job.id] = Round(self._bot, event, self._rounds, self._pacing, shown)

    @commands.Cog.listener()
    async def on_job_readdressed(self, job: Job) -> None:
        """A private card was kept waiting: its round goes on with the fresh token."""
        studio = self._bot.studio
        place = studio.place(job) if job.status is Status.WAITING else None
        self.hear(JobEvent(job, place=place, trouble=studio.trouble(job)))

    @commands.Cog.listener()
    async def on_signed_in(self) -> None:
        """After a restart: the cards in line are watched, what ended untold is told, and what
        was perhaps never shown is settled."""
        studio = self._bot.studio
        for job in studio.in_line():
            event = JobEvent(job, place=studio.place(job), trouble=studio.trouble(job))
            self.hear(event)
        with contextlib.suppress(DatabaseUnavailable):
            # Before anything is delivered now, which calls for itself.
            for job in await studio.uncalled():
                await call(self._bot, job)
        untold, unsettled = await self._left_over()
        for job in untold:
            _log.info("delivering what a restart left over", job=job.id, status=job.status)
            self.hear(JobEvent(job))
        await asyncio.gather(*(self._settle(job) for job in unsettled))

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """The connection is back: what was given up for a while is tried again."""
        for job in (await self._left_over())[0]:
            self.hear(JobEvent(job))

    async def _left_over(self) -> tuple[list[Job], list[Job]]:
        while True:
            try:
                return await self._bot.studio.left_over()
            except DatabaseUnavailable as error:
                _log.error("can't read what is left over yet", error=str(error))
                await asyncio.sleep(2)

    async def _settle(self, job: Job) -> None:
        """A row whose card may have been seen: Discord is asked, and in doubt it is kept."""
        try:
            message_id = await self._postman.settle_original(job.address)
            if message_id is None:
                _log.warning("dropping an order whose card was never shown", job=job.id)
                await self._bot.studio.withdraw(job)
                return
        except Unsettled:
            message_id = None
        except DatabaseUnavailable as error:
            _log.error("an order stays unsettled until the next start", error=str(error))
            return
        await orders.accept(self._bot.studio, job, message_id, None)

    async def close(self) -> None:
        """Lets the ends under way be told, then stops all rounds."""
        rounds = list(self._rounds.values())
        await asyncio.gather(*(r.close() for r in rounds))


@dataclass(frozen=True)
class Face:
    """What a card shows that is not the end: two that are equal need no edit between them."""

    card: cards.Card = field(compare=False)
    preview: bytes | None = None
    look: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "look", str(self.card.embed.to_dict()))

    def files(self, job: Job) -> list[Upload]:
        """The preview; each edit carries it again, or it would go (contracts, discord 8)."""
        if self.preview is None:
            return []
        alt = f"unfinished: {cards.clipped(job.request.prompt, ALT_LIMIT - 20)}"
        return [Upload(cards.PREVIEW, self.preview, alt)]


class Round:
    """The courier's walk for one job."""

    def __init__(
        self,
        bot: EaselBot,
        event: JobEvent,
        rounds: dict[int, Round],
        pacing: Throttle,
        shown: Place | None = None,
    ) -> None:
        self._bot = bot
        self._pacing = pacing
        self._postman = Postman(bot)
        self._latest = event
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._rounds = rounds
        self._last_edit = float("-inf")
        self._last_kind: tuple[Status, str | None] | None = None
        self._last_face: Face | None = None
        self._muted = False
        self._previews = True
        self._place = MOST_PLACES
        self._passed = False
        self._straggler = False
        if shown is not None:
            # The first answer is this very card: nothing is edited until the news differ.
            self._last_kind = self._kind(event)
            self._last_face = self._face(replace(event, place=shown))
        self.hear(event)
        self._task = asyncio.create_task(self._run(), name=f"round of job {event.job.id}")

    def hear(self, event: JobEvent) -> None:
        """The latest wins; after the end nothing counts any more."""
        if self._ended.is_set():
            return
        self._latest = event
        self._news.set()
        if event.stopping:
            # The end is near: an edit just now would only be in its way.
            self._last_edit = time.monotonic()
        if not event.job.status.open:
            self._ended.set()

    async def close(self) -> None:
        """At the bot's stop: an end under way gets a moment; the rest is told after the restart."""
        if self._ended.is_set():
            await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while not self._ended.is_set():
                await self._step()
            await hand_over(self._bot, self._latest.job, straggler=self._straggler)
        except Exception:
            _log.exception("a round broke", job=self._latest.job.id)
        finally:
            self._rounds.pop(self._latest.job.id, None)

    async def _step(self) -> None:
        """One wait and at most one edit that is not the end."""
        wait = self._until_parking()
        if wait is not None and wait <= 0 and not self._muted:
            await self._show(Face(cards.parked(self._latest.job)))
            self._muted = True
            return
        if not await self._within(self._news, wait if not self._muted else None):
            return
        self._news.clear()
        if not await self._paced():
            return
        event, self._muted = self._latest, self._muted and not self._fresh_token()
        old = time.time() - event.job.created_at > OLD_MESSAGE_SECONDS
        if not self._muted and not old and event.job.status.open:
            self._last_kind = self._kind(event)
            await self._show(self._face(event))

    def _until_parking(self) -> float | None:
        """Seconds until a card that only its token can reach must ask to be kept alive."""
        address = self._latest.job.address
        if address.by_channel():
            return None
        return address.expires_at - PARK_SECONDS - time.time()

    def _fresh_token(self) -> bool:
        wait = self._until_parking()
        return wait is not None and wait > 0

    @staticmethod
    async def _within(event: asyncio.Event, seconds: float | None) -> bool:
        """Whether the event came in time (None: however long it takes)."""
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _face(self, event: JobEvent) -> Face:
        job, progress = event.job, event.progress
        if job.status is not Status.RUNNING:
            place = event.place or self._bot.studio.place(job)
            # A place never worsens without a word.
            told, self._place = self._place, place.position
            self._passed = place.position > told if told != place.position else self._passed
            return Face(cards.waiting(job, place, event.trouble, passed=self._passed))
        preview = progress.preview if progress is not None and self._previews else None
        if progress is not None and preview is None:
            progress = replace(progress, preview=None)
        return Face(cards.drawing(job, progress, stopping=event.stopping), preview)

    @staticmethod
    def _kind(event: JobEvent) -> tuple[Status, str | None]:
        """What must be told soon when it changes; a mere place in line can wait longer."""
        return event.job.status, event.trouble

    async def _paced(self) -> bool:
        """Waits until the next edit is due; False when the end came meanwhile."""
        while not self._ended.is_set():
            due = self._due()
            if due <= 0:
                return True
            # News of another kind are due sooner.
            self._news.clear()
            await self._within(self._news, due)
        return False

    def _due(self) -> float:
        """Seconds until the latest news may be shown."""
        same = self._kind(self._latest) == self._last_kind
        waiting = self._latest.job.status is Status.WAITING
        pause = WAITING_SECONDS if waiting and same else PROGRESS_SECONDS
        return self._last_edit + pause - time.monotonic()

    async def _show(self, face: Face) -> None:
        """An edit that the end need not wait for longer than a moment."""
        if face == self._last_face:
            return
        job = self._latest.job
        if job.status is Status.WAITING:
            # Hundreds may wait: their cards are no reason to come near Discord's own limits.
            while (wait := self._pacing.take(time.monotonic())) > 0:
                if await self._within(self._ended, wait):
                    return
            self._pacing.left(time.monotonic())
        self._last_face, self._last_edit = face, time.monotonic()
        edit = asyncio.create_task(self._postman.edit(job.address, face.card, face.files(job)))
        end = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({edit, end}, return_when=asyncio.FIRST_COMPLETED)
            if not edit.done():
                await asyncio.wait({edit}, timeout=LAST_WORD_SECONDS)
            if not edit.done():
                # It may land at Discord all the same, and later than the end.
                self._straggler = True
                return
            outcome = edit.result()
        finally:
            end.cancel()
            edit.cancel()
        await self._heed(outcome, face)

    async def _heed(self, outcome: Outcome, face: Face) -> None:
        """What an edit that is not the end teaches for the next one."""
        if outcome is Outcome.GONE:
            _log.info("the message was deleted; its job is cancelled", job=self._latest.job.id)
            await self._bot.studio.give_up(self._latest.job)
        elif outcome in (Outcome.TOO_OFTEN, Outcome.NO_WAY):
            self._muted = True
        elif outcome is Outcome.LATER:
            # The same face is due again, when its time comes.
            self._last_face = None
            self._news.set()
        elif outcome is not Outcome.DONE and face.preview is not None:
            # No files may be attached here: the bar alone goes on.
            self._previews, self._last_face = False, None
            self._news.set()


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Courier(bot))
