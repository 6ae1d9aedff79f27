"""Inference in v1.5 to v1.7: asynchronous and in real time (contract aws, 2.3 and 2.4)."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yarl
from PIL import Image

from bot.demo.servers.s3 import DemoS3
from tests.bot.demo.servers.extension_client import (
    MODEL,
    MODELS,
    SMALL,
    Answer,
    Client,
    serving,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASYNC = {"task_type": "txt2img", "inference_type": "Async", "models": MODELS}
REAL_TIME = {**ASYNC, "inference_type": "Real-time"}
PAYLOAD = json.dumps(SMALL)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def s3() -> AsyncIterator[DemoS3]:
    s3 = DemoS3(bucket="easel-extension-modern")
    await s3.start()
    yield s3
    await s3.close()


@pytest_asyncio.fixture(loop_scope="module")
async def client(s3: DemoS3) -> AsyncIterator[Client]:
    async with serving(s3, "v1.7") as client:
        yield client


async def created(client: Client, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/inferences", {**ASYNC, **changes})
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.data["inference"]
    return found


async def at_once(client: Client, asked: dict[str, Any] = ASYNC) -> Answer:
    return await client.post("/inferences", {**asked, "payload_string": PAYLOAD})


async def started(client: Client) -> str:
    """An asynchronous job in one step; its id."""
    answer = await at_once(client)
    assert answer.status == 202, answer.text
    return str(answer.data["inference"]["inference_id"])


async def ended(client: Client, job_id: str) -> dict[str, Any]:
    """``data`` of a job at its end."""
    await until(lambda: client.server.jobs[job_id].status in ("succeed", "failed"))
    found: dict[str, Any] = (await client.get(f"/inferences/{job_id}")).data
    return found


async def status_of(client: Client, url: str) -> int:
    async with client.session.get(yarl.URL(url, encoded=True)) as response:
        return response.status


# --- asynchronous


async def test_create_upload_start_and_poll(client: Client) -> None:
    job = await created(client)
    assert job["type"] == "txt2img"
    assert job["models"][0]["name"] == [MODEL]
    assert await client.upload(job["api_params_s3_upload_url"], SMALL) == 200
    answer = await client.put(f"/inferences/{job['id']}/start")
    assert answer.status == 202
    assert answer.data["InferenceJobId"] == job["id"]
    assert answer.data["status"] == answer.data["inference"]["status"] == "inprogress"
    found = await ended(client, job["id"])
    assert (found["status"], found["inference_type"]) == ("succeed", "Async")
    assert found["image_names"] == ["image_0.png"]
    [url] = found["img_presigned_urls"]
    with Image.open(io.BytesIO(await client.download(url))) as picture:
        assert (picture.format, picture.size) == ("PNG", (64, 64))
        assert str(picture.info["parameters"]).startswith("a cat\nSteps: 2")
    [url] = found["output_presigned_urls"]
    parameters = json.loads(await client.download(url))
    assert set(parameters) == {"parameters", "info", "endpoint_name", "inference_id"}


async def test_the_url_of_the_parameters_is_there_before_the_object(client: Client) -> None:
    found = (await client.get(f"/inferences/{(await created(client))['id']}")).data
    assert (found["status"], found["img_presigned_urls"]) == ("created", [])
    assert (found["image_names"], found["completeTime"]) == ([], None)
    assert await status_of(client, found["output_presigned_urls"][0]) == 404


async def test_a_payload_starts_at_once(client: Client) -> None:
    job_id = await started(client)
    found = await ended(client, job_id)
    assert (found["status"], found["payload_string"]) == ("succeed", PAYLOAD)
    assert await client.s3.keys(f"txt2img/infer_v2/{job_id}") == []
    key = found["params"]["output_path"].removeprefix(f"s3://{client.s3.bucket}/")
    assert set(json.loads(await client.s3.get(key) or b"")) >= {"images", "info"}


async def test_v15_answers_start_with_less(s3: DemoS3) -> None:
    async with serving(s3, "v1.5", paint_seconds=0.0) as client:
        answer = await at_once(client)
        assert set(answer.data) == {"inference"}
        assert "debug" not in answer.json
        assert answer.headers["x-api-version"] == "1.5.0"


async def test_an_upscaled_picture_is_stored(client: Client) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    body = {"image": base64.b64encode(buffer.getvalue()).decode(), "upscaler_1": "Lanczos"}
    job = await created(client, task_type="extra-single-image", models={})
    assert "models" not in job
    await client.upload(job["api_params_s3_upload_url"], body)
    await client.put(f"/inferences/{job['id']}/start")
    found = await ended(client, job["id"])
    assert (found["status"], found["image_names"]) == ("succeed", ["image.png"])
    data = await client.download(found["img_presigned_urls"][0])
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (16, 16)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": "a cat"}, "got an unexpected keyword argument 'prompt'"),
        ({"task_type": "txt2video"}, "task type txt2video should be in ['extra-single-image'"),
        ({"models": {"Lora": ["a", "b"]}}, "checkpoint with name a, type Lora is not found check"),
        ({"sagemaker_endpoint_name": "nope"}, "list index out of range"),
        ({"inference_type": "Later"}, '[instance value ("Later") not found in enum'),
        ({"models": []}, "[instance type (array) does not match any allowed primitive type"),
        ({"payload_string": "string"}, "payload_string must be valid json string"),
    ],
)
async def test_nos_of_create(client: Client, changes: dict[str, Any], words: str) -> None:
    answer = await client.post("/inferences", {**ASYNC, **changes})
    assert (answer.status, answer.json["statusCode"]) == (400, 400)
    assert words in answer.message


async def test_missing_keys_are_told_by_the_gateway(client: Client) -> None:
    answer = await client.post("/inferences", {"task_type": "txt2img"})
    assert answer.status == 400
    words = '[object has missing required properties (["inference_type","models"])]'
    assert answer.json == {
        "statusCode": 400, "message": words, "requestId": answer.json["requestId"],
    }  # fmt: skip
    answer = await client.delete("/inferences", {"bad": []})
    assert "inference_id_list" in answer.message


async def test_jobs_that_are_not_there(client: Client) -> None:
    answer = await client.get("/inferences/none")
    assert (answer.status, answer.message) == (404, "inference with id none not found")
    answer = await client.put("/inferences/none/start")
    assert (answer.status, answer.message) == (400, "InferenceJobId none not found")


async def test_an_endpoint_that_is_not_ready(client: Client) -> None:
    client.server.faults.add("not_ready", reason="Updating")
    asked = {**ASYNC, "sagemaker_endpoint_name": "infer-endpoint-demo"}
    answer = await client.post("/inferences", asked)
    words = "sagemaker endpoint is not ready with status: Updating"
    assert (answer.status, answer.message) == (400, words)
    client.server.faults.add("not_ready")
    answer = await client.post("/inferences", ASYNC)
    words = 'no available Async endpoints for user "easel"'
    assert (answer.status, answer.message) == (400, words)
    assert (await client.post("/inferences", asked)).status == 201


async def test_a_job_must_fit_its_endpoint(client: Client) -> None:
    asked = {**ASYNC, "sagemaker_endpoint_name": "sd-real-time-demo"}
    answer = await at_once(client, asked)
    assert answer.status == 400
    assert "InvokeEndpointAsync" in answer.message


async def test_failures(client: Client) -> None:
    client.server.faults.add("fail", reason="ModelError: out of memory")
    client.server.faults.add("raw")
    found = await ended(client, await started(client))
    assert found["status"] == "failed"
    assert "'failureReason': 'ModelError: out of memory'" in found["sagemakerRaw"]
    assert (await ended(client, await started(client)))["status"] == "failed"


async def test_a_gif_is_listed_under_a_name_it_has_not(client: Client) -> None:
    client.server.faults.add("gif")
    job_id = await started(client)
    found = await ended(client, job_id)
    assert found["image_names"] == ["image_0.png"]
    assert await status_of(client, found["img_presigned_urls"][0]) == 404
    assert f"out/{job_id}/result/image_0.gif" in await client.s3.keys(f"out/{job_id}")


async def test_lists_go_back_in_time_page_by_page(s3: DemoS3) -> None:
    async with serving(s3, "v1.6", paint_seconds=0.0) as client:
        ids = [(await created(client))["id"] for _ in range(5)]
        first = (await client.get("/inferences?limit=3")).data
        assert [row["InferenceJobId"] for row in first["inferences"]] == ids[:1:-1]
        assert first["inferences"][0]["payload_string"] == "{}"
        key = first["last_evaluated_key"]
        second = (await client.get(f"/inferences?limit=3&exclusive_start_key={key}")).data
        assert [row["InferenceJobId"] for row in second["inferences"]] == ids[1::-1]
        assert second["last_evaluated_key"] is None
        assert (await client.get("/inferences?type=img2img")).data["inferences"] == []
        assert (await client.get("/inferences?limit=ten")).status == 400


async def test_delete(client: Client) -> None:
    job_id = await started(client)
    await ended(client, job_id)
    path = client.server.jobs[job_id].output_path or ""
    answer = await client.delete("/inferences", {"inference_id_list": [job_id, "unknown"]})
    assert (answer.status, answer.text) == (204, "")
    assert (await client.get(f"/inferences/{job_id}")).status == 404
    assert await client.s3.get(path.removeprefix(f"s3://{client.s3.bucket}/")) is None


# --- in real time


async def test_a_real_time_job_answers_when_it_is_finished(client: Client) -> None:
    answer = await at_once(client, REAL_TIME)
    assert answer.status == 200
    assert (answer.data["status"], answer.data["image_names"]) == ("succeed", ["image_0.png"])
    assert await client.download(answer.data["img_presigned_urls"][0])
    job = await created(client, inference_type="Real-time")
    await client.upload(job["api_params_s3_upload_url"], SMALL)
    answer = await client.put(f"/inferences/{job['id']}/start")
    assert (answer.status, answer.data["status"]) == (200, "succeed")


async def test_a_slow_real_time_job_goes_on_after_its_504(client: Client) -> None:
    client.server.gateway_seconds = 0.05
    client.server.faults.add("slow_job", seconds=0.15)
    answer = await at_once(client, REAL_TIME)
    assert answer.status == 504
    assert answer.message == "Endpoint request timed out"
    [job_id] = client.server.jobs
    assert client.server.jobs[job_id].status == "created"
    assert (await ended(client, job_id))["status"] == "succeed"


async def test_a_failed_real_time_job_stays_created(client: Client) -> None:
    client.server.faults.add("fail", reason="out of memory")
    answer = await at_once(client, REAL_TIME)
    assert (answer.status, answer.message) == (400, "{'error': 'out of memory'}")
    [job] = client.server.jobs.values()
    assert (job.status, job.image_names) == ("created", [])


# --- pace


async def test_jobs_of_a_fixed_time_run_side_by_side(s3: DemoS3) -> None:
    async with serving(s3, "v1.7", paint_seconds=0.1) as client:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        ids = await asyncio.gather(*(started(client) for _ in range(20)))
        found = await asyncio.gather(*(ended(client, job_id) for job_id in ids))
        assert loop.time() - begun < 1.5
        data = await client.download(found[0]["img_presigned_urls"][0])
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == (64, 64)
            assert "Seed: 42" in str(picture.info["parameters"])


async def test_a_sleeping_endpoint_takes_its_time_once(s3: DemoS3) -> None:
    async with serving(s3, "v1.7", paint_seconds=0.0, start_delay=0.1) as client:
        loop = asyncio.get_running_loop()
        for slow in (True, False, True):
            begun = loop.time()
            await ended(client, await started(client))
            assert (loop.time() - begun >= 0.1) == slow
            if not slow:
                client.server.sleep()
