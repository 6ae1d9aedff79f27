"""The open file: its pragmas, its transactions, and its faults in our own words."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.errors import DatabaseUnavailable

REMEMBER = text("INSERT INTO facts (name, value) VALUES (:name, :value)")


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
    async with database.begin() as connection:
        return list(await connection.scalars(text("SELECT name FROM facts ORDER BY name")))


async def write(database: Database, name: str, value: str = "yes") -> None:
    """One fact in one transaction."""
    async with database.begin() as connection:
        await connection.execute(REMEMBER, {"name": name, "value": value})


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
async def test_the_pragmas_that_safety_rests_on(
    database: Database, pragma: str, value: object
) -> None:
    async with database.begin() as connection:
        assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar_one() == value


async def test_readers_read_while_a_transaction_is_open(database: Database) -> None:
    await write(database, "before")
    async with database.begin() as connection:
        await connection.execute(REMEMBER, {"name": "during", "value": "x"})
        with closing(sqlite3.connect(database.path, timeout=0.1)) as reader:
            assert reader.execute("SELECT name FROM facts").fetchall() == [("before",)]


async def test_a_transaction_writes_from_its_first_statement(database: Database) -> None:
    async with database.begin():
        other = sqlite3.connect(database.path, timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


async def test_an_error_rolls_all_of_it_back(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as connection:
            await connection.execute(REMEMBER, {"name": "half", "value": "x"})
            raise RuntimeError("in the middle")
    assert await names(database) == []


async def test_a_cancelled_transaction_is_rolled_back_and_the_next_one_works(
    database: Database,
) -> None:
    inside = asyncio.Event()

    async def slow() -> None:
        async with database.begin() as connection:
            await connection.execute(REMEMBER, {"name": "half", "value": "x"})
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(slow())
    await inside.wait()
    task.cancel()
    await asyncio.wait({task})
    await write(database, "after")
    assert await names(database) == ["after"]


async def test_many_tasks_take_turns(database: Database) -> None:
    await asyncio.gather(*(write(database, f"{n:02}") for n in range(20)))
    assert await names(database) == [f"{n:02}" for n in range(20)]


async def test_a_file_that_somebody_locks_is_unavailable_and_works_again(
    database: Database,
) -> None:
    async with database.begin() as connection:
        await connection.execute(text("PRAGMA busy_timeout=1"))
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
    async with database.begin() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count={pages + 2}"))
    with pytest.raises(DatabaseUnavailable, match="full"):
        async with database.begin() as connection:
            await connection.execute(REMEMBER, {"name": "small", "value": "x"})
            await connection.execute(REMEMBER, {"name": "large", "value": "x" * 100_000})
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
    before = set(threading.enumerate())
    with pytest.raises(DatabaseUnavailable, match="unable to open"):
        await gone.ping()
    await gone.close()
    # aiosqlite does not wait for the thread of a connection that it could not open.
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, 5)


async def test_the_ping_reads_sqlites_version(database: Database) -> None:
    assert await database.ping() == sqlite3.sqlite_version


async def test_what_was_written_is_there_after_closing(database: Database) -> None:
    await write(database, "kept")
    await database.close()
    again = Database(database.path)
    assert await names(again) == ["kept"]
    await again.close()
