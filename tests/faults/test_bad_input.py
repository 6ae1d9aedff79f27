"""What reaches the line and should not: clocks that jump, answers that come late or twice."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.queue.job import Status
from tests.faults.test_database import locked
from tests.house import SMALL, House, generating_calls, labels, logged, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = 86_400.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A step takes 20 ms at 64×64: long enough to break something meanwhile."""
    folder: Path = tmp_path_factory.mktemp("bad")
    async with open_house(folder, step_seconds=0.1, rate_limits=False) as opened:
        yield opened


def file_of(message: dict[str, Any]) -> list[str]:
    """The names of a message's files."""
    return [a["filename"] for a in message["attachments"]]


def pictures(house: House) -> list[dict[str, Any]]:
    """The messages that show any."""
    return [m for m in house.shown() if m["attachments"]]


async def arrives(house: House, *message_ids: str) -> None:
    """Waits for their pictures."""
    for message_id in message_ids:
        await house.until(lambda one=message_id: bool(house.message(one)["attachments"]), 20)  # type: ignore[misc]
    await house.quiet()


# -- clocks that jump ------------------------------------------------------------------------------


class WallClock:
    """The module `time` as the bot sees it, with another time of day; all else is real."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@pytest.fixture
def clock(house: House, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """The time of day of the bot alone: Discord's and the image server's go on as they were."""
    fake = WallClock()
    for name, module in [*sys.modules.items()]:
        ours = name.startswith(("bot.", "cogs.")) and not name.startswith("bot.demo")
        if ours and getattr(module, "time", None) is time:
            monkeypatch.setattr(module, "time", fake)
    return fake


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
async def test_a_jump_of_the_clock_loses_and_doubles_no_picture(
    house: House, clock: WallClock, jump: float
) -> None:
    before, shown = generating_calls(house.server), len(pictures(house))
    running = await house.order(prompt="a long second", steps=40, seed=61)
    await house.until(lambda: house.painting)
    waiting = await house.order(prompt="a short day", steps=2, seed=62)
    clock.ahead = jump
    await arrives(house, waiting)
    after = await house.order(prompt="the day after", steps=2, seed=63)
    await arrives(house, after)
    names = [file_of(house.message(m)) for m in (running, waiting, after)]
    assert names == [["a-long-second-61.png"], ["a-short-day-62.png"], ["the-day-after-63.png"]]
    assert generating_calls(house.server) - before == 3
    assert len(pictures(house)) - shown == 3
    clock.ahead = 0.0
    assert (await house.draw(f"/draw prompt:the right time {SMALL}"))["attachments"]


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
async def test_a_private_picture_stays_private_whatever_the_clock_says(
    house: House, clock: WallClock, jump: float
) -> None:
    prompt = f"a secret hour {jump:+.0f}"

    def mine() -> list[dict[str, Any]]:
        both = [*house.shown(), *house.shown("dm")]
        return [m for m in both if prompt in words(m) and m["attachments"]]

    await house.order(prompt=prompt, steps=20, seed=64, private=True)
    await house.until(lambda: house.painting)
    clock.ahead = jump
    await house.quiet()
    assert len(mine()) == 1, "once, in its own message or as a direct message"
    assert not [m for m in house.shown(user="bob") if "secret hour" in words(m)]


async def test_who_waits_is_not_taken_out_of_line_by_a_clock_that_jumps_ahead(
    house: House, clock: WallClock
) -> None:
    await house.order(prompt="a long morning", steps=40)
    await house.until(lambda: house.painting)
    waiting = await house.order(prompt="a patient stone", steps=2, seed=65)
    await house.until(lambda: house.easel.queue.counts() == (1, 1))
    clock.ahead = DAY
    await house.easel.queue.expire()
    await house.quiet()
    assert file_of(house.message(waiting)) == ["a-patient-stone-65.png"]


async def test_nobody_is_called_because_a_clock_jumps_ahead(house: House, clock: WallClock) -> None:
    await house.order(prompt="a long noon", steps=40)
    await house.until(lambda: house.painting)
    shown = len(house.shown())
    clock.ahead = DAY
    await house.quiet()
    assert len(house.shown()) == shown, "a call for a picture that took a second"


async def test_a_clock_that_jumps_ahead_is_not_how_long_a_picture_takes(
    house: House, clock: WallClock
) -> None:
    await house.order(prompt="a long evening", steps=40)
    await house.until(lambda: house.painting)
    clock.ahead = DAY
    await house.quiet()
    await house.order(prompt="a slow evening", steps=40)
    await house.until(lambda: house.painting)
    waiting = await house.order(prompt="a quick evening", steps=2)
    await house.until(lambda: house.easel.queue.counts() == (1, 1))
    (job,) = [j for j in house.easel.queue.waiting() if j.status is Status.WAITING]
    eta = house.easel.queue.place(job).eta_seconds
    await arrives(house, waiting)
    assert eta is not None
    assert eta < 60, "seconds until a picture that takes a moment"


async def test_a_job_that_rests_for_a_second_does_not_rest_for_a_day(
    house: House, clock: WallClock
) -> None:
    house.server.faults.add("reset")
    message_id = await house.order(prompt="a short nap", steps=2, seed=66)
    try:
        await house.until(lambda: any(j.failures for j in house.easel.queue.waiting()))
        clock.ahead = -DAY
        await house.until(lambda: bool(house.message(message_id)["attachments"]), 4)
    finally:
        clock.ahead = 0.0
        await house.quiet()
    assert file_of(house.message(message_id)) == ["a-short-nap-66.png"]


async def test_a_server_that_just_went_away_is_waited_for_whatever_the_clock_says(
    house: House, clock: WallClock
) -> None:
    await house.server.stop_listening()
    (health,) = house.easel.painters.values()
    first = await house.order(prompt="a brief absence", steps=2, seed=72)
    await house.until(lambda: not health.usable)
    clock.ahead = DAY
    second = await house.order(prompt="a quick return", steps=2, seed=73)
    await house.server.start_listening()
    await arrives(house, first, second)
    names = [file_of(house.message(m)) for m in (first, second)]
    assert names == [["a-brief-absence-72.png"], ["a-quick-return-73.png"]]


# -- answers that come late ------------------------------------------------------------------------


async def test_a_picture_that_comes_after_its_cancel_is_not_posted(house: House) -> None:
    """The server cannot be stopped: it paints on for nobody, and the next order is not held up."""
    house.server.faults.add("html", route=r"/interrupt$", status=500, times=-1)
    message_id = await house.order(prompt="a changed mind", steps=60)
    await house.until(lambda: house.painting)
    await house.press(message_id, "cancel")
    await house.until(lambda: "Cancelled" in words(house.message(message_id)))
    assert house.painting, "the server is not finished yet"
    following = await house.order(prompt="the next wish", steps=2, seed=67, user="bob")
    await arrives(house, following)
    house.server.faults.clear()
    assert "Cancelled" in words(house.message(message_id))
    assert not house.message(message_id)["attachments"]
    assert file_of(house.message(following)) == ["the-next-wish-67.png"]


async def test_a_batch_that_is_finished_after_its_cancel_is_shown_with_it_once(
    house: House,
) -> None:
    house.server.faults.add("html", route=r"/interrupt$", status=500, times=-1)
    message_id = await house.order(prompt="a late pair", steps=30, seed=68, count=2)
    await house.until(lambda: house.painting)
    await house.press(message_id, "cancel")
    await house.quiet(20)
    house.server.faults.clear()
    message = house.message(message_id)
    assert "Cancelled" in words(message)
    assert file_of(message) == ["a-late-pair-68.png", "a-late-pair-69.png"]
    assert [*house.easel.queue.waiting()] == []


async def test_a_worker_that_wakes_up_after_its_job_was_rescued_is_not_heard(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before, shown = generating_calls(house.server), len(house.shown())
    stalled, wake_up = asyncio.Event(), asyncio.Event()
    save, attempts = house.easel.store.painted, []

    async def late(job: Any, *rest: Any) -> Any:
        attempts.append(job.attempt)
        if job.attempt == 1:
            stalled.set()
            await wake_up.wait()
        return await save(job, *rest)

    monkeypatch.setattr(house.easel.store, "painted", late)
    message_id = await house.order(prompt="a heavy sleeper", steps=2, seed=70)
    await asyncio.wait_for(stalled.wait(), 10)
    with logged(caplog) as log:
        # As a start would: the attempt is given up, and the job waits again.
        (rescued,) = await house.easel.store.rescue()
        wake_up.set()
        await house.quiet()
        assert "job was taken over or cancelled" in log()
        assert log().count("'job ended'") == 1
    assert attempts == [1, 2]
    assert generating_calls(house.server) - before == 2, "the first picture was refused"
    assert file_of(house.message(message_id)) == ["a-heavy-sleeper-70.png"]
    assert len(house.shown()) - shown == 1
    row = await house.easel.store.get(rescued.id)
    assert row is not None
    assert (row.status, row.attempt, row.failures) == (Status.DELIVERED, 2, 1)


# -- the same twice --------------------------------------------------------------------------------


async def test_an_order_replayed_while_it_is_drawn_is_ignored_even_at_the_members_cap(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before, shown = generating_calls(house.server), len(house.shown())
    most = house.limits.waiting_per_member
    orders = [await house.order(prompt=f"echo {n}", steps=4) for n in range(most)]
    with logged(caplog) as log:
        house.standin.replay_last_interaction()
        await house.until(lambda: "tell the member" in log() or "replayed" in log())
    assert len(house.shown()) - shown == most, "no word, for nobody asked again"
    await arrives(house, *orders)
    assert [len(house.message(m)["attachments"]) for m in orders] == [1] * most
    assert generating_calls(house.server) - before == most


async def test_a_replay_that_finds_no_database_takes_nobodys_card_away(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    message_id = await house.order(prompt="a spare key", steps=150, seed=74)
    await house.until(lambda: house.painting)
    with logged(caplog) as log:
        async with locked(house):
            house.standin.replay_last_interaction()
            await house.until(lambda: "could not tell the member" in log())
    await arrives(house, message_id)
    assert file_of(house.message(message_id)) == ["a-spare-key-74.png"]


async def test_a_press_and_a_setting_that_are_replayed_count_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before, shown = generating_calls(house.server), len(house.shown())
    first = await house.draw(f"/draw prompt:a ripple {SMALL}")
    await house.press(first["id"], "again")
    with logged(caplog) as log:
        house.standin.replay_last_interaction()
        await house.until(lambda: "a replayed interaction was ignored" in log())
    await house.quiet()
    assert generating_calls(house.server) - before == 2
    assert len(house.shown()) - shown == 2

    changed = await house.draw("/server setting:steps value:7", user="admin")
    house.standin.replay_last_interaction()
    after = await house.draw("/server setting:steps", user="admin")
    lines = after["embeds"][0]["fields"][0]["value"].splitlines()
    assert "steps — → 7" in changed["embeds"][0]["fields"][0]["value"]
    assert ["steps" in line for line in lines].count(True) == 2, "set once, and taken back"


async def test_a_cancel_that_is_replayed_harms_nobody(house: House) -> None:
    message_id = await house.order(prompt="a false start", steps=60)
    await house.until(lambda: house.painting)
    await house.press(message_id, "cancel")
    house.standin.replay_last_interaction()
    await house.until(lambda: "Cancelled" in words(house.message(message_id)))
    await house.quiet()
    assert labels(house.message(message_id)) != ["Cancel"]
    assert (await house.draw(f"/draw prompt:a fair start {SMALL}"))["attachments"]
