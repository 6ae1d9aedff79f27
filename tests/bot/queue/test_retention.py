"""What is forgotten, and when; what is still needed stays."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.database.engine import Database
from bot.database.facts import Facts
from bot.guilds import Guilds
from bot.queue import attic, retention
from bot.queue.attic import Attic
from bot.queue.job import Job, NewJob
from bot.queue.retention import DAY, Retention
from bot.queue.store import Store
from bot.values.source import Role, Source
from tests.bot.queue.props import address, order, picture, take


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rule also holds across the border of two steps."""
    monkeypatch.setattr(attic, "STEP", 2)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.0)


@pytest.fixture
async def keeper(file: Path, store: Store) -> AsyncIterator[Retention]:
    """Keeps for 90 days."""
    database = Database(file)
    guilds = Guilds(database)

    async def swept() -> None:
        """Nobody counts here."""

    yield Retention(Attic(database), Facts(database), 90, guilds.load, swept)
    await database.close()


def rows(file: Path, query: str, *values: Any) -> list[Any]:
    """The first column of what lies on disk; also changes it."""
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA foreign_keys=ON")
        found = [row[0] for row in other.execute(query, values)]
        other.commit()
        return found


def age(file: Path, days: float) -> None:
    """All that is there happened so long ago."""
    for column in ("created_at", "ended_at", "expires_at"):
        rows(file, f"UPDATE jobs SET {column} = {column} - ?", days * DAY)
    rows(file, "UPDATE changes SET at = at - ?", days * DAY)


async def waits(store: Store, guild: int | None = 1, **where: Any) -> Job:
    """A job in line."""
    job = await store.add(order(guild=guild, to=address(**where)))
    assert job is not None
    accepted = await store.accept(job.id, 500)
    assert accepted is not None
    return accepted


async def delivered(store: Store, guild: int | None = 1) -> int:
    """A job whose picture was posted."""
    await waits(store, guild)
    job = await take(store)
    assert job is not None
    ended = await store.painted(job, [picture()])
    assert ended is not None
    await store.told(ended)
    return job.id


async def test_ended_jobs_go_after_their_days_and_open_ones_never(
    keeper: Retention, store: Store, file: Path
) -> None:
    for _ in range(5):
        await delivered(store)
    open_job = await waits(store)
    age(file, 89)
    await keeper.round()
    assert len(rows(file, "SELECT id FROM jobs")) == 6
    age(file, 2)
    young = await delivered_next(store, open_job)
    await keeper.round()
    assert rows(file, "SELECT id FROM jobs") == young


async def delivered_next(store: Store, open_job: Job) -> list[int]:
    """A fresh end, of another job, beside the one that still waits."""
    await waits(store)
    job = await store.claim(open_job.id + 1, "main")
    assert job is not None
    ended = await store.painted(job, [picture()])
    assert ended is not None
    await store.told(ended)
    return [open_job.id, job.id]


async def test_history_goes_after_its_days(keeper: Retention, file: Path) -> None:
    for _ in range(5):
        rows(file, CHANGE, "server", 1, 1, time.time() - 91 * DAY)
    rows(file, CHANGE, "server", 1, 1, time.time())
    await keeper.round()
    assert rows(file, "SELECT id FROM changes") == [6]


CHANGE = (
    "INSERT INTO changes (scope, scope_id, guild_id, key, old, new, by_id, by_name, at) "
    "VALUES (?, ?, ?, 'model', 'null', 'null', 7, 'ada', ?)"
)


async def test_a_token_goes_when_it_has_ended_and_is_not_the_only_way(
    keeper: Retention, store: Store, file: Path
) -> None:
    past = time.time() - 1
    public = await waits(store, expires_at=past)
    private = await waits(store, expires_at=past, private=True)
    alive = await waits(store)
    await keeper.round()
    kept = rows(file, "SELECT id FROM jobs WHERE token != ''")
    assert public.id not in kept
    assert kept == [private.id, alive.id]


async def test_a_given_picture_stays_a_day_for_try_again(
    keeper: Retention, store: Store, file: Path
) -> None:
    given = order()
    given = NewJob(
        given.request, given.guest, given.address, "main", sources=(Source(Role.INIT, b"x", 8, 8),)
    )
    job = await store.add(given)
    assert job is not None
    cancelled = await store.cancel(job.id)
    assert cancelled is not None
    await store.told(cancelled)
    age(file, 0.9)
    await keeper.round()
    assert await store.sources(job.id)
    age(file, 0.2)
    await keeper.round()
    assert not await store.sources(job.id)
    assert await store.get(job.id)


async def test_a_guild_that_was_left_is_forgotten_after_30_days_and_no_other(
    keeper: Retention, store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keeper.present([1, 2, 3])
    for guild in (1, 1, 1, 2, 3):
        await delivered(store, guild)
        rows(file, CHANGE, "server", guild, guild, time.time())
    for scope, place, guild in (
        ("server", 1, 1),
        ("channel", 5, 1),
        ("member", 7, 1),
        ("server", 2, 2),
    ):
        rows(file, "INSERT INTO choices VALUES (?, ?, 'model', '\"x\"', ?)", scope, place, guild)
    guilds = Guilds(keeper._facts._database)
    keeper._forgotten = guilds.load
    await guilds.load()
    await keeper.present([3])  # it left two while it was away
    await keeper.joined(2)  # and one of them took it back
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 29 * DAY)
    await keeper.round()
    assert rows(file, "SELECT count(*) FROM jobs") == [5]
    monkeypatch.setattr(time, "time", lambda: now + 31 * DAY)
    await keeper.round()
    assert rows(file, "SELECT guild_id FROM jobs") == [2, 3]
    assert rows(file, "SELECT guild_id FROM changes") == [2, 3]
    assert sorted(rows(file, "SELECT scope_id FROM choices")) == [2, 7]
    assert guilds.having("model") == [2], "nor does memory know any more"
    assert rows(file, "SELECT name FROM facts WHERE name LIKE 'left:%'") == []


async def test_the_file_shrinks(keeper: Retention, file: Path) -> None:
    rows(file, "INSERT INTO facts VALUES ('large', zeroblob(4000000))")
    rows(file, "DELETE FROM facts WHERE name = 'large'")
    (free,) = rows(file, "PRAGMA freelist_count")
    assert free > attic.VACUUM_PAGES * 2
    await keeper.round()
    assert rows(file, "PRAGMA freelist_count") == [0]
