"""Whether a painter can be used: probed at the start and whenever there is doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bot.backends.sdapi import PING_SECONDS
from bot.errors import (
    BackendBusy,
    BackendFailed,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
    ConfigurationError,
)
from bot.queue import health as room
from bot.queue.health import FIRST_PAUSE, LONGEST_PAUSE, Health, State
from tests.bot.queue.props import FakePainter, until

AWAY = BackendUnreachable("no connection (ClientConnectorError)")
LOCKED = BackendRejectedCredentials("401: Incorrect username or password")
SILENT = BackendTimeout("no answer to GET /sdapi/v1/progress in 5 s")


class Ward:
    """A painter's health while it is watched: its changes, and the pauses it made."""

    def __init__(self) -> None:
        self.painter = FakePainter()
        self.changes: list[State] = []
        self.pauses: list[float] = []
        self.health = Health(self.painter, lambda health: self.changes.append(health.state))
        self.task: asyncio.Task[None] | None = None

    def watch(self, *probes: Exception) -> None:
        """Begins; the first probes end so."""
        self.painter.probes = list(probes)
        self.task = asyncio.create_task(self.health.run())


@pytest.fixture
async def ward(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ward]:
    """Pauses take no time and are noted."""
    made = Ward()
    turn = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds >= FIRST_PAUSE:
            made.pauses.append(seconds)
        await turn(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    yield made
    if made.task is not None:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


async def test_nothing_is_known_before_the_first_probe(ward: Ward) -> None:
    assert (ward.health.state, ward.health.usable, ward.health.error) == (
        State.UNKNOWN,
        False,
        None,
    )


async def test_a_painter_that_answers_is_ready(ward: Ward) -> None:
    ward.watch()
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.health.usable
    assert ward.changes == [State.UP]
    assert ward.painter.probed == 1


async def test_it_is_probed_once_and_then_left_in_peace(ward: Ward) -> None:
    ward.watch()
    await ward.health.ready()
    for _ in range(50):
        await asyncio.sleep(0)
    assert ward.painter.probed == 1


async def test_pauses_grow_but_leave_its_return_within_half_a_minute(ward: Ward) -> None:
    ward.watch(*[AWAY] * 8)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.pauses == [1, 2, 4, 8, 10, 10, 10, 10]
    assert (ward.pauses[0], ward.pauses[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)
    assert ward.changes == [State.DOWN, State.UP]
    assert ward.health.error is None


async def test_a_wrong_password_is_another_state_with_its_reason(ward: Ward) -> None:
    ward.watch(*[LOCKED] * 10_000)
    await until(lambda: ward.health.state is State.REJECTED)
    assert ward.health.error is LOCKED
    assert not ward.health.usable


async def test_one_trouble_may_follow_another(ward: Ward) -> None:
    ward.watch(AWAY, LOCKED, AWAY)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.changes == [State.DOWN, State.REJECTED, State.DOWN, State.UP]


async def test_doubt_closes_the_door_until_a_probe_succeeds(ward: Ward) -> None:
    ward.watch()
    await ward.health.ready()
    ward.painter.probes = [AWAY]
    ward.health.doubt(AWAY)
    assert not ward.health.usable
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.changes == [State.UP, State.DOWN, State.UP]
    assert ward.painter.probed == 3
    assert ward.pauses == [1]


async def test_the_operator_reads_once_what_is_wrong_and_what_to_mend(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        ward.watch(*[AWAY] * 5)
        await asyncio.wait_for(ward.health.ready(), 2)
    lines = [record.getMessage() for record in caplog.records if record.name == "easel.health"]
    wrong, well = lines
    assert "backend not usable" in wrong
    assert "http://painter.test" in wrong
    assert "BACKEND_URL" in wrong
    assert "no connection" in wrong
    assert "backend ready" in well
    assert "model_count" in well


async def test_a_wrong_password_sends_the_operator_to_the_right_setting(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    ward.watch(LOCKED)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert "BACKEND_USERNAME and BACKEND_PASSWORD" in caplog.text


async def test_a_wrong_setting_that_only_the_probe_meets_is_told(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    ward.watch(ConfigurationError("backend main: ca_file can't be read (No such file)"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert "ca_file can't be read" in caplog.text
    assert ward.health.state is not State.UNKNOWN


# Half-open: good probes, and jobs that break all the same.


async def broken(ward: Ward) -> None:
    """Claimed, and met trouble at once."""
    await asyncio.wait_for(ward.health.ready(), 2)
    with ward.health.working():
        ward.health.doubt(AWAY)


async def test_a_painter_whose_jobs_keep_breaking_is_given_more_and_more_time(ward: Ward) -> None:
    ward.watch()
    for _ in range(6):
        await broken(ward)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.pauses == [1, 2, 4, 8, 10]


async def test_a_job_that_went_well_earns_the_trust_back(ward: Ward) -> None:
    ward.watch()
    await broken(ward)
    await broken(ward)
    await asyncio.wait_for(ward.health.ready(), 2)
    with ward.health.working():
        pass
    await broken(ward)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.pauses == [1], "only before the second probe in a row"


async def test_all_slots_that_break_together_are_one_trouble(ward: Ward) -> None:
    ward.watch()
    await ward.health.ready()
    with ward.health.working(), ward.health.working(), ward.health.working():
        for _ in range(3):
            ward.health.doubt(AWAY)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert (ward.pauses, ward.changes) == ([], [State.UP, State.DOWN, State.UP])


# Asked now and then.


class Pings:
    """What the small questions bring, one after another; then all is well."""

    def __init__(self, ward: Ward) -> None:
        self.script: list[Exception] = []
        self.count = 0
        ward.painter.ping = self  # type: ignore[method-assign]

    async def __call__(self) -> None:
        self.count += 1
        if self.script:
            raise self.script.pop(0)


@pytest.fixture
async def pings(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> Pings:
    """The painter is up, and asked every few milliseconds."""
    monkeypatch.setattr(room, "CALM_SECONDS", 0.003)
    made = Pings(ward)
    ward.watch()
    await ward.health.ready()
    return made


async def test_an_idle_painter_is_asked_little_and_often(ward: Ward, pings: Pings) -> None:
    await until(lambda: pings.count >= 3)
    assert (ward.painter.probed, ward.changes) == (1, [State.UP])


@pytest.mark.parametrize("trouble", [AWAY, LOCKED, SILENT])
async def test_an_idle_painters_end_is_noticed(
    ward: Ward, pings: Pings, trouble: Exception
) -> None:
    pings.script = [trouble, trouble]
    ward.painter.probes = [trouble]
    await until(lambda: len(ward.changes) == 3)
    down = State.REJECTED if trouble is LOCKED else State.DOWN
    assert ward.changes == [State.UP, down, State.UP]
    assert ward.painter.probed == 3, "at the start, in vain, and then well"


async def test_one_hiccup_is_not_its_end(ward: Ward, pings: Pings) -> None:
    pings.script = [AWAY]
    await until(lambda: pings.count >= 4)
    assert ward.changes == [State.UP]


@pytest.mark.parametrize("answer", [BackendBusy("503"), BackendFailed("500"), ValueError("odd")])
async def test_whatever_it_answers_it_is_there(ward: Ward, pings: Pings, answer: Exception) -> None:
    pings.script = [answer] * 6
    await until(lambda: pings.count >= 6)
    assert ward.changes == [State.UP]


async def test_a_painter_at_work_may_be_slow_but_not_gone(ward: Ward, pings: Pings) -> None:
    with ward.health.working():
        pings.script = [SILENT] * 6
        await until(lambda: not pings.script)
        assert ward.changes == [State.UP]
        pings.script = [AWAY] * 2
        await until(lambda: len(ward.changes) > 1)
        assert ward.changes[1] is State.DOWN


async def test_calm_earns_the_trust_back_as_well(ward: Ward, pings: Pings) -> None:
    await broken(ward)
    await asyncio.wait_for(ward.health.ready(), 2)
    before = pings.count
    await until(lambda: pings.count > before + 1)
    await broken(ward)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.pauses == []


def test_both_ways_take_less_than_half_a_minute() -> None:
    """A question of a sdapi server takes 5 s at the most, a probe that nothing answers 15 s."""
    assert room.CALM_SECONDS + 2 * PING_SECONDS < 30
    assert LONGEST_PAUSE + 15 < 30


async def test_too_busy_for_a_probe_is_not_away(ward: Ward) -> None:
    """A job met a reset, and the probe a 429: the server is there, and known."""
    ward.watch()
    await ward.health.ready()
    ward.painter.probes = [BackendBusy("429")]
    ward.health.doubt(AWAY)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.changes == [State.UP, State.DOWN, State.UP]


async def test_one_that_is_not_known_yet_is_not_used_while_it_is_busy(ward: Ward) -> None:
    ward.watch(BackendBusy("503"))
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.changes == [State.DOWN, State.UP]


async def test_what_was_out_of_reach_for_long_is_lost(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOST_SECONDS", 0.05)
    ward.watch()
    await ward.health.ready()
    lost = asyncio.create_task(ward.health.lost())
    ward.painter.probes = [AWAY]
    ward.health.doubt(AWAY)
    await ward.health.ready()
    await asyncio.wait({lost}, timeout=0.2)
    assert not lost.done(), "it was back in time"
    ward.painter.probes = [AWAY] * 1_000_000
    ward.health.doubt(AWAY)
    assert (await asyncio.wait_for(lost, 2)).taken
