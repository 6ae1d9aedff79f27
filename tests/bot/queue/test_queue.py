"""The line: where each stands, and what is told to whom."""

from __future__ import annotations

import asyncio

import pytest

from bot.queue.job import Job, Place, Status
from tests.bot.queue.props import ADA, BOB, Clock, Line, picture, progress, take

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
    # The newest measurement weighs three tenths.
    each = 4 + 0.3 * 4
    told = [line.queue.place(job).eta_seconds for job in jobs[2:]]
    assert told == pytest.approx([each, 2 * each])
    await line.claim()
    clock.forward(1)
    place = line.queue.place(jobs[3])
    assert place.position == 1
    assert place.eta_seconds == pytest.approx(2 * each - 1), "what runs still has to end first"


async def test_the_time_follows_the_newest_pictures(line: Line, clock: Clock) -> None:
    for seconds in [100.0] * 3 + [2.0] * 20:
        await line.accepted()
        running = await line.claim()
        clock.forward(seconds)
        await line.queue.finish(running, [picture()])
    assert line.queue.place(await line.accepted()).eta_seconds == pytest.approx(2, rel=0.1)


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
    await line.settled()
    assert [event.place for event in line.heard(second)] == [Place(1, None)]
    assert line.statuses(first) == [Status.RUNNING]


async def test_a_claim_is_told_to_it_and_to_those_behind(line: Line) -> None:
    jobs = [await line.accepted(user) for user in range(3)]
    await line.accepted(route="far")
    await line.settled()
    line.news.clear()
    running = await line.claim()
    await line.settled()
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
    line.queue.subscribe(lambda event: seen.append(event.job.id not in line.open_ids()))
    assert await line.queue.finish(running, [picture()])
    assert (await line.row(job)).status is Status.PAINTED
    assert line.statuses(job) == [Status.RUNNING, Status.PAINTED]
    assert seen == [True]
    assert await line.queue.pictures(job) == [picture()]


async def test_an_overtaken_end_is_not_told(line: Line) -> None:
    await line.accepted()
    old = await line.claim()
    await line.store.rescue()
    assert await take(line.store) is not None
    await line.settled()
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
    await line.settled()
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
    stopped: list[Job | None] = []

    def stop(cancelled: Job | None) -> bool:
        stopped.append(cancelled)
        return False

    job = await line.accepted()
    await line.claim(stop=stop)
    ended = await line.queue.cancel(job.id)
    assert ended is not None
    assert ended.status is Status.CANCELLED
    assert await line.queue.cancel(job.id) is None
    assert stopped == [ended]
    assert line.statuses(job) == [Status.RUNNING, Status.CANCELLED]


async def test_cancelling_a_waiting_job_moves_the_others_up(line: Line) -> None:
    jobs = [await line.accepted(user) for user in range(3)]
    await line.settled()
    line.news.clear()
    await line.queue.cancel(jobs[0].id)
    await line.settled()
    assert [(e.job.id, e.place) for e in line.news[1:]] == [
        (jobs[1].id, Place(1, None)),
        (jobs[2].id, Place(2, None)),
    ]


async def test_a_cancel_before_the_card_arrived_keeps_the_job_out_of_the_line(line: Line) -> None:
    job = await line.submit()
    assert await line.queue.cancel(job.id) is not None
    await line.queue.accept(job, 500)
    assert line.open_ids() == []
    assert await line.queue.claim("main", lambda _: False) is None


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
    await line.settled()
    assert line.heard(second)[-1].trouble == "Nobody is there."
    await line.queue.release(running, delay=0, counted=False, error="x")
    assert line.news[-1].trouble == "Nobody is there."


async def test_a_slow_painter_leaves_a_job_to_a_fast_one_that_will_be_sooner(
    line: Line, clock: Clock
) -> None:
    """The slow one is idle, the fast one busy for two seconds more: it will still be sooner."""
    line.queue._standing._slots = {"main": 1, "far": 1}
    both = frozenset({"main", "far"})
    for backend, seconds in (("main", 2.0), ("far", 20.0)):
        await line.accepted(routes=frozenset({backend}), route=backend)
        first = await line.claim(backend)
        clock.forward(seconds)
        await line.queue.finish(first, [picture()])
    await line.accepted(routes=both)
    busy = await line.claim("main")
    left = await line.accepted(routes=both)
    assert await line.queue.claim("far", lambda _: False) is None
    line.queue.trouble("main", "It is away.")
    taken = await line.queue.claim("far", lambda _: False)
    assert taken is not None
    assert taken.id == left.id, "the fast one is away"
    await line.queue.release(taken, delay=0, counted=False, error="Stopped")
    line.queue.trouble("main", None)
    assert await line.queue.claim("far", lambda _: False) is None
    clock.forward(31)
    assert (await line.queue.claim("far", lambda _: False)) is not None, "not for ever"
    assert busy.route == "main"
