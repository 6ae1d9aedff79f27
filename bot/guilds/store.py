"""The rows of the choices and their history, with all choices held in memory."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.database.engine import Database
from bot.database.tables import changes, choices
from bot.guilds.choices import Effective, Scope, Value, effective
from bot.settings import Limits
from bot.values.guest import Guest

_NOTHING: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True)
class Change:
    """One line of the history. `at` is seconds since the epoch; None means "not set"."""

    scope: Scope
    scope_id: int
    key: str
    old: Value | None
    new: Value | None
    by_id: int
    by_name: str
    at: float


class Guilds:
    """All choices. Reading is from memory; a change is on disk before memory follows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[tuple[Scope, int], dict[str, Value]] = {}

    async def load(self) -> None:
        """Reads all choices: at the start, and when some have gone from the disk."""
        held: dict[tuple[Scope, int], dict[str, Value]] = {}
        for row in await self._database.step(lambda c: c.execute(select(choices)).all()):
            place = held.setdefault((Scope(row.scope), row.scope_id), {})
            place[row.key] = json.loads(row.value)
        self._held = held

    def chosen(self, scope: Scope, scope_id: int | None) -> Mapping[str, Value]:
        """What was chosen at one place."""
        if scope_id is None:
            return _NOTHING
        return MappingProxyType(self._held.get((scope, scope_id), {}))

    def having(self, key: str) -> list[int]:
        """The servers that have chosen a thing."""
        return [
            i for (scope, i), held in self._held.items() if scope is Scope.SERVER and key in held
        ]

    async def note(self, guild_id: int, key: str, new: Value, by: Guest) -> None:
        """A deed that is no choice, for the history. Raises DatabaseUnavailable."""

        def step(connection: Connection) -> None:
            connection.execute(
                insert(changes).values(
                    scope=Scope.SERVER,
                    scope_id=guild_id,
                    guild_id=guild_id,
                    key=key,
                    old=json.dumps(None),
                    new=json.dumps(new),
                    by_id=by.user_id,
                    by_name=by.name,
                    at=time.time(),
                )
            )

        await self._database.step(step)

    def effective(self, guest: Guest, channel_id: int | None, operator: Limits) -> Effective:
        """What is in force for a member in a channel."""
        return effective(
            self.chosen(Scope.SERVER, guest.guild_id),
            self.chosen(Scope.CHANNEL, channel_id),
            self.chosen(Scope.MEMBER, guest.user_id),
            operator,
        )

    async def change(
        self, scope: Scope, scope_id: int, values: Mapping[str, Value | None], by: Guest
    ) -> None:
        """Sets (or with None, unsets) choices in one step, with who did it.

        Raises DatabaseUnavailable; then nothing has changed.
        """
        held = self.chosen(scope, scope_id)
        differing = {k: v for k, v in values.items() if held.get(k) != v}
        now = time.time()

        def step(connection: Connection) -> None:
            for key, value in differing.items():
                place = {"scope": scope, "scope_id": scope_id, "key": key}
                if value is None:
                    connection.execute(delete(choices).filter_by(**place))
                else:
                    text = json.dumps(value)
                    connection.execute(
                        upsert(choices)
                        .values(**place, guild_id=by.guild_id, value=text)
                        .on_conflict_do_update(
                            index_elements=["scope", "scope_id", "key"], set_={"value": text}
                        )
                    )
                connection.execute(
                    insert(changes).values(
                        **place,
                        guild_id=by.guild_id,
                        old=json.dumps(held.get(key)),
                        new=json.dumps(value),
                        by_id=by.user_id,
                        by_name=by.name,
                        at=now,
                    )
                )

        await self._database.step(step)
        self._keep(scope, scope_id, differing)

    async def history(self, guild_id: int, most: int = 10) -> list[Change]:
        """The last changes of a server and its channels, newest first."""

        def step(connection: Connection) -> list[Change]:
            rows = connection.execute(
                select(changes)
                .where(changes.c.guild_id == guild_id, changes.c.scope != Scope.MEMBER)
                .order_by(changes.c.id.desc())
                .limit(most)
            )
            return [
                Change(
                    Scope(r.scope),
                    r.scope_id,
                    r.key,
                    json.loads(r.old),
                    json.loads(r.new),
                    r.by_id,
                    r.by_name,
                    r.at,
                )
                for r in rows
            ]

        return await self._database.step(step)

    def _keep(self, scope: Scope, scope_id: int, values: Mapping[str, Value | None]) -> None:
        place = self._held.setdefault((scope, scope_id), {})
        for key, value in values.items():
            if value is None:
                place.pop(key, None)
            else:
                place[key] = value
