"""Several pictures: each on disk at once, only missing ones again, a cancel saves the finished."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.database.engine import Database
from bot.errors import BackendBusy, BackendFailed, BackendUnreachable, DatabaseUnavailable
from bot.queue import attempt as attempt_room
from bot.queue.job import Job, Status
from bot.queue.queue import Queue
from bot.queue.store import Store
from bot.values.request import Rare
from tests.bot.queue.props import (
    BOB,
    Line,
    Studio,
    address,
    picture,
    take,
    until,
)

pytestmark = pytest.mark.usefixtures("short_pauses")


async def seeds(studio: Studio, job: Job) -> list[int]:
    """The seeds of the pictures on disk."""
    return [p.seed for p in await studio.line.queue.pictures(job)]


def asked(studio: Studio) -> list[tuple[int, int]]:
    """Seed and count of each call."""
    return [(order.seed, order.count) for order in studio.painter.asked]


# -- call after call -------------------------------------------------------------------------------


async def test_a_server_that_paints_one_a_call_is_asked_for_the_rest(studio: Studio) -> None:
    job = await studio.line.accepted(seed=5, count=3)
    studio.open()
    await studio.reaches(job, Status.PAINTED)
    assert asked(studio) == [(5, 3), (6, 2), (7, 1)]
    assert await seeds(studio, job) == [5, 6, 7]
    assert set(studio.painter.began) == {f"easel-inst-{job.id}-1"}


@pytest.mark.parametrize(
    ("strength", "expected"),
    [(0.2, [(5, 7), (5, 8), (5, 9)]), (0.0, [(5, 7), (6, 7), (7, 7)])],
)
async def test_the_rest_of_a_batch_of_variations_goes_on_with_their_seeds(
    studio: Studio, strength: float, expected: list[tuple[int, int]]
) -> None:
    """With a strength a server keeps the seed and counts the variation seed up (sdapi 2)."""
    rare = Rare(variation_seed=7, variation_strength=strength)
    job = await studio.line.accepted(seed=5, count=3, rare=rare)
    studio.open()
    await studio.reaches(job, Status.PAINTED)
    orders = studio.painter.asked
    assert [(order.seed, order.rare.variation_seed) for order in orders] == expected
    assert [order.count for order in orders] == [3, 2, 1]


async def test_a_server_that_paints_all_at_once_is_asked_once(studio: Studio) -> None:
    studio.painter.script = [[picture(5), picture(6), picture(7)]]
    job = await studio.line.accepted(seed=5, count=3)
    studio.open()
    await studio.reaches(job, Status.PAINTED)
    assert asked(studio) == [(5, 3)]
    assert await seeds(studio, job) == [5, 6, 7]


async def test_each_picture_is_on_disk_before_the_next_is_begun(studio: Studio) -> None:
    studio.painter.script = [[picture(5)], asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=3, steps=10)
    studio.open()
    await until(lambda: len(studio.painter.began) == 2)
    assert await seeds(studio, job) == [5]
    assert (await studio.line.row(job)).status is Status.RUNNING
    told = studio.line.heard(job)[-1].progress
    assert told is not None
    assert told.fraction == pytest.approx(1 / 3)
    assert (told.step, told.steps) == (10, 30)


async def test_a_full_disk_in_the_middle_loses_no_picture(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, refusals = studio.line.store.keep, [DatabaseUnavailable("full")] * 3

    async def full(*arguments: object) -> object:
        if refusals:
            raise refusals.pop()
        return await save(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(studio.line.store, "keep", full)
    job = await studio.line.accepted(seed=5, count=2)
    studio.open()
    await studio.reaches(job, Status.PAINTED)
    assert await seeds(studio, job) == [5, 6]
    assert len(asked(studio)) == 2


async def test_previews_are_wished_for_unless_they_would_spoil(studio: Studio) -> None:
    studio.open()
    for spoiler in (False, True):
        job = await studio.line.accepted(to=address(spoiler=spoiler))
        await studio.reaches(job, Status.PAINTED)
        assert studio.painter.previews is not spoiler


# -- only what is missing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble", [BackendUnreachable("reset", taken=False), BackendBusy("429", retry_after=0.01)]
)
async def test_a_retry_draws_only_the_missing_ones(studio: Studio, trouble: Exception) -> None:
    studio.painter.script = [[picture(5)], [picture(6)], trouble]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 3)
    row = await studio.reaches(job, Status.PAINTED)
    assert asked(studio) == [(5, 4), (6, 3), (7, 2), (7, 2), (8, 1)]
    assert await seeds(studio, job) == [5, 6, 7, 8]
    assert row.attempt == 2


async def test_after_a_crash_only_the_missing_ones_are_drawn(studio: Studio, file: Path) -> None:
    studio.painter.script = [[picture(5)], [picture(6)], asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 3)
    await studio.close()

    after = Database(file)
    line = Line.over(Store(after))
    await line.queue.load()
    again = Studio(line, type(studio.painter)())
    again.open()
    await again.reaches(job, Status.PAINTED)
    assert asked(again) == [(7, 2), (8, 1)]
    assert again.painter.forgotten == [f"easel-inst-{job.id}-1"]
    assert await seeds(again, job) == [5, 6, 7, 8]
    first = next(e.progress for e in line.heard(job) if e.progress is not None)
    assert first.fraction == 0.75, "what is on disk counts from the start"
    await again.close()
    await after.close()


async def test_a_failure_in_the_middle_leaves_what_is_finished_for_its_card(
    studio: Studio,
) -> None:
    studio.painter.script = [[picture(5)], BackendFailed("500")]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    row = await studio.reaches(job, Status.FAILED)
    assert await seeds(studio, job) == [5]
    await studio.line.queue.told(row)
    assert await seeds(studio, job) == []


async def test_a_calm_stop_in_the_middle_hands_the_rest_back(studio: Studio) -> None:
    studio.painter.script = [[picture(5)], asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 2)
    await studio.stopped(seconds=0.01)
    assert (await studio.line.row(job)).status is Status.WAITING
    assert await seeds(studio, job) == [5]


async def test_an_overtaken_attempt_keeps_nothing(studio: Studio) -> None:
    gate = asyncio.Event()
    studio.painter.script = [gate, asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 1)
    await studio.line.store.rescue()
    successor = await take(studio.line.store)
    assert successor is not None
    gate.set()
    await until(lambda: studio.worker._attempt is None)
    assert await seeds(studio, job) == []
    assert await studio.line.row(job) == successor


# -- a cancel saves what is finished ---------------------------------------------------------------


async def cancelled(studio: Studio, job: Job) -> Job:
    """The cancelled job, once its news are out."""
    row = await studio.line.queue.cancel(job.id)
    assert row is not None
    assert row.status is Status.CANCELLED
    assert (await studio.line.row(job)).status is Status.CANCELLED, "at once, on disk"
    await until(lambda: studio.line.heard(job)[-1].job.status is Status.CANCELLED)
    return row


async def test_a_cancelled_batch_keeps_what_was_finished(studio: Studio) -> None:
    """The interrupted call brings one more; the member hears of it after that."""
    studio.painter.interruptible = True
    studio.painter.script = [[picture(5)], asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=4)
    following = await studio.line.accepted(BOB)
    studio.open()
    await until(lambda: len(asked(studio)) == 2)
    await cancelled(studio, job)
    assert await seeds(studio, job) == [5, 6]
    assert studio.painter.interrupted == [], "its call was not dropped"
    assert studio.painter.forgotten == [f"easel-inst-{job.id}-1"]
    ends = [e for e in studio.line.heard(job) if e.job.status is Status.CANCELLED]
    assert len(ends) == 1
    assert any(e.stopping for e in studio.line.heard(job))
    await studio.reaches(following, Status.PAINTED)


async def test_a_server_that_cannot_be_stopped_is_waited_for_a_while_only(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_room, "SALVAGE_SECONDS", 0.05)
    studio.painter.script = [[picture(5)], [picture(6)], asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 3)
    await cancelled(studio, job)
    assert await seeds(studio, job) == [5, 6]
    assert studio.painter.interrupted == [f"easel-inst-{job.id}-1"]


async def test_a_cancelled_batch_whose_call_breaks_keeps_the_earlier_ones(studio: Studio) -> None:
    gate = asyncio.Event()

    class Breaking(asyncio.Event):
        async def wait(self) -> bool:  # type: ignore[override]
            await gate.wait()
            raise BackendFailed("500")

    studio.painter.script = [[picture(5)], Breaking()]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 2)
    asyncio.get_running_loop().call_later(0.02, gate.set)
    await cancelled(studio, job)
    assert await seeds(studio, job) == [5]


async def test_a_cancel_while_the_last_picture_is_being_saved_loses_none(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The member pressed before the end was on disk: it is cancelled, and all are there."""
    saving, go_on = asyncio.Event(), asyncio.Event()
    save = studio.line.store.painted

    async def slow(*arguments: object) -> object:
        saving.set()
        await go_on.wait()
        return await save(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(studio.line.store, "painted", slow)
    job = await studio.line.accepted(seed=5, count=2)
    studio.open()
    await asyncio.wait_for(saving.wait(), 5)
    cancelling = asyncio.create_task(cancelled(studio, job))
    await until(lambda: any(e.stopping for e in studio.line.heard(job)))
    go_on.set()
    await cancelling
    assert await seeds(studio, job) == [5, 6]


async def test_a_second_press_changes_nothing(studio: Studio) -> None:
    gate = asyncio.Event()
    studio.painter.script = [gate]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 1)
    first = await studio.line.queue.cancel(job.id)
    assert await studio.line.queue.cancel(job.id) == first
    gate.set()
    await until(lambda: studio.line.heard(job)[-1].job.status is Status.CANCELLED)
    assert await seeds(studio, job) == [5]
    assert await studio.line.queue.cancel(job.id) is None


async def test_a_deleted_message_is_a_cancel_without_a_word(studio: Studio) -> None:
    studio.painter.interruptible = True
    studio.painter.script = [asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 1)
    await studio.line.queue.cancel(job.id, salvage=False)
    assert studio.line.heard(job)[-1].job.status is Status.CANCELLED, "told at once"
    await until(lambda: studio.painter.interrupted != [])
    assert await seeds(studio, job) == []


async def test_a_cancel_in_line_tells_at_once_what_an_earlier_try_has_finished(
    studio: Studio,
) -> None:
    studio.painter.script = [[picture(5)], BackendBusy("429", retry_after=60)]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 2)
    await studio.reaches(job, Status.WAITING)
    await studio.line.queue.cancel(job.id)
    assert studio.line.heard(job)[-1].job.status is Status.CANCELLED
    assert await seeds(studio, job) == [5]


async def test_a_stop_of_the_bot_meanwhile_leaves_it_to_be_told_later(
    studio: Studio, file: Path
) -> None:
    studio.painter.script = [[picture(5)], asyncio.Event()]
    job = await studio.line.accepted(seed=5, count=4)
    studio.open()
    await until(lambda: len(asked(studio)) == 2)
    await studio.line.queue.cancel(job.id)
    await studio.stopped(seconds=0.01)
    after = Database(file)
    queue = Queue(Store(after))
    assert [j.id for j in await queue.untold()] == [job.id]
    assert [p.seed for p in await queue.pictures(job)] == [5]
    await after.close()


# -- loading a checkpoint --------------------------------------------------------------------------


async def test_a_checkpoint_is_loaded_and_it_is_said_how_long_it_took(studio: Studio) -> None:
    job = await studio.line.accepted(kind="load", model="tinyA")
    studio.open()
    row = await studio.reaches(job, Status.PAINTED)
    assert studio.painter.brought == ["tinyA"]
    assert row.outcome == "tinyA is loaded (1 s)"


async def test_a_checkpoint_that_could_not_be_loaded_is_told_in_its_words(studio: Studio) -> None:
    sentence = "The image server could not load that model."
    studio.painter.loading = BackendFailed("500", sentence=sentence)
    job = await studio.line.accepted(kind="load", model="tinyA")
    studio.open()
    assert (await studio.reaches(job, Status.FAILED)).error_sentence == sentence
