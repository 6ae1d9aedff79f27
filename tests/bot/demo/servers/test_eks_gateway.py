"""What the EKS service's gateway and lambdas answer, row by row (contract aws, 1.1 to 1.3, 1.7)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.demo.servers.eks.bucket import TokenBucket
from bot.demo.servers.s3 import DemoS3
from tests.bot.demo.servers.eks_client import Client, opened, opened_bucket, task, without

pytestmark = pytest.mark.asyncio(loop_scope="module")
TASK = task(id="7", prefix="out")
V1: dict[str, Any] = {
    "alwayson_scripts": {
        "task": "text-to-image",
        "id_task": "8",
        "save_dir": "outputs",
        "sd_model_checkpoint": "v1-5-pruned.safetensors",
    },
    "prompt": "a dog",
}
INVALID = "Invalid request format"
STRUCTURE = "Incorrect payload structure, "
TOO_LONG = (
    "An error occurred (InvalidParameter) when calling the Publish operation: "
    "Invalid parameter: Message too long"
)
CLOSED = {"rate": 10_000.0, "burst": 10_000, "paint_seconds": 0.0}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bucket() -> AsyncIterator[DemoS3]:
    async with opened_bucket() as s3:
        yield s3


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def new(bucket: DemoS3) -> AsyncIterator[Client]:
    async with opened(bucket, "new", **CLOSED) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def old(bucket: DemoS3) -> AsyncIterator[Client]:
    async with opened(bucket, "old", **CLOSED) as client:
        yield client


# --- 1.1 the gateway


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}, {"x-api-key": "Demo-Key"}])
async def test_a_wrong_key(new: Client, headers: dict[str, str]) -> None:
    answer = await new.post(TASK, headers=headers)
    assert answer.refusal == (403, "Forbidden", "ForbiddenException")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1alpha2"),
        ("POST", "/v1alpha3"),
        ("POST", "/v1alpha2/"),
        ("POST", ""),
        ("POST", "/../dev/v1alpha2"),
        ("DELETE", "/v1alpha1"),
    ],
)
async def test_nothing_else_is_routed(new: Client, method: str, path: str) -> None:
    answer = await new.post(TASK, path, method=method)
    assert answer.refusal == (
        403,
        "Missing Authentication Token",
        "MissingAuthenticationTokenException",
    )


async def test_every_answer_has_the_gateways_ids(new: Client) -> None:
    for body in (TASK, "no json"):
        answer = await new.post(body)
        assert {"x-amzn-RequestId", "x-amz-apigw-id"} <= set(answer.headers)
        assert answer.headers["Content-Type"].startswith("application/json")


async def test_the_rate_is_a_bucket_of_tokens(bucket: DemoS3) -> None:
    async with opened(bucket, rate=0.01, burst=5, paint_seconds=0.0) as client:
        answers = [await client.post(TASK) for _ in range(7)]
        assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
        assert answers[-1].refusal == (429, "Too Many Requests", "TooManyRequestsException")
        assert "Retry-After" not in answers[-1].headers
        # Another key's requests, or wrong ones, spend nothing.
        client.eks.limit(0.01, 2)
        await client.post(TASK, headers={"x-api-key": "other"})
        assert [(await client.post(TASK)).status for _ in range(3)] == [200, 200, 429]
        assert (client.eks.refused, len(client.eks.submitted)) == (3, 7)


async def test_tokens_come_back_with_time() -> None:
    now = 0.0
    bucket = TokenBucket(30, 50, clock=lambda: now)
    assert [bucket.take() for _ in range(51)] == [True] * 50 + [False]
    now = 1.0
    assert sum(bucket.take() for _ in range(100)) == 30
    now = 1000.0
    assert sum(bucket.take() for _ in range(100)) == 50


@pytest.mark.parametrize("release", ["new", "old"])
async def test_huge_bodies(new: Client, old: Client, release: str) -> None:
    client = new if release == "new" else old
    ten = '{"task": "' + "x" * 10 * 1024 * 1024 + '"}'
    assert (await client.post(ten)).refusal == (
        413,
        "Request Entity Too Large",
        "RequestTooLargeException",
    )
    # Quotes are escaped on the way to the lambda: four millions of them are eight.
    six = json.dumps({"task": "x" * 6 * 1024 * 1024})
    for body in (six, '"' * 4 * 1024 * 1024):
        assert (await client.post(body)).refusal[:2] == (413, "Request Too Long")


# --- 1.2 and 1.3 what is accepted


async def test_v1alpha2_answers_with_an_id(new: Client, bucket: DemoS3) -> None:
    answer = await new.post(TASK)
    location = f"s3://{bucket.bucket}/out/7"
    assert answer.json == {"id": "7", "runtime": "sdruntime", "output_location": location}


async def test_or_as_the_documentation_says(bucket: DemoS3) -> None:
    async with opened(bucket, answers_id_task=True, paint_seconds=0.0) as client:
        assert (await client.post(TASK)).json["id_task"] == "7"


async def test_v1alpha1_answers_with_an_id_task(new: Client, old: Client, bucket: DemoS3) -> None:
    for client in (new, old):
        assert (await client.post(V1, "/v1alpha1")).json == {
            "id_task": "8",
            "sd_model_checkpoint": "v1-5-pruned.safetensors",
            "output_location": f"s3://{bucket.bucket}/outputs/8",
        }


async def test_what_was_submitted(bucket: DemoS3) -> None:
    async with opened(bucket, paint_seconds=0.0) as client:
        await client.post(TASK)
        await client.post(V1, "/v1alpha1")
        await client.post({"task": {}})
        first, second = client.eks.submitted
        assert (first["id"], first["version"], first["runtime"]) == ("7", "v1alpha2", "sdruntime")
        assert first["content"] == TASK["task"]["content"]
        assert (second["id"], second["version"], second["prefix"]) == ("8", "v1alpha1", "outputs")
        assert second["at"] >= first["at"] > 1_700_000_000
        paths = ["/prod/v1alpha2", "/prod/v1alpha1", "/prod/v1alpha2"]
        assert [(method, path) for method, path, _ in client.eks.requests] == [
            ("POST", path) for path in paths
        ]


# --- 1.7 what is not


def _big(size: int, letter: str = "x") -> dict[str, Any]:
    return task(content={"prompt": letter * size})


ROWS: list[tuple[str, Any, str, str]] = [
    (
        "not JSON",
        "{nope",
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        INVALID,
    ),
    (
        "empty body",
        "",
        "the JSON object must be str, bytes or bytearray, not NoneType",
        INVALID,
    ),
    ("{}", {}, "'task'", INVALID),
    ("a list", [], "list indices must be integers or slices, not str", INVALID),
    (
        "no metadata",
        without(TASK, "task", "metadata"),
        f"{STRUCTURE}metadata is missing",
        f"{STRUCTURE}metadata is missing",
    ),
    (
        "no content",
        without(TASK, "task", "content"),
        f"{STRUCTURE}content is missing",
        f"{STRUCTURE}content is missing",
    ),
    (
        "no id",
        without(TASK, "task", "metadata", "id"),
        f"{STRUCTURE}id is missing",
        f"{STRUCTURE}invalid id format",
    ),
    (
        "no runtime",
        without(TASK, "task", "metadata", "runtime"),
        f"{STRUCTURE}runtime is missing",
        f"{STRUCTURE}invalid runtime format",
    ),
    (
        "no tasktype",
        without(TASK, "task", "metadata", "tasktype"),
        f"{STRUCTURE}tasktype is missing",
        f"{STRUCTURE}invalid tasktype",
    ),
    ("no prefix", without(TASK, "task", "metadata", "prefix"), "'prefix'", INVALID),
    ("over 256 KiB", _big(262_144), TOO_LONG, INVALID),
    ("over 256 KiB when escaped", _big(50_000, "ü"), TOO_LONG, INVALID),
    ("over 1 MiB", _big(1024 * 1024), TOO_LONG, f"{STRUCTURE}payload too large"),
]


@pytest.mark.parametrize(("_", "body", "was", "now"), ROWS, ids=[row[0] for row in ROWS])
async def test_what_the_lambdas_dislike(
    old: Client, new: Client, _: str, body: Any, was: str, now: str
) -> None:
    for client, words in ((old, was), (new, now)):
        before = len(client.eks.submitted)
        answer = await client.post(body)
        assert (answer.status, answer.text) == (400, words)
        assert answer.headers["Content-Type"].startswith("application/json")
        assert len(client.eks.submitted) == before


@pytest.mark.parametrize(
    ("path", "was", "now"),
    [
        ((), "alwayson_scripts is missing", "alwayson_scripts is missing"),
        (("task",), "task is missing", "invalid task type"),
        (("id_task",), "id_task is missing", "invalid id_task format"),
        (
            ("sd_model_checkpoint",),
            "sd_model_checkpoint is missing",
            "sd_model_checkpoint is missing",
        ),
    ],
)
async def test_what_v1alpha1_needs(
    old: Client, new: Client, path: tuple[str, ...], was: str, now: str
) -> None:
    body = without(V1, "alwayson_scripts", *path)
    assert (await old.post(body, "/v1alpha1")).text == STRUCTURE + was
    assert (await new.post(body, "/v1alpha1")).text == STRUCTURE + now
    unsaved = without(V1, "alwayson_scripts", "save_dir")
    assert (await old.post(unsaved, "/v1alpha1")).text == "'save_dir'"
    assert (await new.post(unsaved, "/v1alpha1")).text == INVALID


async def test_the_new_lambda_refuses_pipeline(old: Client, new: Client) -> None:
    body = task("pipeline", runtime="comfyruntime", content={})
    assert (await old.post(body)).status == 200
    answer = await new.post(body)
    assert (answer.status, answer.text) == (400, f"{STRUCTURE}invalid tasktype")


@pytest.mark.parametrize("name", ["a/../b", 5, "a b", "--", ""])
async def test_only_the_new_lambda_looks_at_ids(old: Client, new: Client, name: Any) -> None:
    assert (await old.post(task(id=name))).json["id"] == name
    assert (await new.post(task(id=name))).text == f"{STRUCTURE}invalid id format"
    await old.ended()


async def test_a_message_of_256_kib_is_the_largest(old: Client, new: Client) -> None:
    for client in (old, new):
        body = task(id="1", runtime="nobody", content={"prompt": ""})
        spare = 262_144 - len(json.dumps(body["task"]))
        body["task"]["content"]["prompt"] = "x" * spare
        assert (await client.post(body)).status == 200
        body["task"]["content"]["prompt"] += "x"
        assert (await client.post(body)).status == 400
