"""The rows of the queue: every step of a job's life, whole and on disk when it returns.

A step that reports on a running job carries its `attempt`; when the row has moved on, the
step changes nothing and says False. Nothing here decides: order and caps are the queue's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bot import log
from bot.database.engine import Database
from bot.database.tables import jobs, pictures, sources
from bot.queue.job import Job, NewJob, Status
from bot.queue.rows import ADDRESS, columns, job_of, picture_row, readable, where_mine
from bot.values.guest import Address
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Role, Source

_log = log.get("store")
INTERRUPTED = "I was interrupted three times while drawing this. Please try again."
CALL_SECONDS = 60.0
"""Who waited longer for a picture is called to it."""
_ENDS = (Status.PAINTED, Status.FAILED, Status.CANCELLED, Status.EXPIRED)


class Store:
    """SQL for jobs and their pictures. Every method may raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewJob) -> Job | None:
        """One row, not accepted yet; None when this interaction already has one (a replay)."""
        guest = new.guest
        statement = (
            upsert(jobs)
            .values(
                status=Status.WAITING,
                route=new.route,
                routes=",".join(sorted(new.routes or {new.route})),
                weight=new.weight,
                request=new.request.model_dump_json(),
                parent_id=new.parent_id,
                user_id=guest.user_id,
                user_name=guest.name,
                guild_id=guest.guild_id,
                **columns(new.address, *ADDRESS),
                created_at=time.time(),
            )
            .on_conflict_do_nothing(index_elements=["interaction_id"])
            .returning(*jobs.c)
        )

        def step(connection: Connection) -> Job | None:
            row = connection.execute(statement).first()
            if row is None:
                return None
            if new.sources:
                given = [
                    {"job_id": row.id, **columns(s, "role", "width", "height", "data")}
                    for s in new.sources
                ]
                connection.execute(insert(sources), given)
            return job_of(row)

        return await self._database.step(step)

    async def accept(self, job_id: int, message_id: int | None) -> Job | None:
        """The member has seen the waiting card: from now on the job may be claimed."""
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job_id)
            .values(accepted=True, message_id=message_id)
            .returning(*jobs.c)
        )

    async def drop(self, job_id: int) -> None:
        """Forgets a row whose first answer never reached the member."""

        def step(connection: Connection) -> None:
            connection.execute(delete(jobs).where(jobs.c.id == job_id, jobs.c.accepted.is_(False)))

        await self._database.step(step)

    async def readdress(self, job_id: int, address: Address) -> Job | None:
        """A fresh token for a job whose end has not been told (Keep waiting); else None."""
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.told.is_(False))
            .values(
                token=address.token,
                expires_at=address.expires_at,
                upload_limit=address.upload_limit,
                channel_id=address.channel_id,
                message_id=address.message_id,
            )
            .returning(*jobs.c)
        )

    async def claim(self, job_id: int, backend: str) -> Job | None:
        """A waiting job now runs on a backend, under a new attempt; None when it has moved on."""
        now = time.time()
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status == Status.WAITING, jobs.c.accepted.is_(True))
            .values(
                status=Status.RUNNING,
                route=backend,
                attempt=jobs.c.attempt + 1,
                started_at=now,
                beat_at=now,
            )
            .returning(*jobs.c)
        )

    async def expire(self, job_id: int, sentence: str) -> Job | None:
        """The end of a job that has waited too long; None when it waits no more."""
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status == Status.WAITING)
            .values(
                status=Status.EXPIRED,
                ended_at=time.time(),
                error_code="Expired",
                error_sentence=sentence,
            )
            .returning(*jobs.c)
        )

    async def beat(self, job: Job) -> bool:
        """The worker is alive; False when the job is no longer its own."""
        return await self._fenced(job, beat_at=time.time()) is not None

    async def note_remote(self, job: Job, remote_id: str) -> None:
        """The name that an asynchronous backend gave a running job."""
        await self._fenced(job, remote_id=remote_id)

    async def release(self, job: Job, *, delay: float, counted: bool, code: str) -> Job | None:
        """Back into line, at its old place, for `delay` seconds; `counted` if the try broke."""
        return await self._fenced(
            job,
            status=Status.WAITING,
            not_before=time.time() + delay,
            failures=jobs.c.failures + int(counted),
            error_code=code,
        )

    async def keep(self, job: Job, done: Sequence[Picture], first: int) -> Job | None:
        """Pictures of a job that goes on, from position `first` (0 is the first); its row as it is.

        Also while its member's cancel of this very attempt has not been told. None, and nothing
        is kept, when another attempt took over.
        """
        mine = and_(jobs.c.attempt == job.attempt, jobs.c.status == Status.RUNNING)
        withdrawn = and_(jobs.c.attempt == job.attempt + 1, jobs.c.status == Status.CANCELLED)
        still = (jobs.c.id == job.id, jobs.c.told.is_(False), or_(mine, withdrawn))
        return await self._with_pictures(
            # What is still missing is another task there.
            update(jobs).where(*still).values(beat_at=time.time(), remote_id=None),
            job,
            done,
            first,
        )

    async def undelivered(self) -> dict[int, int]:
        """Bytes of pictures on disk, by job."""
        size = func.sum(func.length(pictures.c.data))
        summing = select(pictures.c.job_id, size).group_by(pictures.c.job_id)
        rows = await self._database.step(lambda c: c.execute(summing).all())
        return {job_id: int(total) for job_id, total in rows}

    async def kept(self, job_id: int) -> int:
        """How many pictures of a job are on disk."""
        counting = select(func.count()).where(pictures.c.job_id == job_id)
        return await self._database.step(lambda c: c.execute(counting).scalar_one())

    async def painted(self, job: Job, done: Sequence[Picture], first: int = 0) -> Job | None:
        """The last pictures and the end in one transaction; None when another attempt took over."""
        end = where_mine(job).values(status=Status.PAINTED, ended_at=time.time())
        return await self._with_pictures(end, job, done, first)

    async def worded(self, job: Job, outcome: str) -> Job | None:
        """The end of a job whose outcome is words (describe)."""
        return await self._fenced(job, status=Status.PAINTED, ended_at=time.time(), outcome=outcome)

    async def amend(self, job: Job, request: ImageRequest) -> Job | None:
        """Another request for a job that still waits."""
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job.id, jobs.c.status == Status.WAITING)
            .values(request=request.model_dump_json())
            .returning(*jobs.c)
        )

    async def reroute(self, job: Job, routes: frozenset[str]) -> Job | None:
        """Other backends for a job that still waits."""
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job.id, jobs.c.status == Status.WAITING)
            .values(routes=",".join(sorted(routes)))
            .returning(*jobs.c)
        )

    async def abandon(self, job_id: int) -> bool:
        """The pictures of a painted job that found no way are given up; whether there were any."""

        def step(connection: Connection) -> bool:
            ended = (jobs.c.id == job_id, jobs.c.status == Status.PAINTED, jobs.c.told.is_(False))
            change = update(jobs).where(*ended).values(told=True, token="", error_code="NoWay")
            if not connection.execute(change).rowcount:
                return False
            connection.execute(delete(pictures).where(pictures.c.job_id == job_id))
            return True

        return await self._database.step(step)

    async def refuse(self, job: Job, sentence: str) -> Job | None:
        """The end of a job that still waits and turned out to be impossible."""
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job.id, jobs.c.status == Status.WAITING)
            .values(
                status=Status.FAILED,
                ended_at=time.time(),
                error_code="Refused",
                error_sentence=sentence,
            )
            .returning(*jobs.c)
        )

    async def fail(self, job: Job, code: str, sentence: str, ref: str) -> Job | None:
        """The end by an error; `ref` is the number that the log has too."""
        return await self._fenced(
            job,
            status=Status.FAILED,
            ended_at=time.time(),
            error_code=code,
            error_sentence=sentence,
            error_ref=ref,
        )

    async def cancel(self, job_id: int, sentence: str | None = None) -> Job | None:
        """The end by somebody's wish, waiting or running; None when it has ended already.

        `sentence` tells the member, if it was not their own.
        """
        return await self._one(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status.in_((Status.WAITING, Status.RUNNING)))
            .values(
                status=Status.CANCELLED,
                ended_at=time.time(),
                attempt=jobs.c.attempt + 1,
                error_sentence=sentence,
            )
            .returning(*jobs.c)
        )

    async def told(self, job: Job, waited: float | None = None) -> int | None:
        """The member's message says the end: the pictures and the token are no longer needed.

        `waited`: seconds from the order to its end; None: as the row has it.

        How many pictures that were; None when it was told before, or by an older attempt.
        """
        end = Status.DELIVERED if job.status is Status.PAINTED else job.status
        if waited is None:
            waited = (job.ended_at or job.created_at) - job.created_at
        calls = job.status is Status.PAINTED and waited > CALL_SECONDS

        def step(connection: Connection) -> int | None:
            result = connection.execute(
                update(jobs)
                .where(jobs.c.id == job.id, jobs.c.attempt == job.attempt, jobs.c.told.is_(False))
                .values(status=end, told=True, token="", mention="due" if calls else None)
                .returning(jobs.c.id)
            )
            if result.first() is None:
                return None
            gone = connection.execute(delete(pictures).where(pictures.c.job_id == job.id))
            if job.status is Status.PAINTED:
                # What failed or was cancelled can be tried again.
                connection.execute(delete(sources).where(sources.c.job_id == job.id))
            return gone.rowcount

        return await self._database.step(step)

    async def call_due(self, job_id: int) -> bool:
        """Whether a delivered job's member is still to be called."""
        due = select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.mention == "due")
        return await self._database.step(lambda c: c.execute(due).first() is not None)

    async def called(self, job_id: int) -> None:
        """The member was called."""
        await self._database.step(
            lambda c: c.execute(update(jobs).where(jobs.c.id == job_id).values(mention="sent"))
        )

    async def uncalled(self) -> list[Job]:
        """Delivered jobs whose members are still to be called."""

        def step(connection: Connection) -> list[Job]:
            rows = connection.execute(
                select(jobs).where(jobs.c.mention == "due").order_by(jobs.c.id)
            )
            return readable(connection, rows.all())

        return await self._database.step(step)

    async def get(self, job_id: int) -> Job | None:
        """One job by its number."""
        return await self._one(select(jobs).where(jobs.c.id == job_id))

    async def pictures(self, job_id: int) -> list[Picture]:
        """The finished pictures of a job whose end has not been told yet, in order."""
        columns = [c for c in pictures.c if c.name not in ("job_id", "position")]

        def step(connection: Connection) -> list[Picture]:
            rows = connection.execute(
                select(*columns).where(pictures.c.job_id == job_id).order_by(pictures.c.position)
            )
            return [Picture(**row._asdict()) for row in rows]

        return await self._database.step(step)

    async def sources(self, job_id: int) -> tuple[Source, ...]:
        """What the guest gave, as long as it is kept."""

        def step(connection: Connection) -> tuple[Source, ...]:
            rows = connection.execute(
                select(sources).where(sources.c.job_id == job_id).order_by(sources.c.role)
            )
            return tuple(Source(Role(r.role), r.data, r.width, r.height) for r in rows)

        return await self._database.step(step)

    async def rescue(self, most_failures: int = 3) -> list[Job]:
        """At the start: what ran goes back into line; returns it as it was, attempts and all.

        An interrupted attempt counts as broken; the last one that is allowed is the end.
        """

        def step(connection: Connection) -> list[Job]:
            rows = connection.execute(
                select(jobs).where(jobs.c.status == Status.RUNNING).order_by(jobs.c.id)
            )
            orphans = readable(connection, rows.all())
            mine = jobs.c.status == Status.RUNNING
            # A job that was running each time the bot broke may be what broke it.
            connection.execute(
                update(jobs)
                .where(mine, jobs.c.failures + 1 >= most_failures)
                .values(
                    status=Status.FAILED,
                    ended_at=time.time(),
                    error_code="Interrupted",
                    error_sentence=INTERRUPTED,
                )
            )
            connection.execute(
                update(jobs)
                .where(mine)
                .values(status=Status.WAITING, not_before=0, failures=jobs.c.failures + 1)
            )
            return orphans

        return await self._database.step(step)

    async def adopt(self, routes: Sequence[str], by: str) -> int:
        """Waiting jobs that no configured backend can paint go to another; how many."""

        def step(connection: Connection) -> int:
            rows = connection.execute(
                select(jobs.c.id, jobs.c.route, jobs.c.routes).where(
                    jobs.c.status == Status.WAITING
                )
            )
            moved = 0
            for row in rows.all():
                held = set((row.routes or row.route).split(","))
                if kept := sorted(held & set(routes)):
                    if kept == sorted(held) and row.route in kept:
                        continue
                    names = {"route": kept[0], "routes": ",".join(kept)}
                else:
                    moved += 1
                    names = {"route": by, "routes": by}
                connection.execute(update(jobs).where(jobs.c.id == row.id).values(**names))
            return moved

        return await self._database.step(step)

    async def open_jobs(self) -> tuple[list[Job], list[Job]]:
        """What waits or runs: (accepted, not yet accepted), each in order."""

        def step(connection: Connection) -> tuple[list[Job], list[Job]]:
            rows = (
                connection.execute(
                    select(jobs)
                    .where(jobs.c.status.in_((Status.WAITING, Status.RUNNING)))
                    .order_by(jobs.c.id)
                )
            ).all()
            return (
                readable(connection, [r for r in rows if r.accepted]),
                readable(connection, [r for r in rows if not r.accepted]),
            )

        return await self._database.step(step)

    async def untold(self) -> list[Job]:
        """What has ended while nobody could be told."""

        def step(connection: Connection) -> list[Job]:
            rows = connection.execute(
                select(jobs)
                .where(and_(jobs.c.told.is_(False), jobs.c.status.in_(_ENDS)))
                .order_by(jobs.c.id)
            )
            return readable(connection, rows.all())

        return await self._database.step(step)

    async def _with_pictures(
        self, change: Any, job: Job, done: Sequence[Picture], first: int
    ) -> Job | None:

        def step(connection: Connection) -> Job | None:
            row = connection.execute(change.returning(*jobs.c)).first()
            if row is None:
                return None
            rows = [picture_row(job.id, n, picture) for n, picture in enumerate(done, first)]
            connection.execute(insert(pictures), rows)
            return job_of(row)

        return await self._database.step(step)

    async def _fenced(self, job: Job, **values: Any) -> Job | None:
        return await self._one(where_mine(job).values(**values).returning(*jobs.c))

    async def _one(self, statement: Any) -> Job | None:

        def step(connection: Connection) -> Job | None:
            found = connection.execute(statement).all()
            return next(iter(readable(connection, found)), None)

        return await self._database.step(step)
