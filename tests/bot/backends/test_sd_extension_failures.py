"""What a job, an endpoint or a result may do to us, and what the member reads of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.backends import sd_extension_waiting, warmth
from bot.backends.sd_extension_waiting import BROKEN_LOOKS
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
)
from bot.settings import BackendSettings
from tests.bot.backends.cloud import Slip
from tests.bot.backends.sd_extension_cloud import (
    ENDPOINT,
    Cloud,
    cloud,
    hurry,
    order,
    painted,
    source,
    until,
)
from tests.bot.images import pictures

both = pytest.mark.parametrize("generation", ["v1.3", "v1.7"])
QUICK: dict[str, Any] = {"extension": {"real_time": True}}
LOOK = r"get-inference-job$|/inferences/[^/]+$"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def silent(error: BackendError) -> bool:
    """Nothing of a server stands in what a member reads."""
    words = ("CloudWatch", "CUDA", "{", "s3:", "http", "nvrtc", "SageMaker", "endpoint")
    return not any(word.casefold() in error.sentence.casefold() for word in words)


# -- jobs that fail --------------------------------------------------------------------------------


@both
async def test_a_failed_job_says_why_to_the_log_alone(generation: str) -> None:
    async with cloud(generation) as server:
        reason = 'InternalServerError: Received server error (500) with message "nvrtc: it\'s bad"'
        server.service.faults.add("fail", reason=reason)
        with pytest.raises(BackendFailed, match="nvrtc: it's bad") as error:
            await server.paint()
    assert "awsRegion" not in str(error.value), "the reason alone, not all that SageMaker said"
    assert silent(error.value)


@both
async def test_a_failed_job_that_was_out_of_memory(generation: str) -> None:
    async with cloud(generation) as server:
        server.service.faults.add("fail")
        with pytest.raises(BackendOutOfMemory, match="CUDA out of memory") as error:
            await server.paint()
    assert "smaller size" in error.value.sentence
    assert silent(error.value)


@both
async def test_a_model_that_answers_without_pictures(generation: str) -> None:
    async with cloud(generation) as server:
        server.service.faults.add("raw", reason="the model said something odd")
        with pytest.raises(BackendFailed) as error:
            await server.paint()
    wanted = "something odd" if server.classic else "nothing says why"
    assert wanted in str(error.value)
    assert silent(error.value)


@pytest.mark.parametrize("do", ["fail", "raw"])
async def test_a_real_time_failure_is_a_400(do: str) -> None:
    async with cloud("v1.7") as server:
        server.service.faults.add(do, reason="nvrtc: bad")
        with pytest.raises(BackendFailed, match="nvrtc: bad") as error:
            await server.paint(**QUICK)
        server.service.faults.add(do)
        with pytest.raises(BackendOutOfMemory):
            await server.paint(**QUICK)
        assert {job.status for job in server.service.jobs.values()} == {"created"}
    assert silent(error.value)


async def test_a_real_time_job_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd_extension_waiting, "REAL_TIME_SECONDS", 0.2)
    async with cloud("v1.7", gateway_seconds=0.05) as server:
        server.service.faults.add("lose")
        with pytest.raises(BackendTimeout):
            await server.paint(**QUICK)
        assert len(server.started) == 1


async def test_a_real_time_job_at_an_endpoint_of_the_other_type() -> None:
    async with cloud("v1.7") as server:
        extension = {"real_time": True, "endpoint": ENDPOINT}
        with pytest.raises(BackendFailed, match=r"see extension\.real_time"):
            await server.paint(extension=extension)


# -- jobs that never end ---------------------------------------------------------------------------


def patient(server: Cloud, first: float, usual: float) -> BackendSettings:
    """Settings with deadlines that no operator may choose, they are so small."""
    settings = server.settings()
    own = settings.extension
    assert own is not None
    small = own.model_copy(update={"first_result_timeout": first, "result_timeout": usual})
    return settings.model_copy(update={"extension": small})


@both
async def test_a_lost_job_is_given_up_on(generation: str) -> None:
    async with cloud(generation) as server, server.painter(patient(server, 0.2, 60.0)) as painter:
        server.service.faults.add("lose")
        with pytest.raises(BackendTimeout, match="nothing came of job"):
            await painted(painter, order(), Slip())


async def test_a_warm_endpoint_gets_less_time_than_a_cold_one() -> None:
    async with (
        cloud("v1.7", paint_seconds=0.05) as server,
        server.painter(patient(server, 60.0, 0.3)) as painter,
    ):
        await painted(painter, order(), Slip())
        server.service.faults.add("lose")
        with pytest.raises(BackendTimeout):
            await painted(painter, order(), Slip())


async def test_an_endpoint_that_slept_gets_its_time_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmth, "WARM_SECONDS", 0.0)
    async with cloud("v1.7") as server, server.painter(patient(server, 60.0, 0.1)) as painter:
        await painted(painter, order(), Slip())
        server.service.faults.add("slow_job", seconds=0.3)
        await painted(painter, order(), Slip())


async def test_no_job_is_waited_for_longer_than_sagemaker_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sd_extension_waiting, "LONGEST", 0.2)
    async with cloud("v1.7") as server:
        server.service.faults.add("lose")
        with pytest.raises(BackendTimeout):
            await server.paint()


# -- endpoints and jobs that are away --------------------------------------------------------------


@both
async def test_an_endpoint_that_is_not_ready_yet(generation: str) -> None:
    """It comes, so the job keeps its place; one that failed does not."""
    async with cloud(generation) as server:
        section = {"endpoint": ENDPOINT, "flow": "two-step"}
        server.service.faults.add("not_ready")
        with pytest.raises(BackendBusy) as busy:
            await server.paint(extension=section)
        server.service.faults.add("not_ready", reason="Failed")
        with pytest.raises(BackendFailed) as error:
            await server.paint(extension=section)
        assert server.started == []
    assert busy.value.retry_after == 30.0
    assert "has to start one" in error.value.sentence


@both
async def test_no_endpoint_at_all(generation: str) -> None:
    async with cloud(generation, endpoints=[]) as server:
        with pytest.raises(BackendFailed, match="no available") as error:
            await server.paint()
    assert "has to start one" in error.value.sentence


@both
async def test_a_job_that_is_deleted_while_it_paints(generation: str) -> None:
    async with cloud(generation, paint_seconds=60.0) as server, server.painter() as painter:
        slip = Slip()
        painting = asyncio.ensure_future(painted(painter, order(), slip))
        await until(lambda: bool(slip.told))
        server.service.jobs.clear()
        with pytest.raises(BackendFailed, match="deleted"):
            await painting


# -- questions that fail ---------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("do", "status"),
    [("status", 503), ("status", 504), ("reset", 0)],
)
async def test_a_few_broken_questions_do_no_harm(generation: str, do: str, status: int) -> None:
    async with cloud(generation, paint_seconds=0.1) as server:
        server.service.faults.add(do, status=status, route=LOOK, times=BROKEN_LOOKS - 1)
        (found,) = await server.paint()
    assert found.seed == 42


@both
async def test_many_broken_questions_hand_the_job_back(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        server.service.faults.add("status", status=502, route=LOOK, times=-1)
        slip = Slip()
        with pytest.raises(BackendUnreachable) as error:
            await painted(painter, order(), slip)
        assert not error.value.taken, "whoever takes it up starts nothing, so it costs nothing"
        server.service.faults.clear()
        await painted(painter, order(), slip)
        assert len(server.started) == 1


async def test_a_key_that_is_taken_away_while_it_paints() -> None:
    async with cloud("v1.7", paint_seconds=60.0) as server, server.painter() as painter:
        slip = Slip()
        painting = asyncio.ensure_future(painted(painter, order(), slip))
        await until(lambda: bool(slip.told))
        server.service._desk.api_key = "another"
        with pytest.raises(BackendRejectedCredentials):
            await painting


# -- results ---------------------------------------------------------------------------------------


async def test_an_animation_lies_elsewhere() -> None:
    async with cloud("v1.7") as server:
        server.service.faults.add("gif")
        with pytest.raises(BackendBadAnswer) as error:
            await server.paint()
        server.s3.may_list = False
        server.service.faults.add("gif")
        with pytest.raises(BackendBadAnswer):
            await server.paint()
    assert "animation" in error.value.sentence


@both
@pytest.mark.parametrize("do", ["slow_down", "internal", "reset", "cut"])
async def test_a_fetch_that_breaks_is_repeated(generation: str, do: str) -> None:
    async with cloud(generation) as server:
        server.s3.faults.add(do, action="GetObject", times=2)
        (found,) = await server.paint()
        assert found.seed == 42
        server.s3.faults.add(do, action="GetObject", times=-1)
        with pytest.raises(BackendUnreachable, match="S3 GET"):
            await server.paint()


@both
async def test_one_of_two_pictures_is_missing(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        slip = Slip()
        await painted(painter, order(count=2), slip)
        (job_id,) = server.started
        await server.s3.delete(f"out/{job_id}/result/image_0")
        (found,) = await painted(painter, order(count=2), slip)
    assert found.seed == 43
    assert found.infotext.endswith("Seed: 43")


@both
async def test_a_broken_picture(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        slip = Slip()
        await painted(painter, order(), slip)
        (job_id,) = server.started
        name = server.service.jobs[job_id].image_names[0]
        await server.s3.put(f"out/{job_id}/result/{name}", pictures.png()[:-20])
        with pytest.raises(BackendBadAnswer, match="broken picture"):
            await painted(painter, order(), slip)


@both
@pytest.mark.parametrize("words", [b"", b"no json", b"[]", b'{"info": 7}', b'{"info": "no json"}'])
async def test_parameters_that_say_nothing(generation: str, words: bytes) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        slip = Slip()
        await painted(painter, order(), slip)
        (job,) = server.service.jobs.values()
        await server.s3.put(job.param_key, words)
        (found,) = await painted(painter, order(), slip)
    assert found.infotext.startswith("a fox\n")
    assert found.seed == 42


async def test_a_row_that_is_ahead_of_its_pictures() -> None:
    async with cloud("v1.7") as server, server.painter() as painter:
        slip = Slip()
        await painted(painter, order(), slip)
        (job,) = server.service.jobs.values()
        job.image_names, names = [], job.image_names
        with pytest.raises(BackendBadAnswer, match="without a picture"):
            await painted(painter, order(), slip)
        painting = asyncio.ensure_future(painted(painter, order(), slip))
        looks = len(server.paths("GET", "/inferences/"))
        await until(lambda: len(server.paths("GET", "/inferences/")) > looks)
        job.image_names = names
        (found,) = await painting
    assert found.seed == 42


async def test_a_larger_picture_that_is_broken() -> None:
    async with cloud("v1.7") as server, server.painter() as painter:
        slip = Slip()
        asked = order(kind="upscale", upscale_by=2.0)
        text = "a fox\nSteps: 9, Sampler: Euler, CFG scale: 7.0, Seed: 5, Size: 12x9"
        await painted(painter, asked, slip, source(text=text))
        (job,) = server.service.jobs.values()
        await server.s3.put(f"out/{job.id}/result/image.png", b"no picture")
        with pytest.raises(BackendBadAnswer):
            await painted(painter, asked, slip, source(text=text))
