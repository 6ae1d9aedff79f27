"""An admin clears a server's line: what is counted, what is written down, what ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.errors import DatabaseUnavailable, NotAllowed
from bot.guilds import Guilds, Value
from bot.queue.job import Job, Status
from bot.queue.queue import Queue
from bot.queue.store import Store
from bot.settings import Limits
from bot.studio.lines import Lines
from bot.studio.rules import Rules
from bot.values.guest import Guest
from tests.bot.queue.props import ADA, BOB, Line, address

ADMIN = Guest(user_id=9, name="Admin", guild_id=1, can_admin=True)


class Book(Guilds):
    """What admins did, and whether it can be written down just now."""

    failing = False

    async def note(self, guild_id: int, key: str, new: Value, by: Guest) -> None:
        if self.failing:
            raise DatabaseUnavailable("locked")
        await super().note(guild_id, key, new, by)


class Slow(Store):
    """Notes how many cancels are under way together; those of `broken` fail."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.under_way = self.most = 0
        self.broken: set[int] = set()

    async def cancel(self, job_id: int, sentence: str | None = None) -> Job | None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            if job_id in self.broken:
                raise DatabaseUnavailable("locked")
            return await super().cancel(job_id, sentence)
        finally:
            self.under_way -= 1


class Hall:
    """The line of a server, the book, and the room that an admin enters."""

    def __init__(self, database: Database) -> None:
        self.store = Slow(database)
        self.line = Line(self.store, Queue(self.store))
        self.book = Book(database)
        rules = Rules(self.book, Limits(), (), lambda _, typed: typed, ())
        self.lines = Lines(self.line.queue, self.book, rules, ())

    async def statuses(self, *jobs: Job) -> list[Status]:
        return [(await self.line.row(job)).status for job in jobs]

    async def noted(self) -> list[Value | None]:
        return [change.new for change in await self.book.history(1)]


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    migrate(tmp_path / "easel.db")
    database = Database(tmp_path / "easel.db")
    yield Hall(database)
    await database.close()


async def test_what_is_announced_is_what_ends(hall: Hall) -> None:
    """Not what runs, nor another server's, nor what somebody who installed the bot for
    themselves has ordered here: that is no part of this server's line."""
    running = await hall.line.accepted(ADA)
    await hall.line.claim()
    mine = [await hall.line.accepted(user) for user in (ADA, BOB)]
    others = [
        running,
        await hall.line.accepted(BOB, guild=2),
        await hall.line.accepted(BOB, to=address(reachable=False)),
    ]
    assert hall.lines.clearable(ADMIN) == 2
    assert await hall.lines.clear(ADMIN) == 2
    assert await hall.noted() == [2]
    assert await hall.statuses(*mine) == [Status.CANCELLED] * 2
    assert Status.CANCELLED not in await hall.statuses(*others)


async def test_what_cannot_be_written_down_is_not_done(hall: Hall) -> None:
    job = await hall.line.accepted()
    hall.book.failing = True
    with pytest.raises(DatabaseUnavailable):
        await hall.lines.clear(ADMIN)
    assert await hall.statuses(job) == [Status.WAITING]


async def test_all_end_together(hall: Hall) -> None:
    """The admin's answer is due within three seconds, however long the line is."""
    for user in range(20):
        await hall.line.accepted(user)
    assert await hall.lines.clear(ADMIN) == 20
    assert hall.store.most == 20


async def test_one_that_cannot_end_keeps_no_other(hall: Hall) -> None:
    jobs = [await hall.line.accepted(user) for user in range(3)]
    hall.store.broken = {jobs[0].id}
    with pytest.raises(DatabaseUnavailable):
        await hall.lines.clear(ADMIN)
    assert await hall.statuses(*jobs) == [Status.WAITING, Status.CANCELLED, Status.CANCELLED]
    assert await hall.noted() == [3], "who wanted it is known all the same"


async def test_only_who_manages_the_server_may_ask(hall: Hall) -> None:
    for guest in (replace(ADMIN, can_admin=False), replace(ADMIN, guild_id=None)):
        with pytest.raises(NotAllowed):
            hall.lines.clearable(guest)
        with pytest.raises(NotAllowed):
            await hall.lines.clear(guest)
