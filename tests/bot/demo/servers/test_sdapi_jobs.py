"""Jobs of the demo image server: sources, the queue, progress, interrupts, options and models."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from PIL import Image, ImageDraw

from bot.demo.servers.sdapi import DemoImageServer
from tests.bot.demo.servers.sdapi_client import SMALL, Client, opened, png, together

IMG2IMG = "/sdapi/v1/img2img"
RED = png(Image.new("RGB", (64, 64), (200, 40, 40)))
TWO_MODELS = ("tinyA", "tiny B, v1.5")


def half_mask() -> str:
    mask = Image.new("L", (64, 64))
    ImageDraw.Draw(mask).rectangle((32, 0, 63, 63), fill=255)
    return png(mask)


# --- 3. img2img


async def test_img2img_and_its_defaults() -> None:
    async with opened() as client:
        for source in (RED, f"data:image/png;base64,{RED}"):
            body = {**SMALL, "init_images": [source], "denoising_strength": 0.5}
            answer = await client.post(IMG2IMG, body)
            assert answer.images[0].size == (64, 64)
            assert "Denoising strength: 0.5" in answer.infotext
            assert answer.json["parameters"]["init_images"] is None
        plain = await client.post(IMG2IMG, {"prompt": "x", "steps": 1, "init_images": [RED]})
        assert plain.images[0].size == (512, 512)
        echoed = await client.post(
            IMG2IMG, {**SMALL, "init_images": [RED], "include_init_images": True}
        )
        assert echoed.json["parameters"]["init_images"] == [RED]
        for strength in (1.5, -0.5):
            body = {**SMALL, "init_images": [RED], "denoising_strength": strength}
            assert (await client.post(IMG2IMG, body)).status == 200


async def test_inpainting_says_what_it_did() -> None:
    async with opened() as client:
        body: dict[str, Any] = {**SMALL, "init_images": [RED], "mask": half_mask()}
        text = (await client.post(IMG2IMG, body)).infotext
        expected = (
            "Mask blur: 4, Inpaint area: Only masked, Masked area padding: 0, Masked content: fill"
        )
        assert expected in text
        body |= {"inpainting_fill": 1, "inpaint_full_res": False, "mask_blur": 2}
        body["inpainting_mask_invert"] = 1
        text = (await client.post(IMG2IMG, body)).infotext
        assert "Mask mode: Inpaint not masked, Mask blur: 2, Version" in text


async def test_masks_follow_their_pictures_if_the_option_is_on() -> None:
    async with opened() as client:
        await client.post("/sdapi/v1/options", {"return_mask": True})
        body = {**SMALL, "init_images": [RED], "mask": half_mask(), "batch_size": 2}
        answer = await client.post(IMG2IMG, body)
        chunks = ["parameters" in picture.info for picture in answer.images]
        assert chunks == [True, False, True, False]
        assert len(answer.info["infotexts"]) == 2


@pytest.mark.parametrize(
    ("asked", "status", "field", "text"),
    [
        ({}, 404, "detail", "Init image not found"),
        ({"init_images": None}, 404, "detail", "Init image not found"),
        ({"init_images": []}, 500, "errors", "Expected 3D (unbatched) or 4D (batched) input"),
        ({"init_images": ["garbage"]}, 500, "detail", "Invalid encoded image"),
        ({"init_images": [""]}, 500, "detail", "Invalid encoded image"),
        ({"init_images": [RED, RED]}, 500, "errors", "bad number of images passed: 2; expecting 1"),
        (
            {"init_images": ["http://127.0.0.1/x.png"]},
            500,
            "detail",
            "Request to local resource not allowed",
        ),
    ],
)
async def test_sources_that_do_not_work(
    asked: dict[str, Any], status: int, field: str, text: str
) -> None:
    async with opened() as client:
        answer = await client.post(IMG2IMG, {**SMALL, **asked})
        assert answer.status == status
        assert answer.json[field].startswith(text)


# --- 4. progress, interrupt, skip, queue


async def test_idle_then_running_then_left_overs() -> None:
    async with opened(step_seconds=0.2) as client:
        idle = await client.state()
        assert (idle["progress"], idle["eta_relative"], idle["current_image"]) == (0, 0, None)
        assert idle["state"]["job_count"] == 0
        job = asyncio.create_task(client.txt2img(steps=12, force_task_id="task(mine)"))
        running = await client.until(lambda s: s["state"]["sampling_step"] > 4)
        assert running["state"]["job"] == "scripts_txt2img"
        assert (running["state"]["job_count"], running["state"]["sampling_steps"]) == (1, 12)
        assert 0.01 < running["progress"] <= 1
        seen = await client.get("/sdapi/v1/progress")
        assert seen.json["current_image"].startswith("iVBORw0KGgo")
        watched = await client.post("/internal/progress", {"id_task": "task(mine)"}, headers={})
        assert (watched.json["active"], watched.json["id_live_preview"]) == (True, 1)
        assert watched.json["live_preview"].startswith("data:image/png;base64,")
        await job
        idle = await client.state()
        left = idle["state"]
        assert (left["job"], left["job_count"], left["job_no"], left["sampling_steps"]) == (
            "", 0, 1, 12,
        )  # fmt: skip
        done = await client.post("/internal/progress", {"id_task": "task(mine)"})
        assert (done.json["completed"], done.json["textinfo"]) == (True, "Waiting...")
        unknown = await client.post("/internal/progress", {"id_task": "task(other)"})
        assert (unknown.json["active"], unknown.json["completed"]) == (False, False)
        somebody = await client.post("/internal/progress", {"id_task": None}, headers={})
        assert somebody.json["active"] is True
        assert somebody.json["live_preview"]


async def test_a_job_stays_at_one_percent_while_its_model_loads() -> None:
    async with opened(load_seconds=0.15, models=TWO_MODELS) as client:
        override = {"sd_model_checkpoint": "tiny B, v1.5"}
        job = asyncio.create_task(client.txt2img(override_settings=override))
        loading = await client.until(lambda s: s["state"]["job"] != "")
        assert (loading["progress"], loading["state"]["job_count"]) == (0.01, -1)
        await job


async def test_iterations_and_hires_count_as_jobs() -> None:
    async with opened(step_seconds=0.01) as client:
        job = asyncio.create_task(client.txt2img(n_iter=2, steps=4))
        second = await client.until(lambda s: s["state"]["job"] == "Batch 2 out of 2")
        assert (second["state"]["job_count"], second["state"]["job_no"]) == (2, 1)
        await job
        job = asyncio.create_task(client.txt2img(enable_hr=True, denoising_strength=0.4, steps=4))
        second = await client.until(lambda s: s["state"]["job_no"] == 1 and s["progress"] > 0.5)
        assert second["state"]["job_count"] == 2
        await job


async def test_interrupted_answers_with_what_it_has() -> None:
    async with opened(step_seconds=0.01) as client:
        whole = await client.txt2img(seed=7, steps=60)
        job = asyncio.create_task(client.txt2img(n_iter=3, steps=60, seed=7))
        await client.until(lambda s: s["state"]["sampling_step"] > 3)
        stopped = await client.post("/sdapi/v1/interrupt")
        assert (stopped.status, stopped.json) == (200, {})
        answer = await job
        assert (answer.status, len(answer.images)) == (200, 1)
        assert "Steps: 60" in answer.infotext
        assert answer.info["all_seeds"] == [7, 8, 9]
        assert answer.json["images"] != whole.json["images"], "an unfinished picture"
        again = await client.txt2img(seed=7, steps=60)
        assert again.json["images"] == whole.json["images"], "the flag does not outlive its job"


async def test_skip_ends_one_iteration() -> None:
    async with opened(step_seconds=0.01) as client:
        job = asyncio.create_task(client.txt2img(n_iter=2, steps=30))
        await client.until(lambda s: s["state"]["sampling_step"] > 2)
        skipped = await client.post("/sdapi/v1/skip")
        assert (skipped.status, skipped.json) == (200, None)
        assert len((await job).images) == 2


async def test_jobs_run_one_by_one_in_order_of_arrival() -> None:
    async with opened(step_seconds=0.005) as client:
        calls = []
        for seed in range(4):
            calls.append(asyncio.create_task(client.txt2img(seed=seed, force_task_id=f"t{seed}")))
            while len(client.server.engine.tasks.pending) + bool(seed == 0) < seed:
                await asyncio.sleep(0.001)
        refreshed = asyncio.create_task(client.post("/sdapi/v1/refresh-checkpoints"))
        waiting = await client.post("/internal/progress", {"id_task": "t3"})
        assert waiting.json["queued"] is True
        assert waiting.json["textinfo"].startswith("In queue: ")
        await together(*calls)
        assert (await refreshed).json is None
        assert [row["seed"] for row in client.server.generated] == [0, 1, 2, 3]


async def test_a_job_goes_on_when_its_client_leaves() -> None:
    async with opened(step_seconds=0.01) as client:
        leaving = asyncio.create_task(client.txt2img(steps=20, force_task_id="task(left)"))
        await client.until(lambda s: s["state"]["sampling_step"] > 1)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await client.until(lambda s: s["state"]["job_count"] == 0)
        done = await client.post("/internal/progress", {"id_task": "task(left)"})
        assert done.json["completed"] is True


async def test_dead_tasks_stay_where_they_died() -> None:
    async with opened() as client:
        body = {**SMALL, "init_images": ["garbage"], "force_task_id": "task(dead)"}
        await client.post(IMG2IMG, body)
        pending = await client.get("/internal/pending-tasks")
        assert pending.json == {"size": 1, "tasks": ["task(dead)"]}
        await client.txt2img(steps=0, force_task_id="task(raised)")
        raised = await client.post("/internal/progress", {"id_task": "task(raised)"})
        assert (raised.json["active"], raised.json["progress"]) == (True, 0)
        assert (await client.state())["state"]["job_count"] == 0


async def test_many_waiting_requests_starve_the_others() -> None:
    async with opened(step_seconds=0.2) as client, aiohttp.ClientSession() as crowd:
        client.session = crowd
        jobs = [asyncio.create_task(client.txt2img(send_images=False)) for _ in range(45)]
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.state(), 0.2)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


# --- 5. options and models


async def titles(client: Client) -> list[str]:
    return [row["title"] for row in (await client.get("/sdapi/v1/sd-models")).json]


async def option(client: Client, key: str) -> object:
    return (await client.get("/sdapi/v1/options")).json[key]


async def test_a_title_gains_its_hash_at_the_first_load() -> None:
    async with opened(models=TWO_MODELS) as client:
        first, second = (await client.get("/sdapi/v1/sd-models")).json
        assert first["title"] == f"tinyA.safetensors [{first['hash']}]"
        assert (second["title"], second["hash"]) == ("tiny B, v1.5.safetensors", None)
        answer = await client.post(
            "/sdapi/v1/options", {"sd_model_checkpoint": "tiny B, v1.5.safetensors"}
        )
        assert (answer.status, answer.json) == (200, None)
        now = (await titles(client))[1]
        assert now.startswith("tiny B, v1.5.safetensors [")
        assert await option(client, "sd_model_checkpoint") == now
        assert 'Model: "tiny B, v1.5", Version' in (await client.txt2img()).infotext


async def test_an_override_is_put_back_but_the_weights_stay() -> None:
    async with opened(models=TWO_MODELS) as client:
        override = {"sd_model_checkpoint": "tiny B, v1.5"}
        answer = await client.txt2img(override_settings=override)
        assert answer.info["sd_model_name"] == "tiny B, v1.5"
        assert str(await option(client, "sd_model_checkpoint")).startswith("tinyA")
        assert client.server.engine.shelf.loaded.name == "tiny B, v1.5"
        assert (await client.txt2img()).info["sd_model_name"] == "tinyA"
        unknown = await client.txt2img(override_settings={"sd_model_checkpoint": "nope"})
        assert (unknown.status, unknown.info["sd_model_name"]) == (200, "tinyA")
        await client.txt2img(override_settings=override, override_settings_restore_afterwards=False)
        assert str(await option(client, "sd_model_checkpoint")).startswith("tiny B")


async def test_an_override_of_a_key_never_saved_leaks() -> None:
    async with opened() as client:
        await client.txt2img(override_settings={"CLIP_stop_at_last_layers": 2})
        assert await option(client, "CLIP_stop_at_last_layers") == 2
        assert "Clip skip: 2" in (await client.txt2img()).infotext
        await client.post("/sdapi/v1/options", {"CLIP_stop_at_last_layers": 1})
        await client.txt2img(override_settings={"CLIP_stop_at_last_layers": 2})
        assert await option(client, "CLIP_stop_at_last_layers") == 1


async def test_options_refuse_little() -> None:
    async with opened() as client:
        unknown = await client.post("/sdapi/v1/options", {"sd_model_checkpoint": "nope"})
        assert (unknown.status, unknown.json["errors"]) == (500, "model 'nope' not found")
        key = await client.post("/sdapi/v1/options", {"nope_key": 1})
        assert (key.status, key.json["error"], key.json["errors"]) == (
            500,
            "KeyError",
            "'nope_key'",
        )
        assert (await client.post("/sdapi/v1/options", {"jpeg_quality": "abc"})).json is None
        assert (await client.post("/sdapi/v1/options", {"api_enable_requests": False})).json is None
        assert await option(client, "api_enable_requests") is True


async def test_the_usual_server_paints_in_a_process() -> None:
    server = DemoImageServer(step_seconds=0.0)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(server, session)
            assert (await client.txt2img()).images[0].size == (64, 64)
    finally:
        await server.close()
