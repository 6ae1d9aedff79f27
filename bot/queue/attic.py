"""The SQL of forgetting: each step is short and looks at no more than `STEP` rows.

What goes when is decided by `retention`; here it is only carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from bot.database.engine import Database
from bot.database.tables import changes, choices, facts, jobs, sources
from bot.queue.job import Status

STEP = 500
"""Rows that one transaction looks at, so that no member waits for it."""
VACUUM_PAGES = 256
_LEFT = "left:"
_OPEN = (Status.WAITING, Status.RUNNING)


@dataclass(frozen=True)
class Due:
    """What is older may go; epoch seconds. `tokens`: those that ended before are of no use."""

    jobs: float
    sources: float
    tokens: float


class Attic:
    """Every method may raise DatabaseUnavailable; what was done before it stays done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sweep(self, after: int, due: Due) -> int | None:
        """One step over the jobs that follow job `after`; the last one seen, None at the end."""
        some = select(jobs.c.id).where(jobs.c.id > after).order_by(jobs.c.id).limit(STEP)

        def step(connection: Connection) -> int | None:
            last = connection.execute(select(func.max(some.subquery().c.id))).scalar_one()
            if last is None:
                return None
            these = and_(jobs.c.id > after, jobs.c.id <= last)
            ended = func.coalesce(jobs.c.ended_at, jobs.c.created_at)
            connection.execute(delete(jobs).where(these, _closed(), ended < due.jobs))
            connection.execute(
                update(jobs)
                .where(these, jobs.c.token != "", jobs.c.expires_at < due.tokens, _by_channel())
                .values(token="")
            )
            stale = select(jobs.c.id).where(
                these, _closed(), jobs.c.told.is_(True), ended < due.sources
            )
            connection.execute(delete(sources).where(sources.c.job_id.in_(stale)))
            return int(last)

        return await self._database.step(step)

    async def forget_changes(self, before: float) -> int:
        """One step of the history's oldest lines; how many went."""
        oldest = select(changes.c.id, changes.c.at).order_by(changes.c.id).limit(STEP).subquery()
        gone = delete(changes).where(
            changes.c.id.in_(select(oldest.c.id).where(oldest.c.at < before))
        )
        return await self._database.step(lambda c: c.execute(gone).rowcount)

    async def left_before(self, before: float) -> list[int]:
        """The guilds that the bot left so long ago."""
        named = select(facts).where(facts.c.name.startswith(_LEFT))
        rows = await self._database.step(lambda c: c.execute(named).all())
        return [int(r.name.removeprefix(_LEFT)) for r in rows if float(r.value) < before]

    async def forget_guild(self, guild_id: int) -> int:
        """One step of a guild's ended jobs, choices and history; how many rows went.

        Its members' own choices are theirs and stay. With the last row the guild itself is
        forgotten.
        """

        def step(connection: Connection) -> int:
            gone = 0
            for table, which in (
                (jobs, _closed()),
                (changes, changes.c.scope != "member"),
                (choices, choices.c.scope != "member"),
            ):
                row = table.c.id if table is not choices else choices.c.scope_id
                some = select(row).where(table.c.guild_id == guild_id, which).limit(STEP - gone)
                found = connection.execute(
                    delete(table).where(table.c.guild_id == guild_id, which, row.in_(some))
                )
                gone += found.rowcount
                if gone >= STEP:
                    return gone
            if not gone:
                connection.execute(delete(facts).where(facts.c.name == left_fact(guild_id)))
            return gone

        return await self._database.step(step)

    async def forget_fact(self, name: str) -> None:
        """A small fact that is true no longer."""
        await self._database.step(lambda c: c.execute(delete(facts).where(facts.c.name == name)))

    async def shrink(self) -> int:
        """Gives a few free pages back to the disk; how many are left."""

        def step(connection: Connection) -> int:
            driver: Any = connection.connection.driver_connection
            # It frees one page for each row that is read of it.
            driver.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
            return int(driver.execute("PRAGMA freelist_count").fetchone()[0])

        return await self._database.step(step)


def left_fact(guild_id: int) -> str:
    """The name of the fact that says when the bot left a guild."""
    return f"{_LEFT}{guild_id}"


def _closed() -> ColumnElement[bool]:
    # A row whose card was never seen stands in no line.
    return or_(jobs.c.status.not_in(_OPEN), jobs.c.accepted.is_(False))


def _by_channel() -> ColumnElement[bool]:
    """Jobs whose message can be edited without a token (`Address.by_channel`), or is settled."""
    return or_(
        jobs.c.told.is_(True),
        and_(
            jobs.c.reachable.is_(True),
            jobs.c.private.is_(False),
            jobs.c.channel_id.is_not(None),
            jobs.c.message_id.is_not(None),
        ),
    )
