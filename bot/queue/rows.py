"""Rows and values: how a job's row is read, and what happens to one that no longer can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, update

from bot import log
from bot.database.tables import jobs
from bot.queue.job import Job, Status
from bot.values.guest import Address, Guest
from bot.values.picture import Picture
from bot.values.request import ImageRequest

ADDRESS = tuple(field.name for field in fields(Address))
"""The columns of a job that are its address."""

_log = log.get("store")


def columns(value: object, *names: str) -> dict[str, Any]:
    """The named attributes of a value, as the columns of a row."""
    return {name: getattr(value, name) for name in names}


def picture_row(job_id: int, position: int, picture: Picture) -> dict[str, Any]:
    """The row of a finished picture; position 0 is a job's first."""
    names = ("media_type", "width", "height", "seed", "infotext", "remark", "data")
    return {"job_id": job_id, "position": position} | columns(picture, *names)


def where_mine(job: Job) -> Any:
    """An UPDATE that finds the row only while it runs under this very attempt."""
    return update(jobs).where(
        jobs.c.id == job.id, jobs.c.attempt == job.attempt, jobs.c.status == Status.RUNNING
    )


def readable(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    """The jobs of rows; one that can no longer be read ends, so that it stops nobody else."""
    found = []
    for row in rows:
        try:
            found.append(job_of(row))
        except ValueError:
            _log.exception("a job's row can't be read; it is ended", job=row.id)
            connection.execute(
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
        address=Address(**{name: getattr(row, name) for name in ADDRESS}),
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
        routes=frozenset(row.routes.split(",")) if row.routes else frozenset({row.route}),
        weight=row.weight,
        remote_id=row.remote_id,
    )
