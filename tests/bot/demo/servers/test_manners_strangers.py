"""The servers that are no web UI: stable-diffusion.cpp, KoboldCpp, Draw Things (contract, 10)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from PIL import Image

from tests.bot.demo.servers.sdapi_client import SMALL, Answer, Client, opened, png, together

RED = png(Image.new("RGB", (128, 64), (200, 40, 40)))
TXT2IMG, IMG2IMG = "/sdapi/v1/txt2img", "/sdapi/v1/img2img"


async def img2img(client: Client, **changes: Any) -> Answer:
    return await client.post(IMG2IMG, {"prompt": "a cat", "steps": 2, "seed": 1, **changes})


# --- stable-diffusion.cpp


async def test_sdcpp_routes_that_are_not_there_say_nothing_at_all() -> None:
    absent = ["GET progress", "GET embeddings", "GET prompt-styles", "GET memory", "GET txt2img"]
    absent += ["POST interrupt", "POST skip", "POST options", "POST png-info"]
    absent += ["POST refresh-checkpoints", "POST extra-single-image", "POST interrogate"]
    async with opened(kind="sdcpp") as client:
        for route in absent:
            method, name = route.split()
            answer = await client.send(method, f"/sdapi/v1/{name}", headers={})
            assert (answer.status, answer.text) == (404, ""), route
            assert "Content-Type" not in answer.headers


async def test_sdcpp_writes_an_infotext_that_ends_in_bare_json() -> None:
    async with opened(kind="sdcpp", models=("random15",)) as client:
        answer = await client.txt2img(negative_prompt="bad", seed=1, sampler_name="Euler a")
        info = answer.info
        assert answer.infotext == info["infotexts"][0]
        expected = (
            "a cat\nNegative prompt: bad\nSteps: 2, CFG scale: 7.000000, Guidance: 3.500000, "
            "Eta: inf, Seed: 1, Size: 64x64, Model: random15.safetensors, RNG: cuda, "
            "Sampler: euler_a, Version: stable-diffusion.cpp, SDCPP: {"
        )
        assert answer.infotext.startswith(expected)
        told = json.loads(answer.infotext.split("SDCPP: ")[1])
        assert told["prompt"] == {"negative": "bad", "positive": "a cat"}
        recorded = (
            "all_negative_prompts all_prompts all_seeds cfg_scale height infotexts "
            "negative_prompt prompt sampler_name sd_model_name seed steps version width"
        )
        assert list(info) == recorded.split()


@pytest.mark.parametrize(
    ("sampler", "scheduler", "used", "schedule"),
    [
        ("euler_a", "karras", "euler_a", {"Schedule type": "karras"}),
        ("Euler a", "Karras", "euler_a", None),
        ("DPM++ 2M Karras", "", "NONE", None),
        ("No Such Sampler", "", "NONE", None),
    ],
)
async def test_sdcpp_takes_only_its_own_spelling(
    sampler: str, scheduler: str, used: str, schedule: dict[str, str] | None
) -> None:
    async with opened(kind="sdcpp") as client:
        info = (await client.txt2img(sampler_name=sampler, scheduler=scheduler)).info
        assert (info["sampler_name"], info.get("extra_generation_params")) == (used, schedule)


async def test_sdcpp_makes_a_picture_of_nothing() -> None:
    async with opened(kind="sdcpp") as client:
        sized = await img2img(client, init_images=[RED])
        assert sized.images[0].size == (128, 64)
        assert sized.json["parameters"]["init_images"] == [RED]
        for sources in ({}, {"init_images": ["garbage"]}):
            nothing = await img2img(client, width=64, height=64, **sources)
            assert (nothing.status, len(nothing.images)) == (200, 1)


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"prompt": ""}, 400, {"error": "prompt required"}),
        ({"width": 0}, 400, {"error": "width and height must be positive"}),
        ({"lora": [{"path": "nope"}]}, 400, {"error": "invalid lora path: nope"}),
    ],
)
async def test_sdcpp_refuses(asked: dict[str, Any], status: int, words: dict[str, str]) -> None:
    async with opened(kind="sdcpp") as client:
        answer = await client.txt2img(**asked)
        assert (answer.status, answer.json) == (status, words)


async def test_sdcpp_takes_loras_from_their_field_and_not_from_the_prompt() -> None:
    async with opened(kind="sdcpp") as client:
        plain = await client.txt2img()
        tagged = await client.txt2img(prompt="a cat <lora:pixel_art_xl:1>")
        assert tagged.images[0].tobytes() == plain.images[0].tobytes()
        assert "Lora hashes" not in tagged.text
        rows = (await client.get("/sdapi/v1/loras")).json
        path = next(row["path"] for row in rows if row["name"] == "pixel_art_xl")
        listed = await client.txt2img(lora=[{"path": path, "multiplier": 0.9}])
        assert listed.images[0].tobytes() != plain.images[0].tobytes()


async def test_sdcpp_has_one_model_and_keeps_it() -> None:
    async with opened(kind="sdcpp", models=("one", "other")) as client:
        (row,) = (await client.get("/sdapi/v1/sd-models")).json
        assert (row["model_name"], row["hash"]) == ("one", "8888888888")
        assert set((await client.get("/sdapi/v1/options")).json) == {
            "samples_format", "sd_model_checkpoint",
        }  # fmt: skip
        answer = await client.txt2img(override_settings={"sd_model_checkpoint": "other"})
        assert answer.info["sd_model_name"] == "one.safetensors"


# --- KoboldCpp


async def test_koboldcpp_says_nothing_of_its_picture() -> None:
    async with opened(kind="koboldcpp") as client:
        answer = await client.txt2img(seed=-1, steps=500, prompt="", sampler_name="Nope")
        body = answer.json
        assert {k: v for k, v in body.items() if k != "images"} == {
            "parameters": {}, "info": "", "animated": False,
        }  # fmt: skip
        assert "parameters" not in answer.images[0].info
        (made,) = client.server.generated
        assert 100_000 <= made["seed"] < 1_000_000
        assert (await img2img(client, init_images=["garbage"])).images[0].size == (512, 512)
        large = await client.txt2img(width=4096, height=2048)
        assert large.images[0].size == (1024, 512)


async def test_koboldcpp_guards_its_texts_and_not_its_pictures() -> None:
    async with opened(kind="koboldcpp") as client:
        assert (await client.post(TXT2IMG, SMALL, headers={})).status == 200
        abort = "/api/extra/abort"
        refused = await client.post(abort, headers={})
        assert (refused.status, set(refused.json["detail"])) == (401, {"msg", "type"})
        bearer = {"Authorization": "Bearer demo"}
        assert (await client.post(abort, headers=bearer)).status == 200


async def test_koboldcpp_fails_with_an_empty_picture() -> None:
    async with opened(kind="koboldcpp") as client:
        client.server.faults.add("oom")
        answer = await client.txt2img()
        assert (answer.status, answer.json["images"]) == (200, [""])


async def test_koboldcpp_lets_six_wait_and_the_next_go() -> None:
    async with opened(kind="koboldcpp", step_seconds=0.2) as client:
        jobs = [asyncio.create_task(client.txt2img(steps=2)) for _ in range(7)]
        while client.server.engine.waiting < 6:
            await asyncio.sleep(0.005)
        busy = await client.txt2img()
        assert (busy.status, busy.json["detail"]["type"]) == (503, "service_unavailable")
        assert busy.json["detail"]["msg"].startswith("Server is busy")
        assert (await client.post("/sdapi/v1/interrupt")).status == 503
        assert {answer.status for answer in await together(*jobs)} == {200}
        assert (await client.post("/sdapi/v1/interrupt")).status == 404


async def test_koboldcpp_lists_little() -> None:
    async with opened(kind="koboldcpp") as client:
        assert len((await client.get("/sdapi/v1/samplers")).json) == 8
        assert (await client.get("/sdapi/v1/upscalers")).json == []
        for name in ("schedulers", "progress", "sd-vae"):
            assert (await client.get(f"/sdapi/v1/{name}")).status == 404


# --- Draw Things


async def test_drawthings_refuses_keys_and_lists_nothing() -> None:
    async with opened(kind="drawthings") as client:
        answer = await client.txt2img(batch_size=1, n_iter=1, send_images=True)
        words = 'Unrecognized keys: ["n_iter", "send_images"]'
        expected = {"error": "HTTPException", "detail": words, "body": "", "errors": ""}
        assert (answer.status, answer.json) == (400, expected)
        assert not client.server.generated
        for name in ("options", "sd-models", "samplers", "progress"):
            assert (await client.get(f"/sdapi/v1/{name}")).status == 404
        assert (await client.get("/")).json["model"] == "dreamshaper_8"


async def test_drawthings_answers_with_pictures_alone() -> None:
    async with opened(kind="drawthings") as client:
        answer = await client.txt2img(batch_count=2, model="sdxl_turbo", sampler="LCM")
        assert (list(answer.json), len(answer.images)) == (["images"], 2)
        assert "parameters" not in answer.images[0].info
        assert '"sampler": "LCM"' in answer.images[0].info["XML:com.adobe.xmp"]
        assert client.server.generated[0]["model"] == "sdxl_turbo"
        assert (await client.txt2img(sampler_name="DPM++ 2M")).status == 400


async def test_drawthings_knows_its_own_keys_and_some_of_a1111() -> None:
    """GET / names the first; the second are those of SillyTavern (its issue #2075)."""
    async with opened(kind="drawthings") as client:
        settings = (await client.get("/", headers={})).json
        assert {"guidance_scale", "batch_count", "loras", "hires_fix"} <= set(settings)
        assert (await client.post(TXT2IMG, {**settings, **SMALL})).status == 200
        borrowed = {"restore_faces": False, "enable_hr": False, "denoising_strength": 0.7}
        answer = await client.txt2img(**borrowed, clip_skip=1, upscaler_scale=1, cfg_scale=7)
        assert answer.status == 200
        loras = [{"file": "pixel_art_xl.safetensors", "weight": 1}]
        changed = await client.txt2img(loras=loras)
        assert changed.json["images"] != answer.json["images"]
        made = await img2img(client, init_images=[RED], strength=0.5, width=64, height=64)
        assert (list(made.json), made.images[0].size) == (["images"], (64, 64))
