"""Stable Diffusion on EKS, by its stand-in: what is drawn, and every trap of contracts, aws 1."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from bot.backends import sd_on_eks, warmth
from bot.backends.sd_on_eks import WAKING
from bot.demo.servers.eks import Runtime
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendOutOfMemory,
    BackendRefused,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
)
from bot.images import pnginfo
from bot.values.source import Role, Source
from tests.bot.backends.cloud import NAMED, Cloud, Slip, cloud, order


def silent(*_: Any) -> None:
    """Nobody listens."""


def source(side: int, role: Role = Role.INIT, *, noisy: bool = False) -> Source:
    """A picture of a guest; a noisy one can hardly be compressed."""
    chance = random.Random(side)
    picture = (
        Image.frombytes("RGB", (side, side), chance.randbytes(side * side * 3))
        if noisy
        else Image.new("RGB", (side, side), "teal")
    )
    held = io.BytesIO()
    picture.save(held, "PNG")
    return Source(role, held.getvalue(), side, side)


@pytest.fixture
async def quick() -> AsyncIterator[Cloud]:
    """Any task takes 50 ms, as many at once as there are."""
    async with cloud() as opened:
        yield opened


# -- what is drawn ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["new", "old"])
@pytest.mark.parametrize("api", ["v1alpha1", "v1alpha2"])
async def test_pictures_with_infotext_by_both_releases_and_both_interfaces(
    version: str, api: str
) -> None:
    async with cloud(version=version, paint_seconds=None, step_seconds=0.001, workers=0) as c:
        painter = c.painter(eks={"api_version": api, "runtimes": NAMED[:1]})
        ability = await painter.probe()
        assert [m.name for m in ability.models] == ["dreamshaper_8"]
        pictures = await painter.paint(order(count=3), "", silent)
    assert [p.seed for p in pictures] == [42, 43, 44]
    assert all((pnginfo.read(p.data) or "").startswith("a fox") for p in pictures)
    assert {p.remark for p in pictures} == {"Drawn on sdruntime."}
    (sent,) = c.eks.submitted
    assert sent["version"] == api
    assert sent["prefix"].startswith("easel/cloud/20")
    assert len(str(sent["id"])) == 36


async def test_a_comfyui_runtime_draws_by_a_graph_one_picture_a_task(quick: Cloud) -> None:
    painter = quick.painter()
    (picture,) = await painter.paint(order(model="sd_xl_base_1.0", count=2), "", silent)
    assert picture.seed == 42
    assert picture.infotext.startswith("a fox\nSteps: 2")
    assert quick.eks.submitted[0]["tasktype"] == "text-to-image", "1.2.0 refuses pipeline"
    with pytest.raises(BackendRefused) as refused:
        await painter.paint(order(model="sd_xl_base_1.0", kind="img2img"), "", silent, [source(64)])
    assert "Choose another model" in refused.value.sentence


async def test_a_dynamic_runtime_is_asked_for_a_title() -> None:
    runtimes = {"dyn": Runtime(model="dreamshaper_8.safetensors", dynamic=True)}
    async with cloud(runtimes=runtimes, paint_seconds=None, step_seconds=0.001, workers=0) as c:
        titles = [m.title for m in c.eks.webui("dyn").server.engine.shelf.checkpoints]
        painter = c.painter(eks={"runtimes": ({"name": "dyn", "titles": titles},)})
        wanted = [m.name for m in (await painter.probe()).models][1]
        (picture,) = await painter.paint(order(model=wanted), "", silent)
    assert f"Model: {wanted}" in picture.infotext
    assert c.eks.submitted[0]["content"]["alwayson_scripts"]["sd_model_checkpoint"] == titles[1]


async def test_img2img_and_upscale_take_pictures_inline() -> None:
    async with cloud(paint_seconds=None, step_seconds=0.001, workers=0) as c:
        painter = c.painter()
        over = order(kind="img2img", denoising_strength=0.5)
        (picture,) = await painter.paint(over, "", silent, [source(64)])
        larger = order(kind="upscale", upscale_by=2, upscaler="Lanczos")
        (large,) = await painter.paint(larger, "", silent, [source(64)])
    assert (picture.width, large.width) == (64, 128)
    assert [s["tasktype"] for s in c.eks.submitted] == ["image-to-image", "extra-single-image"]


async def test_a_large_picture_is_made_smaller_and_that_is_said(quick: Cloud) -> None:
    painter = quick.painter()
    over = order(kind="img2img", denoising_strength=0.5, prompt="ü" * 900)
    (picture,) = await painter.paint(over, "", silent, [source(600, noisy=True)])
    assert picture.remark == (
        "Drawn on sdruntime. The picture you gave was made smaller: "
        "the image server takes no larger ones."
    )


async def test_with_a_bucket_for_uploads_it_goes_whole_as_a_link(quick: Cloud) -> None:
    painter = quick.painter(s3={"upload_bucket": quick.s3.bucket})
    over = order(kind="img2img", denoising_strength=0.5)
    given = source(600, noisy=True)
    (picture,) = await painter.paint(over, "", silent, [given])
    assert picture.remark == "Drawn on sdruntime."
    (task,) = quick.eks.submitted
    assert task["content"]["init_images"][0].startswith(quick.s3.url)
    assert await quick.s3.get(f"{task['prefix']}/{task['id']}/init") == given.data


async def test_words_never_make_the_cluster_fetch_an_address(quick: Cloud) -> None:
    painter = quick.painter()
    sly = order(prompt="HTTP://169.254.169.254/", negative_prompt="s3://secrets/key")
    await painter.paint(sly, "", silent)
    await painter.paint(sly.model_copy(update={"model": "sd_xl_base_1.0"}), "", silent)
    assert quick.eks.fetched == []
    assert quick.eks.submitted[0]["content"]["prompt"] == " HTTP://169.254.169.254/"


# -- refused ---------------------------------------------------------------------------------------


async def test_a_bad_key_is_told_from_a_bad_address(quick: Cloud) -> None:
    locked = quick.painter(auth={"api_key": "wrong"})
    with pytest.raises(BackendRejectedCredentials, match="Forbidden"):
        await locked.probe()
    lost = quick.painter(url=quick.eks.url.removesuffix("/prod") + "/dev")
    with pytest.raises(BackendBadAnswer, match="needs the stage"):
        await lost.probe()


async def test_a_bucket_that_may_not_be_listed_is_a_matter_of_rights(quick: Cloud) -> None:
    quick.s3.may_list = False
    painter = quick.painter()
    with pytest.raises(BackendRejectedCredentials, match="S3 does not let us list"):
        await painter.probe()


async def test_a_bucket_that_may_not_be_read_is_found_out_by_the_probe(quick: Cloud) -> None:
    painter = quick.painter()
    await painter.probe()
    quick.s3.faults.add("denied", times=-1, action="GetObject")
    with pytest.raises(BackendRejectedCredentials, match="S3 does not let us get"):
        await painter.probe()
    slip = Slip()
    with pytest.raises(BackendUnreachable) as kept:
        await painter.paint(order(), "", silent, errand=slip)
    assert not kept.value.taken, "it is painted and paid for: the job keeps it"
    quick.s3.faults.clear()
    assert await painter.paint(order(), "", silent, errand=slip)
    assert len(quick.eks.submitted) == 1


async def test_trouble_that_may_have_been_taken_is_counted_as_a_try(quick: Cloud) -> None:
    quick.eks.faults.add("fail", status=502, times=9)
    painter = quick.painter()
    with pytest.raises(BackendUnreachable) as away:
        await painter.paint(order(), "", silent)
    assert away.value.taken


async def test_a_prompt_that_sns_would_not_take_is_refused_with_its_size(quick: Cloud) -> None:
    painter = quick.painter(payload={"styles": ["x" * 270_000]})
    with pytest.raises(BackendRefused) as refused:
        await painter.paint(order(), "", silent)
    assert "it takes 256 KB" in refused.value.sentence
    assert quick.eks.submitted == []


@pytest.mark.parametrize("status", [413, 400])
async def test_a_refusal_in_plain_text_is_read_as_text(quick: Cloud, status: int) -> None:
    quick.eks.faults.add("fail", status=status)
    painter = quick.painter()
    with pytest.raises(BackendRefused):
        await painter.paint(order(), "", silent)


@pytest.mark.parametrize(("fault", "how"), [("fail", {"status": 429}), ("quota", {})])
async def test_too_many_requests_slow_the_key_down(
    quick: Cloud, fault: str, how: dict[str, Any]
) -> None:
    quick.eks.faults.add(fault, **how)
    painter, slip = quick.painter(), Slip()
    with pytest.raises(BackendBusy):
        await painter.paint(order(), "", silent, errand=slip)
    assert painter.quota.spent.refusals == 1
    assert not slip.left, "it is surely not there: nobody looks for it"


# -- once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_trouble_at_the_gateway_is_tried_again_under_the_same_id(
    quick: Cloud, status: int
) -> None:
    """504 may come although the task was published; the first that ends wins."""
    quick.eks.faults.add("accept", status=status)
    painter = quick.painter()
    (picture,) = await painter.paint(order(), "", silent)
    assert picture.seed == 42
    assert len({s["id"] for s in quick.eks.submitted}) == 1


async def test_a_task_that_ran_twice_is_one_picture(quick: Cloud) -> None:
    quick.eks.faults.add("twice")
    painter = quick.painter()
    assert len(await painter.paint(order(), "", silent)) == 1


class Breaks(Slip):
    """The process dies at the n-th note."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    async def note(self, left: str) -> None:
        await super().note(left)
        if len(self.notes) == self.at:
            raise asyncio.CancelledError


@pytest.mark.parametrize("at", [1, 2])
async def test_a_crash_at_any_step_submits_nothing_twice(
    quick: Cloud, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1: the id is in the row, and nothing was sent. 2: it was sent, and that was just noted."""
    monkeypatch.setattr(sd_on_eks, "UNSURE_SECONDS", 0.3)
    # Nobody waits longer for a task that was perhaps sent than for the first sign of life.
    patient = {"first_result_timeout": 1}
    painter, slip = quick.painter(eks=patient), Breaks(at)
    with pytest.raises(asyncio.CancelledError):
        await painter.paint(order(), "", silent, errand=slip)
    slip.at = 0
    after = quick.painter(eks=patient)
    (picture,) = await after.paint(order(), "", silent, errand=slip)
    assert picture.seed == 42
    assert len(quick.eks.submitted) == 1


async def test_a_crash_before_the_answer_was_noted_is_looked_for_first(quick: Cloud) -> None:
    """Sent, but the row does not know: what comes of it is found, and nothing is sent again."""
    painter, slip = quick.painter(), Breaks(2)
    with pytest.raises(asyncio.CancelledError):
        await painter.paint(order(), "", silent, errand=slip)
    slip.at, slip.left = 0, slip.notes[0]
    (picture,) = await painter.paint(order(), "", silent, errand=slip)
    assert picture.seed == 42
    assert len(quick.eks.submitted) == 1


async def test_a_result_from_before_a_long_stop_is_still_fetched(quick: Cloud) -> None:
    painter, slip = quick.painter(), Slip()
    await painter.paint(order(), "", silent, errand=slip)
    assert slip.left is not None
    at = slip.left.index('"at": ') + 6
    slip.left = slip.left[:at] + "1000000000.0" + slip.left[slip.left.index(",", at) :]
    (picture,) = await painter.paint(order(), "", silent, errand=slip)
    assert picture.seed == 42
    assert len(quick.eks.submitted) == 1


# -- how it ends -----------------------------------------------------------------------------------


async def test_a_failure_is_told_without_the_servers_words(quick: Cloud) -> None:
    quick.eks.faults.add("webui_error")
    painter = quick.painter()
    with pytest.raises(BackendOutOfMemory) as failed:
        await painter.paint(order(), "", silent)
    assert "500" in str(failed.value)
    assert failed.value.sentence == BackendOutOfMemory.default_sentence


async def test_nothing_comes_and_the_deadline_says_so(
    quick: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sd_on_eks, "LEAST_PATIENCE", 0.1)
    quick.eks.faults.add("lose")
    painter = quick.painter(eks={"first_result_timeout": 1})
    with pytest.raises(BackendTimeout, match="is it deployed under this name"):
        await painter.paint(order(), "", silent)


async def test_a_cold_runtime_is_said_to_wake_up_and_how_long_it_took_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sd_on_eks, "WAKING_AFTER", 0.1)
    monkeypatch.setattr(sd_on_eks, "TELL_SECONDS", 0.1)
    monkeypatch.setattr(warmth, "COLD_START", 0.3)
    async with cloud(cold_start_seconds=0.6) as c:
        first, slip = c.painter(), Slip()
        await first.paint(order(), "", silent, errand=slip)
        assert (WAKING, None) in slip.told
        c.eks.go_cold()
        later, slip = c.painter(), Slip()
        await later.paint(order(), "", silent, errand=slip)
        etas = [eta for words, eta in slip.told if words == WAKING]
        assert etas
        assert all(eta is not None and eta > 0 for eta in etas)
        slip = Slip()
        await later.paint(order(), "", silent, errand=slip)
        assert {words for words, _ in slip.told} == {"drawing on sdruntime"}, "it is warm now"


async def test_a_bucket_that_is_away_gives_the_job_back_and_it_is_found_later(
    quick: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter, slip = quick.painter(), Slip()
    quick.s3.faults.add("denied", times=-1)
    with pytest.raises(BackendUnreachable) as away:
        await painter.paint(order(), "", silent, errand=slip)
    assert not away.value.taken, "it costs the job no try"
    quick.s3.faults.clear()
    (picture,) = await painter.paint(order(), "", silent, errand=slip)
    assert picture.seed == 42
    assert len(quick.eks.submitted) == 1


async def test_many_wait_together_and_nobody_asks_when_nobody_waits(quick: Cloud) -> None:
    painter = quick.painter(rate=1000, burst=1000)
    quick.eks.limit(1000, 1000)
    await asyncio.gather(*(painter.paint(order(seed=n), "", silent) for n in range(40)))
    assert len(quick.s3.requests) / 40 <= 3
    before = len(quick.s3.requests)
    await asyncio.sleep(1.2)
    assert len(quick.s3.requests) == before
