"""A worker carries each job to its end, once, through every trouble on the way."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendFailed,
    BackendOutOfMemory,
    BackendRejectedCredentials,
    BackendUnreachable,
    DatabaseUnavailable,
    EaselError,
)
from bot.queue import attempt as attempt_room
from bot.queue import health as health_room
from bot.queue import worker as worker_room
from bot.queue.health import State
from bot.queue.job import JobEvent, Status
from tests.bot.queue.props import BOB, Clock, Studio, picture, until

pytestmark = pytest.mark.usefixtures("short_pauses")


async def test_jobs_are_painted_in_order_each_under_its_own_name(studio: Studio) -> None:
    jobs = [await studio.line.accepted(user, seed=user) for user in range(3)]
    studio.open()
    for job in jobs:
        await studio.reaches(job, Status.PAINTED)
        assert await studio.line.queue.pictures(job) == [picture(job.request.seed)]
        assert (
            studio.line.statuses(job)
            == [Status.WAITING, Status.RUNNING, Status.PAINTED][job is jobs[0] :]
        )
    assert studio.painter.began == [f"easel-inst-{job.id}-1" for job in jobs]
    assert studio.painter.forgotten == []


async def test_an_idle_worker_hears_of_a_new_order_at_once(studio: Studio) -> None:
    studio.open()
    await studio.health.ready()
    await asyncio.sleep(0.02)
    began = asyncio.get_running_loop().time()
    job = await studio.line.accepted()
    await studio.reaches(job, Status.PAINTED)
    assert asyncio.get_running_loop().time() - began < worker_room.IDLE_SECONDS / 2


async def test_progress_becomes_news(studio: Studio) -> None:
    gate = asyncio.Event()
    studio.painter.script = [gate]
    job = await studio.line.accepted(steps=4)
    studio.open()
    await until(lambda: studio.painter.report is not None)
    assert studio.painter.report is not None
    studio.painter.report(0.25, b"a sketch")
    told = studio.line.heard(job)[-1].progress
    assert told is not None
    assert (told.fraction, told.step, told.steps, told.preview) == (0.25, 1, 4, b"a sketch")
    gate.set()
    await studio.reaches(job, Status.PAINTED)


async def test_a_busy_server_costs_the_job_nothing(studio: Studio) -> None:
    studio.painter.script = [BackendBusy("429", retry_after=0.01)] * 5
    job = await studio.line.accepted()
    studio.open()
    row = await studio.reaches(job, Status.PAINTED)
    assert (row.attempt, row.failures) == (6, 0)
    assert studio.painter.forgotten == [f"easel-inst-{job.id}-{n}" for n in range(1, 6)]
    assert studio.health.state is State.UP


async def test_a_server_that_was_not_reached_keeps_the_job_in_line(
    studio: Studio, clock: Clock
) -> None:
    studio.painter.script = [BackendUnreachable("no connection")] * 4
    job = await studio.line.accepted()
    studio.open()
    for attempt in range(1, 5):
        await until(lambda n=attempt: len(studio.painter.began) == n)  # type: ignore[misc]
        row = await studio.reaches(job, Status.WAITING)
        assert (row.failures, row.error_code) == (0, "BackendUnreachable")
        clock.forward(1)
        studio.line.queue.wake("main").set()
    await studio.reaches(job, Status.PAINTED)


async def test_nothing_is_claimed_while_the_server_is_away(studio: Studio) -> None:
    studio.painter.probes = [BackendUnreachable("no connection")] * 3
    job = await studio.line.accepted()
    studio.open()
    await until(lambda: studio.painter.probed == 3)
    assert (await studio.line.row(job)).status is Status.WAITING
    assert studio.painter.began == []
    await studio.reaches(job, Status.PAINTED)
    assert (await studio.line.row(job)).attempt == 1


async def test_a_connection_that_breaks_three_times_fails_the_job(
    studio: Studio, clock: Clock
) -> None:
    studio.painter.script = [BackendUnreachable("reset", taken=True)] * 4
    job = await studio.line.accepted()
    studio.open()
    for broken in (1, 2):
        row = await studio.reaches(job, Status.WAITING)
        while row.failures < broken:
            row = await studio.line.row(job)
        clock.forward(1)
        studio.line.queue.wake("main").set()
    row = await studio.reaches(job, Status.FAILED)
    assert (row.attempt, row.error_code) == (3, "BackendUnreachable")
    assert row.error_sentence == BackendUnreachable.default_sentence
    assert len(studio.painter.began) == 3


async def test_a_failure_is_told_and_logged_under_one_number(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    studio.painter.script = [BackendFailed("500: KeyError: 'secret detail'")]
    job = await studio.line.accepted()
    studio.open()
    with caplog.at_level(logging.ERROR):
        row = await studio.reaches(job, Status.FAILED)
    assert row.error_code == "BackendFailed"
    assert row.error_sentence == BackendFailed.default_sentence
    assert row.error_ref
    assert row.error_ref in caplog.text
    assert "secret detail" in caplog.text


async def test_out_of_memory_names_the_size(studio: Studio) -> None:
    studio.painter.script = [BackendOutOfMemory("500: OutOfMemoryError")]
    job = await studio.line.accepted(width=1024, height=768)
    studio.open()
    row = await studio.reaches(job, Status.FAILED)
    assert row.error_sentence is not None
    assert "ran out of memory at 1024×768." in row.error_sentence


async def test_a_bad_answer_fails_one_job_and_the_next_is_painted(studio: Studio) -> None:
    studio.painter.script = [BackendBadAnswer("images: []")]
    bad, good = await studio.line.accepted(), await studio.line.accepted(BOB)
    studio.open()
    await studio.reaches(good, Status.PAINTED)
    assert (await studio.line.row(bad)).status is Status.FAILED


async def test_an_error_nobody_foresaw_is_told_kindly_and_logged_whole(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    studio.painter.script = [ZeroDivisionError("in the middle")]
    bad, good = await studio.line.accepted(), await studio.line.accepted(BOB)
    studio.open()
    with caplog.at_level(logging.ERROR):
        await studio.reaches(good, Status.PAINTED)
    row = await studio.line.row(bad)
    assert (row.status, row.error_code) == (Status.FAILED, "Unknown")
    assert row.error_sentence == EaselError.default_sentence
    assert row.error_ref is not None
    assert row.error_ref in caplog.text


async def test_a_rejected_password_fails_the_job_and_stops_the_claiming(studio: Studio) -> None:
    studio.painter.script = [BackendRejectedCredentials("401")]
    first, second = await studio.line.accepted(), await studio.line.accepted(BOB)
    studio.open()
    await studio.health.ready()
    studio.painter.probes = [BackendRejectedCredentials("401")] * 100_000
    row = await studio.reaches(first, Status.FAILED)
    assert row.error_sentence == BackendRejectedCredentials.default_sentence
    await until(lambda: studio.health.state is State.REJECTED)
    assert (await studio.line.row(second)).status is Status.WAITING
    assert len(studio.painter.began) == 1
    studio.painter.probes.clear()
    await studio.reaches(second, Status.PAINTED)


async def test_a_cancelled_job_stops_the_painter_and_the_next_begins(studio: Studio) -> None:
    studio.painter.script = [asyncio.Event()]
    job, following = await studio.line.accepted(), await studio.line.accepted(BOB)
    studio.open()
    await until(lambda: len(studio.painter.began) == 1)
    await studio.line.queue.cancel(job.id)
    await studio.reaches(following, Status.PAINTED)
    assert studio.painter.interrupted == [f"easel-inst-{job.id}-1"]
    assert (await studio.line.row(job)).status is Status.CANCELLED
    assert studio.line.statuses(job)[-2:] == [Status.RUNNING, Status.CANCELLED]


async def test_a_job_cancelled_while_its_earlier_attempt_is_forgotten_is_not_painted(
    studio: Studio,
) -> None:
    studio.painter.script = [BackendBusy("429", retry_after=0.01)]
    studio.painter.forgetting = asyncio.Event()
    job = await studio.line.accepted()
    studio.open()
    await until(lambda: len(studio.painter.forgotten) == 1)
    await studio.line.queue.cancel(job.id)
    studio.painter.forgetting.set()
    following = await studio.line.accepted(BOB)
    await asyncio.wait_for(studio.reaches(following, Status.PAINTED), 1)
    assert len(studio.painter.began) == 2, "the first try, and the following job"


async def test_a_full_disk_at_the_end_loses_no_picture(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    save, refusals = studio.line.store.painted, [DatabaseUnavailable("full")] * 3

    async def full(*arguments: object) -> object:
        if refusals:
            raise refusals.pop()
        return await save(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(studio.line.store, "painted", full)
    job = await studio.line.accepted()
    studio.open()
    await studio.reaches(job, Status.PAINTED)
    assert await studio.line.queue.pictures(job) == [picture()]
    assert len(studio.painter.began) == 1
    assert caplog.text.count("can't save an outcome yet") == 3


@pytest.mark.parametrize("step", ["fail", "release"])
async def test_a_locked_file_at_a_bad_end_loses_nothing_either(
    studio: Studio, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, refusals = getattr(studio.line.store, step), [DatabaseUnavailable("locked")] * 2

    async def locked(*arguments: object, **named: object) -> object:
        if refusals:
            raise refusals.pop()
        return await save(*arguments, **named)

    monkeypatch.setattr(studio.line.store, step, locked)
    bad = BackendFailed("500") if step == "fail" else BackendBusy("429", retry_after=0.01)
    studio.painter.script = [bad]
    job = await studio.line.accepted()
    studio.open()
    row = await studio.reaches(job, Status.FAILED if step == "fail" else Status.PAINTED)
    assert row.attempt == (1 if step == "fail" else 2)


async def test_a_database_that_is_away_only_delays_the_claiming(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, refusals = studio.line.store.claim, [DatabaseUnavailable("locked")] * 3

    async def locked(job_id: int, backend: str) -> object:
        if refusals:
            raise refusals.pop()
        return await claim(job_id, backend)

    monkeypatch.setattr(studio.line.store, "claim", locked)
    job = await studio.line.accepted()
    studio.open()
    await studio.reaches(job, Status.PAINTED)


async def test_a_beat_keeps_the_row_fresh_and_finds_out_a_takeover(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_room, "BEAT_SECONDS", 0.002)
    beats: list[bool] = []
    beat = studio.line.store.beat

    async def counted(job: object) -> bool:
        beats.append(await beat(job))  # type: ignore[arg-type]
        return beats[-1]

    monkeypatch.setattr(studio.line.store, "beat", counted)
    studio.painter.script = [asyncio.Event()]
    job = await studio.line.accepted()
    studio.open()
    await until(lambda: len(beats) > 2)
    assert all(beats)
    monkeypatch.setattr(attempt_room, "BEAT_SECONDS", 0.03)
    await studio.line.store.rescue()
    row = await studio.reaches(job, Status.PAINTED)
    assert studio.painter.interrupted == [f"easel-inst-{job.id}-1"]
    assert row.attempt == 2


async def test_a_listener_that_breaks_does_not_end_the_work(studio: Studio) -> None:
    broken = [True]

    def deaf(event: JobEvent) -> None:
        if event.job.status is Status.PAINTED and broken.pop():
            raise RuntimeError("a listener broke")

    studio.line.queue.subscribe(deaf)
    await studio.line.accepted()
    following = await studio.line.accepted(BOB)
    studio.open()
    await until(lambda: not broken)
    await asyncio.sleep(0.05)
    assert studio.working
    assert (await studio.line.row(following)).status is Status.PAINTED


async def test_a_painter_that_falls_silent_loses_its_job_to_the_line(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, short_pauses: None
) -> None:
    """No reset comes from a host that is gone: its call would wait for its whole timeout."""
    monkeypatch.setattr(health_room, "LOST_SECONDS", 0.05)
    for_ever = asyncio.Event()
    studio.painter.script = [for_ever]
    studio.open()
    job = await studio.line.accepted()
    await until(lambda: bool(studio.painter.began))
    studio.painter.probes = [BackendUnreachable("no answer")] * 1_000_000
    studio.health.doubt(BackendUnreachable("no answer to a ping"))
    row = await studio.reaches(job, Status.WAITING)
    assert (row.attempt, row.failures, row.error_code) == (1, 1, "BackendUnreachable")
    studio.painter.probes = []
    assert (await studio.reaches(job, Status.PAINTED)).attempt == 2
