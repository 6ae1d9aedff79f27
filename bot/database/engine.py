"""One SQLite file, one writer: the lock, the pragmas, the transactions.

WAL lets readers read while a job is written; BEGIN IMMEDIATE makes each transaction a writer
from its first statement, so two steps in one are one; one pooled connection serialises all of
the process's statements in its own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import event, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.errors import ConfigurationError, DatabaseClosed, DatabaseUnavailable

CLOSE_SECONDS = 5.0
"""How long a stop waits for the last step of the database."""
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # what a member was told survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
)


def lock(path: Path) -> FileLock:
    """Takes the lock that keeps a second bot off the same file; the caller releases it.

    Makes the folder when it is missing. Raises ConfigurationError when another process holds
    the lock or the folder cannot be written.
    """
    held = FileLock(
        # Taken in a thread, released in another.
        path.with_name(path.name + ".lock"),
        thread_local=False,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=0)
    except Timeout as error:
        raise ConfigurationError(
            f"DATABASE_URL: another Easel is running on {path}: stop it, or choose another file"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"DATABASE_URL: can't write in {path.parent} ({error.strerror}): "
            "make the folder writable, or choose another"
        ) from error
    return held


class Database:
    """The open file. Migrate first (`bot.database.migrate`), then `begin()` for every step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._closed = False
        self._engine: AsyncEngine = create_async_engine(
            f"sqlite+aiosqlite:///{path}",
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1,
            max_overflow=0,
        )
        event.listen(self._engine.sync_engine, "connect", _on_connect)
        event.listen(self._engine.sync_engine, "begin", _on_begin)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction; committed at the end, rolled back on any error.

        Raises DatabaseUnavailable when the file is locked, full, read-only or gone, and
        DatabaseClosed after `close`: the pool would open the file anew.
        """
        if self._closed:
            raise DatabaseClosed(self.path.name)
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (IntegrityError, ProgrammingError, DataError):
            raise  # a defect of ours, which no waiting mends
        except DBAPIError as error:
            raise DatabaseUnavailable(f"{self.path.name}: {error.orig}") from error
        except PoolTimeout as error:
            raise DatabaseUnavailable(f"{self.path.name}: no answer in 30 s") from error

    async def ping(self) -> str:
        """SQLite's version, read through the real connection."""
        async with self.begin() as connection:
            return str((await connection.execute(text("SELECT sqlite_version()"))).scalar_one())

    async def close(self) -> None:
        """Waits for the running statement and closes the file."""
        self._closed = True
        # The pool's one connection is free once the last step has ended; a connection that is
        # still in use would be left open.
        with contextlib.suppress(DBAPIError, PoolTimeout, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS), self._engine.connect():
                pass
        await self._engine.dispose()


def _on_connect(connection: Any, _: Any) -> None:
    # The driver's own implicit BEGIN is switched off: ours is IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _on_begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
