"""Every step of a job's life is a row's: what may happen, what is not heard, what survives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.database.engine import Database
from bot.queue.job import Job, NewJob, Status
from bot.queue.store import Store
from bot.values.guest import Guest
from bot.values.request import ImageRequest
from tests.bot.queue.props import Clock, address, ids, order, picture, take

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
SNOWFLAKES = st.integers(0, 2**63 - 1)
REQUESTS = st.builds(
    ImageRequest,
    prompt=WORDS,
    negative_prompt=WORDS,
    model=st.none() | WORDS,
    width=st.integers(8, 2048).map(lambda n: n * 8),
    height=st.integers(8, 2048).map(lambda n: n * 8),
    steps=st.integers(1, 1000),
    sampler=st.none() | WORDS,
    scheduler=st.none() | WORDS,
    cfg_scale=st.floats(0, 50),
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 10),
)
GUESTS = st.builds(Guest, user_id=SNOWFLAKES, name=WORDS, guild_id=st.none() | SNOWFLAKES)


async def added(store: Store, new: NewJob | None = None) -> Job:
    """A row whose card is on its way."""
    job = await store.add(new or order())
    assert job is not None
    return job


async def waiting(store: Store, new: NewJob | None = None) -> Job:
    """A row that stands in line."""
    job = await store.accept((await added(store, new)).id, 500)
    assert job is not None
    return job


async def running(store: Store) -> Job:
    """A row that a worker holds."""
    await waiting(store)
    job = await take(store)
    assert job is not None
    return job


async def painted(store: Store, pictures: int = 1) -> Job:
    """A row with its pictures."""
    job = await store.painted(await running(store), [picture(n) for n in range(pictures)])
    assert job is not None
    return job


async def row(store: Store, job: Job) -> Job:
    """The job as it is now."""
    found = await store.get(job.id)
    assert found is not None
    return found


async def test_a_new_order_waits_and_is_not_accepted_yet(store: Store, clock: Clock) -> None:
    new = order(parent=3)
    job = await added(store, new)
    assert (job.request, job.guest, job.address) == (new.request, new.guest, new.address)
    assert (job.status, job.attempt, job.failures, job.told) == (Status.WAITING, 0, 0, False)
    assert (job.created_at, job.parent_id, job.route) == (clock.now, 3, "main")
    assert await store.open_jobs() == ([], [job])


@given(wish=REQUESTS, guest=GUESTS, private=st.booleans(), token=WORDS, channel=SNOWFLAKES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_was_ordered_is_read_back_the_same(
    wish: ImageRequest, guest: Guest, private: bool, token: str, channel: int, file: Path
) -> None:
    to = address(
        token=token,
        private=private,
        channel_id=channel,
        reachable=not private,
        spoiler=len(token) % 2 == 1,
    )
    database = Database(file)
    job = await added(Store(database), NewJob(wish, guest, to, "main"))
    await database.close()
    again = Database(file)
    assert await Store(again).get(job.id) == job
    await again.close()
    assert (job.request, job.guest, job.address) == (wish, guest, to)


async def test_a_replayed_interaction_makes_no_second_row(store: Store) -> None:
    to = address()
    first = await added(store, order(to=to, prompt="the first"))
    assert await store.add(order(to=to, prompt="the replay")) is None
    assert await row(store, first) == first


async def test_only_an_accepted_order_is_claimed(store: Store) -> None:
    job = await added(store)
    assert await take(store) is None
    accepted = await store.accept(job.id, 77)
    assert accepted is not None
    assert accepted.address.message_id == 77
    assert await store.open_jobs() == ([accepted], [])
    claimed = await take(store)
    assert claimed is not None
    assert claimed.id == job.id


async def test_a_claim_is_one_attempt_of_one_backend(store: Store, clock: Clock) -> None:
    new = replace(order(), routes=frozenset({"main", "far"}))
    job = await waiting(store, new)
    assert job.route == "main"
    assert job.routes == frozenset({"main", "far"})
    clock.forward(3)
    claimed = await store.claim(job.id, "far")
    assert claimed is not None
    assert (claimed.status, claimed.attempt, claimed.route) == (Status.RUNNING, 1, "far")
    assert claimed.started_at == clock.now
    assert await store.claim(job.id, "main") is None, "it is taken"


async def test_what_has_waited_too_long_expires_once(store: Store) -> None:
    job = await waiting(store)
    ended = await store.expire(job.id, "too long")
    assert ended is not None
    assert (ended.status, ended.error_sentence) == (Status.EXPIRED, "too long")
    assert await store.expire(job.id, "too long") is None
    assert await take(store) is None


async def test_who_waited_long_is_called_once(store: Store, clock: Clock) -> None:
    job = await running(store)
    clock.forward(61)
    ended = await store.painted(job, [picture()])
    assert ended is not None
    assert not await store.call_due(ended.id), "not before it is delivered"
    await store.told(ended)
    assert ids(await store.uncalled()) == [ended.id]
    assert await store.call_due(ended.id)
    await store.called(ended.id)
    assert not await store.call_due(ended.id)
    assert await store.uncalled() == []


async def test_accepting_a_row_that_is_gone_says_so(store: Store) -> None:
    assert await store.accept(99, 1) is None
    assert await store.get(99) is None


async def test_an_order_nobody_saw_is_dropped_and_an_accepted_one_is_not(store: Store) -> None:
    unseen, seen = await added(store), await waiting(store)
    await store.drop(unseen.id)
    await store.drop(seen.id)
    assert await store.get(unseen.id) is None
    assert await store.get(seen.id) == seen


async def test_a_beat_is_heard_while_the_job_is_ones_own(store: Store) -> None:
    job = await running(store)
    assert await store.beat(job)
    assert await store.cancel(job.id) is not None
    assert not await store.beat(job)


async def test_a_released_job_has_its_old_place_after_its_delay(store: Store, clock: Clock) -> None:
    job = await running(store)
    later = await waiting(store)
    back = await store.release(job, delay=30, counted=True, code="BackendBusy")
    assert back is not None
    assert (back.status, back.failures, back.error_code) == (Status.WAITING, 1, "BackendBusy")
    again = await take(store)
    assert again is not None
    assert (again.id, again.attempt) == (job.id, 2)
    assert later.id > job.id


async def test_a_release_that_costs_nothing_counts_nothing(store: Store) -> None:
    job = await running(store)
    back = await store.release(job, delay=0, counted=False, code="Stopped")
    assert back is not None
    assert back.failures == 0


async def test_a_failure_keeps_its_reason_and_its_number(store: Store) -> None:
    ended = await store.fail(await running(store), "BackendFailed", "It broke.", "ab12")
    assert ended is not None
    assert ended.status is Status.FAILED
    assert (ended.error_code, ended.error_sentence) == ("BackendFailed", "It broke.")
    assert ended.error_ref == "ab12"
    await store.told(ended)
    assert (await row(store, ended)).status is Status.FAILED


@pytest.mark.parametrize("make", [waiting, running])
async def test_what_is_open_can_be_cancelled_once(
    store: Store, make: Callable[[Store], Awaitable[Job]]
) -> None:
    job = await make(store)
    ended = await store.cancel(job.id)
    assert ended is not None
    assert (ended.status, ended.attempt) == (Status.CANCELLED, job.attempt + 1)
    assert await store.cancel(job.id) is None
    assert await take(store) is None


async def test_what_has_ended_cannot_be_cancelled(store: Store) -> None:
    job = await painted(store)
    assert await store.cancel(job.id) is None
    assert await row(store, job) == job


OVERTAKEN: dict[str, Callable[[Store, Job], Awaitable[object]]] = {
    "beat": lambda store, job: store.beat(job),
    "release": lambda store, job: store.release(job, delay=0, counted=True, code="x"),
    "painted": lambda store, job: store.painted(job, [picture()]),
    "fail": lambda store, job: store.fail(job, "x", "x", "x"),
}
KEEP: dict[str, Callable[[Store, Job], Awaitable[object]]] = {
    "keep": lambda store, job: store.keep(job, [picture(2)], 1),
}
STEPS = pytest.mark.parametrize("step", OVERTAKEN.values(), ids=OVERTAKEN.keys())
ALL_STEPS = pytest.mark.parametrize(
    "step", [*OVERTAKEN.values(), *KEEP.values()], ids=[*OVERTAKEN, *KEEP]
)


@ALL_STEPS
async def test_a_worker_that_was_overtaken_is_not_heard(
    store: Store, step: Callable[[Store, Job], Awaitable[object]]
) -> None:
    old = await running(store)
    await store.rescue()
    successor = await take(store)
    assert successor is not None
    assert not await step(store, old)
    assert await row(store, successor) == successor
    assert await store.pictures(old.id) == []


@STEPS
async def test_a_worker_whose_job_was_cancelled_is_not_heard(
    store: Store, step: Callable[[Store, Job], Awaitable[object]]
) -> None:
    job = await running(store)
    ended = await store.cancel(job.id)
    assert not await step(store, job)
    assert await row(store, job) == ended


@ALL_STEPS
async def test_a_worker_that_reports_twice_is_heard_once(
    store: Store, step: Callable[[Store, Job], Awaitable[object]]
) -> None:
    job = await running(store)
    ended = await store.painted(job, [picture(1)])
    assert not await step(store, job)
    assert await row(store, job) == ended
    assert await store.pictures(job.id) == [picture(1)]


async def test_after_a_crash_what_ran_goes_back_to_its_place(file: Path) -> None:
    crashed = Database(file)
    job, later = await running(Store(crashed)), await waiting(Store(crashed))
    await crashed.close()

    again = Database(file)
    store = Store(again)
    assert await store.rescue() == [job]
    assert await store.rescue() == []
    claimed = [await take(store) for _ in range(2)]
    assert ids([c for c in claimed if c is not None]) == [job.id, later.id]
    assert claimed[0] is not None
    assert (claimed[0].attempt, claimed[0].failures) == (job.attempt + 1, 1)
    await again.close()


async def test_untold_are_all_ends_until_they_are_told(store: Store) -> None:
    await added(store)
    cancelled = await store.cancel((await waiting(store)).id)
    failed = await store.fail(await running(store), "x", "x", "x")
    ended = [job for job in (cancelled, failed, await painted(store)) if job is not None]
    await running(store)
    await waiting(store)
    assert await store.untold() == ended
    for job in ended:
        await store.told(job)
    assert await store.untold() == []


async def test_open_jobs_are_parted_by_whether_the_card_was_seen(store: Store) -> None:
    held = await running(store)
    unseen, seen = await added(store), await waiting(store)
    await store.cancel((await waiting(store)).id)
    accepted, unsettled = await store.open_jobs()
    assert (ids(accepted), ids(unsettled)) == ([held.id, seen.id], [unseen.id])


async def test_a_fresh_address_replaces_the_old_one(store: Store) -> None:
    job = await waiting(store)
    fresh = replace(
        job.address, token="fresh", expires_at=9e9, upload_limit=1, channel_id=5, message_id=6
    )
    moved = await store.readdress(job.id, fresh)
    assert moved is not None
    assert moved.address == fresh
    assert moved.status is Status.WAITING
