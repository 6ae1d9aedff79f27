"""Choices are on disk before memory follows, with who made them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.errors import DatabaseClosed
from bot.guilds import Guilds, Scope
from bot.settings import Limits
from bot.values.guest import Guest

ADA = Guest(user_id=1, name="Ada", guild_id=100, channel_id=7, can_admin=True)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "easel.db"
    migrate(path)
    opened = Database(path)
    yield opened
    await opened.close()


async def test_a_choice_is_there_after_a_restart(database: Database) -> None:
    await Guilds(database).change(Scope.SERVER, 100, {"steps": 9, "private": True}, ADA)
    later = Guilds(database)
    assert later.chosen(Scope.SERVER, 100) == {}
    await later.load()
    assert later.chosen(Scope.SERVER, 100) == {"steps": 9, "private": True}
    assert later.effective(ADA, 7, Limits())["steps"] == 9


async def test_taking_back_is_a_change_too(database: Database) -> None:
    guilds = Guilds(database)
    await guilds.change(Scope.SERVER, 100, {"steps": 9}, ADA)
    await guilds.change(Scope.SERVER, 100, {"steps": None}, ADA)
    assert guilds.chosen(Scope.SERVER, 100) == {}
    told = [(c.key, c.old, c.new, c.by_name) for c in await guilds.history(100)]
    assert told == [("steps", 9, None, "Ada"), ("steps", None, 9, "Ada")]


async def test_what_stays_the_same_is_no_change(database: Database) -> None:
    guilds = Guilds(database)
    for _ in range(2):
        await guilds.change(Scope.CHANNEL, 7, {"size": "wide"}, ADA)
    assert len(await guilds.history(100)) == 1


async def test_a_members_own_choices_are_not_the_servers_to_read(database: Database) -> None:
    guilds = Guilds(database)
    await guilds.change(Scope.MEMBER, 1, {"steps": 5}, ADA)
    assert await guilds.history(100) == []
    assert guilds.effective(ADA, 7, Limits())["steps"] == 5


async def test_memory_follows_only_what_is_on_disk(database: Database) -> None:
    guilds = Guilds(database)
    await database.close()
    with pytest.raises(DatabaseClosed):
        await guilds.change(Scope.SERVER, 100, {"steps": 9}, ADA)
    assert guilds.chosen(Scope.SERVER, 100) == {}
