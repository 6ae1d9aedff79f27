"""The line: who may join, where each stands, what is told, and memory that follows the rows."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.database.engine import Database
from bot.errors import DatabaseUnavailable, QueueFull
from bot.queue.job import Job, Place, Status
from bot.queue.queue import SHOWING_SECONDS, Caps
from bot.queue.store import Store
from tests.bot.queue.props import (
    ADA,
    BOB,
    ROOMY,
    Clock,
    Line,
    address,
    ids,
    order,
    picture,
    progress,
)

TIGHT = Caps(per_member=2, per_guild=3, total=4)


# Who may join.


async def test_a_member_over_the_cap_is_told_how_many_wait(line: Line) -> None:
    for _ in range(TIGHT.per_member):
        await line.accepted(ADA, caps=TIGHT)
    with pytest.raises(QueueFull) as refusal:
        await line.submit(ADA, caps=TIGHT)
    assert "already have 2 pictures waiting" in refusal.value.sentence
    await line.submit(BOB, caps=TIGHT)


async def test_a_members_cap_counts_in_every_server(line: Line) -> None:
    await line.accepted(ADA, 1, caps=TIGHT)
    await line.accepted(ADA, None, caps=TIGHT)
    with pytest.raises(QueueFull):
        await line.submit(ADA, 2, caps=TIGHT)


async def test_a_server_over_its_cap_leaves_room_for_others(line: Line) -> None:
    for user in range(TIGHT.per_guild):
        await line.accepted(user, 1, caps=TIGHT)
    with pytest.raises(QueueFull, match="This server already has 3 pictures waiting"):
        await line.submit(BOB, 1, caps=TIGHT)
    await line.submit(BOB, 2, caps=TIGHT)


async def test_direct_messages_are_no_server(line: Line) -> None:
    for user in range(TIGHT.per_guild):
        await line.accepted(user, None, caps=TIGHT)
    await line.submit(BOB, None, caps=TIGHT)


async def test_the_line_as_a_whole_has_a_cap(line: Line) -> None:
    for user in range(TIGHT.total):
        await line.accepted(user, user, caps=TIGHT)
    with pytest.raises(QueueFull, match="The line is full"):
        await line.submit(BOB, 99, caps=TIGHT)


@pytest.mark.parametrize("caps", [Caps(1, 9, 9), Caps(9, 1, 9), Caps(9, 9, 1)])
async def test_an_order_whose_card_is_on_its_way_counts(line: Line, caps: Caps) -> None:
    await line.submit(ADA, caps=caps)
    with pytest.raises(QueueFull):
        line.queue.check(ADA, 1, caps)


async def test_a_card_that_never_arrives_counts_for_a_minute(line: Line, clock: Clock) -> None:
    caps = Caps(1, 9, 9)
    await line.submit(ADA, caps=caps)
    clock.forward(SHOWING_SECONDS - 1)
    with pytest.raises(QueueFull):
        line.queue.check(ADA, 1, caps)
    clock.forward(2)
    line.queue.check(ADA, 1, caps)


async def test_a_withdrawn_order_frees_its_place_and_its_row(line: Line) -> None:
    caps = Caps(1, 1, 1)
    job = await line.submit(ADA, caps=caps)
    await line.queue.withdraw(job)
    assert await line.store.get(job.id) is None
    await line.submit(ADA, caps=caps)


async def test_a_member_who_presses_twice_at_once_gets_one_place(line: Line) -> None:
    caps = Caps(1, 9, 9)
    outcomes = await asyncio.gather(
        *(line.submit(ADA, caps=caps) for _ in range(3)), return_exceptions=True
    )
    assert [type(o) for o in outcomes] == [Job, QueueFull, QueueFull]


@pytest.mark.xfail(strict=True, reason="rows being written count against their member's cap alone")
@pytest.mark.parametrize("caps", [Caps(9, 1, 9), Caps(9, 9, 1)])
async def test_two_members_at_the_same_moment_do_not_both_get_the_last_place(
    line: Line, caps: Caps
) -> None:
    outcomes = await asyncio.gather(
        *(line.submit(user, caps=caps) for user in (ADA, BOB)), return_exceptions=True
    )
    assert [type(o) for o in outcomes] == [Job, QueueFull]


async def test_a_replayed_interaction_takes_no_second_place(line: Line) -> None:
    caps = Caps(2, 9, 9)
    to = address()
    assert await line.queue.submit(order(to=to), caps) is not None
    assert await line.queue.submit(order(to=to), caps) is None
    line.queue.check(ADA, 1, caps)


async def test_an_order_that_cannot_be_written_takes_no_place(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def locked(_: object) -> None:
        raise DatabaseUnavailable("locked")

    caps = Caps(1, 1, 1)
    with monkeypatch.context() as patch:
        patch.setattr(line.store, "add", locked)
        with pytest.raises(DatabaseUnavailable):
            await line.submit(ADA, caps=caps)
    await line.submit(ADA, caps=caps)


async def test_every_end_frees_its_place(line: Line) -> None:
    caps = Caps(1, 1, 1)
    await line.accepted(caps=caps)
    await line.queue.finish(await line.claim(), [picture()])
    await line.accepted(caps=caps)
    await line.queue.fail(await line.claim(), "x", "x", "x")
    job = await line.accepted(caps=caps)
    await line.queue.cancel(job.id)
    await line.accepted(caps=caps)


# Where each stands.


async def test_places_are_counted_from_one_among_those_who_wait(line: Line) -> None:
    jobs = [await line.accepted(user) for user in range(3)]
    assert [line.queue.place(job).position for job in jobs] == [1, 2, 3]
    await line.claim()
    assert [line.queue.place(job).position for job in jobs[1:]] == [1, 2]


async def test_another_routes_line_is_another_line(line: Line) -> None:
    await line.accepted(ADA, route="far")
    near = await line.accepted(BOB)
    assert line.queue.place(near).position == 1


async def test_an_order_not_accepted_yet_sees_where_it_will_stand(line: Line) -> None:
    await line.accepted(ADA)
    assert line.queue.place(await line.submit(BOB)).position == 2


async def test_a_time_is_named_once_a_picture_has_been_seen(line: Line, clock: Clock) -> None:
    jobs = [await line.accepted(user) for user in range(4)]
    assert line.queue.place(jobs[0]) == Place(1, None)
    for seconds in (4.0, 8.0):
        running = await line.claim()
        clock.forward(seconds)
        await line.queue.finish(running, [picture()])
    # Six seconds each; the one that runs still has to end first.
    assert [line.queue.place(job).eta_seconds for job in jobs[2:]] == [6, 12]
    await line.claim()
    assert line.queue.place(jobs[3]) == Place(1, 12)


async def test_the_time_follows_the_last_ten_pictures(line: Line, clock: Clock) -> None:
    for seconds in [100.0] * 3 + [2.0] * 10:
        await line.accepted()
        running = await line.claim()
        clock.forward(seconds)
        await line.queue.finish(running, [picture()])
    assert line.queue.place(await line.accepted()).eta_seconds == pytest.approx(2)


# What is told.


async def test_accepting_wakes_the_worker_of_that_route(line: Line) -> None:
    await line.submit()
    assert not line.queue.wake("main").is_set()
    await line.accepted()
    assert line.queue.wake("main").is_set()
    assert not line.queue.wake("far").is_set()


async def test_a_card_that_showed_the_right_place_is_left_alone(line: Line) -> None:
    job = await line.submit()
    await line.queue.accept(job, 500, line.queue.place(job))
    assert line.news == []


async def test_a_card_that_showed_another_place_is_corrected(line: Line) -> None:
    first, second = await line.accepted(ADA), await line.submit(BOB)
    shown = line.queue.place(second)
    await line.claim()
    await line.queue.accept(second, 500, shown)
    assert [event.place for event in line.heard(second)] == [Place(1, None)]
    assert line.statuses(first) == [Status.RUNNING]


async def test_a_claim_is_told_to_it_and_to_those_behind(line: Line) -> None:
    jobs = [await line.accepted(user) for user in range(3)]
    await line.accepted(route="far")
    running = await line.claim()
    assert [(e.job.id, e.job.status, e.place) for e in line.news] == [
        (jobs[0].id, Status.RUNNING, None),
        (jobs[1].id, Status.WAITING, Place(1, None)),
        (jobs[2].id, Status.WAITING, Place(2, None)),
    ]
    assert running.attempt == 1


async def test_the_end_is_told_after_it_is_on_disk(line: Line) -> None:
    job = await line.accepted()
    running = await line.claim()
    seen: list[bool] = []
    line.queue.subscribe(lambda event: seen.append(event.job.id not in ids_of(line)))
    assert await line.queue.finish(running, [picture()])
    assert (await line.row(job)).status is Status.PAINTED
    assert line.statuses(job) == [Status.RUNNING, Status.PAINTED]
    assert seen == [True]
    assert await line.queue.pictures(job) == [picture()]


def ids_of(line: Line) -> list[int]:
    """The numbers of all open jobs, oldest first."""
    return [job.id for job in line.queue.waiting()]


async def test_an_overtaken_end_is_not_told(line: Line) -> None:
    await line.accepted()
    old = await line.claim()
    await line.store.rescue()
    await line.claim()
    line.news.clear()
    assert not await line.queue.finish(old, [picture()])
    await line.queue.fail(old, "x", "x", "x")
    await line.queue.release(old, delay=0, counted=True, error="x")
    assert line.news == []


async def test_a_failure_is_told_with_its_sentence(line: Line) -> None:
    job = await line.accepted()
    await line.queue.fail(await line.claim(), "BackendFailed", "It broke.", "ab12")
    told = line.news[-1].job
    assert (told.id, told.status) == (job.id, Status.FAILED)
    assert (told.error_sentence, told.error_ref) == ("It broke.", "ab12")


async def test_a_released_job_is_told_its_place_and_wakes_the_worker(line: Line) -> None:
    job, other = await line.accepted(ADA), await line.accepted(BOB)
    running = await line.claim()
    line.queue.wake("main").clear()
    line.news.clear()
    await line.queue.release(running, delay=0.01, counted=False, error="BackendBusy")
    assert [(e.job.id, e.job.status, e.place) for e in line.news] == [
        (job.id, Status.WAITING, Place(1, None))
    ]
    assert line.queue.place(other).position == 2
    assert not line.queue.wake("main").is_set()
    await asyncio.wait_for(line.queue.wake("main").wait(), 2)


async def test_cancelling_a_running_job_stops_its_painter_once(line: Line) -> None:
    stopped: list[str] = []
    job = await line.accepted()
    await line.claim(stop=lambda: stopped.append("stop"))
    ended = await line.queue.cancel(job.id)
    assert ended is not None
    assert ended.status is Status.CANCELLED
    assert await line.queue.cancel(job.id) is None
    assert stopped == ["stop"]
    assert line.statuses(job) == [Status.RUNNING, Status.CANCELLED]


async def test_cancelling_a_waiting_job_moves_the_others_up(line: Line) -> None:
    jobs = [await line.accepted(user) for user in range(3)]
    await line.queue.cancel(jobs[0].id)
    assert [(e.job.id, e.place) for e in line.news[1:]] == [
        (jobs[1].id, Place(1, None)),
        (jobs[2].id, Place(2, None)),
    ]


async def test_a_cancel_before_the_card_arrived_keeps_the_job_out_of_the_line(line: Line) -> None:
    job = await line.submit()
    assert await line.queue.cancel(job.id) is not None
    await line.queue.accept(job, 500)
    assert ids_of(line) == []
    assert await line.queue.claim("main", lambda: None) is None


async def test_progress_is_told_while_the_job_is_open(line: Line) -> None:
    job = await line.accepted()
    running = await line.claim()
    line.queue.progress(running, progress(0.5))
    assert line.news[-1].progress == progress(0.5)
    await line.queue.cancel(job.id)
    count = len(line.news)
    line.queue.progress(running, progress(0.9))
    assert len(line.news) == count


async def test_trouble_is_told_to_all_who_wait_there_and_taken_back(line: Line) -> None:
    painting, waiting = await line.accepted(ADA), await line.accepted(BOB)
    far = await line.accepted(BOB, route="far")
    await line.claim()
    line.news.clear()
    line.queue.trouble("main", "Nobody is there.")
    line.queue.trouble("main", None)
    assert [event.trouble for event in line.heard(waiting)] == ["Nobody is there.", None]
    assert line.heard(painting) == line.heard(far) == []


async def test_later_news_tell_the_trouble_too(line: Line) -> None:
    line.queue.trouble("main", "Nobody is there.")
    _, second = await line.accepted(ADA), await line.accepted(BOB)
    running = await line.claim()
    assert line.heard(second)[-1].trouble == "Nobody is there."
    await line.queue.release(running, delay=0, counted=False, error="x")
    assert line.news[-1].trouble == "Nobody is there."


# Memory and rows.


async def test_after_a_restart_the_line_is_as_it_was(line: Line) -> None:
    held, waiting = await line.accepted(ADA), await line.accepted(BOB)
    unseen = await line.submit(BOB)
    await line.claim()
    again = Line.over(line.store)
    assert ids(await again.queue.load()) == [held.id]
    assert ids_of(again) == [held.id, waiting.id]
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


STEPS = st.sampled_from(["order", "order", "accept", "claim", "finish", "fail", "release", "cancel"])


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
        assert [line.queue.place(job).position for job in waiting] == [
            *range(1, len(waiting) + 1)
        ]
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
        await line.queue.claim("main", lambda: None)
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


async def test_the_caps_of_these_tests_leave_room(line: Line) -> None:
    line.queue.check(ADA, 1, ROOMY)
