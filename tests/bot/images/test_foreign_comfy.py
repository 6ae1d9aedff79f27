"""ComfyUI's pictures: a graph instead of a text, walked back from the sampler."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from bot.images.foreign import Reading, read_any
from tests.bot.images.test_foreign import png

Graph = dict[str, Any]


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


def link(name: str, output: int = 0) -> list[object]:
    return [name, output]


# Text to image as in ComfyUI's own first example.
PLAIN_GRAPH: Graph = {
    "ck": node("CheckpointLoaderSimple", ckpt_name="SDXL\\juggernautXL_v9.safetensors"),
    "pos": node("CLIPTextEncode", text="a red fox", clip=link("ck", 1)),
    "neg": node("CLIPTextEncode", text="blurry", clip=link("ck", 1)),
    "lat": node("EmptyLatentImage", width=832, height=1216, batch_size=1),
    "ks": node(
        "KSampler",
        model=link("ck"),
        positive=link("pos"),
        negative=link("neg"),
        latent_image=link("lat"),
        seed=1071208483241017,
        steps=20,
        cfg=7.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1.0,
    ),
    "dec": node("VAEDecode", samples=link("ks"), vae=link("ck", 2)),
    "out": node("SaveImage", images=link("dec"), filename_prefix="ComfyUI"),
}
PLAIN_SETTINGS = {
    "Steps": "20",
    "Sampler": "DPM++ 2M",
    "Schedule type": "Karras",
    "CFG scale": "7",
    "Seed": "1071208483241017",
    "Size": "832x1216",
    "Model": "juggernautXL_v9",
}


def read(graph: Graph) -> Reading:
    reading = read_any(png({"prompt": graph}))
    assert reading is not None
    assert reading.origin == "ComfyUI"
    return reading


def changed(**nodes: dict[str, object] | None) -> Graph:
    """The plain graph with other nodes; None takes one away."""
    graph = deepcopy(PLAIN_GRAPH) | nodes
    return {name: one for name, one in graph.items() if one is not None}


def sampler(**inputs: object) -> dict[str, object]:
    return node("KSampler", **PLAIN_GRAPH["ks"]["inputs"] | inputs)


def test_text_to_image() -> None:
    reading = read(PLAIN_GRAPH)

    assert (reading.prompt, reading.negative_prompt) == ("a red fox", "blurry")
    assert dict(reading.settings) == PLAIN_SETTINGS
    assert json.loads(reading.raw) == PLAIN_GRAPH


def test_loras_and_clip_skip_on_the_models_way() -> None:
    reading = read(
        changed(
            lo1=node("LoraLoader", model=link("ck"), lora_name="a.safetensors", strength_model=0.8),
            lo2=node("LoraLoader", model=link("lo1"), lora_name="x/b.safetensors"),
            cs=node("CLIPSetLastLayer", clip=link("lo2", 1), stop_at_clip_layer=-2),
            pos=node("CLIPTextEncode", text="a red fox", clip=link("cs")),
            ks=sampler(model=link("lo2")),
        )
    )

    assert reading.settings["LoRAs"] == "a:0.8, b:1"
    assert reading.settings["Clip skip"] == "2"
    assert reading.settings["Model"] == "juggernautXL_v9"


def test_of_two_passes_the_first_counts() -> None:
    reading = read(
        changed(
            up=node("LatentUpscaleBy", samples=link("ks"), scale_by=1.5),
            k2=sampler(latent_image=link("up"), denoise=0.5, seed=2, steps=8),
            dec=node("VAEDecode", samples=link("k2"), vae=link("ck", 2)),
            early=node("VAEDecode", samples=link("ks"), vae=link("ck", 2)),
            peek=node("PreviewImage", images=link("early")),
        )
    )

    assert dict(reading.settings) == PLAIN_SETTINGS


def test_image_to_image_has_a_denoising_strength() -> None:
    reading = read(
        changed(
            ld=node("LoadImage", image="x.png"),
            lat=node("VAEEncode", pixels=link("ld"), vae=link("ck", 2)),
            ks=sampler(denoise=0.6),
        )
    )

    assert reading.settings["Denoising strength"] == "0.6"
    assert "Size" not in reading.settings


def test_flux_with_its_own_sampler_nodes() -> None:
    reading = read(
        {
            "un": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
            "pos": node("CLIPTextEncode", text="a red fox", clip=link("cl")),
            "gu": node("FluxGuidance", conditioning=link("pos"), guidance=3.5),
            "bg": node("BasicGuider", model=link("un"), conditioning=link("gu")),
            "no": node("RandomNoise", noise_seed=99),
            "se": node("KSamplerSelect", sampler_name="euler"),
            "sc": node(
                "BasicScheduler", model=link("un"), scheduler="simple", steps=25, denoise=1.0
            ),
            "lat": node("EmptySD3LatentImage", width=1024, height=768, batch_size=1),
            "sa": node(
                "SamplerCustomAdvanced",
                noise=link("no"),
                guider=link("bg"),
                sampler=link("se"),
                sigmas=link("sc"),
                latent_image=link("lat"),
            ),
            "dec": node("VAEDecode", samples=link("sa")),
            "out": node("SaveImage", images=link("dec")),
        }
    )

    assert (reading.prompt, reading.negative_prompt) == ("a red fox", "")
    assert dict(reading.settings) == {
        "Steps": "25",
        "Sampler": "Euler",
        "Schedule type": "Simple",
        "Distilled CFG Scale": "3.5",
        "Seed": "99",
        "Size": "1024x768",
        "Model": "flux1-dev",
    }


def test_a_zeroed_negative_prompt_is_none() -> None:
    reading = read(changed(neg=node("ConditioningZeroOut", conditioning=link("pos"))))

    assert (reading.prompt, reading.negative_prompt) == ("a red fox", "")


def test_words_and_numbers_from_little_nodes() -> None:
    reading = read(
        changed(
            w1=node("PrimitiveString", value="a red fox"),
            w2=node("ImpactWildcardProcessor", wildcard_text="__x__", populated_text="in snow"),
            cat=node(
                "StringConcatenate", string_a=link("w1"), string_b=link("w2"), delimiter=" — "
            ),
            show=node("Reroute", **{"": link("cat")}),
            pos=node("CLIPTextEncode", text=link("cat"), clip=link("ck", 1)),
            seed=node("Seed (rgthree)", seed=5),
            way=node("Reroute", **{"": link("seed")}),
            steps=node("PrimitiveInt", value=12),
            ks=sampler(seed=link("way"), steps=link("steps")),
        )
    )

    assert reading.prompt == "a red fox — in snow"
    assert (reading.infotext.seed, reading.infotext.steps) == (5, 12)


def test_prompts_keep_their_sides_through_a_node_that_has_both() -> None:
    control = node("ControlNetApplyAdvanced", positive=link("pos"), negative=link("neg"))
    reading = read(changed(cn=control, ks=sampler(positive=link("cn"), negative=link("cn", 1))))

    assert (reading.prompt, reading.negative_prompt) == ("a red fox", "blurry")


def test_two_prompts_combined_are_both_told_and_twins_once() -> None:
    reading = read(
        changed(
            p2=node("CLIPTextEncodeSDXL", text_g="in snow", text_l="in snow"),
            co=node("ConditioningCombine", conditioning_1=link("pos"), conditioning_2=link("p2")),
            ks=sampler(positive=link("co")),
        )
    )

    assert reading.prompt == "a red fox, in snow"


def test_a_loader_that_holds_the_prompts_itself() -> None:
    reading = read(
        {
            "ld": node(
                "Efficient Loader",
                ckpt_name="x.ckpt",
                positive="a red fox",
                negative="blurry",
                empty_latent_width=512,
                empty_latent_height=768,
            ),
            "ks": node(
                "KSampler (Efficient)",
                **PLAIN_GRAPH["ks"]["inputs"]
                | {
                    "model": link("ld"),
                    "positive": link("ld", 1),
                    "negative": link("ld", 2),
                    "latent_image": link("ld", 3),
                },
            ),
            "out": node("SaveImage", images=link("ks", 5)),
        }
    )

    assert (reading.prompt, reading.negative_prompt) == ("a red fox", "blurry")
    assert reading.settings["Size"] == "512x768"
    assert reading.settings["Model"] == "x"


# -- what a graph may lack -------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PLAIN_GRAPH if name != "ks"])
def test_any_missing_node_leaves_the_rest(name: str) -> None:
    reading = read(changed(**{name: None}))

    assert reading.settings["Steps"] == "20"
    assert reading.prompt == ("" if name == "pos" else "a red fox")


def test_a_graph_without_a_sampler_is_still_comfyuis() -> None:
    reading = read(changed(ks=None))

    assert (reading.prompt, dict(reading.settings)) == ("", {})


def test_circles_are_walked_once() -> None:
    reading = read(
        changed(
            pos=node("ConditioningCombine", conditioning_1=link("pos"), conditioning_2=link("p2")),
            p2=node("CLIPTextEncode", text=link("p3")),
            p3=node("StringConcatenate", string_a=link("p2"), string_b="a fox", delimiter=" "),
            lat=node("LatentUpscaleBy", samples=link("ks")),
            seed=node("Reroute", **{"": link("seed")}),
            ks=sampler(seed=link("seed"), model=link("ks")),
        )
    )

    assert reading.prompt == "a fox"
    assert "Seed" not in reading.settings


def test_values_of_wrong_types_are_left_out() -> None:
    reading = read(
        changed(
            ks=sampler(steps="20", cfg=None, seed=True, sampler_name=5, scheduler=["x"]),
            lat=node("EmptyLatentImage", width=-8, height=10**9),
            pos=node("CLIPTextEncode", text={"a": 1}),
        )
    )

    assert dict(reading.settings) == {"Model": "juggernautXL_v9"}
    assert reading.prompt == ""
