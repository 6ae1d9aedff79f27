"""Who may come in, and how the gateway says no, generation by generation (contract aws, 2.1)."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from bot.demo.servers.extension import DemoExtension
from bot.demo.servers.s3 import DemoS3
from tests.bot.demo.servers.extension_client import KEY, MODELS, Client, bearer, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
ONLY_KEY = {"x-api-key": KEY}
JOB = {"task_type": "txt2img", "inference_type": "Async", "models": MODELS}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def s3() -> AsyncIterator[DemoS3]:
    s3 = DemoS3(bucket="easel-extension-gateway")
    await s3.start()
    yield s3
    await s3.close()


@pytest_asyncio.fixture(loop_scope="module")
async def classic(s3: DemoS3) -> AsyncIterator[Client]:
    async with serving(s3, "1.3.0", paint_seconds=0.0) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def modern(s3: DemoS3) -> AsyncIterator[Client]:
    async with serving(s3, "1.7.0", paint_seconds=0.0) as client:
        yield client


async def test_only_known_releases_are_spoken() -> None:
    with pytest.raises(ValueError, match=r"no such release: v2"):
        DemoExtension("v2", s3=DemoS3())


async def test_no_key_and_a_wrong_one(classic: Client, modern: Client) -> None:
    for headers in ({}, {"x-api-key": "wrong"}):
        answer = await classic.get("/inference/test-connection", headers=headers)
        assert (answer.status, answer.json) == (403, {"message": "Forbidden"})
        assert answer.headers["x-amzn-ErrorType"] == "ForbiddenException"
        answer = await modern.get("/ping", headers=headers)
        assert (answer.status, answer.message) == (403, "Forbidden")
        assert set(answer.json) == {"message", "requestId"}


async def test_paths_that_are_not_there(classic: Client, modern: Client) -> None:
    for client in (classic, modern):
        for method, path in (("GET", "/nope"), ("POST", "/inferences/x/y"), ("GET", "/datasets")):
            answer = await client.send(method, path)
            assert (answer.status, answer.message) == (403, "Missing Authentication Token")
    assert (await classic.get("/ping")).status == 403
    assert (await modern.get("/inference/test-connection")).status == 403


async def test_ping(modern: Client) -> None:
    answer = await modern.get("/ping", headers=ONLY_KEY)
    assert (answer.json["statusCode"], answer.message) == (200, "pong")
    assert set(answer.json["debug"]) == {"function_url", "log_url", "trace_url"}
    assert answer.headers["x-api-version"] == "1.7.0"


@pytest.mark.parametrize("path", ["/endpoints", "/checkpoints", "/inferences"])
async def test_classic_users(classic: Client, path: str) -> None:
    answer = await classic.get(path, headers=ONLY_KEY)
    assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})
    for token in ("Bearer easel", "Bearer 6f", "Bearer ZWFzZWw="):
        answer = await classic.get(path, headers={**ONLY_KEY, "Authorization": token})
        assert (answer.status, answer.json) == (500, {"message": None})
    answer = await classic.get(path, headers={**ONLY_KEY, "Authorization": bearer("nobody")})
    assert (answer.status, answer.json["errorMessage"]) == (200, 'user: "nobody" not exist')
    answer = await classic.get(path, headers={**ONLY_KEY, "Authorization": bearer("easel")})
    assert (answer.status, answer.json["statusCode"]) == (200, 200)


async def test_a_classic_guest_sees_nothing(classic: Client) -> None:
    headers = {**ONLY_KEY, "Authorization": bearer("guest")}
    assert (await classic.get("/endpoints", headers=headers)).json["endpoints"] == []
    assert (await classic.get("/checkpoints", headers=headers)).json["checkpoints"] == []


async def test_classic_inference_asks_nobody_who_he_is(classic: Client) -> None:
    body = {"task_type": "txt2img", "models": MODELS, "filters": {}}
    asked = {**body, "sagemaker_endpoint_name": "infer-endpoint-demo"}
    answer = await classic.post("/inference/v2", asked, headers=ONLY_KEY)
    assert answer.json["statusCode"] == 200


async def test_modern_users(modern: Client) -> None:
    for path in ("/checkpoints", "/endpoints"):
        for headers in (ONLY_KEY, {**ONLY_KEY, "username": "nobody"}):
            answer = await modern.get(path, headers=headers)
            assert (answer.status, answer.message) == (401, "Unauthorized")
            assert answer.json["statusCode"] == 401
    guest = {**ONLY_KEY, "username": "guest"}
    answer = await modern.post("/inferences", JOB, headers=guest)
    words = "User guest has no permissions: ['inference:all', 'inference:create']"
    assert (answer.status, answer.message) == (403, words)
    answer = await modern.get("/endpoints", headers=guest)
    words = "User guest has no permissions: ['sagemaker_endpoint:all', 'sagemaker_endpoint:list']"
    assert (answer.status, answer.message) == (403, words)
    old = {**ONLY_KEY, "Authorization": bearer("api")}
    assert (await modern.post("/inferences", JOB, headers=old)).status == 201
    bad = {**ONLY_KEY, "Authorization": "Bearer api"}
    assert (await modern.post("/inferences", JOB, headers=bad)).status == 400


async def test_modern_routes_that_ask_nobody(modern: Client) -> None:
    assert (await modern.get("/inferences", headers=ONLY_KEY)).status == 200
    assert (await modern.get("/inferences/x", headers=ONLY_KEY)).status == 404
    gone = {"inference_id_list": ["x"]}
    assert (await modern.delete("/inferences", gone, headers=ONLY_KEY)).status == 204


async def test_large_bodies(modern: Client) -> None:
    for size, words in ((7, "Request Too Long"), (11, "Request Entity Too Large")):
        url, data = f"{modern.server.url}/inferences", io.BytesIO(b" " * size * 1024 * 1024)
        async with modern.session.post(url, data=data, headers=modern.headers) as response:
            assert response.status == 413
            assert (await response.json())["message"] == words


async def test_broken_json(classic: Client, modern: Client) -> None:
    for client, path in ((classic, "/inference/v2"), (modern, "/inferences")):
        url = client.server.url + path
        async with client.session.post(url, data="{", headers=client.headers) as response:
            assert response.status == 400
            assert (await response.json())["message"] == "Invalid request body"


# --- trouble to order


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (429, "Too Many Requests"),
        (500, "Internal server error"),
        (502, "Internal server error"),
        (503, "Service Unavailable"),
        (504, "Endpoint request timed out"),
    ],
)
async def test_the_gateway_breaks_as_ordered(modern: Client, status: int, words: str) -> None:
    modern.server.faults.add("status", status=status, times=2, route="/inferences")
    assert (await modern.get("/ping")).status == 200
    for _ in range(2):
        answer = await modern.post("/inferences", JOB)
        assert (answer.status, answer.message) == (status, words)
    assert (await modern.post("/inferences", JOB)).status == 201
    assert len(modern.server.jobs) == 1


async def test_accepted_and_answered_by_a_504(modern: Client) -> None:
    modern.server.faults.add("accepted_504", route="/inferences$")
    body = {**JOB, "payload_string": '{"prompt": "a cat", "width": 64, "height": 64}'}
    answer = await modern.post("/inferences", body)
    assert (answer.status, answer.message) == (504, "Endpoint request timed out")
    assert len(modern.server.jobs) == len(modern.server.submitted) == 1


async def test_a_reset_connection(modern: Client) -> None:
    modern.server.faults.add("reset")
    with pytest.raises(aiohttp.ClientConnectionError):
        await modern.post("/inferences", JOB)
    assert modern.server.jobs == {}


async def test_faults_are_checked_and_forgotten(modern: Client) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        modern.server.faults.add("earthquake")
    modern.server.faults.add("status", times=-1)
    modern.server.faults.clear()
    assert (await modern.get("/ping")).status == 200


async def test_every_request_is_counted(modern: Client) -> None:
    await modern.get("/ping")
    await modern.get("/nope", headers={})
    seen = [(method, path) for method, path, _ in modern.server.requests]
    assert seen == [("GET", "/prod/ping"), ("GET", "/prod/nope")]
