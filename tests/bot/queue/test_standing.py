"""When places are news: after each step of the line, and no more once the bot is being stopped."""

from __future__ import annotations

from tests.bot.queue.props import ADA, BOB, Line


async def test_a_job_that_comes_back_moves_the_others(line: Line) -> None:
    first, second = await line.accepted(ADA), await line.accepted(BOB)
    running = await line.claim()
    await line.settled()
    line.news.clear()
    assert running.id == first.id
    await line.queue.release(running, delay=0, counted=False, error="Busy")
    await line.settled()
    told = [event.place for event in line.heard(second) if event.place is not None]
    assert [place.position for place in told] == [2]


async def test_nobody_hears_of_their_place_while_the_bot_is_stopped(line: Line) -> None:
    first, second = await line.accepted(ADA), await line.accepted(BOB)
    await line.settled()
    line.news.clear()
    await line.queue.cancel(first.id)
    line.queue.quiet()
    running = await line.claim()
    await line.queue.release(running, delay=0, counted=False, error="Stopped")
    await line.accepted(ADA)
    await line.settled()
    assert running.id == second.id
    assert [event.job.id for event in line.news] == [first.id, second.id, second.id]
