"""The demo image server answers as the recorded A1111 1.10.1 did (contract, sdapi-recorded.md)."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from tests.bot.demo.servers.sdapi_client import SMALL, Client, basic, opened, png


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client() -> AsyncIterator[Client]:
    """One server for the tests of this file that leave it as it was."""
    async with opened() as client:
        yield client


pytestmark = pytest.mark.asyncio(loop_scope="module")
TXT2IMG = "/sdapi/v1/txt2img"
RECORDED_ECHO = json.loads("""
{"prompt":"","negative_prompt":"","styles":null,"seed":-1,"subseed":-1,"subseed_strength":0,
"seed_resize_from_h":-1,"seed_resize_from_w":-1,"sampler_name":null,"scheduler":null,
"batch_size":1,"n_iter":1,"steps":50,"cfg_scale":7.0,"width":512,"height":512,
"restore_faces":null,"tiling":null,"do_not_save_samples":false,"do_not_save_grid":false,
"eta":null,"denoising_strength":null,"s_min_uncond":null,"s_churn":null,"s_tmax":null,
"s_tmin":null,"s_noise":null,"override_settings":null,
"override_settings_restore_afterwards":true,"refiner_checkpoint":null,"refiner_switch_at":null,
"disable_extra_networks":false,"firstpass_image":null,"comments":null,"enable_hr":false,
"firstphase_width":0,"firstphase_height":0,"hr_scale":2.0,"hr_upscaler":null,
"hr_second_pass_steps":0,"hr_resize_x":0,"hr_resize_y":0,"hr_checkpoint_name":null,
"hr_sampler_name":null,"hr_scheduler":null,"hr_prompt":"","hr_negative_prompt":"",
"force_task_id":null,"sampler_index":"Euler","script_name":null,"script_args":[],
"send_images":true,"save_images":false,"alwayson_scripts":{},"infotext":null}
""")


# --- 1. authentication


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "Not authenticated"),
        (basic("demo", "wrong"), "Incorrect username or password"),
        (basic("nobody", "demo"), "Incorrect username or password"),
        ({"Authorization": "Basic !!!"}, "Invalid authentication credentials"),
        ({"Authorization": "Bearer abc"}, "Not authenticated"),
        (basic("demo", "schlüssel"), "Invalid authentication credentials"),
    ],
)
async def test_wrong_credentials(client: Client, headers: dict[str, str], detail: str) -> None:
    answer = await client.get("/sdapi/v1/options", headers=headers)
    assert answer.status == 401
    assert answer.json == {"error": "HTTPException", "detail": detail, "body": "", "errors": ""}
    assert "WWW-Authenticate" not in answer.headers


async def test_some_routes_ask_nobody(client: Client) -> None:
    for path in ("/sdapi/v1/loras", "/internal/pending-tasks", "/internal/ping"):
        assert (await client.get(path, headers={})).status == 200
    watched = await client.post("/internal/progress", {"id_task": "x"}, headers={})
    assert watched.status == 200


async def test_without_a_password_everybody_may() -> None:
    async with opened(password=None) as free:
        assert (await free.get("/sdapi/v1/options", headers={})).status == 200


# --- 2. txt2img


async def test_the_recorded_request(client: Client) -> None:
    answer = await client.txt2img(
        prompt="a photo of a cat, (detailed:1.2)",
        negative_prompt="blurry",
        steps=4,
        sampler_name="DPM++ 2M",
        scheduler="Karras",
    )
    assert answer.status == 200
    assert float(answer.headers["X-Process-Time"]) > 0
    (picture,) = answer.images
    assert (picture.format, picture.size, picture.mode) == ("PNG", (64, 64), "RGB")
    model = client.server.engine.shelf.loaded
    assert picture.text == {"parameters": answer.info["infotexts"][0]}  # type: ignore[attr-defined]
    assert answer.infotext == (
        "a photo of a cat, (detailed:1.2)\nNegative prompt: blurry\n"
        "Steps: 4, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.0, Seed: 42, "
        f"Size: 64x64, Model hash: {model.short_hash}, Model: {model.name}, Version: v1.10.1"
    )
    info = answer.info
    assert info["extra_generation_params"] == {"Schedule type": "Karras"}
    assert (info["all_seeds"], info["index_of_first_image"], info["styles"]) == ([42], 0, [])
    sent = {
        "prompt": "a photo of a cat, (detailed:1.2)",
        "negative_prompt": "blurry",
        "seed": 42,
        "sampler_name": "DPM++ 2M",
        "scheduler": "Karras",
        "steps": 4,
        "width": 64,
        "height": 64,
    }
    assert list(answer.json["parameters"].items()) == list({**RECORDED_ECHO, **sent}.items())


async def test_the_same_seed_gives_the_same_picture(client: Client) -> None:
    first, again, other = [await client.txt2img(seed=s) for s in (1, 1, 2)]
    assert first.json["images"] == again.json["images"]
    assert first.json["images"] != other.json["images"]


@pytest.mark.parametrize(
    ("asked", "sampler", "schedule"),
    [
        ({"sampler_name": "DPM++ 2M Karras"}, "DPM++ 2M", "Karras"),
        ({"sampler_name": "No Such Sampler"}, "DPM++ 2M", "Karras"),
        ({"sampler_name": "euler a"}, "DPM++ 2M", "Karras"),
        ({"sampler_name": "k_euler_a"}, "DPM++ 2M", "Karras"),
        ({"sampler_name": "Euler", "scheduler": "Nope"}, "Euler", "Automatic"),
        ({"sampler_name": "Euler", "scheduler": "sgm_uniform"}, "Euler", "SGM Uniform"),
        ({}, "Euler", "Automatic"),
    ],
)
async def test_samplers_are_never_refused(
    client: Client, asked: dict[str, Any], sampler: str, schedule: str
) -> None:
    answer = await client.txt2img(**asked)
    assert answer.info["sampler_name"] == sampler
    assert f"Sampler: {sampler}, Schedule type: {schedule}, " in answer.infotext


async def test_batches_and_iterations(client: Client) -> None:
    answer = await client.txt2img(batch_size=2, n_iter=2, seed=1)
    assert answer.info["all_seeds"] == [1, 2, 3, 4]
    for seed, picture in zip([1, 2, 3, 4], answer.images, strict=True):
        assert f"Seed: {seed}," in picture.info["parameters"]


async def test_a_grid_comes_first_when_images_are_saved(client: Client) -> None:
    answer = await client.txt2img(batch_size=2, save_images=True, seed=1)
    assert [picture.size for picture in answer.images] == [(128, 64), (64, 64), (64, 64)]
    assert "Seed: 1," in answer.infotext
    info = answer.info
    assert (info["index_of_first_image"], len(info["infotexts"]), info["all_seeds"]) == (
        1,
        3,
        [1, 2],
    )
    assert len((await client.txt2img(batch_size=2, do_not_save_grid=False)).images) == 2


async def test_small_print_of_txt2img(client: Client) -> None:
    assert (await client.txt2img(send_images=False)).images == []
    random_seed = (await client.txt2img(seed=-1)).info["seed"]
    assert 0 <= random_seed < 2**32
    floored = await client.txt2img(width=70, height=90)
    assert (floored.images[0].size, floored.info["width"]) == ((64, 88), 70)
    assert "Size: 70x90" in floored.infotext
    empty = await client.txt2img(prompt="")
    assert empty.infotext.startswith("Steps: ")
    strange = await client.txt2img(nonsense=1, styles=["no such"], prompt="<lora:nope:0.8> cat")
    assert strange.status == 200
    assert (await client.txt2img(steps=2.5)).info["steps"] == 2
    assert (await client.txt2img(steps="3")).info["steps"] == 3
    for seed in (2**32, 2**53, 2**63 - 1, -2):
        assert (await client.txt2img(seed=seed)).info["seed"] == seed
    for cfg in (-5, 1e30, float("nan")):
        assert (await client.txt2img(cfg_scale=cfg)).status == 200


async def test_any_prompt_stands_in_the_chunk_as_it_was(client: Client) -> None:
    prompt, negative = 'naïve 猫, "quoted"\nsecond line: x', "a\nb"
    answer = await client.txt2img(prompt=prompt, negative_prompt=negative)
    assert answer.infotext.startswith(f"{prompt}\nNegative prompt: {negative}\nSteps: 2, ")


async def test_hires_doubles_the_picture_but_not_the_text(client: Client) -> None:
    answer = await client.txt2img(enable_hr=True, denoising_strength=0.5, hr_upscaler="Latent")
    assert (answer.images[0].size, answer.info["width"]) == ((128, 128), 64)
    ending = "Denoising strength: 0.5, Hires upscale: 2.0, Hires upscaler: Latent, Version: v1.10.1"
    assert answer.infotext.endswith(ending)
    resized = await client.txt2img(enable_hr=True, denoising_strength=0.5, hr_resize_x=96)
    assert resized.images[0].size == (96, 96)


async def test_styles_loras_and_variations_leave_their_mark(client: Client) -> None:
    styled = await client.txt2img(styles=["Oil painting", "Night"])
    assert styled.infotext.startswith(
        "a cat, oil painting, visible brush strokes, night, moonlight"
    )
    assert styled.info["styles"] == ["Oil painting", "Night"]
    lora = await client.txt2img(prompt="a cat <lora:add_detail:0.5>")
    assert 'Lora hashes: "add_detail: ' in lora.infotext
    varied = await client.txt2img(subseed=9, subseed_strength=0.3, batch_size=2)
    assert varied.info["all_seeds"] == [42, 42]
    assert "Variation seed: 9, Variation seed strength: 0.3" in varied.infotext


async def test_what_a_request_leaves_out_is_taken_from_its_infotext(client: Client) -> None:
    text = "a fox\nNegative prompt: dull\nSteps: 3, Sampler: Heun, CFG scale: 5.0, Seed: 99"
    answer = await client.post(TXT2IMG, {"infotext": text, "width": 64, "height": 64, "seed": 5})
    info = answer.info
    found = (info["prompt"], info["negative_prompt"], info["sampler_name"], info["seed"])
    assert found == ("a fox", "dull", "Heun", 5)


@pytest.mark.parametrize(
    ("asked", "status", "kind", "text"),
    [
        ({"steps": 0}, 500, "ZeroDivisionError", "integer division or modulo by zero"),
        ({"steps": None}, 500, "TypeError", "unsupported operand type(s) for //"),
        ({"width": 0}, 500, "RuntimeError", "Calculated padded input size per channel"),
        ({"batch_size": 0}, 500, "IndexError", "list index out of range"),
        ({"prompt": None}, 500, "AssertionError", ""),
        ({"seed": 2**64}, 500, "RuntimeError", "Overflow when unpacking long long"),
        ({"enable_hr": True}, 500, "TypeError", "'>' not supported between instances"),
        ({"enable_hr": True, "hr_upscaler": "Nope"}, 500, "Exception", "could not find upscaler"),
        ({"refiner_checkpoint": "Nope"}, 500, "Exception", "Could not find checkpoint with name"),
        ({"override_settings": {"nope_key": 1}}, 500, "KeyError", "'nope_key'"),
        ({"width": 8192, "height": 8192}, 500, "OutOfMemoryError", "CUDA out of memory"),
    ],
)
async def test_what_breaks(
    client: Client, asked: dict[str, Any], status: int, kind: str, text: str
) -> None:
    answer = await client.txt2img(**asked)
    body = answer.json
    assert (answer.status, body["error"], body["detail"], body["body"]) == (status, kind, "", "")
    assert body["errors"].startswith(text)
    assert "X-Process-Time" not in answer.headers


@pytest.mark.parametrize(
    ("text", "loc", "message", "kind"),
    [
        ('{"steps":"many"}', ["body", "steps"], "value is not a valid integer",
         "type_error.integer"),
        ("[]", ["body"], "value is not a valid dict", "type_error.dict"),
        ("", ["body"], "field required", "value_error.missing"),
        ('{"styles":"x"}', ["body", "styles"], "value is not a valid list", "type_error.list"),
        ('{"styles":[[]]}', ["body", "styles", 0], "str type expected", "type_error.str"),
        ('{"override_settings":1}', ["body", "override_settings"], "value is not a valid dict",
         "type_error.dict"),
    ],
)  # fmt: skip
async def test_bodies_that_do_not_fit(
    client: Client, text: str, loc: list[Any], message: str, kind: str
) -> None:
    answer = await client.send("POST", TXT2IMG, data=text)
    assert answer.status == 422
    assert answer.json == {"detail": [{"loc": loc, "msg": message, "type": kind}]}


async def test_broken_json_is_echoed(client: Client) -> None:
    (problem,) = (await client.send("POST", TXT2IMG, data="{nope")).json["detail"]
    assert problem["loc"] == ["body", 1]
    words = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    assert (problem["msg"], problem["ctx"]["doc"]) == (words, "{nope")


async def test_scripts_verbs_and_routes_that_are_not_there(client: Client) -> None:
    unknown: list[dict[str, Any]] = [{"script_name": "nope"}, {"alwayson_scripts": {"nope": {}}}]
    for asked in unknown:
        answer = await client.txt2img(**asked)
        assert (answer.status, answer.json["detail"]) == (422, "Script 'nope' not found")
    wrong_verb = await client.get(TXT2IMG)
    assert (wrong_verb.status, wrong_verb.json) == (405, {"detail": "Method Not Allowed"})
    absent = await client.get("/sdapi/v1/nothing", headers={})
    assert (absent.status, absent.json) == (404, {"detail": "Not Found"})


# --- 6. samples_format


@pytest.mark.parametrize(("name", "form"), [("jpg", "JPEG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
async def test_other_formats_carry_the_text_in_exif(name: str, form: str) -> None:
    async with opened() as client:
        await client.post("/sdapi/v1/options", {"samples_format": name})
        answer = await client.txt2img(prompt="a 猫")
        (picture,) = answer.images
        comment = picture.getexif().get_ifd(0x8769)[0x9286]
        assert picture.format == form
        assert comment[:8] == b"UNICODE\0"
        assert comment[8:].decode("utf-16-be") == answer.info["infotexts"][0]
        read = await client.post("/sdapi/v1/png-info", {"image": answer.json["images"][0]})
        assert read.json["info"].startswith("a 猫\nSteps")


async def test_formats_that_are_none_and_chunks_that_are_off() -> None:
    async with opened() as client:
        await client.post("/sdapi/v1/options", {"samples_format": "gif"})
        answer = await client.txt2img()
        assert (answer.status, answer.json["detail"]) == (500, "Invalid image format")
        await client.post("/sdapi/v1/options", {"samples_format": "png", "enable_pnginfo": False})
        plain = await client.txt2img()
        assert "parameters" not in plain.images[0].info
        assert plain.info["infotexts"][0].startswith("a cat\nSteps: 2")


async def test_pictures_are_large_enough_to_be_worth_reading(client: Client) -> None:
    answer = await client.post(TXT2IMG, {**SMALL, "width": 256, "height": 192})
    data = base64.b64decode(answer.json["images"][0])
    colours = Image.open(io.BytesIO(data)).getcolors(1_000_000)
    assert colours is not None
    assert len(colours) > 2000
    assert png(answer.images[0])[:4] == answer.json["images"][0][:4]
