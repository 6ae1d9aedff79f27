"""Small facts outlive the process."""

from __future__ import annotations

from pathlib import Path

from bot.database.engine import Database
from bot.database.facts import Facts
from bot.database.migrate import migrate


async def test_a_small_fact_is_remembered_over_an_older_one(tmp_path: Path) -> None:
    migrate(tmp_path / "easel.db")
    database = Database(tmp_path / "easel.db")
    facts = Facts(database)
    assert await facts.recall("commands") is None
    await facts.remember("commands", "first")
    await facts.remember("commands", "second")
    await facts.remember("instance", "x")
    assert await facts.recall("commands") == "second"
    await database.close()
