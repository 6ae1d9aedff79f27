"""Where ComfyUI's graph stands in files: chunks, tags made for cameras, the page's workflow."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from bot.images.foreign import read_any
from tests.bot.images import pictures
from tests.bot.images.pictures import FROM_WEB_UI
from tests.bot.images.test_foreign import png
from tests.bot.images.test_foreign_comfy import PLAIN_GRAPH, PLAIN_SETTINGS, read


def test_infotext_beside_a_graph_is_the_plainer_one() -> None:
    reading = read_any(png({"prompt": PLAIN_GRAPH, "parameters": FROM_WEB_UI}))

    assert reading is not None
    assert (reading.origin, reading.prompt) == ("ComfyUI", "a photo of a cat, (detailed:1.2)")


def test_an_animated_png_has_chunks_of_its_own_kind() -> None:
    assert read_any(png({"prompt": PLAIN_GRAPH}, kind=b"comf")) == read(PLAIN_GRAPH)


@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
def test_webp_and_jpeg_use_tags_made_for_cameras(kind: str) -> None:
    block = Image.Exif()
    block[0x010F] = "workflow:" + json.dumps({"nodes": [], "links": []})
    block[0x0110] = "prompt:" + json.dumps(PLAIN_GRAPH)
    reading = read_any(pictures.encoded(pictures.gradient(), kind, exif=block))

    assert reading == read(PLAIN_GRAPH)


def test_some_savers_put_both_into_the_comment() -> None:
    comment = json.dumps({"prompt": PLAIN_GRAPH, "workflow": {}})
    exif = pictures.exif(b"UNICODE\0" + comment.encode("utf-16-be"))
    reading = read_any(pictures.jpeg(exif=exif))

    assert reading is not None
    assert dict(reading.settings) == PLAIN_SETTINGS


WORKFLOW = {
    "nodes": [
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["x.safetensors"]},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [512, 768, 1]},
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a red fox"]},
        {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["blurry"]},
        {"id": 8, "type": "CLIPTextEncode", "widgets_values": ["switched off"], "mode": 4},
        {
            "id": 3,
            "type": "KSampler",
            "widgets_values": [7, "randomize", 20, 8, "euler_ancestral", "normal", 1],
            "inputs": [
                {"name": "model", "link": 1},
                {"name": "positive", "link": 4},
                {"name": "negative", "link": 6},
                {"name": "latent_image", "link": 2},
            ],
        },
    ],
    "links": [
        [1, 4, 0, 3, 0, "MODEL"],
        [4, 6, 0, 3, 1, "CONDITIONING"],
        [6, 7, 0, 3, 2, "CONDITIONING"],
        [2, 5, 0, 3, 3, "LATENT"],
    ],
}


def test_the_pages_workflow_alone_is_read_too() -> None:
    reading = read_any(png({"workflow": WORKFLOW}))

    assert reading is not None
    assert (reading.prompt, reading.negative_prompt) == ("a red fox", "blurry")
    assert dict(reading.settings) == {
        "Steps": "20",
        "Sampler": "Euler a",
        "Schedule type": "Normal",
        "CFG scale": "8",
        "Seed": "7",
        "Size": "512x768",
        "Model": "x",
    }
