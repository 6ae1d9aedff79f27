"""Each impersonated server keeps its own manners (contract, section 10 and the recordings)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from PIL import Image

from bot.demo.servers.sdapi import KINDS, DemoImageServer
from tests.bot.demo.servers.sdapi_client import SMALL, Answer, Client, basic, opened, png

RED = png(Image.new("RGB", (128, 64), (200, 40, 40)))
TXT2IMG, IMG2IMG = "/sdapi/v1/txt2img", "/sdapi/v1/img2img"
HIRES = {"enable_hr": True, "denoising_strength": 0.5, "hr_upscaler": "Latent"}


async def img2img(client: Client, **changes: Any) -> Answer:
    return await client.post(IMG2IMG, {"prompt": "a cat", "steps": 2, "seed": 1, **changes})


def test_a_kind_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match="no such kind of server: comfyui"):
        DemoImageServer(kind="comfyui")


@pytest.mark.parametrize("kind", KINDS)
async def test_all_make_a_picture_of_the_least_that_can_be_asked(kind: str) -> None:
    least = {"prompt": "a cat", "steps": 1, "seed": 7, "width": 64, "height": 64}
    async with opened(kind=kind, fresh=True) as client:
        answer = await client.post(TXT2IMG, least)
        assert (answer.status, answer.images[0].size) == (200, (64, 64))
        (made,) = client.server.generated
        assert (made["seed"], made["prompt"]) == (7, "a cat")


@pytest.mark.parametrize(
    ("kind", "width", "height"),
    [
        ("a1111", 64, 88),
        ("forge", 64, 88),
        ("sdnext", 64, 88),
        ("sdcpp", 128, 128),
        ("koboldcpp", 64, 64),
        ("drawthings", 64, 64),
    ],
)
async def test_sizes_are_rounded_in_silence(kind: str, width: int, height: int) -> None:
    async with opened(kind=kind, fresh=True) as client:
        body = {"prompt": "a cat", "steps": 1, "seed": 1, "width": 70, "height": 90}
        assert (await client.post(TXT2IMG, body)).images[0].size == (width, height)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("a1111", 4), ("forge", 4), ("sdnext", 4), ("sdcpp", 2), ("koboldcpp", 1)],
)
async def test_pictures_of_one_call(kind: str, asked: int) -> None:
    async with opened(kind=kind, fresh=True) as client:
        answer = await client.txt2img(batch_size=2, n_iter=2)
        assert len(answer.images) == asked


@pytest.mark.parametrize("kind", ["a1111", "forge", "sdnext", "sdcpp", "koboldcpp"])
async def test_unknown_keys_are_ignored(kind: str) -> None:
    async with opened(kind=kind, fresh=True) as client:
        assert (await client.txt2img(nonsense=1)).status == 200


# --- Forge


async def test_forge_says_who_must_sign_in_and_how() -> None:
    async with opened(kind="forge") as client:
        for headers, words in [
            ({}, "Not authenticated"),
            (basic("demo", "wrong"), "Incorrect username or password"),
        ]:
            answer = await client.get("/sdapi/v1/options", headers=headers)
            assert (answer.status, answer.json) == (401, {"detail": words})
            assert answer.headers["WWW-Authenticate"] == "Basic"
        assert (await client.get("/sdapi/v1/loras", headers={})).status == 200


async def test_forge_refuses_in_the_words_of_pydantic_2() -> None:
    async with opened(kind="forge") as client:
        (problem,) = (await client.txt2img(steps=2.5)).json["detail"]
        assert (problem["type"], problem["input"]) == ("int_from_float", 2.5)
        assert (await client.txt2img(steps=2.0)).status == 200
        assert (await client.txt2img(steps="3")).status == 422
        (problem,) = (await client.txt2img(prompt=5)).json["detail"]
        assert problem["msg"] == "Input should be a valid string"
        wrong = {"image": RED, "upscaling_resize": 0, "resize_mode": 2}
        answer = await client.post("/sdapi/v1/extra-single-image", wrong)
        kinds = {row["type"] for row in answer.json["detail"]}
        assert (answer.status, kinds) == (422, {"greater_than", "literal_error"})


async def test_forge_hires_wants_to_be_told_its_modules() -> None:
    async with opened(kind="forge", fresh=True) as client:
        answer = await client.txt2img(**HIRES)
        body = answer.json
        assert (answer.status, body["error"]) == (500, "TypeError")
        assert body["message"] == "argument of type 'NoneType' is not iterable"
        for modules in ([], ["Use same choices"]):
            made = await client.txt2img(**HIRES, hr_additional_modules=modules)
            assert made.images[0].size == (128, 128)


async def test_forge_hangs_up_after_an_exception() -> None:
    """Trap 21: nothing announces it, and the next request on the connection is lost."""
    async with opened(kind="forge") as client:
        reader, writer = await asyncio.open_connection(*_address(client))
        body = json.dumps({**SMALL, "steps": None})
        head = f"POST {TXT2IMG} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        sign = f"Authorization: {basic('demo', 'demo')['Authorization']}\r\n\r\n"
        writer.write((head + sign + body).encode())
        answer = (await asyncio.wait_for(reader.read(), 5)).decode()
        assert answer.startswith("HTTP/1.1 500")
        assert "connection: close" not in answer.lower()
        writer.close()


def _address(client: Client) -> tuple[str, int]:
    host, port = client.server.url.removeprefix("http://").split(":")
    return host, int(port)


async def test_forge_has_modules_instead_of_vaes() -> None:
    async with opened(kind="forge") as client:
        assert (await client.get("/sdapi/v1/sd-vae")).status == 404
        (first, *_) = (await client.get("/sdapi/v1/sd-modules")).json
        assert first["filename"].endswith(f"/VAE/{first['model_name']}")
        chosen = {"forge_additional_modules": [first["filename"]]}
        made = await client.txt2img(override_settings=chosen)
        name = first["model_name"].removesuffix(".safetensors")
        assert made.infotext.endswith(f", Module 1: {name}")
        rows = {row["name"]: row for row in (await client.get("/sdapi/v1/samplers")).json}
        assert rows["Heun"]["options"] == {"second_order": True}
        assert "HeunPP2" in rows
        changed = {"forge_additional_modules": ["ae.safetensors"]}
        assert (await client.post("/sdapi/v1/options", changed)).json is None


# --- SD.Next


async def test_sdnext_has_one_word_for_every_wrong_password() -> None:
    async with opened(kind="sdnext") as client:
        for path in ("/sdapi/v1/options", "/sdapi/v1/loras", "/internal/pending-tasks"):
            answer = await client.get(path, headers={})
            body = answer.json
            assert (answer.status, body["code"], body["detail"]) == (401, 401, "Unauthorized")


async def test_sdnext_refuses_what_it_does_not_know() -> None:
    async with opened(kind="sdnext") as client:
        unknown = await client.txt2img(sampler_name="No Such Sampler")
        assert (unknown.status, unknown.json["detail"]) == (404, "Sampler not found")
        assert (await client.txt2img(sampler_name=None)).status == 422
        null = await client.txt2img(steps=None)
        assert (null.status, type(null.json)) == (500, str)
        missing = await img2img(client)
        assert (missing.status, missing.json) == (400, {"error": "Init image is none"})
        assert (await img2img(client, init_images=["garbage"])).status == 500
        gone = await client.post("/sdapi/v1/interrogate", {"image": RED})
        assert gone.status == 404
        assert (await client.post("/sdapi/v1/caption", {"image": RED})).json["caption"]


async def test_sdnext_has_defaults_of_its_own() -> None:
    async with opened(kind="sdnext") as client:
        answer = await client.post(TXT2IMG, {"prompt": "x"})
        info = answer.info
        found = (info["steps"], info["cfg_scale"], info["sampler_name"], answer.images[0].size)
        assert found == (20, 6.0, "Default", (1024, 1024))
        assert "force_task_id" not in answer.json["parameters"]
        scripts = {"alwayson_scripts": {"refiner": {"args": ["x" * 1000, "y"]}}}
        echo = (await client.txt2img(**scripts)).json["parameters"]["alwayson_scripts"]
        assert echo == {"refiner": {"args": ["<str 1000>", "y"]}}
        assert (
            "Denoising strength: 0.5"
            in (await img2img(client, init_images=[RED], width=64, height=64)).infotext
        )


async def test_sdnext_lists_otherwise() -> None:
    async with opened(kind="sdnext") as client:
        sampler = (await client.get("/sdapi/v1/samplers")).json[0]
        assert set(sampler) == {"name", "options"}
        scheduler = (await client.get("/sdapi/v1/schedulers")).json[0]
        assert set(scheduler) == {"name", "cls", "options"}
        assert "type" in (await client.get("/sdapi/v1/sd-models")).json[0]
        assert isinstance((await client.get("/sdapi/v1/embeddings")).json["loaded"], list)
        changed = await client.post("/sdapi/v1/options", {"jpeg_quality": 90})
        assert changed.json == {"updated": [{"jpeg_quality": True}]}


async def test_sdnext_stops_without_a_word_and_shows_jpeg() -> None:
    async with opened(kind="sdnext", step_seconds=0.05) as client:
        job = asyncio.create_task(client.txt2img(steps=200))
        seen = await client.until(lambda s: s["state"]["sampling_step"] > 5)
        assert seen["id"].startswith("task(")
        body = {"id_task": seen["id"], "id_live_preview": -1}
        watched = (await client.post("/internal/progress", body)).json
        assert (watched["active"], watched["live_preview"], watched["paused"]) == (
            True,
            None,
            False,
        )
        assert {"job", "step", "steps"} <= set(watched)
        watched = (await client.post("/internal/progress", {**body, "id_live_preview": 0})).json
        assert watched["live_preview"].startswith("data:image/jpeg;base64,/9j/")
        for name in ("skip", "interrupt"):
            stopped = await client.post(f"/sdapi/v1/{name}")
            assert (stopped.status, stopped.text) == (204, "")
        assert (await job).status == 200


async def test_sdnext_compresses_and_limits_its_rate() -> None:
    async with opened(kind="sdnext") as client:
        assert (await client.txt2img()).headers["Content-Encoding"] == "gzip"
        order = {"do": "limit", "times": 2}
        await client.post("/demo/control", order, headers={})
        statuses = [(await client.get("/sdapi/v1/samplers")).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await client.get("/sdapi/v1/schedulers")).status == 200, "a count for each route"
        client.server.limiter.per_minute = 0
        assert (await client.get("/sdapi/v1/samplers")).status == 200


# --- faults speak the server's own language


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("a1111", {"error", "detail", "body", "errors"}),
        ("forge", {"error", "detail", "body", "message"}),
        ("sdnext", {"error", "code", "detail", "body", "errors"}),
        ("sdcpp", {"error", "message"}),
    ],
)
async def test_a_lack_of_memory_in_each_form(kind: str, keys: set[str]) -> None:
    async with opened(kind=kind, fresh=True) as client:
        client.server.faults.add("oom")
        answer = await client.txt2img()
        assert (answer.status, set(answer.json)) == (500, keys)
        assert "CUDA out of memory" in answer.text
