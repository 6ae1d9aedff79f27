"""The open file: its pragmas, its transactions, and its faults in our own words."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError

from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.errors import DatabaseUnavailable

REMEMBER = text("INSERT INTO facts (name, value) VALUES (:name, :value)")


def broken(connection: Connection) -> None:
    """A step that breaks off in the middle."""
    connection.execute(REMEMBER, {"name": "half", "value": "x"})
    raise RuntimeError("in the middle")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty, migrated database."""
    path = tmp_path / "easel.db"
    await asyncio.to_thread(migrate, path)
    opened = Database(path)
    yield opened
    await opened.close()


async def names(database: Database) -> list[str]:
    """The names of all facts."""
    found = text("SELECT name FROM facts ORDER BY name")
    return await database.step(lambda c: list(c.scalars(found)))


async def write(database: Database, name: str, value: str = "yes") -> None:
    """One fact in one transaction."""
    await database.step(lambda c: c.execute(REMEMBER, {"name": name, "value": value}))


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
async def test_the_pragmas_that_safety_rests_on(
    database: Database, pragma: str, value: object
) -> None:
    found = await database.step(lambda c: c.execute(text(f"PRAGMA {pragma}")).scalar_one())
    assert found == value


async def test_readers_read_while_a_transaction_is_open(database: Database) -> None:
    await write(database, "before")

    def during(connection: Connection) -> list[tuple[str]]:
        connection.execute(REMEMBER, {"name": "during", "value": "x"})
        with closing(sqlite3.connect(database.path, timeout=0.1)) as reader:
            return reader.execute("SELECT name FROM facts").fetchall()

    assert await database.step(during) == [("before",)]


async def test_a_transaction_writes_from_its_first_statement(database: Database) -> None:
    def during(_: Connection) -> None:
        with closing(sqlite3.connect(database.path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await database.step(during)


async def test_an_error_rolls_all_of_it_back(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await database.step(broken)
    assert await names(database) == []


async def test_a_step_that_breaks_harms_none_of_those_that_share_its_way(
    database: Database,
) -> None:
    outcomes = await asyncio.gather(
        *(write(database, f"{n}") for n in range(3)),
        database.step(broken),
        write(database, "1"),
        write(database, "last"),
        return_exceptions=True,
    )
    assert [type(o) for o in outcomes if o is not None] == [RuntimeError, IntegrityError]
    assert await names(database) == ["0", "1", "2", "last"]


async def test_steps_share_a_way_to_the_disk(database: Database) -> None:
    begun: list[int] = []
    event.listen(database._engine, "begin", lambda _: begun.append(1))
    await asyncio.gather(*(write(database, f"{n:03}") for n in range(100)))
    assert len(await names(database)) == 100
    assert len(begun) <= 4


async def test_who_gives_up_before_the_turn_has_changed_nothing(database: Database) -> None:
    """A step that has begun ends; one that still waits is not done any more."""
    held, free = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        held.set()
        free.wait(5)
        connection.execute(REMEMBER, {"name": "begun", "value": "x"})

    first = asyncio.create_task(database.step(slow))
    await asyncio.to_thread(held.wait, 5)
    second = asyncio.create_task(write(database, "never"))
    await asyncio.sleep(0)
    for task in (first, second):
        task.cancel()
    await asyncio.wait({first, second})
    free.set()
    await write(database, "after")
    assert await names(database) == ["after", "begun"]


async def test_many_tasks_take_turns(database: Database) -> None:
    await asyncio.gather(*(write(database, f"{n:02}") for n in range(20)))
    assert await names(database) == [f"{n:02}" for n in range(20)]


async def test_a_file_that_somebody_locks_is_unavailable_and_works_again(
    database: Database,
) -> None:
    await database.step(lambda c: c.execute(text("PRAGMA busy_timeout=1")))
    with closing(sqlite3.connect(database.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable) as failure:
            await write(database, "late")
        assert "easel.db: database is locked" in str(failure.value)
        assert str(database.path.parent) not in str(failure.value)
        other.rollback()
    await write(database, "later")
    assert await names(database) == ["later"]


async def test_a_full_disk_is_unavailable_and_nothing_is_half_written(database: Database) -> None:
    def fill(connection: Connection) -> None:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count={pages + 2}"))

    def both(connection: Connection) -> None:
        connection.execute(REMEMBER, {"name": "small", "value": "x"})
        connection.execute(REMEMBER, {"name": "large", "value": "x" * 100_000})

    await database.step(fill)
    with pytest.raises(DatabaseUnavailable, match="full"):
        await database.step(both)
    assert await names(database) == []


async def test_a_broken_rule_is_our_mistake_and_will_not_heal_by_waiting(
    database: Database,
) -> None:
    await write(database, "once")
    with pytest.raises(IntegrityError):
        await write(database, "once")


async def test_a_file_without_tables_is_unavailable(tmp_path: Path) -> None:
    empty = Database(tmp_path / "empty.db")
    with pytest.raises(DatabaseUnavailable, match="no such table"):
        await names(empty)
    await empty.close()


async def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    gone = Database(tmp_path / "gone" / "easel.db")
    with pytest.raises(DatabaseUnavailable, match="unable to open"):
        await gone.ping()
    await gone.close()


async def test_the_ping_reads_sqlites_version(database: Database) -> None:
    assert await database.ping() == sqlite3.sqlite_version


async def test_what_was_written_is_there_after_closing(database: Database) -> None:
    await write(database, "kept")
    await database.close()
    again = Database(database.path)
    assert await names(again) == ["kept"]
    await again.close()
