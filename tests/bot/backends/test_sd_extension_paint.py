"""Journeys: an order goes to the middleware, and its pictures come back from S3."""

from __future__ import annotations

import asyncio
import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.backends import sd_extension_waiting
from bot.backends.sd_extension import SdExtension
from bot.errors import BackendFailed, BackendRefused
from bot.images import pnginfo
from bot.images.infotext import Infotext
from bot.values.request import Control, Hires, ImageRequest, Inpainting, Rare
from bot.values.source import Role
from tests.bot.backends.cloud import Slip
from tests.bot.backends.painters import no_news
from tests.bot.backends.sd_extension_cloud import (
    ENDPOINT,
    GENERATIONS,
    MODEL,
    TASK,
    Cloud,
    cloud,
    hurry,
    order,
    painted,
    source,
)

every = pytest.mark.parametrize("generation", GENERATIONS)
both = pytest.mark.parametrize("generation", ["v1.3", "v1.7"])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def sent(server: Cloud) -> dict[str, Any]:
    """The one body that reached the endpoint."""
    (entry,) = server.service.submitted
    found: dict[str, Any] = entry["payload"]
    return found


def models(server: Cloud) -> dict[str, list[str]]:
    """The files that the one job names, by type."""
    (job,) = server.service.jobs.values()
    found: dict[str, list[str]] = {}
    for row in job.models:
        found.setdefault(row.type, []).extend(row.names)
    return found


# -- from words ------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("keeps_infotext", [False, True])
async def test_two_pictures_from_words(generation: str, keeps_infotext: bool) -> None:
    async with cloud(generation, keeps_infotext=keeps_infotext) as server:
        found = await server.paint(order(prompt="a fox, 狐", negative_prompt="blurry", count=2))
        body = sent(server)
    kind = "image/jpeg" if server.classic else "image/png"
    assert [(p.seed, p.media_type, p.width, p.height) for p in found] == [
        (42, kind, 64, 64),
        (43, kind, 64, 64),
    ]
    for picture in found:
        read = Infotext.parse(pnginfo.read(picture.data) or "")
        assert (read.prompt, read.negative_prompt) == ("a fox, 狐", "blurry")
        assert (read.seed, read.model) == (picture.seed, MODEL)
        assert pnginfo.read(picture.data) == picture.infotext
        assert (picture.remark or "").startswith("Drawn on ")
    assert (body["prompt"], body["n_iter"], body["seed"]) == ("a fox, 狐", 2, 42)
    assert len(server.started) == 1


@both
async def test_a_real_looking_painter(generation: str) -> None:
    """The whole `info` of a web UI stands in the parameters, and nothing in the pictures."""
    async with cloud(generation, paint_seconds=None, step_seconds=0.0, load_seconds=0.0) as server:
        asked = order(sampler="Euler a", scheduler="Karras", count=2, model="animagineXL_v31")
        found = await server.paint(asked)
    read = Infotext.parse(found[1].infotext)
    assert (read.seed, read.sampler, read.scheduler) == (43, "Euler a", "Karras")
    assert read.model == "animagineXL_v31"
    assert [p.remark for p in found] == [f"Drawn on {ENDPOINT}."] * 2
    assert found[0].data != found[1].data


@both
async def test_without_any_text_the_order_itself_is_told(
    generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        found = await gone_parameters(server, painter)
    read = Infotext.parse(found.infotext)
    assert (read.prompt, read.seed, read.steps, read.model) == ("a fox", 42, 2, MODEL)


async def gone_parameters(server: Cloud, painter: SdExtension) -> Any:
    """A picture whose parameters were never written."""
    results = server.service._desk.sagemaker._results

    async def nothing(*_: Any) -> None:
        return None

    object.__setattr__(results, "_store_parameters", nothing)
    (picture,) = await painted(painter, order(), Slip())
    return picture


# -- from pictures ---------------------------------------------------------------------------------


@every
async def test_a_picture_from_a_picture_goes_as_a_data_uri(generation: str) -> None:
    async with cloud(generation) as server:
        asked = order(kind="img2img", denoising_strength=0.4, inpainting=Inpainting(blur=8))
        (found,) = await server.paint(asked, source(), source(Role.MASK))
        body, entry = sent(server), server.service.submitted[0]
    assert entry["task_type"] == "img2img"
    (init,), mask = body["init_images"], body["mask"]
    for uri, given in ((init, source()), (mask, source(Role.MASK))):
        head, data = uri.split(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data) == given.data
    assert (body["denoising_strength"], body["mask_blur"]) == (0.4, 8)
    assert Infotext.parse(found.infotext).seed == 42


async def test_a_larger_picture_keeps_what_its_source_told() -> None:
    text = "a fox\nSteps: 9, Sampler: Euler, CFG scale: 7.0, Seed: 5, Size: 12x9"
    async with cloud("v1.7") as server:
        asked = order(kind="upscale", upscaler="R-ESRGAN 4x+", upscale_by=2.0)
        (found,) = await server.paint(asked, source(text=text))
        body, entry = sent(server), server.service.submitted[0]
    assert (entry["task_type"], models(server)) == ("extra-single-image", {})
    assert (body["upscaler_1"], body["upscaling_resize"]) == ("R-ESRGAN 4x+", 2.0)
    assert base64.b64decode(body["image"]) == source(text=text).data
    assert (found.infotext, found.seed, found.media_type) == (text, 5, "image/png")
    with Image.open(BytesIO(found.data)) as picture:
        assert picture.text["parameters"] == text  # type: ignore[attr-defined]


async def test_the_first_generation_keeps_no_enlarged_pictures() -> None:
    async with cloud("v1.3") as server:
        with pytest.raises(BackendFailed) as error:
            await server.paint(order(kind="upscale", upscale_by=2.0), source())
    assert "keeps no enlarged pictures" in error.value.sentence


# -- the models of a job ---------------------------------------------------------------------------


@both
async def test_a_job_names_every_file_it_needs(generation: str) -> None:
    async with cloud(generation) as server:
        asked = order(
            prompt="a fox <lora:add_detail:0.8> <lora:nobody:1>",
            negative_prompt="easynegative, bad-hands-55",
            vae="sdxl_vae.safetensors",
            hires=Hires(checkpoint="sd_xl_base_1.0", prompt="<lora:pixel_art_xl:1>"),
            rare=Rare(refiner="flux1-dev", refiner_switch_at=0.8),
        )
        await server.paint(asked)
        body = sent(server)
    assert models(server) == {
        "Stable-diffusion": [
            "dreamshaper_8.safetensors",
            "sd_xl_base_1.0.safetensors",
            "flux1-dev.safetensors",
        ],
        "embeddings": ["easynegative.pt"],
        "Lora": ["add_detail.safetensors", "pixel_art_xl.safetensors"],
        "VAE": ["sdxl_vae.safetensors"],
    }
    assert body["override_settings"]["sd_vae"] == "sdxl_vae.safetensors"
    assert body["override_settings"]["sd_model_checkpoint"] == MODEL
    assert "force_task_id" not in body


@both
async def test_a_vae_that_is_no_file(generation: str) -> None:
    async with cloud(generation) as server:
        await server.paint(order(vae="Automatic"))
    assert models(server)["VAE"] == ["Automatic"]


@both
async def test_a_control_net_is_named_with_its_file(generation: str) -> None:
    async with cloud(generation) as server:
        asked = order(control=Control(kind="canny", weight=0.7, family="sd15"))
        await server.paint(asked, source(Role.CONTROL))
        (unit,) = sent(server)["alwayson_scripts"]["ControlNet"]["args"]
    assert (unit["module"], unit["model"]) == ("canny", "control_v11p_sd15_canny")
    assert models(server)["ControlNet"] == ["control_v11p_sd15_canny.pth"]


@both
async def test_without_a_model_the_first_one_paints(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        ability = await painter.probe()
        await painted(painter, order(model=None), Slip())
    assert models(server) == {"Stable-diffusion": [ability.models[0].title]}


@both
async def test_a_model_that_is_gone(generation: str) -> None:
    """We may know it, or only the server: it was disabled since our last look."""
    async with cloud(generation) as server, server.painter() as painter:
        await painter.probe()
        with pytest.raises(BackendRefused) as ours:
            await painted(painter, order(model="retired_v1"), Slip())
        row = next(r for r in server.service.checkpoints if f"{MODEL}.safetensors" in r.names)
        row.status = "Disabled"
        with pytest.raises(BackendRefused, match="is not found") as theirs:
            await painted(painter, order(), Slip())
        assert server.started == []
    assert "have that model any more" in ours.value.sentence
    assert theirs.value.sentence == ours.value.sentence


@both
async def test_the_operators_fields_go_under_ours(generation: str) -> None:
    payload = {"eta": 0.5, "override_settings": {"eta_noise_seed_delta": 31337}, "batch_size": 4}
    async with cloud(generation) as server:
        await server.paint(payload=payload)
        body = sent(server)
    assert (body["eta"], body["batch_size"]) == (0.5, 1)
    assert body["override_settings"]["eta_noise_seed_delta"] == 31337


@both
async def test_the_endpoint_of_the_settings_draws(generation: str) -> None:
    async with cloud(generation) as server:
        await server.paint(extension={"endpoint": ENDPOINT})
        with pytest.raises(BackendFailed) as error:
            await server.paint(extension={"endpoint": "nobody-there"})
    assert server.service.submitted[0]["endpoint"] == ENDPOINT
    assert "Its operator has to start one" in error.value.sentence


# -- at a real-time endpoint -----------------------------------------------------------------------


async def test_a_real_time_endpoint_answers_at_once() -> None:
    async with cloud("v1.7") as server:
        (found,) = await server.paint(extension={"real_time": True})
        asked = server.paths("GET", "/inferences")
    assert server.service.submitted[0]["endpoint"] == "sd-real-time-demo"
    assert found.seed == 42
    assert asked == [], "the answer to the start has all"


async def test_a_job_that_outlasts_the_gateway_is_asked_for() -> None:
    async with cloud("v1.7", paint_seconds=0.2, gateway_seconds=0.05) as server:
        (found,) = await server.paint(extension={"real_time": True})
    assert found.seed == 42
    assert len(server.started) == 1, "a 504 is no reason to begin again"


# -- news ------------------------------------------------------------------------------------------


@both
async def test_where_it_is_drawn_and_how_long_yet(generation: str) -> None:
    async with cloud(generation, paint_seconds=0.1) as server, server.painter() as painter:
        first, second = Slip(), Slip()
        await painted(painter, order(), first)
        await painted(painter, order(), second)
    assert set(first.told) == {(f"drawing on {ENDPOINT}", None)}
    words, eta = second.told[0]
    assert words == f"drawing on {ENDPOINT}"
    assert eta == 1.0, "what it has learnt, in whole seconds at least"


async def test_waking_takes_minutes_and_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd_extension_waiting, "WAKING_AFTER", 0.05)
    monkeypatch.setattr("bot.backends.warmth.COLD_START", 0.1)
    async with cloud("v1.7", start_delay=0.3) as server:
        first, second = Slip(), Slip()
        async with server.painter() as painter:
            await painted(painter, order(), first)
        server.service.sleep()
        async with server.painter() as painter:
            await painted(painter, order(), second)
    assert first.told[0] == (f"drawing on {ENDPOINT}", None)
    assert first.told[-1] == ("the image server is waking up, this can take minutes", None)
    words, eta = second.told[-1]
    assert words == first.told[-1][0]
    assert eta == 1.0, "known from the last time"


async def test_questions_grow_rarer_while_it_paints() -> None:
    async with cloud("v1.7", paint_seconds=0.25) as server, server.painter() as painter:
        await painted(painter, order(), Slip())
        first = len(server.paths("GET", "/inferences/"))
        await painted(painter, order(), Slip())
        second = len(server.paths("GET", "/inferences/")) - first
    assert first <= 12, "0.01 s, 0.014 s, 0.02 s …"
    assert second < first, "the second waits for 0.7 of what the first took"


@both
async def test_many_at_once_get_their_own(generation: str) -> None:
    async with cloud(generation) as server, server.painter() as painter:
        await painter.probe()
        asked = [order(seed=seed, prompt=f"fox {seed}") for seed in range(20)]
        found = await asyncio.gather(*(painted(painter, one, Slip()) for one in asked))
        assert len(server.started) == 20
    for one, (picture,) in zip(asked, found, strict=True):
        assert (picture.seed, picture.infotext.split("\n")[0]) == (one.seed, one.prompt)


async def test_a_painter_that_was_never_probed_looks_first() -> None:
    async with cloud("v1.7") as server, server.painter() as painter:
        found = await painter.paint(order(), TASK, no_news)
        assert painter.ability is not None
    assert len(found) == 1


async def test_it_paints_no_other_kind() -> None:
    async with cloud("v1.7") as server, server.painter() as painter:
        request = ImageRequest.model_validate(order().model_dump() | {"kind": "describe"})
        with pytest.raises(BackendRefused):
            await painted(painter, request, Slip())
