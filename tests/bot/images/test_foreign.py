"""Pictures from elsewhere: each program's own record, read in the web UI's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

import pytest

from bot.images import pnginfo
from bot.images.foreign import Reading, from_infotext, read_any
from bot.images.infotext import Infotext
from tests.bot.images import pictures
from tests.bot.images.pictures import CONTAINERS, FROM_SD_CPP, FROM_WEB_UI, PLAIN


def png(texts: Mapping[str, object], kind: bytes = b"tEXt") -> bytes:
    """A PNG with these texts; what is no string is written as JSON."""
    pieces = (
        name.encode() + b"\0" + (text if isinstance(text, str) else json.dumps(text)).encode()
        for name, text in texts.items()
    )
    chunks = b"".join(pictures.chunk(kind, piece) for piece in pieces)
    return pictures.before(b"IDAT", PLAIN["png"], chunks)


def read(texts: Mapping[str, object]) -> Reading:
    reading = read_any(png(texts))
    assert reading is not None
    return reading


# -- infotext: A1111 and those who write as it does ------------------------------------------------


@pytest.mark.parametrize("name", CONTAINERS)
def test_infotext_is_read_from_every_kind_of_file(name: str) -> None:
    reading = read_any(pnginfo.embed(PLAIN[name], FROM_WEB_UI))

    assert reading is not None
    assert reading.origin == "A1111"
    assert reading.prompt == "a photo of a cat, (detailed:1.2)"
    assert reading.negative_prompt == "blurry"
    assert reading.settings["Sampler"] == "DPM++ 2M"
    assert reading.settings["Size"] == "64x64"
    assert reading.raw == FROM_WEB_UI


TAIL = "Steps: 4, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64"


@pytest.mark.parametrize(
    ("more", "origin"),
    [
        ("", "A1111"),
        ("Version: v1.10.1", "A1111"),
        ("Version: f2.0.1v1.10.1-previous-665-gae278f79", "Forge"),
        ("Version: neo", "Forge"),
        ("Backend: Diffusers, App: SD.Next, Version: 04a5071, Pipeline: Chroma", "SD.Next"),
        ("Version: ComfyUI", "ComfyUI"),
        ("Version: Fooocus v2.5.5", "Fooocus"),
        ("Version: Easel 0.1", "Easel"),
        ('Civitai resources: "[{}]"', "Civitai"),
    ],
)
def test_the_program_is_told_by_its_version(more: str, origin: str) -> None:
    text = f"a fox\n{TAIL}" + (f", {more}" if more else "")

    assert read({"parameters": text}).origin == origin


def test_stable_diffusion_cpp_is_read_without_its_smuggled_keys() -> None:
    reading = read({"parameters": FROM_SD_CPP})

    assert reading.origin == "stable-diffusion.cpp"
    assert reading.settings["Sampler"] == "Euler a", "its own id is euler_a"
    assert reading.settings["Seed"] == "1"


def test_an_old_sampler_name_becomes_sampler_and_schedule() -> None:
    reading = from_infotext("a fox\nSteps: 20, Sampler: DPM++ SDE Karras, Seed: 1, Size: 8x8")

    assert reading is not None
    assert reading.settings["Sampler"] == "DPM++ SDE"
    assert reading.settings["Schedule type"] == "Karras"


def test_sd_nexts_own_keys_become_infotexts() -> None:
    reading = from_infotext(
        f"a fox\n{TAIL}, Variation seed: 3, Variation strength: 0.2, Hires scale: 2, App: SD.Next"
    )

    assert reading is not None
    assert reading.settings["Variation seed strength"] == "0.2"
    assert reading.settings["Hires upscale"] == "2"


def test_a_reading_gives_typed_values_through_infotext() -> None:
    infotext = read({"parameters": FROM_WEB_UI}).infotext

    assert isinstance(infotext, Infotext)
    assert (infotext.seed, infotext.steps, infotext.size) == (42, 4, (64, 64))


def test_a_prompt_without_settings_counts_in_its_own_chunk_only() -> None:
    camera = pictures.jpeg(exif=pictures.exif(b"ASCII\0\0\0Screenshot"))

    assert read_any(png({"parameters": "a lonely fox"})) == Reading(
        "A1111", "a lonely fox", raw="a lonely fox"
    )
    assert read_any(camera) is None


# -- NovelAI ---------------------------------------------------------------------------------------

NOVELAI = {
    "prompt": "1girl, {silver hair}",
    "steps": 28,
    "height": 1216,
    "width": 832,
    "scale": 5.0,
    "uncond_scale": 1.0,
    "seed": 3816166865,
    "n_samples": 1,
    "noise_schedule": "karras",
    "sampler": "k_euler_ancestral",
    "sm": False,
    "uc": "lowres, bad hands",
    "request_type": "PromptGenerateRequest",
}
NOVELAI_CHUNKS = {
    "Title": "AI generated image",
    "Description": "1girl, {silver hair}",
    "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4 37442FCA",
    "Comment": NOVELAI,
}


def test_novelai() -> None:
    reading = read(NOVELAI_CHUNKS)

    assert reading.origin == "NovelAI"
    assert reading.prompt == "1girl, {silver hair}"
    assert reading.negative_prompt == "lowres, bad hands"
    assert dict(reading.settings) == {
        "Steps": "28",
        "Sampler": "Euler a",
        "Schedule type": "Karras",
        "CFG scale": "5",
        "Seed": "3816166865",
        "Size": "832x1216",
        "Model": "NovelAI Diffusion V4 37442FCA",
    }


def test_novelai_4_has_a_prompt_for_each_character() -> None:
    people = [{"char_caption": "girl, silver hair", "centers": []}, {"char_caption": "cat"}]
    v4 = {"caption": {"base_caption": "a garden", "char_captions": people}}
    reading = read({**NOVELAI_CHUNKS, "Comment": {**NOVELAI, "v4_prompt": v4}})

    assert reading.prompt == "a garden | girl, silver hair | cat"


def test_novelai_whose_comment_is_broken_still_has_its_description() -> None:
    reading = read({**NOVELAI_CHUNKS, "Comment": '{"uc": "low'})

    assert reading.prompt == "1girl, {silver hair}"
    assert dict(reading.settings) == {"Model": "NovelAI Diffusion V4 37442FCA"}


def test_novelais_webp_has_its_chunks_as_one_object() -> None:
    record = {**NOVELAI_CHUNKS, "Comment": json.dumps(NOVELAI)}
    reading = read_any(pnginfo.embed(PLAIN["webp-lossy"], json.dumps(record)))

    assert reading is not None
    assert reading.origin == "NovelAI"
    assert reading.infotext.size == (832, 1216)


# -- InvokeAI, three generations -------------------------------------------------------------------

INVOKEAI = {
    "generation_mode": "sdxl_img2img",
    "positive_prompt": "a lighthouse, storm",
    "negative_prompt": "people",
    "width": 1024,
    "height": 768,
    "seed": 7,
    "cfg_scale": 6.5,
    "steps": 30,
    "scheduler": "dpmpp_2m_sde_k",
    "clip_skip": 1,
    "strength": 0.55,
    "model": {"key": "0-1", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"},
    "loras": [{"model": {"name": "inky"}, "weight": 0.75}],
    "app_version": "5.4.2",
}


def test_invokeai() -> None:
    reading = read({"invokeai_metadata": INVOKEAI, "invokeai_graph": {"nodes": {}}})

    assert reading.origin == "InvokeAI"
    assert (reading.prompt, reading.negative_prompt) == ("a lighthouse, storm", "people")
    assert dict(reading.settings) == {
        "Steps": "30",
        "Sampler": "DPM++ 2M SDE",
        "Schedule type": "Karras",
        "CFG scale": "6.5",
        "Seed": "7",
        "Size": "1024x768",
        "Model": "Juggernaut XL v9",
        "Denoising strength": "0.55",
        "Clip skip": "2",
        "LoRAs": "inky:0.75",
        "Version": "5.4.2",
    }


def test_invokeai_3_named_its_model_otherwise() -> None:
    reading = read({"invokeai_metadata": {**INVOKEAI, "model": {"model_name": "sd-1/main/x"}}})

    assert reading.settings["Model"] == "x"


def test_invokeai_2() -> None:
    record = {
        "model": "stable diffusion",
        "model_weights": "stable-diffusion-1.5",
        "model_hash": "cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516",
        "app_version": "2.2.0",
        "image": {
            "prompt": [{"prompt": "a barn owl [blurry, [x]", "weight": 1.0}],
            "steps": 50,
            "cfg_scale": 7.5,
            "sampler": "k_dpmpp_2",
            "seed": 2875001,
            "width": 512,
            "height": 640,
        },
    }
    reading = read({"sd-metadata": record, "Dream": '"a barn owl" -s 50'})

    assert (reading.prompt, reading.negative_prompt) == ("a barn owl [blurry,", "x")
    assert reading.settings["Sampler"] == "k_dpmpp_2", "a name that nobody knows stays"
    assert reading.infotext.size == (512, 640)


@pytest.mark.parametrize("gap", [" ", ""])
def test_invokeai_1_wrote_its_command_line(gap: str) -> None:
    options = {"s": 50, "S": 42, "W": 512, "H": 704, "C": 7.5, "A": "k_euler_a"}
    line = '"a "red" barn [fog] [rain]" ' + " ".join(f"-{k}{gap}{v}" for k, v in options.items())
    reading = read({"Dream": line})

    assert (reading.prompt, reading.negative_prompt) == ('a "red" barn', "fog, rain")
    assert dict(reading.settings) == {
        "Steps": "50",
        "Sampler": "Euler a",
        "CFG scale": "7.5",
        "Seed": "42",
        "Size": "512x704",
    }


# -- SwarmUI, Fooocus, Draw Things -----------------------------------------------------------------


def test_swarmui() -> None:
    params = {
        "prompt": "a red car",
        "negativeprompt": "blurry",
        "model": "Flux/flux1-dev-fp8.safetensors",
        "seed": 777,
        "steps": 25,
        "cfgscale": 0.8,
        "width": 512,
        "height": 768,
        "sampler": "euler",
        "scheduler": "simple",
        "swarm_version": "0.9.1.1",
    }
    reading = read({"parameters": {"sui_image_params": params}})

    assert (reading.origin, reading.prompt) == ("SwarmUI", "a red car")
    assert reading.settings["Model"] == "flux1-dev-fp8"
    assert (reading.settings["Sampler"], reading.settings["Schedule type"]) == ("Euler", "Simple")


def test_fooocus() -> None:
    record = {
        "base_model": "juggernautXL_v8Rundiffusion",
        "guidance_scale": 4,
        "negative_prompt": "",
        "prompt": "an astronaut",
        "resolution": "(1152, 896)",
        "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "seed": "12",
        "steps": 30,
        "version": "Fooocus v2.5.5",
    }
    reading = read({"parameters": record, "fooocus_scheme": "fooocus"})

    assert (reading.origin, reading.prompt, reading.negative_prompt) == (
        "Fooocus",
        "an astronaut",
        "",
    )
    assert reading.settings["Sampler"] == "DPM++ 2M SDE"
    assert reading.infotext.size == (1152, 896)


def test_draw_things() -> None:
    record = {
        "c": 'a "red" cube',
        "uc": "blue",
        "model": "sd_v1.5_f16.ckpt",
        "sampler": "Euler a",
        "scale": 4.5,
        "seed": 2441935286,
        "size": "64x32",
        "steps": 8,
        "strength": 1,
    }
    xmp = (
        "<x:xmpmeta><rdf:RDF><rdf:Description><xmp:CreatorTool>Draw Things</xmp:CreatorTool>"
        '<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">'
        f"{escape(json.dumps(record))}</rdf:li></rdf:Alt></exif:UserComment>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    body = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp.encode()
    data = pictures.before(b"IDAT", PLAIN["png"], pictures.chunk(b"iTXt", body))
    reading = read_any(data)

    assert reading is not None
    assert (reading.origin, reading.prompt) == ("Draw Things", 'a "red" cube')
    assert reading.infotext.size == (64, 32)
    assert "Denoising strength" not in reading.settings
