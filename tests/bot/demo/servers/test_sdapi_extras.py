"""What a request can ask for beyond prompt and size, and what a person sees of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from bot.demo.painter import PaintOrder
from bot.demo.servers.sdapi.effects import Effects, glimpse
from bot.demo.servers.sdapi.networks import Network, from_prompt
from tests.bot.demo.servers.sdapi_client import Answer, Client, opened

VAE = "vae-ft-mse-840000-ema-pruned.safetensors"


def same(one: Answer, other: Answer) -> bool:
    return one.images[0].tobytes() == other.images[0].tobytes()


async def option(client: Client, key: str) -> object:
    return (await client.get("/sdapi/v1/options")).json[key]


# --- LoRAs


async def test_a_lora_is_seen_named_and_weighed() -> None:
    async with opened() as client:
        plain = await client.txt2img()
        full = await client.txt2img(prompt="a cat <lora:pixel_art_xl:1>")
        half = await client.txt2img(prompt="a cat <lora:pixel_art_xl:0.4>")
        off = await client.txt2img(prompt="a cat <lora:pixel_art_xl:0>")
        assert (same(plain, full), same(full, half), same(plain, off)) == (False, False, True)
        both = await client.txt2img(prompt="<lora:add_detail:1> a cat <lora:pixel_art_xl>")
        first, second = (both.info["extra_generation_params"]["Lora hashes"]).split(", ")
        assert first.startswith("add_detail: ")
        assert [len(row.split(": ")[1]) for row in (first, second)] == [12, 12]
        assert f'Lora hashes: "{first}, {second}", Version' in both.infotext


async def test_an_unknown_lora_is_dropped_in_silence() -> None:
    async with opened() as client:
        plain = await client.txt2img()
        unknown = await client.txt2img(prompt="a cat <lora:nope:0.8>")
        assert same(plain, unknown)
        assert unknown.infotext.startswith("a cat <lora:nope:0.8>\nSteps")
        assert "Lora hashes" not in unknown.infotext
        mixed = await client.txt2img(prompt="a cat <lora:nope:0.8> <lora:add_detail:1>")
        assert "nope: " not in mixed.infotext
        assert 'Lora hashes: "add_detail: ' in mixed.infotext
        without = await client.txt2img(
            prompt="a cat <lora:add_detail:1>", disable_extra_networks=True
        )
        assert same(plain, without)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("<lora:add_detail>", (Network("add_detail", 1.0),)),
        ("<lora:add_detail:-0.5>", (Network("add_detail", -0.5),)),
        ("<lora:add_detail:te=0.2:unet=0.7>", (Network("add_detail", 0.7),)),
        ("<lora:Add_Detail:1>", ()),
        ("<lora:add_detail:much>", ()),
    ],
)
def test_tags_are_read_as_the_web_ui_reads_them(tag: str, expected: tuple[Network, ...]) -> None:
    assert from_prompt({"disable_extra_networks": False}, f"a cat {tag}") == expected


# --- VAE, clip skip: overrides that leak


async def test_a_vae_is_seen_and_named_and_leaks() -> None:
    async with opened() as client:
        plain = await client.txt2img()
        with_vae = await client.txt2img(override_settings={"sd_vae": VAE})
        assert not same(plain, with_vae)
        hashed = with_vae.info["sd_vae_hash"]
        assert f"VAE hash: {hashed}, VAE: {VAE}, " in with_vae.infotext
        assert (len(hashed), with_vae.info["sd_vae_name"]) == (10, VAE)
        assert await option(client, "sd_vae") == VAE, "never saved, so never put back (trap 5)"
        assert same(await client.txt2img(), with_vae)
        automatic = await client.txt2img(override_settings={"sd_vae": "Automatic"})
        assert same(automatic, plain)
        unknown = await client.txt2img(override_settings={"sd_vae": "nope.pt"})
        assert same(unknown, plain)
        assert "VAE" not in unknown.infotext


# --- Faces, tiling


async def test_faces_are_restored_by_the_chosen_restorer() -> None:
    async with opened() as client:
        names = [row["name"] for row in (await client.get("/sdapi/v1/face-restorers")).json]
        pictures: list[bytes] = [(await client.txt2img()).images[0].tobytes()]
        for name in names:
            chosen = {"face_restoration_model": name}
            answer = await client.txt2img(restore_faces=True, override_settings=chosen)
            assert f"Face restoration: {name}, Size" in answer.infotext
            assert answer.info["face_restoration_model"] == name
            pictures.append(answer.images[0].tobytes())
        assert len(set(pictures)) == 1 + len(names)


async def test_null_means_the_servers_own_setting() -> None:
    async with opened() as client:
        await client.post("/sdapi/v1/options", {"face_restoration": True, "tiling": True})
        text = (await client.txt2img(restore_faces=None)).infotext
        assert "Face restoration: " in text
        assert "Tiling: True" in text
        text = (await client.txt2img(restore_faces=False, tiling=False)).infotext
        assert "Face restoration" not in text
        assert "Tiling" not in text


async def test_a_tile_goes_on_at_its_other_side() -> None:
    def seam(image: Image.Image) -> float:
        """How different the two sides are that meet when tiles lie side by side."""
        left = image.crop((0, 0, 1, image.height))
        right = image.crop((image.width - 1, 0, image.width, image.height))
        return sum(ImageStat.Stat(ImageChops.difference(left, right)).mean)

    async with opened() as client:
        size = {"width": 256, "height": 256, "prompt": "a lighthouse at sunset"}
        plain = (await client.txt2img(**size)).images[0]
        tile = await client.txt2img(**size, tiling=True)
        assert "Tiling: True" in tile.infotext
        assert seam(tile.images[0]) < seam(plain) / 2


# --- Hires fix, refiner


async def test_hires_says_what_is_otherwise_in_its_second_pass() -> None:
    async with opened() as client:
        asked: dict[str, Any] = {"enable_hr": True, "denoising_strength": 0.5, "hr_scale": 1.5}
        asked |= {"hr_upscaler": "R-ESRGAN 4x+", "hr_second_pass_steps": 3, "hr_prompt": "a lion"}
        asked |= {"hr_sampler_name": "Heun", "hr_checkpoint_name": "sdxl_turbo"}
        answer = await client.txt2img(**asked)
        assert answer.images[0].size == (96, 96)
        assert "Hires sampler: Heun, Hires prompt: a lion, Hires upscale: 1.5" in answer.infotext
        assert "Hires checkpoint: sdxl_turbo [" in answer.infotext
        unknown = await client.txt2img(**{**asked, "hr_checkpoint_name": "nope"})
        assert unknown.status == 500
        assert unknown.json["errors"] == "Could not find checkpoint with name nope"


async def test_strength_is_only_told_where_it_matters() -> None:
    async with opened() as client:
        assert "Denoising" not in (await client.txt2img(denoising_strength=0.4)).infotext
        modes = [row["name"] for row in (await client.get("/sdapi/v1/latent-upscale-modes")).json]
        for name in modes:
            made = await client.txt2img(enable_hr=True, denoising_strength=0.4, hr_upscaler=name)
            assert "Denoising strength: 0.4, " in made.infotext


async def test_a_refiner_takes_over() -> None:
    async with opened() as client:
        refined = await client.txt2img(refiner_checkpoint="sdxl_turbo", refiner_switch_at=0.8)
        row = next(
            row
            for row in (await client.get("/sdapi/v1/sd-models")).json
            if row["model_name"] == "sdxl_turbo"
        )
        expected = f"Refiner: sdxl_turbo [{row['hash']}], Refiner switch at: 0.8, Version"
        assert expected in refined.infotext
        assert refined.info["sd_model_name"] == "dreamshaper_8"
        never = await client.txt2img(refiner_checkpoint="sdxl_turbo", refiner_switch_at=1.0)
        assert "Refiner" not in never.infotext


# --- Interrupts, previews, loading


async def test_interrupted_in_the_middle_of_its_iterations() -> None:
    async with opened(step_seconds=0.01) as client:
        whole = await client.txt2img(seed=7, steps=20)
        second = await client.txt2img(seed=8, steps=20)
        job = asyncio.create_task(client.txt2img(n_iter=4, steps=20, seed=7))
        await client.until(lambda s: s["state"]["job_no"] == 1 and s["state"]["sampling_step"] > 3)
        await client.post("/sdapi/v1/interrupt")
        answer = await job
        assert (answer.status, len(answer.images)) == (200, 2)
        assert len(answer.info["infotexts"]) == 2
        assert answer.info["all_seeds"] == [7, 8, 9, 10]
        assert same(answer, whole)
        assert answer.images[1].tobytes() != second.images[0].tobytes(), "the last is unfinished"


@pytest.mark.parametrize(("kind", "form"), [("a1111", "png"), ("forge", "png"), ("sdnext", "jpeg")])
async def test_previews_in_both_of_their_places(kind: str, form: str) -> None:
    watched: dict[str, Any] = {"id_live_preview": 0, "live_preview": True}
    async with opened(kind=kind, step_seconds=0.05) as client:
        job = asyncio.create_task(client.txt2img(steps=30, force_task_id="task(mine)"))
        await client.until(lambda s: s["state"]["sampling_step"] > 4)
        seen = (await client.get("/sdapi/v1/progress")).json
        assert seen["current_image"].startswith("iVBORw0KGgo")
        watched["id_task"] = client.server.engine.tasks.current
        answer = (await client.post("/internal/progress", watched)).json
        assert answer["live_preview"].startswith(f"data:image/{form};base64,")
        await client.post("/sdapi/v1/interrupt")
        await job


def test_a_preview_shows_the_effects_too() -> None:
    order = PaintOrder("a cat", width=96, height=96)
    plain = glimpse(order, Effects(), 0.5)
    pixels = glimpse(order, Effects(networks=(Network("pixel_art_xl"),)), 0.5)
    assert plain.size == pixels.size == (96, 96)
    assert ImageChops.difference(plain, pixels).getbbox()


async def test_loading_a_model_by_its_option_takes_its_time() -> None:
    async with opened(load_seconds=0.2) as client:
        start = time.perf_counter()
        body = {"sd_model_checkpoint": "sdxl_turbo.safetensors"}
        assert (await client.post("/sdapi/v1/options", body)).json is None
        assert time.perf_counter() - start >= 0.2
        assert str(await option(client, "sd_model_checkpoint")).endswith("]")
        start = time.perf_counter()
        await client.post("/sdapi/v1/options", body)
        assert time.perf_counter() - start < 0.2, "it is loaded already"
