"""What is painted and not posted has a cap: then nothing new is begun, and nobody is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.queue.backlog import Backlog
from bot.queue.job import Status
from bot.queue.queue import FULL, Habits, Queue
from tests.bot.queue.props import ADA, BOB, Line, picture

HUNDRED = b"x" * 100


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), max_size=40))
def test_it_counts_what_lies_there(deeds: list[tuple[int, int]]) -> None:
    """So many pictures of 100 bytes are put to a job; none of them: its pictures are gone."""
    backlog, held = Backlog(500), dict.fromkeys(range(1, 5), 0)
    for job, count in deeds:
        if count:
            backlog.put(job, [picture(data=HUNDRED)] * count)
            held[job] += 100 * count
        else:
            backlog.drop(job)
            held[job] = 0
        assert backlog.total == sum(held.values())
        assert backlog.full == (sum(held.values()) >= 500)


@pytest.fixture
def narrow(line: Line) -> Line:
    """A line that begins nothing while 200 bytes wait to be posted."""
    line.queue._habits = Habits(undelivered_bytes=200)
    line.queue._backlog = Backlog(200)
    return line


async def test_nothing_is_begun_until_there_is_room_again(narrow: Line) -> None:
    queue = narrow.queue
    jobs = [await narrow.accepted(ADA), await narrow.accepted(ADA), await narrow.accepted(BOB)]
    ended = []
    for _ in range(2):
        running = await narrow.claim()
        assert await queue.finish(running, [picture(data=HUNDRED)])
        ended.append(running)
    last = next(job for job in jobs if queue.waits(job.id))
    assert await queue.claim("main", lambda _: False) is None
    assert queue.why_still(last) == FULL
    assert [e.trouble for e in narrow.heard(last) if e.trouble] == [FULL]
    wake = queue.wake("main")
    wake.clear()
    done = await queue.get(ended[0].id)
    assert done is not None
    await queue.told(done)
    assert wake.is_set()
    assert queue.why_still(last) is None
    assert narrow.heard(last)[-1].trouble is None, "the card no longer says that it stands still"
    assert (await narrow.claim()).id == last.id


async def test_a_restart_still_knows_what_was_not_posted(narrow: Line) -> None:
    for _ in range(2):
        await narrow.accepted()
    running = await narrow.claim()
    assert await narrow.queue.finish(running, [picture(data=HUNDRED * 2)])
    again = Queue(narrow.store, Habits(undelivered_bytes=200))
    await again.load(["main"])
    assert await again.claim("main", lambda _: False) is None
    (painted,) = await again.untold()
    assert painted.status is Status.PAINTED
    await again.told(painted)
    assert await again.claim("main", lambda _: False) is not None


async def test_what_finds_no_way_is_kept_and_stops_nobody(narrow: Line) -> None:
    """Of several the oldest go when even that is too much."""
    queue, stranded = narrow.queue, []
    for _ in range(3):
        await narrow.accepted()
        running = await narrow.claim()
        assert await queue.finish(running, [picture(data=HUNDRED * 2)])
        assert await queue.claim("main", lambda _: False) is None
        await queue.stranded(running)
        stranded.append(running)
    await narrow.accepted()
    assert await queue.claim("main", lambda _: False) is not None
    left = [await queue.pictures(job) for job in stranded]
    assert [len(pictures) for pictures in left] == [0, 0, 1]
    await queue.recount()
    assert queue._backlog.total == 0, "a recount forgets no one's way"
