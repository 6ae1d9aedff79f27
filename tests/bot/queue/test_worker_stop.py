"""A calm stop: nothing new is begun, and what runs is finished or handed back."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import BackendUnreachable
from bot.queue.job import Status
from tests.bot.queue.props import BOB, Studio, until

pytestmark = pytest.mark.usefixtures("short_pauses")


async def test_an_idle_worker_stops_at_once(studio: Studio) -> None:
    studio.open()
    await studio.health.ready()
    await asyncio.sleep(0.03)
    await studio.stopped()


async def test_a_worker_that_waits_for_its_server_stops_at_once(studio: Studio) -> None:
    studio.painter.probes = [BackendUnreachable("no connection")] * 10_000
    studio.open()
    await until(lambda: studio.painter.probed > 1)
    await studio.stopped()


async def test_a_stop_gives_the_running_job_its_time(studio: Studio) -> None:
    gate = asyncio.Event()
    studio.painter.script = [gate]
    job, following = await studio.line.accepted(), await studio.line.accepted(BOB)
    studio.open()
    await until(lambda: len(studio.painter.began) == 1)
    asyncio.get_running_loop().call_later(0.02, gate.set)
    await studio.stopped(seconds=5)
    assert (await studio.line.row(job)).status is Status.PAINTED
    assert (await studio.line.row(following)).status is Status.WAITING
    assert len(studio.painter.began) == 1


async def test_a_stop_hands_back_what_takes_too_long(studio: Studio) -> None:
    studio.painter.script = [asyncio.Event()]
    job = await studio.line.accepted()
    studio.open()
    await until(lambda: len(studio.painter.began) == 1)
    await studio.stopped(seconds=0.01)
    row = await studio.line.row(job)
    assert (row.status, row.failures) == (Status.WAITING, 0)
    assert studio.painter.interrupted == [f"easel-inst-{job.id}-1"]


async def test_a_worker_that_is_sent_home_takes_its_painter_along(studio: Studio) -> None:
    studio.painter.script = [asyncio.Event()]
    job = await studio.line.accepted()
    studio.open()
    await until(lambda: len(studio.painter.began) == 1)
    await studio.close()
    assert studio.painter.interrupted == [f"easel-inst-{job.id}-1"]
