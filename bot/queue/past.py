"""What the rows remember of jobs that are over: a backend's last ones, and a day's pictures.

Only reads. Owners look at the first, the ceilings of a day (`studio.budget`) begin with the
second after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from bot.database.engine import Database
from bot.database.tables import jobs
from bot.queue.job import Job, Status
from bot.queue.rows import job_of

SEEN = (Status.PAINTED, Status.DELIVERED, Status.FAILED, Status.CANCELLED)
"""The ends that a backend may have worked for."""
RETURNED = (Status.FAILED, Status.CANCELLED, Status.EXPIRED)
"""The ends that count against no ceiling."""


@dataclass(frozen=True)
class Counted:
    """A job that counts against the ceilings of its day. Of an `open` one, `routes` are all that
    may still paint it; of another, the one that did. `lane` is `Job.lane`; `created_at` is in
    seconds since the epoch; `kind` is `ImageRequest.kind`."""

    id: int
    routes: frozenset[str]
    lane: int | None
    kind: str
    count: int
    created_at: float
    open: bool


class Past:
    """Every method may raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent(self, route: str, most: int = 5) -> list[Job]:
        """The last jobs that a backend has worked for, those that ended last first."""

        def step(connection: Connection) -> list[Job]:
            # One look for each end: each is a range of the line's index.
            found = [row for end in SEEN for row in connection.execute(_last(route, end, most))]
            found.sort(key=lambda row: row.ended_at, reverse=True)
            return [job for row in found if (job := _readable(row)) is not None][:most]

        return await self._database.step(step)

    async def counted(self, since: float) -> list[Counted]:
        """All jobs that were ordered since then (epoch seconds) and have not been given back."""
        asked = select(
            *(jobs.c.id, jobs.c.route, jobs.c.routes, jobs.c.guild_id, jobs.c.reachable),
            *(jobs.c.status, jobs.c.created_at),
            func.json_extract(jobs.c.request, "$.kind").label("kind"),
            func.json_extract(jobs.c.request, "$.count").label("pictures"),
        ).where(jobs.c.created_at >= since, jobs.c.status.not_in(RETURNED))
        rows = await self._database.step(lambda c: c.execute(asked).all())
        return [
            Counted(
                id=row.id,
                routes=_routes(row.status, row.route, row.routes),
                lane=row.guild_id if row.reachable else None,
                kind=row.kind or "txt2img",
                count=row.pictures or 1,
                created_at=row.created_at,
                open=Status(row.status).open,
            )
            for row in rows
        ]


def _last(route: str, end: Status, most: int) -> Select[Any]:
    return (
        select(jobs)
        .where(jobs.c.route == route, jobs.c.status == end, jobs.c.started_at.is_not(None))
        .order_by(jobs.c.id.desc())
        .limit(most)
    )


def _routes(status: str, route: str, routes: str | None) -> frozenset[str]:
    return frozenset(routes.split(",") if status == Status.WAITING and routes else [route])


def _readable(row: Row[Any]) -> Job | None:
    """None for a request of a time whose form is no longer known."""
    try:
        return job_of(row)
    except ValueError:
        return None
