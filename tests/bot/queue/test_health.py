"""Whether a painter can be used: probed at the start and whenever there is doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bot.errors import (
    BackendRejectedCredentials,
    BackendUnreachable,
    ConfigurationError,
)
from bot.queue.health import FIRST_PAUSE, LONGEST_PAUSE, Health, State
from tests.bot.queue.props import FakePainter, until

AWAY = BackendUnreachable("no connection (ClientConnectorError)")
LOCKED = BackendRejectedCredentials("401: Incorrect username or password")


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


async def test_pauses_grow_up_to_half_a_minute(ward: Ward) -> None:
    ward.watch(*[AWAY] * 8)
    await asyncio.wait_for(ward.health.ready(), 2)
    assert ward.pauses == [1, 2, 4, 8, 16, 30, 30, 30]
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
