"""ControlNet and ADetailer as always-on scripts of the demo image server.

What they say and what they swallow was read in the sources of Mikubill/sd-webui-controlnet,
Forge's sd_forge_controlnet and Bing-su/adetailer.
"""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from tests.bot.demo.servers.sdapi_client import SMALL, Answer, Client, opened, png

CANNY = "control_v11p_sd15_canny [d14c016b]"
XL_CANNY = "diffusers_xl_canny_full [2b69fca4]"
BOTH = pytest.mark.parametrize("kind", ["a1111", "forge"])


def disc(mode: str = "RGB") -> Image.Image:
    """A dark disc on a light ground: an outline that is easy to find again."""
    image = Image.new("RGB", (96, 96), (240, 240, 235))
    ImageDraw.Draw(image).ellipse((24, 24, 72, 72), fill=(30, 30, 40))
    return image.convert(mode)


REFERENCE = png(disc())
UNIT: dict[str, Any] = {
    "enabled": True,
    "image": REFERENCE,
    "module": "canny",
    "model": CANNY,
    "weight": 1.0,
    "resize_mode": "Crop and Resize",
    "pixel_perfect": True,
    "control_mode": "Balanced",
}


def controlled(*units: Any) -> dict[str, Any]:
    return {"alwayson_scripts": {"ControlNet": {"args": list(units)}}}


async def guided(client: Client, **changes: Any) -> Answer:
    unit = {key: value for key, value in {**UNIT, **changes}.items() if value is not ...}
    return await client.txt2img(**controlled(unit), width=96, height=96)


def seen(answer: Answer) -> tuple[bool, int]:
    """Whether the infotext claims ControlNet, and how many images came."""
    return "ControlNet 0" in answer.infotext, len(answer.images)


# --- What there is


async def test_the_extension_lists_models_modules_and_its_version() -> None:
    async with opened(kind="a1111") as client:
        models = (await client.get("/controlnet/model_list", headers={})).json["model_list"]
        assert CANNY in models
        assert "None" not in models
        listed = (await client.get("/controlnet/module_list", headers={})).json
        assert {"none", "canny", "depth", "lineart"} <= set(listed["module_list"])
        assert listed["module_detail"]["reference_only"]["model_free"] is True
        labels = (await client.get("/controlnet/module_list?alias_names=true")).json
        assert {"depth_midas", "lineart_realistic"} <= set(labels["module_list"])
        assert (await client.get("/controlnet/version")).json == {"version": 2}
        detailer = (await client.get("/adetailer/v1/ad_model", headers={})).json
        assert "face_yolov8n.pt" in detailer["ad_model"]


async def test_forge_lists_labels_and_none_and_no_version() -> None:
    async with opened(kind="forge") as client:
        assert (await client.get("/controlnet/model_list")).json["model_list"][:1] == ["None"]
        listed = (await client.get("/controlnet/module_list?alias_names=false")).json
        assert list(listed) == ["module_list"]
        assert {"None", "depth_midas", "lineart_realistic"} <= set(listed["module_list"])
        assert (await client.get("/controlnet/version")).status == 404


async def test_scripts_are_told_and_other_servers_have_none() -> None:
    for kind in ("a1111", "forge"):
        async with opened(kind=kind) as client:
            for names in (await client.get("/sdapi/v1/scripts")).json.values():
                assert {"controlnet", "adetailer"} <= set(names)
            chosen: dict[str, Any] = {"X/Y/Z plot": {"args": []}}
            wrong = await client.txt2img(alwayson_scripts=chosen)
            assert (wrong.status, wrong.json["detail"]) == (
                422,
                "Cannot have a selectable script in the always on scripts params",
            )
    async with opened(kind="sdnext") as client:
        assert (await client.get("/controlnet/model_list")).status == 404
        assert (await guided(client)).status == 422


# --- A picture that follows its reference


@BOTH
async def test_the_picture_follows_and_the_map_comes_last(kind: str) -> None:
    async with opened(kind=kind) as client:
        plain = (await client.txt2img(width=96, height=96)).images[0]
        answer = await guided(client)
        picture, found = answer.images
        assert "parameters" not in found.info
        assert len(answer.info["infotexts"]) == len(answer.info["all_seeds"]) == 1
        assert found.getpixel((2, 2)) == (0, 0, 0)
        assert found.convert("L").getextrema() == (0, 255)
        inside, outside = (40, 40, 56, 56), (4, 4, 20, 20)

        def contrast(image: Image.Image) -> float:
            dark, light = (
                ImageStat.Stat(image.convert("L").crop(box)).mean[0] for box in (inside, outside)
            )
            return light - dark

        assert contrast(picture) > contrast(plain) + 40
        weaker = (await guided(client, weight=0.0)).images[0]
        assert contrast(picture) > contrast(weaker) + 40


async def test_what_the_extension_writes() -> None:
    async with opened() as client:
        expected = (
            f'ControlNet 0: "Module: canny, Model: {CANNY}, Weight: 1.0, '
            "Resize Mode: Crop and Resize, Processor Res: 512, Threshold A: 100, "
            "Threshold B: 200, Guidance Start: 0.0, Guidance End: 1.0, Pixel Perfect: True, "
            'Control Mode: Balanced", Version'
        )
        answer = await guided(client)
        assert expected in answer.infotext
        unit = answer.json["parameters"]["alwayson_scripts"]["ControlNet"]["args"][0]
        assert unit["image"] == REFERENCE, "the echo holds the reference"


async def test_what_forge_writes() -> None:
    async with opened(kind="forge") as client:
        expected = (
            f'ControlNet 0: "Module: canny, Model: {CANNY}, Weight: 1.0, '
            "Resize Mode: Crop and Resize, Guidance Start: 0.0, Guidance End: 1.0, "
            'Pixel Perfect: True, Control Mode: Balanced, Hr Option: HiResFixOption.BOTH", '
        )
        assert expected in (await guided(client)).infotext


@BOTH
async def test_one_map_of_each_unit_whatever_the_batch(kind: str) -> None:
    async with opened(kind=kind) as client:
        two = controlled(UNIT, {**UNIT, "module": "depth_midas", "save_detected_map": False})
        answer = await client.txt2img(**two, n_iter=2)
        assert len(answer.images) == 3
        assert "ControlNet 1" in answer.infotext
        many = await client.txt2img(**controlled(*[UNIT] * 5))
        assert len(many.images) == 1 + 3, "the page has three units, so has the API"


@pytest.mark.parametrize(("kind", "order"), [("a1111", [128, 64]), ("forge", [64, 128])])
async def test_hires_shows_the_map_of_each_pass(kind: str, order: list[int]) -> None:
    hires = {"enable_hr": True, "denoising_strength": 0.5, "hr_additional_modules": []}
    async with opened(kind=kind) as client:
        answer = await client.txt2img(**controlled(UNIT), **hires)
        assert [image.width for image in answer.images] == [128, *order]
        text = answer.infotext
        assert text.index("ControlNet 0") < text.index("Hires upscale")


@BOTH
async def test_img2img_without_a_reference_uses_its_init_image(kind: str) -> None:
    async with opened(kind=kind) as client:
        bare = {key: value for key, value in UNIT.items() if key != "image"}
        body = {**SMALL, **controlled(bare), "init_images": [REFERENCE]}
        answer = await client.post("/sdapi/v1/img2img", body)
        assert seen(answer) == (True, 2)


# --- Everything that goes wrong is 200


@pytest.mark.parametrize(
    ("changes", "extension", "forge"),
    [
        ({"model": "no such [00000000]"}, (True, 1), (True, 2)),
        ({"model": "control_v11p_sd15_canny"}, (True, 2), (True, 2)),
        ({"module": "no such"}, (False, 1), (True, 1)),
        ({"module": "depth"}, (True, 2), (True, 1)),
        ({"module": "depth_midas"}, (True, 2), (True, 2)),
        ({"image": None}, (True, 1), (True, 1)),
        ({"image": ..., "input_image": REFERENCE}, (True, 2), (True, 1)),
        ({"input_image": REFERENCE}, (False, 1), (True, 2)),
        ({"resize_mode": 1}, (False, 1), (True, 2)),
        ({"control_mode": 0}, (False, 1), (True, 2)),
        ({"image": png(disc("RGBA"))}, (True, 1), (True, 2)),
        ({"image": "garbage"}, (True, 1), (False, 1)),
        ({"weight": 3}, (False, 1), (True, 2)),
        ({"enabled": ...}, (False, 1), (True, 2)),
        ({"nonsense": 1}, (True, 2), (True, 2)),
        ({"module": "reference_only", "model": "None"}, (True, 2), (True, 2)),
    ],
)
async def test_what_can_be_seen_of_a_failure(
    changes: dict[str, Any], extension: tuple[bool, int], forge: tuple[bool, int]
) -> None:
    for kind, expected in (("a1111", extension), ("forge", forge)):
        async with opened(kind=kind) as client:
            answer = await guided(client, **changes)
            assert (answer.status, seen(answer)) == (200, expected), kind


@BOTH
async def test_a_model_that_is_not_there_changes_nothing_in_the_picture(kind: str) -> None:
    async with opened(kind=kind) as client:
        plain = await client.txt2img(width=96, height=96)
        failed = await guided(client, model="no such [00000000]")
        assert not ImageChops.difference(plain.images[0], failed.images[0]).getbbox()


async def test_a_model_of_another_family() -> None:
    async with opened(kind="a1111") as client:
        assert seen(await guided(client, model=XL_CANNY)) == (True, 1)
    async with opened(kind="forge", fresh=True) as client:
        answer = await guided(client, model=XL_CANNY)
        assert (answer.status, answer.json["error"]) == (500, "RuntimeError")
        xl = {"override_settings": {"sd_model_checkpoint": "sdxl_turbo"}}
        made = await client.txt2img(**controlled({**UNIT, "model": XL_CANNY}), **xl)
        assert seen(made) == (True, 2)


# --- ADetailer


def detailed(*args: Any) -> dict[str, Any]:
    return {"alwayson_scripts": {"ADetailer": {"args": list(args)}}}


FACE = {"ad_model": "face_yolov8n.pt"}


async def test_adetailer_repaints_and_says_so() -> None:
    async with opened() as client:
        plain = await client.txt2img()
        answer = await client.txt2img(**detailed(True, False, FACE))
        expected = (
            "ADetailer model: face_yolov8n.pt, ADetailer confidence: 0.3, "
            "ADetailer dilate erode: 4, ADetailer mask blur: 4, "
            "ADetailer denoising strength: 0.4, ADetailer inpaint only masked: True, "
            "ADetailer inpaint padding: 32, ADetailer version: "
        )
        assert expected in answer.infotext
        assert len(answer.images) == 1
        assert answer.images[0].tobytes() != plain.images[0].tobytes()


async def test_adetailer_takes_tabs_with_or_without_its_switches() -> None:
    hand = {"ad_model": "hand_yolov8n.pt", "ad_prompt": "a hand, open", "ad_use_steps": True}
    async with opened() as client:
        text = (await client.txt2img(**detailed(FACE, hand))).infotext
        assert 'ADetailer prompt 2nd: "a hand, open"' in text
        assert "ADetailer use separate steps 2nd: True, ADetailer steps 2nd: 28" in text


@pytest.mark.parametrize(
    ("args", "claims"),
    [
        ([False, False, FACE], False),
        ([True, False, {"ad_model": "None"}], False),
        ([True, False], False),
        ([True, False, {**FACE, "ad_nonsense": 1}], False),
        ([True, False, {**FACE, "ad_confidence": 1.5}], False),
        ([True, False, {"ad_model": "no_such.pt"}], True),
    ],
)
async def test_adetailer_fails_in_silence(args: list[Any], claims: bool) -> None:
    async with opened() as client:
        plain = await client.txt2img()
        answer = await client.txt2img(**detailed(*args))
        assert (answer.status, "ADetailer" in answer.infotext) == (200, claims)
        assert answer.images[0].tobytes() == plain.images[0].tobytes()
