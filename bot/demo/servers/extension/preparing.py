"""Preparing an inference job: the task, an endpoint, the checkpoints; then the row.

Both generations do it alike and word it differently (contract aws, 2.2 and 2.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.demo.servers.extension.faults import Faults
from bot.demo.servers.extension.generation import Generation
from bot.demo.servers.extension.people import People, UnknownUser
from bot.demo.servers.extension.tables import (
    EXTRA_TASKS,
    SIMPLE_TASKS,
    Checkpoint,
    Endpoint,
    Job,
    Tables,
)


class Unprepared(Exception):
    """Nothing was prepared: the status that the first generation puts into the body, and why."""

    def __init__(self, status: int, words: str | list[str]) -> None:
        super().__init__(status, words)
        self.status = status
        self.words = words


@dataclass(frozen=True)
class Wanted:
    """One job as it was asked for. ``kind`` is None in the first generation."""

    task: Any
    models: Any
    endpoint: Any
    user: str
    kind: str | None = None
    payload: str | None = None


@dataclass(frozen=True)
class Office:
    """Where jobs are prepared."""

    generation: Generation
    tables: Tables
    people: People
    faults: Faults

    def prepare(self, wanted: Wanted) -> Job:
        """The new row, not yet in the table. Raises ``Unprepared``."""
        if wanted.task not in SIMPLE_TASKS + EXTRA_TASKS:
            allowed = f"{list(EXTRA_TASKS)} or {list(SIMPLE_TASKS)}"
            raise Unprepared(400, f"task type {wanted.task} should be in {allowed}")
        endpoint = self._endpoint(wanted)
        models = self._models(wanted.models) if wanted.task in SIMPLE_TASKS else []
        return Job(
            task=wanted.task,
            endpoint=endpoint,
            user=wanted.user,
            models=models,
            bucket=self.tables.bucket,
            kind=wanted.kind,
            payload=wanted.payload,
        )

    def _endpoint(self, wanted: Wanted) -> Endpoint:
        if not wanted.endpoint:
            return self._any_endpoint(wanted)
        named = [row for row in self.tables.endpoints if row.name == wanted.endpoint]
        if not named:
            # The lambda takes the first row of none.
            raise Unprepared(500, "list index out of range")
        fault = self.faults.take("not_ready")
        status = fault.reason if fault else named[0].status
        if status != "InService":
            raise Unprepared(500, f"sagemaker endpoint is not ready with status: {status}")
        return named[0]

    def _any_endpoint(self, wanted: Wanted) -> Endpoint:
        if not wanted.user:
            words = "'NoneType' object has no attribute 'endpoint_name'"
            raise Unprepared(500, words)
        try:
            fit = [row for row in self.tables.endpoints if self._fits(row, wanted)]
        except UnknownUser as error:
            raise Unprepared(500, str(error)) from error
        if fit and self.faults.take("not_ready") is None:
            return fit[0]
        sort = "Endpoints" if wanted.kind is None else f"{wanted.kind} endpoints"
        raise Unprepared(500, f'no available {sort} for user "{wanted.user}"')

    def _fits(self, row: Endpoint, wanted: Wanted) -> bool:
        if not self.people.owns(wanted.user, row.owner):
            return False
        if wanted.kind is None:
            return row.status == "InService"
        ready = row.status in ("InService", "Updating")
        return ready and row.type == wanted.kind and row.service in ("", "sd")

    def _models(self, asked: Any) -> Sequence[Checkpoint]:
        if not isinstance(asked, dict):
            raise Unprepared(500, f"'{type(asked).__name__}' object has no attribute 'items'")
        found: list[Checkpoint] = []
        missing: list[str] = []
        for kind, names in asked.items():
            for name in names:
                row = self.tables.usable(kind, name)
                if row is None:
                    missing.append(f"checkpoint with name {name}, type {kind} is not found")
                else:
                    found.append(row)
        if missing:
            raise Unprepared(400, missing if self.generation.classic else " ".join(missing))
        return found


def models_of(job: Job) -> list[dict[str, Any]]:
    """The models of a prepared job as the answer names them."""
    return [{"id": row.id, "name": list(row.names), "type": row.type} for row in job.models]
