"""A real database file for each test, copied from one that was migrated once."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.queue import attempt, health, standing, stopwatch, worker
from bot.queue.store import Store
from tests.bot.queue.props import Clock, FakePainter, Line, Studio


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows."""
    path = tmp_path_factory.mktemp("empty") / "easel.db"
    migrate(path)
    return path


@pytest.fixture
def file(tmp_path: Path, empty_file: Path) -> Path:
    """The database of one test."""
    return Path(shutil.copy(empty_file, tmp_path / "easel.db"))


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    """The rows."""
    database = Database(file)
    yield Store(database)
    await database.close()


@pytest.fixture(autouse=True)
def places_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """News of places are gathered for a moment only."""
    monkeypatch.setattr(standing, "PLACES_SECONDS", 0.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of day stands still until the test moves it."""
    fake = Clock()
    monkeypatch.setattr(time, "time", fake)
    monkeypatch.setattr(stopwatch, "now", fake)
    return fake


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause between tries is a turn of the loop: only what is waited for takes time."""
    turn = asyncio.sleep
    monkeypatch.setattr(health, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(worker, "LEAST_PAUSE", 0.001)

    async def sleep(seconds: float) -> None:
        await turn(seconds if seconds < 1 or seconds == attempt.BEAT_SECONDS else 0)

    monkeypatch.setattr(asyncio, "sleep", sleep)


@pytest.fixture
def line(store: Store) -> Line:
    """An empty queue that nobody works on."""
    return Line.over(store)


@pytest.fixture
async def studio(line: Line) -> AsyncIterator[Studio]:
    """A line with a painter and a worker; `open` starts them."""
    joined = Studio(line, FakePainter())
    yield joined
    await joined.close()
