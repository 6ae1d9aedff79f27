"""The traps of a `/sdapi/v1` server (contracts, sdapi 0): what is sent, and what is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from bot.backends.sdapi import SdApi
from bot.backends.sdapi_pictures import read_painted
from bot.demo.servers.sdapi import DemoImageServer
from bot.errors import BadOption, UnknownName
from bot.images import pnginfo
from bot.images.infotext import Infotext
from bot.values.picture import Picture
from bot.values.request import Hires
from tests.bot.backends.orders import BARE, answer, b64, painted, request, with_chunk
from tests.bot.backends.painters import TASK, no_news, painter
from tests.bot.studio.ordering import order

LOGIN = {"username": "demo", "password": "demo"}


@asynccontextmanager
async def served(kind: str = "a1111") -> AsyncIterator[tuple[DemoImageServer, SdApi]]:
    """An image server of a kind, and our client for it, probed."""
    demo = DemoImageServer(kind=kind, workers=0, step_seconds=0.001, load_seconds=0.01)
    await demo.start()
    try:
        async with painter(demo.url, auth=LOGIN) as backend:
            await backend.probe()
            yield demo, backend
    finally:
        await demo.close()


async def paint(backend: SdApi, **changes: Any) -> list[Picture]:
    """One small order."""
    return await backend.paint(request(**changes), TASK, no_news)


@pytest.mark.parametrize("kind", ["a1111", "koboldcpp"])
async def test_trap_01_info_is_a_json_string_or_empty_and_no_key_is_sure(kind: str) -> None:
    async with served(kind) as (_, backend):
        (picture,) = await paint(backend, seed=77)
    assert picture.seed == 77
    assert Infotext.parse(picture.infotext).seed == 77


def test_trap_02_names_are_sent_in_the_servers_own_spelling() -> None:
    assert order(sampler="euler A").sampler == "Euler a"
    assert order(sampler="k_euler_a").sampler == "Euler a"
    assert order(scheduler="KARRAS").scheduler == "Karras"
    with pytest.raises(UnknownName):
        order(sampler="nothing of the kind")


async def test_trap_02_an_unknown_sampler_is_no_error_there_and_is_told() -> None:
    async with served() as (_, backend):
        (picture,) = await paint(backend, sampler="euler a")
    assert picture.remark == "The image server used DPM++ 2M instead of euler a."


async def test_trap_03_an_unknown_checkpoint_is_no_error_there_and_is_told() -> None:
    async with served() as (_, backend):
        (picture,) = await paint(backend, model="nowhere_v1")
    assert picture.remark == "The image server drew with dreamshaper_8 instead of nowhere_v1."


async def test_trap_04_the_weights_stay_so_the_checkpoint_travels_with_every_request() -> None:
    async with served() as (demo, backend):
        for model in ("sdxl_turbo", "dreamshaper_8", "sdxl_turbo"):
            (picture,) = await paint(backend, model=model)
            assert Infotext.parse(picture.infotext).model == model
        assert [made["model"] for made in demo.generated] == [
            "sdxl_turbo",
            "dreamshaper_8",
            "sdxl_turbo",
        ]


async def test_trap_05_options_that_are_ever_overridden_go_with_every_request() -> None:
    async with served() as (demo, backend):
        (odd,) = await paint(backend, clip_skip=2)
        (usual,) = await paint(backend)
        assert "Clip skip" in Infotext.parse(odd.infotext).settings
        assert "Clip skip" not in Infotext.parse(usual.infotext).settings
        # A fresh server keeps the first override for good: only saying it each time helps.
        assert demo.engine.options["CLIP_stop_at_last_layers"] == 2


async def test_trap_06_a_picture_that_holds_its_infotext_is_not_written_to() -> None:
    async with served() as (_, backend):
        (picture,) = await paint(backend)
    assert picture.data.count(b"parameters\x00") == 1
    assert pnginfo.read(picture.data) == picture.infotext


def test_trap_07_a_grid_in_front_and_pictures_without_a_text_behind_are_dropped() -> None:
    body = painted(
        [with_chunk(1), with_chunk(1), with_chunk(2), BARE],
        {"index_of_first_image": 1, "all_seeds": [1, 2], "infotexts": ["grid", "one", "two"]},
    )
    found = read_painted(answer(body), request(count=2)).pictures
    assert [picture.seed for picture in found] == [1, 2]


def test_trap_07_after_an_interrupt_there_are_fewer_pictures_than_seeds() -> None:
    body = painted([with_chunk(1)], {"all_seeds": [1, 2, 3]})
    assert len(read_painted(answer(body), request(count=3)).pictures) == 1


async def _stranger(demo: DemoImageServer) -> dict[str, Any]:
    """A picture that another client has painted, over the bare API."""
    login = {"Authorization": "Basic " + b64(b"demo:demo")}
    asked = {"prompt": "a stranger's", "steps": 150, "width": 64, "height": 64, "seed": 9}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.post(f"{demo.url}/sdapi/v1/txt2img", json=asked) as said,
    ):
        found: dict[str, Any] = await said.json()
        return found


async def test_trap_08_interrupt_is_for_all_so_it_is_sent_for_our_own_job_alone() -> None:
    async with served() as (demo, backend):
        strangers = asyncio.create_task(_stranger(demo))
        async with asyncio.timeout(5):
            while not demo.engine.state.job_count:
                await asyncio.sleep(0.001)
        await backend.forget(TASK)
        assert len((await strangers)["images"]) == 1
        assert "/sdapi/v1/interrupt" not in [path for _, path, _ in demo.requests]


async def test_trap_09_a_job_goes_on_when_its_client_leaves_so_it_is_interrupted() -> None:
    async with served() as (demo, backend):
        painting = asyncio.create_task(paint(backend, steps=150))
        async with asyncio.timeout(5):
            while not demo.engine.state.job_count:
                await asyncio.sleep(0.001)
        painting.cancel()
        await asyncio.gather(painting, return_exceptions=True)
        assert "/sdapi/v1/interrupt" in [path for _, path, _ in demo.requests]


async def test_trap_14_what_the_api_would_choose_otherwise_is_always_said() -> None:
    async with served() as (_, backend):
        body = backend.payload(request(hires=Hires(scale=2.0)), TASK)
        assert {"steps", "cfg_scale", "width", "height", "seed"} <= body.keys()
        assert body["denoising_strength"] == 0.5
        (picture,) = await paint(backend, hires=Hires(scale=2.0))
        assert (picture.width, picture.height) == (128, 128)


async def test_trap_14_forge_also_wants_its_modules_for_a_second_pass() -> None:
    async with served("forge") as (_, backend):
        (picture,) = await paint(backend, hires=Hires(scale=2.0))
    assert picture.width == 128


async def test_trap_15_sizes_are_rounded_by_us_and_read_from_the_picture() -> None:
    asked = order(width=70, height=90)
    assert asked.width % 8 == asked.height % 8 == 0
    async with served("sdcpp") as (_, backend):
        (picture,) = await paint(backend, width=72, height=88)
    assert (picture.width, picture.height) == (128, 128), "it rounds up to 64"


@pytest.mark.parametrize(
    "options",
    [{"steps": 0}, {"steps": 5000}, {"cfg_scale": -5.0}, {"cfg_scale": float("nan")}],
)
def test_trap_16_nothing_is_checked_there_so_everything_is_here(options: dict[str, Any]) -> None:
    with pytest.raises(BadOption):
        order(**options)


async def test_trap_16_what_is_unset_is_left_out_and_never_null() -> None:
    async with served() as (_, backend):
        assert None not in backend.payload(request(), TASK).values()


async def test_trap_17_a_strict_server_is_sent_the_least() -> None:
    async with served("drawthings") as (_, backend):
        body = backend.payload(request(), TASK)
        assert not body.keys() & {"n_iter", "batch_size", "force_task_id", "override_settings"}
        (picture,) = await paint(backend, seed=5)
    assert picture.seed == 5
