"""Inference as v1.3.0 really serves it, in two steps and in one (contract aws, 2.2)."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.demo.servers.extension import Endpoint
from bot.demo.servers.s3 import DemoS3
from tests.bot.demo.servers.extension_client import (
    MODEL,
    MODELS,
    SMALL,
    Client,
    serving,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENDPOINT = "infer-endpoint-demo"
PREPARE = {
    "task_type": "txt2img",
    "models": MODELS,
    "sagemaker_endpoint_name": ENDPOINT,
    "filters": {},
}
ONE_STEP = {**{key: value for key, value in PREPARE.items() if key != "filters"}, **SMALL}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def s3() -> AsyncIterator[DemoS3]:
    s3 = DemoS3(bucket="easel-extension-classic")
    await s3.start()
    yield s3
    await s3.close()


@pytest_asyncio.fixture(loop_scope="module")
async def client(s3: DemoS3) -> AsyncIterator[Client]:
    async with serving(s3, "v1.3") as client:
        yield client


async def prepared(client: Client, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/inference/v2", {**PREPARE, **changes})
    assert answer.status == 200
    found: dict[str, Any] = answer.json["inference"]
    return found


async def run(client: Client, body: Any, **changes: Any) -> str:
    """Prepare, upload and run a job; its id."""
    job = await prepared(client, **changes)
    assert await client.upload(job["api_params_s3_upload_url"], body) == 200
    assert (await client.put(f"/inference/v2/{job['id']}/run")).json["statusCode"] == 200
    return str(job["id"])


async def ended(client: Client, job_id: str) -> dict[str, Any]:
    """The row of a job at its end."""
    final = ("succeed", "failed")
    await until(lambda: client.server.jobs[job_id].status in final)
    found: dict[str, Any] = (await client.get(f"/inference/get-inference-job?jobID={job_id}")).json
    return found


async def outputs(client: Client, what: str, job_id: str) -> Any:
    return (await client.get(f"/inference/get-inference-job-{what}-output?jobID={job_id}")).json


# --- flow A: prepare, upload, run


async def test_prepare_gives_an_id_and_a_place_for_the_body(client: Client) -> None:
    job = await prepared(client, models={**MODELS, "VAE": ["Automatic"]})
    assert set(job) == {
        "id", "type", "api_params_s3_location", "api_params_s3_upload_url", "models",
    }  # fmt: skip
    location = f"s3://{client.s3.bucket}/txt2img/infer_v2/{job['id']}/api_param.json"
    assert (job["type"], job["api_params_s3_location"]) == ("txt2img", location)
    assert [(row["name"], row["type"]) for row in job["models"]] == [
        ([MODEL], "Stable-diffusion"),
        (["Automatic"], "VAE"),
    ]
    row = (await client.get(f"/inference/get-inference-job?jobID={job['id']}")).json
    assert row["status"] == "created"
    assert "image_names" not in row and "completeTime" not in row


async def test_the_upload_takes_no_content_type(client: Client) -> None:
    job = await prepared(client)
    url = job["api_params_s3_upload_url"]
    assert await client.upload(url, SMALL, **{"Content-Type": "application/json"}) == 403
    assert await client.upload(url, SMALL) == 200


async def test_a_picture_in_two_steps(client: Client) -> None:
    job_id = await run(client, SMALL)
    row = await ended(client, job_id)
    assert (row["status"], row["taskType"], row["image_names"]) == (
        "succeed", "txt2img", ["image_0.jpg"],
    )  # fmt: skip
    assert row["params"]["used_models"]["Stable-diffusion"][0]["model_name"] == MODEL
    assert row["params"]["output_path"].startswith(f"s3://{client.s3.bucket}/sagemaker_output/")
    assert row["sagemakerRaw"].startswith("{'awsRegion'"), "a repr, no JSON"
    [url] = await outputs(client, "image", job_id)
    data = await client.download(url)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (64, 64))
        comment = picture.getexif().get_ifd(0x8769)[0x9286]
    assert comment.startswith(b"UNICODE\0")
    infotext = comment[8:].decode("utf-16-be")
    assert infotext.startswith("a cat\nSteps: 2")
    assert "Seed: 42" in infotext and "Model: dreamshaper_8" in infotext
    [url] = await outputs(client, "param", job_id)
    found = json.loads(await client.download(url))
    assert set(found) == {"parameters", "info", "endpont_name", "inference_id", "sns_info"}
    assert found["endpont_name"] == ENDPOINT
    assert json.loads(found["info"])["infotexts"] == [infotext]
    assert client.server.submitted[-1]["payload"] == SMALL


async def test_the_original_loses_the_infotext(s3: DemoS3) -> None:
    async with serving(s3, "v1.3", keeps_infotext=False, paint_seconds=0.0) as client:
        job_id = await run(client, SMALL)
        await ended(client, job_id)
        data = await s3.get(f"out/{job_id}/result/image_0.jpg")
        with Image.open(io.BytesIO(data or b"")) as picture:
            assert not picture.getexif()


async def test_the_checkpoint_of_the_job_paints(client: Client) -> None:
    models = {"Stable-diffusion": ["meinamix_v11.safetensors"], "Lora": ["add_detail.safetensors"]}
    job_id = await run(client, {**SMALL, "batch_size": 2}, models=models)
    row = await ended(client, job_id)
    assert row["image_names"] == ["image_0.jpg", "image_1.jpg"]
    info = json.loads(await client.download((await outputs(client, "param", job_id))[0]))["info"]
    assert json.loads(info)["sd_model_name"] == "meinamix_v11"


async def test_an_image_to_image_job_has_its_source_within(client: Client) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 40, 40)).save(buffer, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    body = {**SMALL, "init_images": [source], "denoising_strength": 0.5}
    job_id = await run(client, body, task_type="img2img")
    assert (await ended(client, job_id))["status"] == "succeed"
    assert client.server.jobs[job_id].input_key.startswith("img2img/infer_v2/")


async def test_an_upscaled_picture_is_made_and_lost(client: Client) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    body = {"image": base64.b64encode(buffer.getvalue()).decode(), "upscaling_resize": 2}
    job_id = await run(client, body, task_type="extra-single-image", models={})
    row = await ended(client, job_id)
    assert row["status"] == "succeed"
    assert "image_names" not in row
    assert await outputs(client, "image", job_id) == []


async def test_an_empty_name_takes_an_endpoint_of_the_user(client: Client) -> None:
    job = await prepared(client, sagemaker_endpoint_name="", user_id="easel")
    assert client.server.jobs[job["id"]].endpoint.name == ENDPOINT
    asked = {**PREPARE, "sagemaker_endpoint_name": "", "user_id": "guest"}
    answer = await client.post("/inference/v2", asked)
    assert answer.json == {
        "statusCode": 500,
        "errMsg": 'no available Endpoints for user "guest"',
    }


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        (
            {"models": {"Stable-diffusion": ["nope.safetensors"]}},
            400,
            ["checkpoint with name nope.safetensors, type Stable-diffusion is not found"],
        ),
        (
            {"models": {"Stable-diffusion": ["half_uploaded.safetensors"]}},
            400,
            ["checkpoint with name half_uploaded.safetensors, type Stable-diffusion is not found"],
        ),
        ({"sagemaker_endpoint_name": "nope"}, 500, "list index out of range"),
        (
            {"sagemaker_endpoint_name": "slow"},
            500,
            "sagemaker endpoint is not ready with status: Creating",
        ),
        (
            {"task_type": "txt2video"},
            400,
            "task type txt2video should be in ['extra-single-image', 'extra-batch-images', "
            "'rembg'] or ['txt2img', 'img2img']",
        ),
    ],
)
async def test_nos_of_prepare_come_in_a_200(
    client: Client, changes: dict[str, Any], status: int, words: object
) -> None:
    client.server.endpoints.append(Endpoint("slow", status="Creating"))
    answer = await client.post("/inference/v2", {**PREPARE, **changes})
    assert answer.status == 200
    assert answer.json == {"statusCode": status, "errMsg": words}


async def test_the_documents_example_is_refused_by_flow_a(client: Client) -> None:
    answer = await client.post("/inference/v2", {**PREPARE, "prompt": "a cute panda"})
    assert answer.status == 200
    assert answer.json["errorType"] == "TypeError"
    words = answer.json["errorMessage"]
    assert words.endswith("__init__() got an unexpected keyword argument 'prompt'")
    body = {key: value for key, value in PREPARE.items() if key != "filters"}
    words = (await client.post("/inference/v2", body)).json["errorMessage"]
    assert words.endswith("__init__() missing 1 required positional argument: 'filters'")


async def test_run_of_an_unknown_job(client: Client) -> None:
    answer = await client.put("/inference/v2/nope/run")
    assert (answer.status, answer.json["errorMessage"]) == (200, "")
    assert answer.json["errorType"] == "AssertionError"


async def test_a_job_without_its_body_fails(client: Client) -> None:
    job = await prepared(client)
    await client.put(f"/inference/v2/{job['id']}/run")
    row = await ended(client, job["id"])
    assert row["status"] == "failed"
    assert "'failureReason': '" in row["sagemakerRaw"] and "NoSuchKey" in row["sagemakerRaw"]


# --- flow B: all at once


async def test_the_documents_example_in_one_step(client: Client) -> None:
    answer = await client.post("/inference-api/inference", ONE_STEP)
    assert answer.json["status"] == 200
    found = answer.json["inference"]
    assert set(found) == {
        "inference_id", "status", "output_path", "models", "api_params_s3_location", "type",
        "endpoint_name",
    }  # fmt: skip
    assert (found["status"], found["endpoint_name"]) == ("inprogress", ENDPOINT)
    assert (await ended(client, found["inference_id"]))["status"] == "succeed"
    payload = client.server.submitted[-1]["payload"]
    assert (payload["prompt"], payload["sampler_name"]) == ("a cat", "Euler a"), "over a template"


async def test_nos_of_the_one_step(client: Client) -> None:
    answer = await client.post("/inference-api/inference", SMALL)
    words = "task_type, sagemaker_endpoint_name, models should be in the request body"
    assert (answer.status, answer.json) == (200, {"status": 400, "err": words})
    unknown = {"models": {"Stable-diffusion": ["nope"]}}
    answer = await client.post("/inference-api/inference", {**ONE_STEP, **unknown})
    assert (answer.status, answer.json["status"]) == (200, 500)
    assert answer.json["err"].endswith(", no s3 location is generated")


# --- looking


async def test_jobs_that_are_not_there(client: Client) -> None:
    answer = await client.get("/inference/get-inference-job?jobID=nope")
    words = "There is no inference job info item for id: nope"
    assert (answer.status, answer.json) == (500, {"detail": words})
    answer = await client.get("/inference/get-inference-job")
    words = "Inference job id must not be None or empty"
    assert (answer.status, answer.json) == (500, {"detail": words})
    assert await outputs(client, "image", "nope") == []
    assert await outputs(client, "param", "nope") == []


async def test_lists_of_jobs(client: Client) -> None:
    job_id = await run(client, SMALL)
    await ended(client, job_id)
    waiting = (await prepared(client, user_id="admin"))["id"]
    rows = (await client.get("/inference/list-inference-jobs")).json
    assert {row["InferenceJobId"] for row in rows} == {job_id, waiting}
    asked = {"status": "succeed", "task_type": "txt2img", "limit": 5}
    rows = (await client.post("/inference/query-inference-jobs", asked)).json
    assert [row["InferenceJobId"] for row in rows] == [job_id]
    found = (await client.get("/inferences?username=admin")).json
    assert found["statusCode"] == 200
    assert waiting in [row["InferenceJobId"] for row in found["inferences"]]


async def test_odd_and_old_routes(client: Client) -> None:
    assert (await client.get("/inference/test-connection")).json == {"message": "Success"}
    for name in ("lora", "hypernetwork", "controlnet-model", "texual-inversion"):
        answer = await client.get(f"/inference/get-{name}-list")
        assert (answer.status, answer.json) == (200, [])
    path = "/inference/generate-s3-presigned-url-for-uploading"
    answer = await client.get(path)
    assert (answer.status, answer.json) == (400, {"detail": "Key parameter is required"})
    url = (await client.get(f"{path}?key=config/aigc.json")).json
    assert await client.upload(url, {}) == 403
    assert await client.upload(url, {}, **{"Content-Type": "text/plain;charset=UTF-8"}) == 200


# --- how jobs go wrong


async def test_failed_raw_and_lost_jobs(client: Client) -> None:
    faults = client.server.faults
    faults.add("fail", reason="ModelError: out of memory")
    faults.add("raw", reason="no images today")
    faults.add("lose")
    failed, raw, lost = [await run(client, SMALL) for _ in range(3)]
    row = await ended(client, failed)
    assert row["status"] == "failed"
    assert "'failureReason': 'ModelError: out of memory'" in row["sagemakerRaw"]
    row = await ended(client, raw)
    assert (row["status"], row["sagemakerRaw"]) == ("failed", '{"error": "no images today"}')
    assert client.server.jobs[lost].status == "inprogress"
    assert len(client.server.submitted) == 3


async def test_what_the_web_ui_refuses_is_a_failure(client: Client) -> None:
    job_id = await run(client, {**SMALL, "alwayson_scripts": {"nope": {}}})
    row = await ended(client, job_id)
    assert row["status"] == "failed"
    assert "Script 'nope' not found" in row["sagemakerRaw"].replace("\\", "")


async def test_a_second_run_paints_again(client: Client) -> None:
    job_id = await run(client, SMALL)
    await ended(client, job_id)
    await client.put(f"/inference/v2/{job_id}/run", {})
    row = await ended(client, job_id)
    assert row["image_names"] == ["image_0.jpg", "image_0.jpg"]
    assert [entry["id"] for entry in client.server.submitted] == [job_id, job_id]


async def test_a_stranger_as_user_id(client: Client) -> None:
    asked = {**PREPARE, "sagemaker_endpoint_name": "", "user_id": "nobody"}
    answer = await client.post("/inference/v2", asked)
    assert answer.json == {"statusCode": 500, "errMsg": 'user: "nobody" not exist'}
