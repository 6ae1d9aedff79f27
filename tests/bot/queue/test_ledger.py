"""One line a job, at its very end; and the clocks between its steps."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.metrics import ENDED, PAINT, POST, WAIT, Metrics
from bot.queue.job import Job, JobEvent, Status
from bot.queue.ledger import Ledger
from bot.values.request import Hires
from tests.bot.queue.props import ADA, Clock, Line, picture
from tests.bot.test_metrics import shown


class Desk:
    """A line with its book, whose every step takes a while."""

    def __init__(self, line: Line, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        self.line, self.clock = line, clock
        self.metrics = Metrics()
        self.book = Ledger(self.metrics)
        line.queue.subscribe(self.book.hear)
        line.queue.subscribe_told(self.book.told)
        self._caplog = caplog

    async def claimed(self, **order: Any) -> Job:
        """Ordered, and claimed 12 seconds later."""
        await self.line.accepted(**order)
        self.clock.forward(12)
        return await self.line.claim()

    async def told(self, job: Job, after: float = 1.5) -> None:
        """The member's message says the end."""
        self.clock.forward(after)
        await self.line.queue.told(await self.line.row(job))

    def lines(self) -> list[dict[str, Any]]:
        """The facts of each last line."""
        said = [cast(dict[str, Any], r.msg) for r in self._caplog.records]
        return [facts for facts in said if facts["event"] == "job ended"]

    def ended(self) -> dict[str, float]:
        """How many jobs ended, by outcome, those that did not left out."""
        return {k: v for k, v in shown(self.metrics, ENDED.name).items() if v}


@pytest.fixture
def desk(line: Line, clock: Clock, caplog: pytest.LogCaptureFixture) -> Desk:
    """Everything at `INFO` is heard."""
    caplog.set_level(logging.INFO)
    return Desk(line, clock, caplog)


async def test_a_delivered_job_is_one_line_that_tells_all(desk: Desk) -> None:
    job = await desk.claimed(model="dreamshaper_8", hires=Hires(scale=2))
    desk.clock.forward(30)
    await desk.line.queue.finish(job, [picture()])
    assert desk.lines() == [], "the member does not know it yet"
    await desk.told(job)
    (told,) = desk.lines()
    wanted = {
        "job": job.id,
        "outcome": "delivered",
        "user": ADA,
        "guild": 1,
        "channel": 11,
        "kind": "txt2img",
        "backend": "main",
        "model": "dreamshaper_8",
        "size": "128x128",
        "pictures": 1,
        "attempts": 1,
        "wait": 12.0,
        "paint": 30.0,
        "post": 1.5,
        "error": None,
        "level": "info",
    }
    assert {k: told[k] for k in wanted} == wanted


async def test_told_twice_is_still_one_line(desk: Desk) -> None:
    """An edit that was made twice around a crash."""
    job = await desk.claimed()
    await desk.line.queue.finish(job, [picture()])
    await desk.told(job)
    await desk.line.queue.told(replace(job, status=Status.PAINTED))
    assert len(desk.lines()) == 1


async def test_the_clocks_run_from_order_to_claim_to_end_to_word(desk: Desk) -> None:
    job = await desk.claimed()
    desk.clock.forward(30)
    await desk.line.queue.finish(job, [picture()])
    found = {m: shown(desk.metrics, m.name) for m in (WAIT, PAINT, POST)}
    assert (found[WAIT]["_count"], found[WAIT]["_sum"]) == (1, 12)
    assert found[PAINT]['_sum{backend="main"}'] == 30
    assert found[POST]["_count"] == 0, "the member does not know it yet"
    await desk.told(job)
    assert shown(desk.metrics, POST.name)["_sum"] == pytest.approx(1.5)
    assert desk.ended() == {'{outcome="painted"}': 1}


async def test_a_failure_is_a_warning_with_the_number_of_the_card(desk: Desk) -> None:
    job = await desk.claimed()
    await desk.line.queue.fail(job, "BackendOutOfMemory", "It ran out of memory.", "ab12")
    await desk.told(job)
    (told,) = desk.lines()
    assert (told["level"], told["outcome"]) == ("warning", "failed")
    assert (told["error"], told["error_ref"], told["pictures"]) == ("BackendOutOfMemory", "ab12", 0)
    assert desk.ended() == {'{outcome="failed"}': 1}
    assert shown(desk.metrics, PAINT.name) == {}, "nothing was painted"


async def test_a_cancel_in_line_never_began(desk: Desk) -> None:
    job = await desk.line.accepted()
    desk.clock.forward(5)
    await desk.line.queue.cancel(job.id)
    await desk.told(job)
    (told,) = desk.lines()
    assert (told["outcome"], told["wait"], told["paint"]) == ("cancelled", 5.0, None)
    assert (told["attempts"], told["backend"]) == (0, None)
    assert shown(desk.metrics, WAIT.name)["_count"] == 0
    assert desk.ended() == {'{outcome="cancelled"}': 1}


async def test_a_cancel_half_way_counts_what_was_kept(desk: Desk) -> None:
    job = await desk.claimed(count=3)
    await desk.line.queue.keep(job, [picture(5), picture(6)], 0)
    await desk.line.queue.cancel(job.id)
    await desk.told(job)
    (told,) = desk.lines()
    assert (told["outcome"], told["pictures"], told["attempts"]) == ("cancelled", 2, 1)


async def test_a_retry_shows_its_attempts_and_not_its_old_trouble(desk: Desk) -> None:
    job = await desk.claimed()
    await desk.line.queue.release(job, delay=0, counted=True, error="BackendUnreachable")
    again = await desk.line.claim()
    await desk.line.queue.finish(again, [picture()])
    await desk.told(job)
    (told,) = desk.lines()
    assert (told["attempts"], told["outcome"], told["error"]) == (2, "delivered", None)


async def test_words_are_an_end_without_pictures(desk: Desk) -> None:
    job = await desk.claimed(kind="describe")
    await desk.line.queue.word(job, "a fox in the snow")
    await desk.told(job)
    (told,) = desk.lines()
    assert (told["kind"], told["outcome"], told["pictures"]) == ("describe", "delivered", 0)


async def test_a_clock_that_was_set_back_is_no_negative_time(desk: Desk) -> None:
    job = await desk.claimed()
    desk.clock.forward(-3600)
    await desk.line.queue.finish(job, [picture()])
    await desk.told(job, after=-60)
    (told,) = desk.lines()
    assert (told["paint"], told["post"]) == (0, 0)


async def test_what_finds_no_way_is_written_once_and_its_clock_stops(desk: Desk) -> None:
    """It is tried again each time the gateway is back."""
    job = await desk.claimed()
    await desk.line.queue.finish(job, [picture()])
    desk.clock.forward(1.5)
    for _ in range(3):
        await desk.book.undelivered(await desk.line.row(job), 1)
        desk.clock.forward(60)
    (told,) = desk.lines()
    assert (told["outcome"], told["post"], told["pictures"]) == ("undelivered", 1.5, 1)
    assert told["level"] == "warning"
    assert shown(desk.metrics, POST.name)["_sum"] == pytest.approx(1.5)


async def test_a_way_found_later_is_news_but_no_second_time(desk: Desk) -> None:
    job = await desk.claimed()
    await desk.line.queue.finish(job, [picture()])
    await desk.book.undelivered(await desk.line.row(job), 1)
    await desk.told(job, after=3600)
    assert [told["outcome"] for told in desk.lines()] == ["undelivered", "delivered"]
    assert shown(desk.metrics, POST.name)["_count"] == 1


def test_every_outcome_is_shown_before_the_first() -> None:
    metrics = Metrics()
    Ledger(metrics)
    found = shown(metrics, ENDED.name)
    assert set(found.values()) == {0}
    ends = [s for s in Status if not s.open and s is not Status.DELIVERED]
    assert set(found) == {f'{{outcome="{s}"}}' for s in ends}


async def test_what_goes_on_is_not_an_end(desk: Desk) -> None:
    """Places and progress are most of the news."""
    job = await desk.claimed()
    Ledger(desk.metrics).hear(JobEvent(job))
    assert desk.ended() == {}
