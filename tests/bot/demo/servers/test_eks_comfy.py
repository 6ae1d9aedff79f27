"""ComfyUI runtimes behind the EKS service: graphs in, pictures or a bare code out.

Contract aws, 1.2 and 1.5; contract comfyui, sections 9 and 11.
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.demo.servers.eks import Runtime
from tests.bot.demo.servers.eks_client import Client, Results, opened, opened_bucket, task

pytestmark = pytest.mark.asyncio(loop_scope="module")
MODEL = "sd_xl_base_1.0.safetensors"
GRAPH: dict[str, Any] = {
    "ck": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": MODEL}},
    "pos": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["ck", 1]}},
    "neg": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["ck", 1]}},
    "lat": {
        "class_type": "EmptyLatentImage",
        "inputs": {"width": 64, "height": 72, "batch_size": 1},
    },
    "ks": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["ck", 0],
            "positive": ["pos", 0],
            "negative": ["neg", 0],
            "latent_image": ["lat", 0],
            "seed": 7,
            "steps": 20,
            "cfg": 7.0,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1.0,
        },
    },
    "dec": {"class_type": "VAEDecode", "inputs": {"samples": ["ks", 0], "vae": ["ck", 2]}},
    "out": {
        "class_type": "SaveImage",
        "inputs": {"images": ["dec", 0], "filename_prefix": "easel/0b1c"},
    },
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def comfy() -> AsyncIterator[Client]:
    runtimes = {"comfy": Runtime(kind="comfy", model=MODEL)}
    async with (
        opened_bucket() as s3,
        opened(s3, "old", runtimes=runtimes, rate=1e4, burst=10_000) as client,
    ):
        yield client


def changed(**inputs: Any) -> dict[str, Any]:
    """The graph with another value, as ``node__input=value``."""
    graph = copy.deepcopy(GRAPH)
    for name, value in inputs.items():
        node, _, field = name.partition("__")
        graph[node]["inputs"][field] = value
    return graph


async def drawn(client: Client, graph: Any, kind: str = "pipeline") -> Results:
    return await client.drawn(task(kind, runtime="comfy", content=graph))


def shown(file: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(file))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["pipeline", "text-to-image"])
async def test_a_text_to_image_graph(comfy: Client, kind: str) -> None:
    found = await drawn(comfy, GRAPH, kind)
    assert found.out == {"code": 200}
    image = shown(found.files[0])
    assert (image.format, image.size) == ("PNG", (64, 72))
    # ComfyUI's own chunk, and no infotext.
    assert list(image.info) == ["prompt"]
    assert json.loads(image.info["prompt"]) == GRAPH
    assert found.keys[0].endswith("-1.png")


async def test_the_graph_decides_what_is_painted(comfy: Client) -> None:
    same = [(await drawn(comfy, GRAPH)).files[0] for _ in range(2)]
    assert same[0] == same[1]
    changes: list[dict[str, Any]] = [
        {"ks__seed": 8},
        {"ks__sampler_name": "euler"},
        {"pos__text": "a blue fox"},
        {"ck__ckpt_name": "dreamshaper_8.safetensors"},
    ]
    others = [shown((await drawn(comfy, changed(**row))).files[0]).tobytes() for row in changes]
    assert len({shown(same[0]).tobytes(), *others}) == 5


async def test_a_batch_is_of_different_pictures(comfy: Client) -> None:
    found = await drawn(comfy, changed(lat__batch_size=3, lat__width=133))
    assert len({shown(file).tobytes() for file in found.files}) == 3
    assert shown(found.files[0]).width == 128


async def test_two_outputs_and_a_second_pass(comfy: Client) -> None:
    graph = copy.deepcopy(GRAPH)
    graph["lu"] = {
        "class_type": "LatentUpscaleBy",
        "inputs": {"samples": ["ks", 0], "upscale_method": "nearest-exact", "scale_by": 1.5},
    }
    graph["k2"] = copy.deepcopy(graph["ks"])
    graph["k2"]["inputs"] |= {"latent_image": ["lu", 0], "denoise": 0.5}
    graph["d2"] = {"class_type": "VAEDecode", "inputs": {"samples": ["k2", 0], "vae": ["ck", 2]}}
    graph["o2"] = {
        "class_type": "SaveImage",
        "inputs": {"images": ["d2", 0], "filename_prefix": "large"},
    }
    found = await drawn(comfy, graph)
    assert [shown(file).size for file in found.files] == [(64, 72), (96, 112)]


def _without(*nodes: str) -> dict[str, Any]:
    return {key: node for key, node in GRAPH.items() if key not in nodes}


REFUSED: dict[str, Any] = {
    "unknown class": {**GRAPH, "x": {"class_type": "ImageMagic", "inputs": {}}},
    "wrapped": {"prompt": GRAPH},
    "of the page": {"nodes": [], "links": []},
    "empty": {},
    "a list": [GRAPH],
    "no output": _without("out"),
    "a node is missing": _without("pos"),
    "an input is missing": {**GRAPH, "dec": {"class_type": "VAEDecode", "inputs": {}}},
    "a wrong link": changed(ks__model=["ck", 1]),
    "no such output": changed(ks__model=["ck", 3]),
    "a broken link": changed(ks__model=[["ck"], 0]),
    "in circles": changed(ks__latent_image=["ks", 0]),
    "unknown checkpoint": changed(ck__ckpt_name="sd_xl_base_1.0"),
    "unknown sampler": changed(ks__sampler_name="DPM++ 2M"),
    "unknown scheduler": changed(ks__scheduler="automatic"),
    "a seed of -1": changed(ks__seed=-1),
    "no number": changed(ks__steps="many"),
    "too much CFG": changed(ks__cfg=101),
    "too small": changed(lat__width=8),
    "never sampled": changed(dec__samples=["lat", 0]),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_nobody_learns_why(comfy: Client, name: str) -> None:
    found = await drawn(comfy, REFUSED[name])
    assert (found.out, found.files) == ({"code": 500}, [])


async def test_what_fails_while_it_runs_is_a_success_without_pictures(comfy: Client) -> None:
    found = await drawn(comfy, changed(lat__width=8192))
    assert (found.out, found.files) == ({"code": 200}, [])


async def test_there_is_no_fetching_here(comfy: Client) -> None:
    found = await drawn(comfy, changed(pos__text="https://example.org/x.png"))
    assert (len(found.files), comfy.eks.fetched) == (1, [])
