"""Finished pictures lie on disk until the member's message shows them, and no longer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.database.engine import Database
from bot.queue.job import Status
from bot.queue.store import Store
from tests.bot.queue.props import picture
from tests.bot.queue.test_store import painted, row, running


async def test_pictures_are_kept_in_order_until_told_and_dropped_after(store: Store) -> None:
    job = await running(store)
    done = [picture(seed, data=bytes([seed]) * 1000) for seed in (9, 3, 6)]
    done[1] = replace(done[1], remark="The server used another sampler.")
    ended = await store.painted(job, done)
    assert ended is not None
    assert (ended.status, ended.told) == (Status.PAINTED, False)
    assert ended.ended_at is not None
    assert await store.pictures(job.id) == done
    await store.told(ended)
    delivered = await row(store, job)
    assert (delivered.status, delivered.told) == (Status.DELIVERED, True)
    assert delivered.address.token == ""
    assert await store.pictures(job.id) == []


async def test_pictures_of_a_batch_are_kept_one_by_one_behind_each_other(store: Store) -> None:
    job = await running(store)
    assert await store.kept(job.id) == 0
    assert await store.keep(job, [picture(1), picture(2)], 0) == job
    assert await store.kept(job.id) == 2
    assert await store.painted(job, [picture(3)], 2) is not None
    assert await store.pictures(job.id) == [picture(1), picture(2), picture(3)]


async def test_pictures_of_a_cancelled_attempt_are_kept_until_that_is_told(store: Store) -> None:
    job = await running(store)
    ended = await store.cancel(job.id)
    assert ended is not None
    assert await store.keep(job, [picture(1)], 0) == ended
    await store.told(ended)
    assert await store.pictures(job.id) == []
    assert await store.keep(job, [picture(2)], 1) is None
    assert await store.pictures(job.id) == []


async def test_pictures_and_the_end_are_one_step(store: Store) -> None:
    job = await running(store)
    broken = replace(picture(2), infotext=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        await store.painted(job, [picture(1), broken])
    assert await row(store, job) == job
    assert await store.pictures(job.id) == []


async def test_an_overtaken_courier_leaves_the_pictures(store: Store) -> None:
    job = await painted(store)
    await store.told(replace(job, attempt=job.attempt - 1))
    assert await row(store, job) == job
    assert await store.pictures(job.id) == [picture(0)]


async def test_a_picture_survives_the_process_until_it_is_told(file: Path) -> None:
    before = Database(file)
    job = await painted(Store(before), 2)
    await before.close()
    after = Database(file)
    assert await Store(after).untold() == [job]
    assert await Store(after).pictures(job.id) == [picture(0), picture(1)]
    await after.close()
