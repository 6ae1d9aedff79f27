"""S3 as presigned URLs lead to it: uploads, results that come late, and what it hears of us."""

from __future__ import annotations

from typing import Any

import pytest

from bot.backends.sd_extension_http import Store
from bot.demo.servers.s3 import DemoS3
from bot.errors import (
    BackendBadAnswer,
    BackendFailed,
    BackendUnreachable,
)
from tests.bot.backends.cloud import Slip
from tests.bot.backends.sd_extension_cloud import cloud, hurry, order, painted
from tests.bot.backends.tiny_server import Says, TinyServer

both = pytest.mark.parametrize("generation", ["v1.3", "v1.7"])
TWO: dict[str, Any] = {"extension": {"flow": "two-step"}}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@both
@pytest.mark.parametrize("do", ["slow_down", "internal", "reset"])
async def test_an_upload_that_breaks_is_repeated(generation: str, do: str) -> None:
    async with cloud(generation) as server:
        server.s3.faults.add(do, action="PutObject", times=2)
        await server.paint(**TWO)
        server.s3.faults.add(do, action="PutObject", times=-1)
        with pytest.raises(BackendUnreachable, match="S3 PUT") as error:
            await server.paint(**TWO)
        assert len(server.started) == 1
    assert not error.value.taken


def late(s3: DemoS3, method: str, times: int) -> None:
    """The next URLs of this method are too old when they are used."""
    sign, left = s3.presigned, [times]

    def signed(asked: str, key: str, seconds: float = 3600) -> str:
        if asked == method and left[0] > 0:
            left[0] -= 1
            return sign(asked, key, -10)
        return sign(asked, key, seconds)

    object.__setattr__(s3, "presigned", signed)


@both
async def test_an_upload_that_comes_too_late_gets_a_new_place(generation: str) -> None:
    async with cloud(generation) as server:
        late(server.s3, "PUT", 1)
        await server.paint(**TWO)
        assert len(server.started) == 1
        late(server.s3, "PUT", 2)
        with pytest.raises(BackendFailed, match="Request has expired") as error:
            await server.paint(**TWO)
    assert error.value.code == "BackendFailed", "buttons and tables know no other"


@both
async def test_results_that_are_fetched_too_late_are_signed_anew(generation: str) -> None:
    """The modern row is signed each time it is looked at: its last look is one too old."""
    async with cloud(generation) as server, server.painter(**TWO) as painter:
        slip = Slip()
        await painted(painter, order(), slip)
        late(server.s3, "GET", 2)
        (found,) = await painted(painter, order(), slip)
        assert len(server.started) == 1
    assert found.seed == 42


@both
async def test_a_denied_upload_fails_with_s3s_words(generation: str) -> None:
    async with cloud(generation) as server:
        server.s3.faults.add("denied", action="PutObject")
        with pytest.raises(BackendFailed, match="AccessDenied") as error:
            await server.paint(**TWO)
        assert server.started == []
    assert "Signature" not in str(error.value)


# -- S3 by itself ----------------------------------------------------------------------------------


async def test_s3_hears_no_more_than_the_url(server: TinyServer) -> None:
    server.table["PUT /key"] = Says()
    store = Store(lambda: True)
    await store.put(f"{server.url}/key?Signature=a%2Bb%3D&Expires=1", b"{}")
    await store.close()
    (asked,) = server.asked
    assert asked.path == "/key?Signature=a%2Bb%3D&Expires=1", "as it was signed"
    assert not {"Content-Type", "Authorization", "x-api-key", "username"} & set(asked.headers)


async def test_an_object_that_is_too_large(server: TinyServer) -> None:
    server.table["GET /key"] = Says("x" * 100)
    store = Store(lambda: True)
    assert await store.get(f"{server.url}/key", 100) == b"x" * 100
    with pytest.raises(BackendBadAnswer, match="more than 99 bytes"):
        await store.get(f"{server.url}/key", 99)
    await store.close()


@pytest.mark.parametrize("url", ["", "not a url", "ftp://x/y", "http://", "http://x:y/z"])
async def test_a_url_that_is_none(url: str) -> None:
    store = Store(lambda: True)
    with pytest.raises(BackendBadAnswer, match="a presigned URL that is none"):
        await store.get(url, 10)
    await store.close()


async def test_a_signature_that_does_not_match_is_no_missing_object(server: TinyServer) -> None:
    xml = "<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature</Message>"
    server.table["GET /key"] = Says(xml, 403, "application/xml")
    store = Store(lambda: True)
    with pytest.raises(BackendFailed, match="SignatureDoesNotMatch The request signature"):
        await store.get(f"{server.url}/key", 10)
    await store.close()
