"""Small things worth remembering between runs, by name: the hash of the commands that are known."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from bot.database.engine import Database
from bot.database.tables import facts


class Facts:
    """Every method may raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recall(self, name: str) -> str | None:
        """A fact by its name."""
        named = select(facts.c.value).where(facts.c.name == name)
        return await self._database.step(lambda c: c.execute(named).scalar_one_or_none())

    async def remember(self, name: str, value: str) -> None:
        """Keeps a fact, over an older one of that name."""
        row = insert(facts).values(name=name, value=value)
        row = row.on_conflict_do_update(index_elements=["name"], set_={"value": value})
        await self._database.step(lambda c: c.execute(row))
