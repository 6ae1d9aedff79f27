"""How a job is handed in to the first generation: two steps, one step, or as the document says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.backends import sd_extension_submission
from bot.backends.sd_extension import SdExtension
from bot.demo.servers.extension import Endpoint
from bot.errors import BackendFailed
from bot.images.infotext import Infotext
from tests.bot.backends.cloud import Slip
from tests.bot.backends.sd_extension_cloud import (
    MODEL,
    cloud,
    hurry,
    order,
    painted,
    source,
)
from tests.bot.backends.tiny_server import Asked, Says, TinyServer, backend_settings
from tests.bot.images import pictures

DOCUMENTED, SERVED = "/inference/v2", "/inference-api/inference"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


async def test_two_steps() -> None:
    async with cloud("v1.3") as server:
        slip = Slip()
        async with server.painter(extension={"flow": "two-step"}) as painter:
            await painted(painter, order(), slip)
        (job_id,) = server.started
        assert server.paths("POST") == [DOCUMENTED]
        assert server.paths("PUT") == [f"{DOCUMENTED}/{job_id}/run"]
    notes = [json.loads(note) for note in slip.notes]
    assert [(n["id"], n["flow"], n["started"]) for n in notes] == [
        (job_id, "two-step", False),
        (job_id, "two-step", True),
    ]


async def test_one_step() -> None:
    async with cloud("v1.3") as server:
        slip = Slip()
        async with server.painter(extension={"flow": "one-step"}) as painter:
            (found,) = await painted(painter, order(prompt="a <lora:add_detail:1> fox"), slip)
        (job_id,) = server.started
        assert server.paths("POST") == [SERVED]
        assert server.paths("PUT") == []
        payload = server.service.submitted[0]["payload"]
    assert Infotext.parse(found.infotext).seed == 42
    assert payload["sagemaker_endpoint_name"] == "infer-endpoint-demo", "it chooses none itself"
    assert payload["models"]["Lora"] == ["add_detail.safetensors"]
    assert payload["hr_upscaler"] == "Latent", "the template's fields lie under ours"
    notes = [json.loads(note) for note in slip.notes]
    assert [(n["id"], n["started"]) for n in notes] == [(None, False), (job_id, True)]


async def test_the_documents_body_is_tried_once_and_the_answer_remembered() -> None:
    async with cloud("v1.3") as server:
        async with server.painter() as painter:
            await painted(painter, order(), Slip())
            await painted(painter, order(), Slip())
        async with server.painter() as painter:
            await painted(painter, order(), Slip())
        posts = server.paths("POST")
        assert len(server.started) == 3
    assert posts == [DOCUMENTED] * 4, "the first was refused: unexpected keyword argument"
    assert server.memory.held == {"flow:cloud": "two-step"}


async def test_a_large_picture_goes_in_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd_extension_submission, "ONE_STEP_BYTES", 300)
    async with cloud("v1.3") as server:
        asked = order(kind="img2img", denoising_strength=0.5)
        await server.paint(asked, source(), extension={"flow": "one-step"})
        assert server.paths("POST") == [DOCUMENTED]


async def test_one_step_names_a_machine_that_is_in_service() -> None:
    rows = [Endpoint("asleep", status="Updating"), Endpoint("awake")]
    async with cloud("v1.3", endpoints=rows) as server:
        await server.paint(extension={"flow": "one-step"})
        assert server.service.submitted[0]["endpoint"] == "awake"


async def test_one_step_with_a_model_that_is_gone() -> None:
    """The cause is lost there: no s3 location is generated."""
    async with cloud("v1.3") as server:
        slip = Slip()
        async with server.painter(extension={"flow": "one-step"}) as painter:
            await painter.probe()
            server.service.checkpoints.clear()
            with pytest.raises(BackendFailed, match="no s3 location is generated"):
                await painted(painter, order(), slip)
        assert server.started == []
    assert slip.left == "", "nothing began, and the next try knows it"


# -- a server that is as the document describes it -------------------------------------------------

JOB = "1f9679f3-25b8-4c44-8345-0a845da30094"


@asynccontextmanager
async def as_documented(server: TinyServer) -> AsyncIterator[SdExtension]:
    """Bare lists, flat answers, one step at `/inference/v2`; a gateway that knows nothing else."""
    url = server.url
    info = {"infotexts": [f"a fox\nSteps: 2, Sampler: Euler, Seed: 7, Model: {MODEL}"]}
    row = {"InferenceJobId": JOB, "taskType": "txt2img", "image_names": ["image_0.jpg"]}
    left = ["inprocess", "succeed"]

    async def look(_: web.Request) -> web.StreamResponse:
        return Says(row | {"status": left.pop(0)}).response()

    server.otherwise = Says({"message": "Missing Authentication Token"}, 403)
    models = [{"id": "1", "name": [f"{MODEL}.ckpt"], "type": "Stable-diffusion"}]
    server.table |= {
        "GET /inference/test-connection": Says({"message": "Success"}),
        "GET /checkpoints": Says({"statusCode": 200, "checkpoints": models}),
        "GET /endpoints": Says([{"endpoint_name": "infer-1", "endpoint_status": "InService"}]),
        "POST /inference/v2": Says(
            {"inference_id": JOB, "status": "inprogress", "endpoint_name": "infer-1"}
        ),
        "GET /inference/get-inference-job": look,
        "GET /inference/get-inference-job-image-output": Says([f"{url}/image_0.jpg"]),
        "GET /inference/get-inference-job-param-output": Says([f"{url}/param.json"]),
        "GET /image_0.jpg": Says(pictures.jpeg(), content_type="binary/octet-stream"),
        "GET /param.json": Says({"parameters": {}, "info": json.dumps(info)}),
    }
    painter = SdExtension(backend_settings(url, kind="sd-extension", auth={"api_key": "k"}))
    try:
        yield painter
    finally:
        await painter.close()


async def test_the_document_to_the_letter(server: TinyServer) -> None:
    slip = Slip()
    async with as_documented(server) as painter:
        (found,) = await painted(painter, order(), slip)
    body = handed_in(server.asked)
    assert body["prompt"] == "a fox"
    assert body["models"]["Stable-diffusion"] == [f"{MODEL}.ckpt"]
    assert (body["task_type"], body["sagemaker_endpoint_name"]) == ("txt2img", "infer-1")
    assert (found.media_type, found.seed) == ("image/jpeg", 7)
    assert json.loads(slip.notes[-1])["id"] == JOB


def handed_in(asked: list[Asked]) -> Any:
    """The one body of a job; and nobody but the gateway has heard the key."""
    assert {a.path for a in asked if "x-api-key" not in a.headers} == {
        "/image_0.jpg",
        "/param.json",
    }
    (posted,) = [a for a in asked if a.method == "POST"]
    assert posted.headers["Authorization"] == "Bearer 617069", "BASE16 of api"
    return posted.json
