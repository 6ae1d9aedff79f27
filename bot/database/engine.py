"""One SQLite file, one writer: the lock, the pragmas, the transactions.

WAL lets readers read while a job is written; BEGIN IMMEDIATE makes each transaction a writer
from its first statement. All of the process's steps run one after the other on one connection
in one thread. Steps that are asked for while another is on its way to the disk go there
together: what a step costs is mostly the way to the disk and back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.pool import StaticPool

from bot.errors import ConfigurationError, DatabaseClosed, DatabaseUnavailable

CLOSE_SECONDS = 5.0
"""How long a stop waits for the last step of the database."""
TOGETHER = 64
"""So many steps share a transaction at most: none of them waits long for the others."""
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # what a member was told survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
)

_T = TypeVar("_T")
Step = Callable[[Connection], _T]


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


@dataclass(frozen=True, eq=False)
class _Asked:
    """A step that somebody waits for."""

    step: Step[Any]
    answer: asyncio.Future[Any]


@dataclass(frozen=True)
class _Outcome:
    """What a step returned, or what it raised."""

    value: Any = None
    error: Exception | None = None


class _Broke(Exception):
    """A step raised `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _done(step: Step[Any], connection: Connection) -> Any:
    try:
        return step(connection)
    except Exception as error:
        raise _Broke(error) from error


class Database:
    """The open file. Migrate first (`bot.database.migrate`); then everything is a `step`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._closed = False
        self._engine = create_engine(
            f"sqlite:///{path}",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
        )
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", _on_begin)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._asked: list[_Asked] = []
        self._at_work: asyncio.Task[None] | None = None

    async def step(self, step: Step[_T]) -> _T:
        """Runs `step(connection)` in a transaction, which is on disk when this returns.

        `step` runs in the file's thread and may run a second time when something went wrong, so
        it does nothing but SQL. Whatever it raises rolls it back. Raises DatabaseUnavailable when
        the file is locked, full, read-only or gone, and DatabaseClosed after `close`. Who is
        cancelled while waiting does not know whether it has happened.
        """
        if self._closed:
            raise DatabaseClosed(self.path.name)
        loop = asyncio.get_running_loop()
        asked = _Asked(step, loop.create_future())
        self._asked.append(asked)
        if self._at_work is None:
            self._at_work = loop.create_task(self._work())
        found: _T = await asked.answer
        return found

    async def ping(self) -> str:
        """SQLite's version, read through the real connection."""
        version = text("SELECT sqlite_version()")
        return await self.step(lambda c: str(c.execute(version).scalar_one()))

    async def close(self) -> None:
        """Waits for the steps that were asked for, and closes the file."""
        if self._closed:
            return
        self._closed = True
        if self._at_work is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await asyncio.shield(self._at_work)
        # In the thread, after what may still be running there.
        closing = self._thread.submit(self._engine.dispose)
        self._thread.shutdown(wait=False)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(closing), CLOSE_SECONDS)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asked:
            some, self._asked = self._asked[:TOGETHER], self._asked[TOGETHER:]
            some = [one for one in some if not one.answer.done()]
            steps = [one.step for one in some]
            try:
                outcomes = await loop.run_in_executor(self._thread, self._run, steps)
            except RuntimeError:  # `close` has waited long enough
                outcomes = [_Outcome(error=DatabaseClosed(self.path.name)) for _ in steps]
            for one, outcome in zip(some, outcomes, strict=True):
                if one.answer.done():
                    continue  # nobody waits for it any more
                if outcome.error is not None:
                    one.answer.set_exception(outcome.error)
                else:
                    one.answer.set_result(outcome.value)
        self._at_work = None

    # In the thread.

    def _run(self, steps: Sequence[Step[Any]]) -> list[_Outcome]:
        """All in one transaction; if one breaks, each in its own, so that it harms no other."""
        try:
            with self._engine.begin() as connection:
                values = [_done(step, connection) for step in steps]
            return [_Outcome(value) for value in values]
        except _Broke as broke:
            if len(steps) > 1:
                return [outcome for step in steps for outcome in self._run([step])]
            return [_Outcome(error=self._told(broke.error))]
        except Exception as error:
            # Locked, or full at the very end: it is nobody's in particular.
            return [_Outcome(error=self._told(error)) for _ in steps]

    def _told(self, error: Exception) -> Exception:
        """Our own word for what only waiting, or the operator, can mend."""
        if isinstance(error, IntegrityError | ProgrammingError | DataError):
            return error  # a defect of ours
        if not isinstance(error, DBAPIError):
            return error
        told = DatabaseUnavailable(f"{self.path.name}: {error.orig}")
        told.__cause__ = error
        return told


def _on_connect(connection: Any, _: Any) -> None:
    # The driver's own implicit BEGIN is switched off: ours is IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _on_begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
