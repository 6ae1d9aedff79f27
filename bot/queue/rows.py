"""Rows and values: how a job's row is read, and what happens to one that no longer can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import log
from bot.database.tables import jobs
from bot.queue.job import Job, Status
from bot.values.guest import Address, Guest
from bot.values.request import ImageRequest

_log = log.get("store")


def columns(value: object, *names: str) -> dict[str, Any]:
    """The named attributes of a value, as the columns of a row."""
    return {name: getattr(value, name) for name in names}


def where_mine(job: Job) -> Any:
    """An UPDATE that finds the row only while it runs under this very attempt."""
    return update(jobs).where(
        jobs.c.id == job.id, jobs.c.attempt == job.attempt, jobs.c.status == Status.RUNNING
    )


async def readable(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Job]:
    """The jobs of rows; one that can no longer be read ends, so that it stops nobody else."""
    found = []
    for row in rows:
        try:
            found.append(job_of(row))
        except ValueError:
            _log.exception("a job's row can't be read; it is ended", job=row.id)
            await connection.execute(
                update(jobs)
                .where(jobs.c.id == row.id)
                .values(status=Status.FAILED, told=True, error_code="Unreadable", token="")
            )
    return found


def job_of(row: Row[Any]) -> Job:
    """The job of a whole row. Raises ValueError when its request no longer can be read."""
    return Job(
        id=row.id,
        request=ImageRequest.model_validate_json(row.request),
        guest=Guest(user_id=row.user_id, name=row.user_name, guild_id=row.guild_id),
        address=Address(
            interaction_id=row.interaction_id,
            application_id=row.application_id,
            token=row.token,
            expires_at=row.expires_at,
            channel_id=row.channel_id,
            message_id=row.message_id,
            private=row.private,
            upload_limit=row.upload_limit,
            reachable=row.reachable,
        ),
        route=row.route,
        status=Status(row.status),
        attempt=row.attempt,
        failures=row.failures,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        parent_id=row.parent_id,
        told=row.told,
        outcome=row.outcome,
        error_code=row.error_code,
        error_sentence=row.error_sentence,
        error_ref=row.error_ref,
    )
