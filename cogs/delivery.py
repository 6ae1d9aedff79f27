"""The courier: hears the queue's news and brings each piece to the guest's one message.

One task a message. News that comes while an edit is under way replaces older news; the end
waits for nothing but that edit, and nothing edits after the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from discord.ext import commands

from bot import log
from bot.errors import DatabaseUnavailable
from bot.queue.job import Job, JobEvent, Place, Status
from cogs._ui import cards, orders
from cogs._ui.calls import call_late
from cogs._ui.faces import Face, Faces
from cogs._ui.handover import hand_over
from cogs._ui.post import Outcome, Postman, Unsettled
from cogs._ui.turnstile import Turnstile

if TYPE_CHECKING:
    from bot.client import EaselBot

PROGRESS_SECONDS = 2.5
WAITING_SECONDS = 10.0
"""Between two edits of one waiting card; only its first word of trouble comes sooner."""
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

_log = log.get("delivery")


class Courier(commands.Cog):
    """All open deliveries, by job."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)
        self._rounds: dict[int, Round] = {}
        self._turnstile = Turnstile(WAITING_EDITS)
        self._closing = False
        self._greeted = False
        self._catching_up = asyncio.Lock()
        self._arriving: asyncio.Task[None] | None = None
        bot.studio.subscribe(self.hear)

    @property
    def busy(self) -> int:
        """How many messages are still to say their end."""
        return len(self._rounds)

    def hear(self, event: JobEvent, shown: Place | None = None) -> None:
        """News of a job: its round begins, or learns of it. `shown`: the place its card says."""
        job = event.job
        if job.id in self._rounds:
            self._rounds[job.id].hear(event)
        elif not (self._closing and job.status is Status.WAITING):
            self._rounds[job.id] = Round(self._bot, event, self._rounds, self._turnstile, shown)

    @commands.Cog.listener()
    async def on_job_accepted(self, job: Job, shown: Place | None) -> None:
        """A card that was just shown is watched from now on, also while the line stands still."""
        if job.id not in self._rounds and self._bot.studio.waits(job):
            trouble = self._bot.studio.trouble(job)
            self.hear(JobEvent(job, place=self._bot.studio.place(job), trouble=trouble), shown)

    @commands.Cog.listener()
    async def on_job_readdressed(self, job: Job) -> None:
        """A private card was kept waiting: its round goes on with the fresh token."""
        studio = self._bot.studio
        place = studio.place(job) if job.status is Status.WAITING else None
        self.hear(JobEvent(job, place=place, trouble=studio.trouble(job)))

    @commands.Cog.listener()
    async def on_signed_in(self) -> None:
        """After a restart: the cards in line are watched, what ended untold is told, who was
        not called is called, and what was perhaps never shown is settled."""
        self._arriving = asyncio.current_task()
        studio = self._bot.studio
        for job in studio.in_line():
            event = JobEvent(job, place=studio.place(job), trouble=studio.trouble(job))
            self.hear(event)
        uncalled: list[Job] = []
        with contextlib.suppress(DatabaseUnavailable):
            # Before anything is delivered now, which calls for itself.
            uncalled = await studio.uncalled()
        unsettled = await self._catch_up()
        calls = (call_late(self._bot, job) for job in uncalled)
        await asyncio.gather(*calls, *(self._settle(job) for job in unsettled))

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """A fresh session after the connection was lost; the first one follows `signed_in`."""
        if self._greeted:
            await self._catch_up()
        self._greeted = True

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """The connection is back: what was given up for a while is tried again."""
        await self._catch_up()

    @commands.Cog.listener()
    async def on_closing(self) -> None:
        """The bot is being stopped: the cards of those who wait stay as they are."""
        self._closing = True
        await asyncio.gather(*(r.close() for r in list(self._rounds.values()) if r.waits))

    async def _catch_up(self) -> list[Job]:
        """Tells what has ended and was not told; returns what was perhaps never shown."""
        async with self._catching_up:
            # A round that is under way now may be over when the rows have been read.
            under_way = set(self._rounds)
            untold, unsettled = await self._left_over()
            for job in untold:
                if job.id not in under_way:
                    _log.info("delivering what was left over", job=job.id, status=job.status)
                    self.hear(JobEvent(job))
            return unsettled

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
        if self._arriving is not None:
            self._arriving.cancel()
        rounds = list(self._rounds.values())
        await asyncio.gather(*(r.close() for r in rounds))


class Round:
    """The courier's walk for one job."""

    def __init__(
        self,
        bot: EaselBot,
        event: JobEvent,
        rounds: dict[int, Round],
        turnstile: Turnstile,
        shown: Place | None = None,
    ) -> None:
        self._bot = bot
        self._turnstile = turnstile
        self._postman = Postman(bot)
        self._latest = event
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._rounds = rounds
        self._last_edit = self._last_waiting = float("-inf")
        self._faces = Faces(bot.studio.place)
        self._muted = False
        self._straggler = False
        if shown is not None:
            # The first answer is this very card: nothing is edited until the news differ.
            self._faces.shown(self._faces.of(replace(event, place=shown)), event)
        self.hear(event)
        self._task = asyncio.create_task(self._run(), name=f"round of job {event.job.id}")

    @property
    def waits(self) -> bool:
        """Whether its job stands in line."""
        return self._latest.job.status is Status.WAITING

    def hear(self, event: JobEvent) -> None:
        """The latest wins; after the end nothing counts any more."""
        if self._ended.is_set():
            return
        self._latest = event
        self._news.set()
        self._faces.heard(event.place)
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
            await self._park()
            return
        if not await self._within(self._news, wait if not self._muted else None):
            return
        self._news.clear()
        if not await self._paced() or self._next_face() is None:
            return
        await self._permitted()
        if self._due() > 0:
            self._news.set()
        # What was true before that wait may be so no longer.
        elif (face := self._next_face()) is not None:
            await self._show(face)

    async def _park(self) -> None:
        """The card asks to be kept alive; unless it just was."""
        await self._permitted()
        wait = self._until_parking()
        if wait is None or wait > 0:
            self._news.set()
            return
        self._muted = True
        await self._show(Face(cards.parked(self._latest.job)))

    def _next_face(self) -> Face | None:
        """What the latest news look like; None when nothing is to be shown now."""
        job = self._latest.job
        self._muted = self._muted and not self._fresh_token()
        old = time.time() - job.created_at > OLD_MESSAGE_SECONDS
        if self._muted or old or not job.status.open:
            return None
        return self._faces.news(self._latest)

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

    async def _paced(self) -> bool:
        """Waits until the next edit is due; False when the end came meanwhile."""
        while not self._ended.is_set():
            due = self._due()
            if due <= 0:
                return True
            # Other news may be due sooner.
            self._news.clear()
            await self._within(self._news, due)
        return False

    def _due(self) -> float:
        """Seconds until the latest news may be shown."""
        due = self._last_edit + PROGRESS_SECONDS
        first_trouble = self._latest.trouble is not None and not self._faces.troubled
        if self.waits and not first_trouble:
            due = max(due, self._last_waiting + WAITING_SECONDS)
        return due - time.monotonic()

    async def _permitted(self) -> None:
        """Hundreds may wait: their cards are no reason to come near Discord's own limits.

        Returns when this one may be edited, or waits no more.
        """
        if not self.waits:
            return
        turn = asyncio.create_task(self._turnstile.passed())
        try:
            while self.waits and not turn.done():
                self._news.clear()
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait({turn, news}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
        finally:
            turn.cancel()

    async def _show(self, face: Face) -> None:
        """An edit that the end need not wait for longer than a moment."""
        if self._ended.is_set():
            return
        job, self._last_edit = self._latest.job, time.monotonic()
        if self.waits:
            self._last_waiting = self._last_edit
        self._faces.shown(face, self._latest)
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
            self._faces.lost()
            self._news.set()
        elif outcome is not Outcome.DONE and face.preview is not None:
            # No files may be attached here: the bar alone goes on.
            self._faces.previews = False
            self._faces.lost()
            self._news.set()


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Courier(bot))
