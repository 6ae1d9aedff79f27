"""Endpoints and checkpoints, generation by generation (contract aws, 2.3, 2.4 and 2.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.demo.servers.extension import Checkpoint, Endpoint
from bot.demo.servers.s3 import DemoS3
from tests.bot.demo.servers.extension_client import MODEL, Client, bearer, serving, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW_ENDPOINT: dict[str, Any] = {
    "instance_type": "ml.g5.2xlarge",
    "initial_instance_count": 1,
    "autoscaling_enabled": False,
    "assign_to_roles": ["IT Operator"],
}
CLASSIC_ENDPOINT = {**NEW_ENDPOINT, "creator": "easel"}
MODERN_ENDPOINT = {**NEW_ENDPOINT, "endpoint_type": "Async"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def s3() -> AsyncIterator[DemoS3]:
    s3 = DemoS3(bucket="easel-extension-tables")
    await s3.start()
    yield s3
    await s3.close()


@pytest_asyncio.fixture(loop_scope="module")
async def classic(s3: DemoS3) -> AsyncIterator[Client]:
    async with serving(s3, "v1.3", paint_seconds=0.0) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def modern(s3: DemoS3) -> AsyncIterator[Client]:
    async with serving(s3, "v1.7", paint_seconds=0.0) as client:
        yield client


# --- endpoints


async def test_classic_endpoints(classic: Client) -> None:
    [row] = (await classic.get("/endpoints")).json["endpoints"]
    assert set(row) == {
        "EndpointDeploymentJobId", "endpoint_name", "endpoint_status", "autoscaling",
        "max_instance_number", "current_instance_count", "startTime", "endTime", "error",
        "owner_group_or_role", "status",
    }  # fmt: skip
    assert (row["endpoint_name"], row["endpoint_status"]) == ("infer-endpoint-demo", "InService")
    path = f"/inference/get-endpoint-deployment-job?jobID={row['EndpointDeploymentJobId']}"
    assert (await classic.get(path)).json["endpoint_name"] == "infer-endpoint-demo"
    assert (await classic.get("/inference/get-endpoint-deployment-job?jobID=nope")).json == {}


async def test_a_classic_endpoint_is_deployed_and_deleted(classic: Client) -> None:
    answer = await classic.post("/endpoints", CLASSIC_ENDPOINT)
    assert (answer.status, answer.json["statusCode"]) == (200, 200)
    name = answer.json["data"]["endpoint_name"]
    assert answer.message == f"Endpoint deployment started: {name}"
    row = classic.server.endpoint(name)
    assert row.status == "Creating"
    await until(lambda: row.status == "InService")
    answer = await classic.post("/endpoints", CLASSIC_ENDPOINT)
    words = "role [IT Operator] has a valid endpoint already, not allow to have another one"
    assert answer.json == {"statusCode": 400, "errMsg": words}
    gone = {"delete_endpoint_list": [name, "unknown"], "username": "easel"}
    answer = await classic.delete("/endpoints", gone)
    assert (answer.status, answer.json) == (200, "Endpoint deleted")
    assert row.status == "Deleted"


async def test_classic_failures_are_200_too(classic: Client) -> None:
    stranger = await classic.post("/endpoints", {**CLASSIC_ENDPOINT, "creator": "nobody"})
    assert stranger.json == {"statusCode": 200, "message": 'user: "nobody" not exist'}
    guest = await classic.post("/endpoints", {**CLASSIC_ENDPOINT, "creator": "guest"})
    words = "Creator guest has no permission to create Sagemaker"
    assert guest.json == {"statusCode": 400, "errMsg": words}
    short = await classic.post("/endpoints", {"instance_type": "ml.g5.2xlarge"})
    assert (
        "missing 4 required positional arguments: 'initial_instance_count',"
        in (short.json["errorMessage"])
    )
    answer = await classic.delete("/endpoints", {"delete_endpoint_list": [], "username": "guest"})
    assert answer.json["statusCode"] == 400
    classic.server.faults.add("deploy", reason="ResourceLimitExceeded")
    answer = await classic.post("/endpoints", CLASSIC_ENDPOINT)
    row = classic.server.endpoint(answer.json["data"]["endpoint_name"])
    await until(lambda: row.status == "Failed")
    rows = (await classic.get("/endpoints")).json["endpoints"]
    assert rows[-1]["error"] == "ResourceLimitExceeded"


async def test_modern_endpoints_come_in_pages(modern: Client) -> None:
    modern.server.endpoints.extend(Endpoint(f"more-{index}", owner=()) for index in range(9))
    first = (await modern.get("/endpoints")).data
    assert len(first["endpoints"]) == 10
    key = first["last_evaluated_key"]
    second = (await modern.get(f"/endpoints?exclusive_start_key={key}")).data
    [row] = second["endpoints"]
    assert second["last_evaluated_key"] is None
    assert row["endpoint_type"] == "Async"
    assert {"instance_type", "min_instance_number", "service_type"} <= set(row)
    types = {row["endpoint_name"]: row["endpoint_type"] for row in first["endpoints"]}
    assert types["sd-real-time-demo"] == "Real-time"
    answer = await modern.get("/endpoints?exclusive_start_key=nonsense")
    assert answer.status == 400
    answer = await modern.get("/endpoints?username=nobody")
    assert (answer.status, answer.message) == (400, 'user: "nobody" not exist')


async def test_a_modern_endpoint_is_deployed_and_deleted(modern: Client) -> None:
    answer = await modern.post("/endpoints", {**MODERN_ENDPOINT, "endpoint_name": "mine"})
    assert (answer.status, answer.data["endpoint_status"]) == (202, "Creating")
    assert answer.message == "Endpoint deployment started: sd-async-mine"
    row = modern.server.endpoint("sd-async-mine")
    await until(lambda: row.status == "InService")
    again = await modern.post("/endpoints", MODERN_ENDPOINT)
    words = "role [IT Operator] has a valid endpoint already, not allow to have another one"
    assert (again.status, again.message) == (400, words)
    gone = {"endpoint_name_list": ["sd-async-mine", "unknown"]}
    assert (await modern.delete("/endpoints", gone)).status == 204
    with pytest.raises(KeyError):
        modern.server.endpoint("sd-async-mine")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"endpoint_type": "Sometimes"}, "not found in enum"),
        ({"autoscaling_enabled": "yes"}, "instance type (string) does not match"),
        ({"initial_instance_count": 0}, "initial_instance_count should be at least 1"),
        ({"colour": "red"}, "got an unexpected keyword argument 'colour'"),
        (
            {"endpoint_type": "Real-time", "autoscaling_enabled": True},
            "min_instance_number should be at least 1 for real-time endpoint",
        ),
    ],
)
async def test_endpoints_that_are_refused(
    modern: Client, changes: dict[str, Any], words: str
) -> None:
    answer = await modern.post("/endpoints", {**MODERN_ENDPOINT, **changes})
    assert answer.status == 400
    assert words in answer.message
    answer = await modern.post("/endpoints", {"none": "none"})
    assert "object has missing required properties" in answer.message


# --- checkpoints


async def test_classic_checkpoints_come_at_once(classic: Client) -> None:
    answer = await classic.get("/checkpoints?types=Stable-diffusion&types=Lora&status=Active")
    rows = answer.json["checkpoints"]
    assert len(rows) == 16
    assert {row["type"] for row in rows} == {"Stable-diffusion", "Lora"}
    assert set(rows[0]) == {
        "id", "s3Location", "type", "status", "name", "created", "allowed_roles_or_users",
    }  # fmt: skip
    assert rows[0]["name"] == [MODEL]
    assert isinstance(rows[0]["created"], float)
    everything = (await classic.get("/checkpoints")).json["checkpoints"]
    assert {row["status"] for row in everything} == {"Active", "Initial", "Disabled"}
    assert len({row["type"] for row in everything}) == 6
    answer = await classic.get("/checkpoints?username=nobody")
    assert answer.json["errorMessage"] == 'user: "nobody" not exist'


async def test_classic_uploads_by_url(classic: Client) -> None:
    body = {
        "checkpointType": "Stable-diffusion",
        "modelUrl": ["https://models.example/new_model.safetensors?x=1"],
        "params": {"creator": "easel", "message": "description"},
    }
    found = (await classic.post("/upload_checkpoint", body)).json
    assert (found["statusCode"], found["checkpoint"]["status"]) == (200, "Active")
    assert found["checkpoint"]["params"]["multipart_upload"] == {"new_model.safetensors": None}
    assert classic.server.checkpoints[-1].names == ["new_model.safetensors"]
    answer = await classic.post("/upload_checkpoint", {**body, "params": {"message": "x"}})
    words = "user has no permissions to create a model"
    assert answer.json == {"statusCode": 400, "errMsg": words}
    answer = await classic.post("/upload_checkpoint", {**body, "modelUrl": ["https://x/y.zip"]})
    assert answer.json["error"] == "contains invalid urls:['https://x/y.zip']"


async def test_a_classic_checkpoint_is_put_and_switched(classic: Client) -> None:
    file = {"filename": "own.safetensors", "parts_number": 2}
    body = {
        "checkpoint_type": "Lora",
        "filenames": [file],
        "params": {"creator": "easel"},
    }
    found = (await classic.post("/checkpoint", body)).json
    assert (found["statusCode"], found["checkpoint"]["status"]) == (200, "Initial")
    assert len(found["s3PresignUrl"]["own.safetensors"]) == 2
    wanted = found["checkpoint"]["id"]
    update = {"checkpoint_id": wanted, "status": "Active", "multi_parts_tags": {}}
    answer = await classic.put("/checkpoint", update)
    assert answer.json["checkpoint"]["status"] == "Initial", "the status before"
    assert classic.server.checkpoints[-1].status == "Active"
    answer = await classic.put("/checkpoint", {**update, "checkpoint_id": "nope"})
    words = "checkpoint not found with id nope"
    assert (answer.status, answer.json) == (200, {"statusCode": 500, "error": words})
    answer = await classic.put("/checkpoint", {**update, "status": "Gone"})
    assert answer.json == {"statusCode": 500, "msg": "'Gone'"}
    answer = await classic.post("/checkpoint", {**body, "filenames": []})
    assert answer.json["errMsg"] == "no checkpoint name (file names) detected"
    answer = await classic.post("/checkpoint", {**body, "params": {"creator": "nobody"}})
    assert answer.json["errorMessage"] == 'user: "nobody" not exist'


async def test_modern_checkpoints_come_in_pages(modern: Client) -> None:
    path = "/checkpoints?types=Stable-diffusion&status=Active"
    first = (await modern.get(path)).data
    assert (first["page"], first["per_page"], first["pages"], first["total"]) == (1, 10, 2, 13)
    second = (await modern.get(f"{path}&page=2")).data
    rows = first["checkpoints"] + second["checkpoints"]
    assert len(rows) == len({row["id"] for row in rows}) == 13
    created = [float(row["created"]) for row in rows]
    assert created == sorted(created, reverse=True)
    assert all(isinstance(row["created"], str) for row in rows)
    assert {"params", "source_path", "target_path"} <= set(rows[0])
    full = (await modern.get(f"{path}&per_page=13")).data
    assert full["pages"] == 2, "one too many"
    assert (await modern.get(f"{path}&per_page=13&page=2")).data["checkpoints"] == []
    empty = (await modern.get("/checkpoints?types=nope")).data
    assert (empty["pages"], empty["total"], empty["checkpoints"]) == (0, 0, [])
    assert (await modern.get(f"{path}&page=two")).status == 400
    assert (await modern.get(f"{path}&per_page=0")).message == "division by zero"


async def test_modern_uploads_by_url_come_later(modern: Client) -> None:
    body = {
        "checkpoint_type": "Lora",
        "urls": ["https://models.example/new_lora.safetensors"],
        "params": {"creator": "easel", "message": "x"},
    }
    answer = await modern.post("/checkpoints", body)
    assert answer.status == 202
    assert answer.message == "Checkpoint creation in progress, please check later"
    await until(lambda: list(modern.server.checkpoints[-1].names) == ["new_lora.safetensors"])
    answer = await modern.post("/checkpoints", body)
    assert answer.status == 400
    assert answer.message.startswith("new_lora.safetensors already exists, please use another")


async def test_a_modern_checkpoint_is_put_switched_and_renamed(modern: Client) -> None:
    file = {"filename": "own.safetensors", "parts_number": 1}
    body = {"checkpoint_type": "Lora", "filenames": [file], "params": {"creator": "easel"}}
    answer = await modern.post("/checkpoints", body)
    assert (answer.status, answer.data["checkpoint"]["status"]) == (201, "Initial")
    path = f"/checkpoints/{answer.data['checkpoint']['id']}"
    assert (await modern.put(path, {"status": "Active"})).message == "multi parts tags is empty"
    tags = {"own.safetensors": [{"ETag": "x", "PartNumber": 1}]}
    update = {"status": "Active", "multi_parts_tags": tags}
    answer = await modern.put(path, update)
    assert (answer.status, answer.data["checkpoint"]["status"]) == (200, "Initial")
    row = modern.server.checkpoints[-1]
    assert row.status == "Active"
    assert (await modern.put(path, {"name": "mine"})).status == 202
    assert list(row.names) == ["mine"]
    await modern.put(path, {**update, "status": "Disabled"})
    assert (await modern.put(path, {"name": "x"})).message == "only active can update name"
    answer = await modern.put("/checkpoints/nope", update)
    assert (answer.status, answer.message) == (404, "checkpoint not found with id nope")
    assert (await modern.delete("/checkpoints", {"checkpoint_id_list": [row.id]})).status == 204
    assert row not in modern.server.checkpoints
    for creator, words in (("guest", "has no permissions"), ("nobody", "not exist")):
        answer = await modern.post("/checkpoints", {**body, "params": {"creator": creator}})
        assert words in answer.message


async def test_own_rows(s3: DemoS3) -> None:
    rows = [Checkpoint("VAE", ("a.pt",), "Disabled")]
    ends = [Endpoint("mine", "Failed", error="no quota")]
    async with serving(s3, "v1.5", checkpoints=rows, endpoints=ends) as client:
        [row] = (await client.get("/checkpoints")).data["checkpoints"]
        assert (row["name"], row["status"]) == (["a.pt"], "Disabled")
        [row] = (await client.get("/endpoints")).data["endpoints"]
        assert (row["endpoint_status"], row["error"]) == ("Failed", "no quota")


async def test_users(modern: Client) -> None:
    rows = {row["username"]: row for row in (await modern.get("/users")).data["users"]}
    assert set(rows) == {"admin", "api", "easel", "guest"}
    assert "inference:all" in rows["easel"]["permissions"]
    assert rows["guest"]["permissions"] == []
    headers = {"x-api-key": modern.server.api_key, "Authorization": bearer("guest")}
    assert (await modern.get("/users", headers=headers)).status == 403
