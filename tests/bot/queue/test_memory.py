"""What the queue holds in memory is what the rows say: after faults, restarts and any walk."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.database.engine import Database
from bot.errors import DatabaseUnavailable, QueueFull
from bot.queue.door import Caps
from bot.queue.job import Job, Status
from bot.queue.store import Store
from tests.bot.queue.props import ADA, BOB, Line, ids, picture


async def test_after_a_restart_the_line_is_as_it_was(line: Line) -> None:
    held, waiting = await line.accepted(ADA), await line.accepted(BOB)
    unseen = await line.submit(BOB)
    await line.claim()
    again = Line.over(line.store)
    assert ids(await again.queue.load()) == [held.id]
    assert again.open_ids() == [held.id, waiting.id]
    assert again.queue.place(waiting).position == 2
    assert ids(await again.queue.unaccepted()) == [unseen.id]
    with pytest.raises(QueueFull):
        again.queue.check(ADA, 1, Caps(1, 9, 9))


async def test_what_ended_untold_is_found_after_a_restart(line: Line) -> None:
    await line.accepted()
    running = await line.claim()
    await line.queue.finish(running, [picture()])
    again = Line.over(line.store)
    await again.queue.load()
    (job,) = await again.queue.untold()
    assert await again.queue.pictures(job) == [picture()]
    await again.queue.told(job)
    assert await again.queue.untold() == []


@pytest.mark.parametrize("step", ["cancel", "claim", "painted", "fail", "release"])
async def test_memory_moves_only_after_the_row(
    line: Line, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def locked(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("locked")

    job = await line.accepted()
    if step not in ("cancel", "claim"):
        job = await line.claim()
    line.news.clear()
    monkeypatch.setattr(line.store, step, locked)
    with pytest.raises(DatabaseUnavailable):
        match step:
            case "cancel":
                await line.queue.cancel(job.id)
            case "claim":
                await line.claim()
            case "painted":
                await line.queue.finish(job, [picture()])
            case "fail":
                await line.queue.fail(job, "x", "x", "x")
            case _:
                await line.queue.release(job, delay=0, counted=False, error="x")
    assert list(line.queue.waiting()) == [job]
    assert line.news == []


async def test_a_job_is_found_while_it_is_open_and_after(line: Line) -> None:
    job = await line.accepted()
    assert await line.queue.get(job.id) == job
    await line.queue.cancel(job.id)
    ended = await line.queue.get(job.id)
    assert ended is not None
    assert ended.status is Status.CANCELLED
    assert await line.queue.get(999) is None


async def test_a_fresh_address_is_known_to_memory_and_row(line: Line) -> None:
    job = await line.accepted()
    fresh = await line.queue.readdress(job, replace(job.address, token="fresh"))
    assert fresh is not None
    assert [j.address.token for j in line.queue.waiting()] == ["fresh"]
    assert (await line.row(job)).address.token == "fresh"


async def test_a_row_that_no_longer_reads_does_not_stop_the_others(line: Line, file: Path) -> None:
    odd, good = await line.accepted(ADA), await line.accepted(BOB)
    with closing(sqlite3.connect(file)) as other:
        other.execute("UPDATE jobs SET request = '{}' WHERE id = ?", (odd.id,))
        other.commit()
    again = Line.over(line.store)
    await again.queue.load()
    assert (await again.claim()).id == good.id


STEPS = st.sampled_from(
    ["order", "order", "accept", "claim", "finish", "fail", "release", "cancel"]
)


@given(walk=st.lists(st.tuples(STEPS, st.integers(0, 5)), max_size=25))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_memory_is_what_the_rows_say(
    walk: list[tuple[str, int]], empty_file: Path, tmp_path: Path
) -> None:
    database = Database(Path(shutil.copy(empty_file, tmp_path / "walk.db")))
    line = Line.over(Store(database))
    jobs: list[Job] = []
    for step, which in walk:
        await take(line, jobs, step, which)
        accepted, _ = await line.store.open_jobs()
        assert list(line.queue.waiting()) == accepted
        waiting = [job for job in accepted if job.status is Status.WAITING]
        assert [line.queue.place(job).position for job in waiting] == [*range(1, len(waiting) + 1)]
    for job in jobs:
        ends = [e for e in line.heard(job) if not e.job.status.open]
        row = await line.store.get(job.id)
        assert len(ends) == (row is not None and not row.status.open)
    await database.close()
    for rest in tmp_path.glob("walk.db*"):
        rest.unlink()


async def take(line: Line, jobs: list[Job], step: str, which: int) -> None:
    """One step of a random walk; `which` chooses among the jobs so far."""
    if step == "order":
        jobs.append(await line.submit(which % 3))
    elif step == "claim":
        await line.queue.claim("main", lambda _: False)
    elif jobs:
        known = jobs[which % len(jobs)]
        now = await line.row(known)
        match step:
            case "accept":
                await line.queue.accept(known, 500)
            case "finish":
                await line.queue.finish(now, [picture()])
            case "fail":
                await line.queue.fail(now, "x", "x", "x")
            case "release":
                await line.queue.release(now, delay=0, counted=True, error="x")
            case _:
                await line.queue.cancel(known.id)
