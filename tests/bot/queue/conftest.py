"""A real database file for each test, copied from one that was migrated once."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.database.engine import Database
from bot.database.migrate import migrate
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


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of day stands still until the test moves it."""
    fake = Clock()
    monkeypatch.setattr(time, "time", fake)
    return fake


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
