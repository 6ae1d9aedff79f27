"""What becomes of a task in the cluster, as the bucket shows it (contract aws, 1.3 to 1.5, 1.7)."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import obstore
import pytest
import pytest_asyncio
from PIL import Image

from bot.demo.servers.eks import Runtime
from bot.demo.servers.s3 import DemoS3
from tests.bot.demo.servers.eks_client import SMALL, Client, opened, opened_bucket, task

pytestmark = pytest.mark.asyncio(loop_scope="module")
DREAM, ANIME = "dreamshaper_8.safetensors", "animagineXL_v31.safetensors"
FREE = {"rate": 10_000.0, "burst": 10_000}
RUNTIMES = {
    "SDRuntime": Runtime(model=DREAM),
    "dynamic": Runtime(dynamic=True),
    "comfyruntime": Runtime(kind="comfy", model=ANIME),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bucket() -> AsyncIterator[DemoS3]:
    async with opened_bucket() as s3:
        yield s3


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def new(bucket: DemoS3) -> AsyncIterator[Client]:
    async with opened(bucket, "new", runtimes=RUNTIMES, **FREE) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def old(bucket: DemoS3) -> AsyncIterator[Client]:
    async with opened(bucket, "old", runtimes=RUNTIMES, **FREE) as client:
        yield client


def opened_picture(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def picture(side: int = 64) -> str:
    """A source image in base64."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def legacy(**scripts: Any) -> dict[str, Any]:
    """A v1alpha1 body."""
    known = {"task": "text-to-image", "id_task": "l1", "save_dir": "old", **scripts}
    return {**SMALL, "alwayson_scripts": {"sd_model_checkpoint": DREAM, **known}}


# --- text to image


async def test_pictures_then_an_out(new: Client) -> None:
    body = task(id="cat-1", content={**SMALL, "batch_size": 2})
    found = await new.drawn(body)
    assert len(found.keys) == 3
    stem = found.keys[-1].removesuffix(".out")
    assert re.fullmatch(r"out/cat-1/cat-1-[0-9a-f]{4}", stem)
    assert found.keys == [f"{stem}-1.png", f"{stem}-2.png", f"{stem}.out"]
    assert found.out["images"] == [""]
    assert found.out["info"] == ""
    parameters = found.parameters
    assert (parameters["id_task"], parameters["image_seed"]) == ("cat-1", "42,43")
    assert (parameters["error_msg"], parameters["prompt"]) == ("", "a cat")
    assert "status" not in parameters
    # The files are the WebUI's as they came, infotext and all.
    second = opened_picture(found.files[1])
    assert (second.format, second.size) == ("PNG", (64, 64))
    assert "Seed: 43" in second.info["parameters"]
    assert "Model: dreamshaper_8" in second.info["parameters"]


async def test_types_and_order_of_many(new: Client) -> None:
    found = await new.drawn(task(content={**SMALL, "width": 8, "height": 8, "n_iter": 11}))
    seeds = [opened_picture(file).info["parameters"] for file in found.files]
    assert [f"Seed: {42 + number}" in text for number, text in enumerate(seeds)] == [True] * 11
    # No zeros before the number: S3 lists -10 before -2.
    assert [key.rpartition("-")[2] for key in found.keys][:3] == ["1.png", "10.png", "11.png"]
    types = {
        (await obstore.head_async(new.store, key))["path"].rpartition(".")[2]: (
            await obstore.get_async(new.store, key)
        ).attributes["Content-Type"]
        for key in found.keys
    }
    assert types == {"png": "image/png", "out": "application/json"}


async def test_the_ending_tells_the_type(bucket: DemoS3) -> None:
    content = {**SMALL, "override_settings": {"samples_format": "jpg"}}
    # A WebUI of its own: an override of what was never saved stays in force (contract sdapi).
    async with opened(bucket) as client:
        found = await client.drawn(task(content=content))
    assert found.keys[0].endswith("-1.jpg")


async def test_a_task_that_ran_again_has_another_stem(new: Client) -> None:
    body = task()
    await new.drawn(body)
    await new.drawn(body)
    await new.ended()
    keys = await new.keys(f"out/{body['task']['metadata']['id']}/")
    assert len([key for key in keys if key.endswith(".out")]) == 2


async def test_a_slash_after_the_prefix_is_only_in_the_answer(new: Client, bucket: DemoS3) -> None:
    answer = await new.post(task(id="s1", prefix="slash/"))
    assert answer.json["output_location"].endswith("/slash//s1")
    await new.ended()
    assert await bucket.keys("slash//") == []
    assert len(await bucket.keys("slash/s1/")) == 2


async def test_the_new_agent_cuts_long_ids(new: Client, old: Client) -> None:
    name = "x" * 70
    for client, length in ((new, 64), (old, 70)):
        prefix = f"long{length}"
        answer = await client.post(task(id=name, prefix=prefix))
        assert answer.json["output_location"].endswith(name)
        await client.ended()
        keys = await client.keys(prefix)
        assert {key.split("/")[1] for key in keys} == {"x" * length}


@pytest.mark.parametrize(
    ("runtime", "prefix"), [("nobody", "none"), ("SDRuntime", "none"), ("sdruntime", "")]
)
async def test_nothing_ever_comes(new: Client, runtime: str, prefix: str) -> None:
    runs = len(new.eks.runs)
    answer = await new.post(task(id="lost", runtime=runtime, prefix=prefix))
    assert answer.status == 200
    await new.ended()
    assert len(new.eks.runs) == runs
    assert await new.keys("none/") == await new.keys("lost/") == []


# --- other kinds of tasks


async def test_image_to_image(new: Client) -> None:
    content = {**SMALL, "init_images": [f"data:image/png;base64,{picture()}"]}
    found = await new.drawn(task("image-to-image", content=content))
    assert "Denoising strength: 0.75" in opened_picture(found.files[0]).info["parameters"]


async def test_an_upscaled_picture_has_no_seed(new: Client) -> None:
    content = {"image": picture(), "upscaling_resize": 2, "upscaler_1": "Lanczos"}
    found = await new.drawn(task("extra-single-image", content=content))
    assert opened_picture(found.files[0]).size == (128, 128)
    assert set(found.parameters) == {"html_info", "id_task", "error_msg"}


async def test_pipeline_is_nothing_for_a_webui(old: Client) -> None:
    found = await old.drawn(task("pipeline"))
    assert found.files == []
    error = found.parameters["error_msg"]
    assert error.startswith("UnboundLocalError(")
    assert "'task_response'" in error


async def test_what_webui_says_is_the_reason(new: Client, old: Client) -> None:
    for client in (new, old):
        found = await client.drawn(task("image-to-image", id="f"))
        assert found.files == []
        assert found.parameters == {
            "id_task": "f",
            "status": 0,
            "error_msg": "HTTPError('404 Client Error: Not Found for url: "
            "http://localhost:8080/sdapi/v1/img2img')",
            "reason": {
                "error": "HTTPException",
                "detail": "Init image not found",
                "body": "",
                "errors": "",
            },
        }
        await client.eks.s3.delete("out/f/")


# --- which model


async def test_overrides_go_straight_to_the_webui(new: Client) -> None:
    content = {**SMALL, "override_settings": {"sd_model_checkpoint": "sdxl_turbo"}}
    found = await new.drawn(task(content=content))
    assert "Model: sdxl_turbo" in opened_picture(found.files[0]).info["parameters"]


async def test_a_fixed_runtime_drops_the_checkpoint_unread(new: Client) -> None:
    content = {**SMALL, "alwayson_scripts": {"sd_model_checkpoint": "no such model"}}
    found = await new.drawn(task(content=content))
    assert "Model: dreamshaper_8" in opened_picture(found.files[0]).info["parameters"]


async def test_a_dynamic_runtime_wants_a_title(new: Client) -> None:
    async def drawn(**scripts: Any) -> Any:
        content = {**SMALL, **scripts}
        return await new.drawn(task(runtime="dynamic", content=content))

    named = await drawn(alwayson_scripts={"sd_model_checkpoint": ANIME})
    assert "Model: animagineXL_v31" in opened_picture(named.files[0]).info["parameters"]
    # With no scripts at all it stays as it is; with some, they must name a model.
    bare = await drawn()
    assert "Model: animagineXL_v31" in opened_picture(bare.files[0]).info["parameters"]
    keyless = await drawn(alwayson_scripts={})
    assert keyless.parameters["error_msg"] == "KeyError('sd_model_checkpoint')"
    assert keyless.parameters["reason"] is None
    # Once loaded, its title has a hash.
    unknown = await drawn(alwayson_scripts={"sd_model_checkpoint": "sd_xl_base_1.0"})
    assert unknown.parameters["error_msg"].startswith("Exception('Failed to switch model to")


async def test_v1alpha1_finds_a_runtime_by_its_model(new: Client) -> None:
    found = await new.drawn(legacy(override_settings={"CLIP_stop_at_last_layers": 2}), "/v1alpha1")
    infotext = opened_picture(found.files[0]).info["parameters"]
    assert "Clip skip: 2" in infotext
    assert "Model: dreamshaper_8" in infotext
    assert found.keys[0].startswith("old/l1/l1-")
    # A ComfyUI's model, a dynamic runtime's, and one that nobody has, are never reached.
    runs = len(new.eks.runs)
    for name in (ANIME, "sdxl_turbo.safetensors", "dreamshaper_8"):
        answer = await new.post(legacy(sd_model_checkpoint=name, id_task="l2"), "/v1alpha1")
        assert answer.status == 200
    await new.ended()
    assert len(new.eks.runs) == runs


# --- addresses


async def test_an_image_by_its_address(new: Client, bucket: DemoS3) -> None:
    await bucket.put("sources/a.png", base64.b64decode(picture(128)))
    link = bucket.presigned("GET", "sources/a.png")
    content = {**SMALL, "init_images": [link]}
    found = await new.drawn(task("image-to-image", content=content))
    assert found.parameters["error_msg"] == ""
    body = legacy(task="image-to-image", id_task="l3", image_link=link)
    assert len((await new.drawn(body, "/v1alpha1")).files) == 1
    assert new.eks.fetched[-2:] == [link, link]


@pytest.mark.parametrize("link", ["https://example.org/a.png", "s3://bucket/a.png"])
async def test_an_address_that_cannot_be_fetched(new: Client, old: Client, link: str) -> None:
    content = {**SMALL, "init_images": [link]}
    error = (await new.drawn(task("image-to-image", content=content))).parameters["error_msg"]
    assert error.startswith("UnboundLocalError(")
    assert "'image_byte'" in error
    found = await old.drawn(task("image-to-image", content=content))
    assert found.parameters["error_msg"].startswith("HTTPError('500 Server Error")
    assert new.eks.fetched[-1] == old.eks.fetched[-1] == link


@pytest.mark.parametrize("prompt", ["http over the hills", "https://intranet/", "s3://secrets"])
async def test_a_prompt_that_looks_like_an_address_is_fetched_too(
    new: Client, old: Client, prompt: str
) -> None:
    found = await new.drawn(task(content={**SMALL, "negative_prompt": prompt}))
    assert "'image_byte'" in found.parameters["error_msg"]
    assert new.eks.fetched[-1] == prompt
    # The old agent leaves it as it is, and paints.
    found = await old.drawn(task(content={**SMALL, "prompt": prompt}))
    assert found.parameters["prompt"] == prompt
    # A space before it is all it takes.
    before = len(new.eks.fetched)
    found = await new.drawn(task(content={**SMALL, "prompt": f" {prompt}"}))
    assert (len(found.files), len(new.eks.fetched)) == (1, before)
