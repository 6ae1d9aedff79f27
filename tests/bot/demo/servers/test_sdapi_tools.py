"""Lists, extras and texts of the demo image server; its infotext reader case by case."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.demo.servers.sdapi import infotext
from tests.bot.demo.servers.sdapi_client import Client, opened, png

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXTRAS = "/sdapi/v1/extra-single-image"
TAIL = "Steps: 2, Sampler: Euler, CFG scale: 7.0, Seed: 1, Size: 64x64"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client() -> AsyncIterator[Client]:
    async with opened() as client:
        yield client


@pytest.mark.parametrize(
    ("route", "key", "some"),
    [
        ("samplers", "name", ["DPM++ 2M", "Euler a", "LCM"]),
        ("schedulers", "label", ["Automatic", "Karras", "Beta"]),
        ("upscalers", "name", ["None", "Lanczos", "R-ESRGAN 4x+"]),
        ("latent-upscale-modes", "name", ["Latent", "Latent (nearest-exact)"]),
        ("sd-models", "model_name", ["dreamshaper_8", "animagineXL_v31", "flux1-dev"]),
        ("sd-vae", "model_name", ["sdxl_vae.safetensors"]),
        ("loras", "name", ["add_detail"]),
        ("hypernetworks", "name", ["soft_light"]),
        ("prompt-styles", "name", ["Oil painting"]),
        ("face-restorers", "name", ["CodeFormer", "GFPGAN"]),
        ("realesrgan-models", "name", ["R-ESRGAN 4x+"]),
    ],
)
async def test_lists(client: Client, route: str, key: str, some: list[str]) -> None:
    rows = (await client.get(f"/sdapi/v1/{route}")).json
    assert set(some) <= {row[key] for row in rows}


async def test_samplers_list_options_as_strings(client: Client) -> None:
    rows = {row["name"]: row for row in (await client.get("/sdapi/v1/samplers")).json}
    assert rows["Heun"]["options"] == {"second_order": "True"}
    assert rows["DPM++ 2M"]["aliases"] == ["k_dpmpp_2m"]


async def test_objects_and_nothings(client: Client) -> None:
    assert set((await client.get("/sdapi/v1/embeddings")).json) == {"loaded", "skipped"}
    assert set((await client.get("/sdapi/v1/scripts")).json) == {"txt2img", "img2img"}
    assert (await client.get("/sdapi/v1/memory")).json["cuda"] == {"error": "unavailable"}
    for name in ("refresh-checkpoints", "refresh-vae", "refresh-loras"):
        assert (await client.post(f"/sdapi/v1/{name}")).json is None


async def test_upscaling_keeps_the_text_and_adds_its_own(client: Client) -> None:
    made = await client.txt2img()
    body: dict[str, Any] = {"image": made.json["images"][0], "upscaler_1": "Lanczos"}
    answer = await client.post(EXTRAS, {**body, "upscaling_resize": 2})
    words = "Postprocess upscale by: 2.0, Postprocess upscaler: Lanczos"
    assert answer.json["html_info"] == f"<p>{words}</p>"
    image = Image.open(io.BytesIO(_bytes(answer.json["image"])))
    image.load()
    assert image.size == (128, 128)
    assert image.info["parameters"] == made.infotext
    assert image.info["postprocessing"] == words
    sized = await client.post(EXTRAS, {**body, "resize_mode": 1, "upscaling_resize_w": 96})
    assert Image.open(io.BytesIO(_bytes(sized.json["image"]))).size == (96, 512)


def _bytes(text: str) -> bytes:
    import base64

    return base64.b64decode(text)


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ({"upscaler_1": "Nope"}, 500, "could not find upscaler named Nope"),
        ({"image": ""}, 500, "Invalid encoded image"),
        ({"upscaling_resize": 0}, 422, "ensure this value is greater than 0"),
        ({"upscaling_resize_w": 0}, 422, "ensure this value is greater than or equal to 1"),
        ({"gfpgan_visibility": 2}, 422, "ensure this value is less than or equal to 1"),
        ({"resize_mode": 2}, 422, "unexpected value; permitted: 0, 1"),
    ],
)
async def test_upscaling_refuses(
    client: Client, asked: dict[str, Any], status: int, part: str
) -> None:
    source = png(Image.new("RGB", (16, 16)))
    answer = await client.post(EXTRAS, {"image": source, **asked})
    assert answer.status == status
    assert part in answer.text


async def test_png_info(client: Client) -> None:
    made = await client.txt2img(prompt='a, b: "c"\nline 2', negative_prompt="n1, n2")
    answer = await client.post("/sdapi/v1/png-info", {"image": made.json["images"][0]})
    assert answer.json["info"] == made.infotext
    assert answer.json["items"] == {}
    found = answer.json["parameters"]
    assert (found["Prompt"], found["Negative prompt"]) == ('a, b: "c"\nline 2', "n1, n2")
    assert (found["Size-1"], found["Seed"], found["Clip skip"]) == ("64", "42", "1")
    blank = await client.post("/sdapi/v1/png-info", {"image": png(Image.new("RGB", (8, 8)))})
    assert (blank.json["info"], blank.json["parameters"]["Prompt"]) == ("", "")
    garbage = await client.post("/sdapi/v1/png-info", {"image": "garbage"})
    assert (garbage.status, garbage.json["detail"]) == (500, "Invalid encoded image")


async def test_interrogate(client: Client) -> None:
    made = await client.txt2img(prompt="a fox in the snow")
    for model in ("clip", "deepdanbooru"):
        body = {"image": made.json["images"][0], "model": model}
        answer = await client.post("/sdapi/v1/interrogate", body)
        assert answer.json["caption"].startswith("a fox in the snow, ")
    red = {"image": png(Image.new("RGB", (32, 32), (210, 50, 40)))}
    assert "red" in (await client.post("/sdapi/v1/interrogate", red)).json["caption"]
    unknown = await client.post("/sdapi/v1/interrogate", {**red, "model": "x"})
    assert (unknown.status, unknown.json["detail"]) == (404, "Model not found")
    nothing = await client.post("/sdapi/v1/interrogate", {"image": None})
    assert nothing.status == 422
    assert nothing.json["detail"][0]["msg"] == "none is not an allowed value"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just a prompt", {"Prompt": "just a prompt"}),
        ("a: 1, b: 2, c: 3", {"Prompt": "a: 1, b: 2, c: 3"}),
        ("aa: 1, bb: 2, cc: 3", {"Prompt": "", "aa": "1", "bb": "2", "cc": "3"}),
        ("p\nSteps: 2, Sampler: Euler", {"Prompt": "p\nSteps: 2, Sampler: Euler"}),
        (f"p\n{TAIL}\nafter", {"Prompt": f"p\n{TAIL}\nafter"}),
        (
            f"p\nNegative prompt: a\nNegative prompt: b\n{TAIL}",
            {"Prompt": "p", "Negative prompt": "a\nb"},
        ),
        (f"  p \r\n\r\n q\n{TAIL}", {"Prompt": "p\n\nq"}),
        (f'p\n{TAIL}, Note: "a, b"', {"Note": "a, b"}),
        (f'p\n{TAIL}, Note: "say \\"hi\\", ok"', {"Note": 'say "hi", ok'}),
        (f'p\n{TAIL}, Note: "l1\\nl2"', {"Note": "l1\nl2"}),
        (f'p\n{TAIL}, Note: "abc"', {"Note": "abc"}),
        (f'p\n{TAIL}, Note: 5" disk', {"Note": '5" disk'}),
        (f'p\n{TAIL}, Note: "abc, Model: m', {"Note": '"abc', "Model": "m"}),
        (f'p\n{TAIL}, Note: "", Model: m', {"Note": "", "Model": "m"}),
        (f"p\n{TAIL}, Note: 64x64", {"Note-1": "64", "Note-2": "64"}),
    ],
)
async def test_the_infotext_reader(text: str, expected: dict[str, str]) -> None:
    found = infotext.read(text)
    assert {key: found.get(key) for key in expected} == expected


async def test_the_infotext_writer_quotes_only_what_must_be() -> None:
    values = {
        "Steps": 2,
        "Model": "tiny B, v1.5",
        "Note": 'a "b"',
        "None": None,
        "Tiling": "Tiling",
    }
    text = infotext.write("p", "", values)
    assert text == 'p\nSteps: 2, Model: "tiny B, v1.5", Note: a "b", Tiling'
