"""Whatever breaks between an order and its pictures, an endpoint is asked only once."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from bot.backends import sd_extension_submission
from bot.backends.sd_extension_submission import Left
from bot.errors import (
    BackendBusy,
    BackendFailed,
    BackendUnreachable,
    DatabaseUnavailable,
)
from tests.bot.backends.cloud import Slip
from tests.bot.backends.sd_extension_cloud import (
    Cloud,
    broken_off,
    cloud,
    hurry,
    order,
    painted,
)

both = pytest.mark.parametrize("generation", ["v1.3", "v1.7"])
START = "(/run|/start)$"
CREATE = r"(/inference/v2|/inferences)$"
TWO: dict[str, Any] = {"extension": {"flow": "two-step"}}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


# -- the bot dies ----------------------------------------------------------------------------------


def _prepared(server: Cloud, _: Slip) -> bool:
    return bool(server.service.jobs)


def _uploaded(server: Cloud, _: Slip) -> bool:
    return any(method == "PUT" for method, *_ in server.s3.requests)


def _noted(_: Cloud, slip: Slip) -> bool:
    return slip.left is not None


def _starting(server: Cloud, _: Slip) -> bool:
    return any(p.endswith(("/run", "/start")) for p in server.paths("PUT"))


def _painting(_: Cloud, slip: Slip) -> bool:
    return bool(slip.told)


def _ended(server: Cloud, _: Slip) -> bool:
    return any(job.status == "succeed" for job in server.service.jobs.values())


def _fetching(server: Cloud, _: Slip) -> bool:
    return any(method == "GET" for method, *_ in server.s3.requests)


@both
@pytest.mark.parametrize(
    "moment", [_prepared, _uploaded, _noted, _starting, _painting, _ended, _fetching]
)
async def test_a_crash_at_any_step_starts_nothing_twice(
    generation: str, moment: Callable[[Cloud, Slip], bool]
) -> None:
    async with cloud(generation, paint_seconds=0.1) as server:
        server.s3.faults.add("slow", seconds=0.03, times=-1)
        slip = Slip()
        async with server.painter(**TWO) as painter:
            await painter.probe()
            painting = painted(painter, order(), slip)
            await broken_off(painting, lambda: moment(server, slip))
        async with server.painter(**TWO) as painter:
            (found,) = await painted(painter, order(), slip)
        assert len(server.started) == 1, server.service.requests
    assert found.seed == 42


async def test_a_crash_in_the_one_step() -> None:
    """The id is not known yet: the job is known by what it drew, and another's is left alone."""
    async with cloud("v1.3", paint_seconds=0.1) as server:
        async with server.painter(extension={"flow": "one-step"}) as painter:
            await painted(painter, order(prompt="another fox"), Slip())
            slip = Slip()
            sending = painted(painter, order(), slip)
            await broken_off(sending, lambda: len(server.started) == 2)
            slip.left = slip.notes[0]
            (found,) = await painted(painter, order(), slip)
        assert len(server.started) == 2
        assert json.loads(slip.notes[0])["id"] is None
    assert found.infotext.startswith("a fox\n")


async def test_a_one_step_that_never_arrived_is_made_again() -> None:
    async with cloud("v1.3") as server:
        slip = Slip(Left(None, "one-step", started=False, at=time.time()).text)
        async with server.painter(extension={"flow": "one-step"}) as painter:
            await painted(painter, order(prompt="another fox"), Slip())
            (found,) = await painted(painter, order(), slip)
        assert len(server.started) == 2
    assert found.infotext.startswith("a fox\n")


@both
async def test_a_job_that_they_forgot_is_made_again(generation: str) -> None:
    async with cloud(generation) as server:
        slip = Slip(Left("nobody-knows", "two-step", started=True, at=time.time()).text)
        async with server.painter(**TWO) as painter:
            (found,) = await painted(painter, order(), slip)
        assert len(server.started) == 1
    assert found.seed == 42


@both
async def test_a_note_of_another_kind_is_passed_over(generation: str) -> None:
    async with cloud(generation) as server:
        for left in ("", "no json", "[]", '{"task": 1}'):
            async with server.painter(**TWO) as painter:
                await painted(painter, order(), Slip(left))
        assert len(server.started) == 4


@both
async def test_a_job_that_ended_while_we_were_away(generation: str) -> None:
    """However long ago, and also when it ended badly."""
    async with cloud(generation) as server, server.painter(**TWO) as painter:
        slip = Slip()
        await painted(painter, order(), slip)
        long_ago = Left(server.started[0], "two-step", started=True, at=time.time() - 86_400).text
        (found,) = await painted(painter, order(), Slip(long_ago))
        server.service.jobs[server.started[0]].status = "failed"
        with pytest.raises(BackendFailed):
            await painted(painter, order(), Slip(long_ago))
        assert len(server.started) == 1
    assert found.seed == 42


@both
async def test_a_job_that_cannot_be_noted_is_not_started(generation: str) -> None:
    class FullDisk(Slip):
        async def note(self, left: str) -> None:
            raise DatabaseUnavailable("disk full")

    async with cloud(generation) as server, server.painter(**TWO) as painter:
        with pytest.raises(DatabaseUnavailable):
            await painted(painter, order(), FullDisk())
        assert server.started == []


# -- the way there breaks --------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("do", "status"),
    [("status", 503), ("status", 504), ("reset", 0)],
)
async def test_trouble_while_starting(generation: str, do: str, status: int) -> None:
    async with cloud(generation) as server:
        server.service.faults.add(do, status=status, route=START, times=2)
        (found,) = await server.paint(**TWO)
        methods = "".join(method[0] for method, *_ in server.service.requests)
        assert len(server.started) == 1
    assert re.search("PPGGPGGPG+$", methods), "prepared; between two starts it was looked at"
    assert found.seed == 42


@both
async def test_a_start_whose_answer_is_lost(generation: str) -> None:
    async with cloud(generation) as server:
        server.service.faults.add("accepted_504", route=START)
        (found,) = await server.paint(**TWO)
        assert len(server.started) == 1
    assert found.seed == 42


@both
async def test_a_start_that_stays_broken_goes_on_later(generation: str) -> None:
    async with cloud(generation) as server, server.painter(**TWO) as painter:
        server.service.faults.add("reset", route=START, times=-1)
        slip = Slip()
        with pytest.raises(BackendUnreachable) as error:
            await painted(painter, order(), slip)
        assert error.value.taken
        server.service.faults.clear()
        await painted(painter, order(), slip)
        assert len(server.started) == 1
        assert len(server.service.jobs) == 1, "the one that was prepared"


@both
@pytest.mark.parametrize(("do", "status"), [("status", 502), ("reset", 0)])
async def test_trouble_while_preparing(generation: str, do: str, status: int) -> None:
    async with cloud(generation) as server:
        server.service.faults.add(do, status=status, route=CREATE, times=2)
        await server.paint(**TWO)
        assert len(server.started) == 1
        server.service.faults.add(do, status=status, route=CREATE, times=3)
        with pytest.raises(BackendUnreachable) as error:
            await server.paint(**TWO)
    assert not error.value.taken, "nothing has begun, so the try costs nothing"


@pytest.mark.parametrize("do", ["accepted_504", "reset"])
async def test_trouble_in_the_one_step(do: str) -> None:
    async with cloud("v1.3", paint_seconds=0.05) as server:
        server.service.faults.add(do, route="/inference-api/inference")
        async with server.painter(extension={"flow": "one-step"}) as painter:
            slip = Slip()
            if do == "reset":
                with pytest.raises(BackendUnreachable) as error:
                    await painted(painter, order(), slip)
                assert error.value.taken
            (found,) = await painted(painter, order(), slip)
        assert len(server.started) == 1
    assert found.seed == 42


@pytest.mark.parametrize(
    ("generation", "route"), [("v1.3", START), ("v1.7", START), ("v1.7", CREATE)]
)
async def test_a_throttle_costs_nothing(generation: str, route: str) -> None:
    async with cloud(generation) as server, server.painter(**TWO) as painter:
        await painter.probe()
        server.service.faults.add("status", status=429, route=route)
        slip = Slip()
        with pytest.raises(BackendBusy):
            await painted(painter, order(), slip)
        assert painter.quota.held() > 0, "all of this key wait"
        assert server.started == []
        await painted(painter, order(), slip)
        assert len(server.started) == 1


# -- at a real-time endpoint -----------------------------------------------------------------------

QUICK: dict[str, Any] = {"extension": {"real_time": True}}


async def test_a_real_time_job_is_waited_for_after_a_crash() -> None:
    """Its row says `created` while it paints, so nobody can see that it does."""
    async with cloud("v1.7", paint_seconds=0.2) as server:
        slip = Slip()
        async with server.painter(**QUICK) as painter:
            await broken_off(painted(painter, order(), slip), lambda: bool(server.started))
        async with server.painter(**QUICK) as painter:
            (found,) = await painted(painter, order(), slip)
        assert len(server.started) == 1
    assert found.seed == 42


async def test_a_real_time_job_that_went_down_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was noted, and then the process died before it was sent: that shows by its silence."""
    monkeypatch.setattr(sd_extension_submission, "REAL_TIME_SECONDS", 0.2)
    async with cloud("v1.7") as server, server.painter(**QUICK) as painter:
        server.service.faults.add("status", status=429, route=START)
        slip = Slip()
        with pytest.raises(BackendBusy):
            await painted(painter, order(), slip)
        (job_id,) = server.service.jobs
        slip.left = Left(job_id, "two-step", started=True, at=time.time()).text
        began = time.monotonic()
        (found,) = await painted(painter, order(), slip)
        assert server.started == [job_id]
    assert time.monotonic() - began > 0.15
    assert found.seed == 42


async def test_a_throttled_real_time_start_is_known_not_to_have_begun() -> None:
    async with cloud("v1.7") as server, server.painter(**QUICK) as painter:
        server.service.faults.add("status", status=429, route=START)
        slip = Slip()
        with pytest.raises(BackendBusy):
            await painted(painter, order(), slip)
        left = Left.read(slip.left)
        assert left is not None
        assert not left.started
        await painted(painter, order(), slip)
        assert len(server.started) == 1
