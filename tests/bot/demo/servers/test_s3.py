"""The stand-in for S3 is as strict as S3: signatures, headers, expiry (contract aws, 2.5)."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import obstore
import pytest
import pytest_asyncio
import yarl
from obstore.exceptions import PermissionDeniedError
from obstore.store import S3Store

from bot.demo.servers.s3 import DemoS3
from bot.demo.servers.s3.signatures import Keys
from bot.errors import ConfigurationError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared() -> AsyncIterator[DemoS3]:
    """One stand-in for all tests of this file: to start moto takes half a second."""
    s3 = DemoS3(bucket="easel-s3-tests")
    await s3.start()
    yield s3
    await s3.close()


@pytest_asyncio.fixture(loop_scope="module")
async def s3(shared: DemoS3) -> AsyncIterator[DemoS3]:
    """The shared stand-in, afterwards as it was."""
    yield shared
    shared.faults.clear()
    shared.may_list = True
    shared.requests.clear()
    shared.leaks.clear()
    await shared.delete("")


@pytest_asyncio.fixture(loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def store_of(s3: DemoS3, **changes: Any) -> S3Store:
    """How the bot's side opens the bucket."""
    chosen: dict[str, Any] = {
        "endpoint": s3.url,
        "access_key_id": s3.access_key,
        "secret_access_key": s3.secret_key,
        "region": s3.region,
        "client_options": {"allow_http": True},
        "retry_config": {"max_retries": 0},
        "virtual_hosted_style_request": False,
        "bucket": s3.bucket,
        **changes,
    }
    return S3Store(**chosen)


async def listed(store: S3Store, prefix: str) -> list[str]:
    """All keys, over as many pages as there are."""
    return [row["path"] async for page in obstore.list(store, prefix) for row in page]


async def sent(
    session: aiohttp.ClientSession, method: str, url: str, **options: Any
) -> tuple[int, str, str]:
    """Status, the code of an error, and the text."""
    async with session.request(method, yarl.URL(url, encoded=True), **options) as response:
        text = await response.text()
    code = ET.fromstring(text).findtext("Code") or "" if response.status >= 300 else ""
    return response.status, code, text


# --- what stand-ins write, clients read


async def test_what_is_put_can_be_listed_and_got(s3: DemoS3) -> None:
    await s3.put("out/7/7-ab12-1.png", b"picture", "image/png")
    await s3.put("out/7/7-ab12.out", b"{}", "application/json")
    await s3.put("out/77/other", b"")
    assert s3.requests == []
    store = store_of(s3)
    assert await listed(store, "out/7/") == ["out/7/7-ab12-1.png", "out/7/7-ab12.out"]
    found = await obstore.get_async(store, "out/7/7-ab12-1.png")
    assert bytes(await found.bytes_async()) == b"picture"
    assert found.attributes["Content-Type"] == "image/png"
    assert [(row[0], row[1]) for row in s3.requests] == [
        ("GET", "/easel-s3-tests"),
        ("GET", "/easel-s3-tests/out/7/7-ab12-1.png"),
    ]
    assert "list-type=2" in s3.requests[0][2]


async def test_odd_keys(s3: DemoS3) -> None:
    key = "a b/ü+100%/=&?#.png"
    await obstore.put_async(store_of(s3), key, b"odd")
    assert (await s3.keys("a b/"), await s3.get(key)) == ([key], b"odd")
    assert await s3.get("a b/other") is None


async def test_more_than_one_page_of_keys(s3: DemoS3) -> None:
    names = sorted(f"many/{number}" for number in range(1001))
    for name in names:
        await s3.put(name, b"")
    assert await listed(store_of(s3), "many/") == names
    assert await s3.keys("many/") == names


async def test_delete_and_head(s3: DemoS3) -> None:
    store = store_of(s3)
    for key in ("a/1", "a/2", "b/1"):
        await s3.put(key, b"12345")
    assert (await obstore.head_async(store, "a/1"))["size"] == 5
    await s3.delete("a/")
    await obstore.delete_async(store, "b/1")
    assert await s3.keys() == []
    with pytest.raises(FileNotFoundError):
        await obstore.head_async(store, "a/1")


async def test_virtual_hosted_style(s3: DemoS3, session: aiohttp.ClientSession) -> None:
    await s3.put("x", b"here")
    address = s3.url.removeprefix("http://")
    host = address.replace("127.0.0.1", f"{s3.bucket}.localhost")
    store = store_of(s3, endpoint=f"http://{host}", virtual_hosted_style_request=True)
    signed = await obstore.sign_async(store, "GET", "x", timedelta(minutes=1))
    # Not every machine resolves names under localhost.
    url = signed.replace(host, address)
    assert await sent(session, "GET", url, headers={"Host": host}) == (200, "", "here")


async def test_each_bucket_name_once_in_a_process(s3: DemoS3) -> None:
    with pytest.raises(ValueError, match=s3.bucket):
        await DemoS3(bucket=s3.bucket).start()


async def test_the_next_one_of_this_name_begins_empty() -> None:
    s3 = DemoS3(bucket="twice")
    for _ in range(2):
        await s3.start()
        assert await s3.keys() == []
        await s3.put("left over", b"x" * 600_000)
        await s3.close()


async def test_a_start_that_fails_leaves_nothing_open(s3: DemoS3) -> None:
    with pytest.raises(ValueError, match="no name for a bucket"):
        await DemoS3(bucket="No").start()
    taken = int(s3.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await DemoS3(bucket="again", port=taken).start()
    other = DemoS3(bucket="again")
    await other.start()
    await other.close()


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "moto.moto_server.werkzeug_app", None)
    with pytest.raises(ConfigurationError, match="aws-demo"):
        await DemoS3(bucket="nowhere").start()


# --- signatures


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access_key_id": "AKIANOBODY"}, "InvalidAccessKeyId"),
        ({"secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"session_token": "stale"}, "InvalidToken"),
        ({"skip_signature": True}, "AccessDenied"),
    ],
)
async def test_wrong_keys(s3: DemoS3, changes: dict[str, Any], code: str) -> None:
    await s3.put("x", b"secret")
    with pytest.raises(Exception, match=f"<Code>{code}</Code>"):
        await obstore.get_async(store_of(s3, **changes), "x")


async def test_a_url_signed_by_version_4_is_for_one_object(
    s3: DemoS3, session: aiohttp.ClientSession
) -> None:
    await s3.put("x", b"1")
    url = await obstore.sign_async(store_of(s3), "GET", "x", timedelta(minutes=1))
    assert await sent(session, "GET", url) == (200, "", "1")
    status, code, text = await sent(session, "GET", url.replace("/x?", "/y?"))
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert "AWS4-HMAC-SHA256" in (ET.fromstring(text).findtext("StringToSign") or "")


async def test_a_presigned_url_lets_anybody_in(s3: DemoS3, session: aiohttp.ClientSession) -> None:
    key = "txt2img/infer_v2/1 2/api_param.json"
    put, get = s3.presigned("PUT", key), s3.presigned("GET", key)
    bare = {"skip_auto_headers": ["Content-Type"]}
    assert (await sent(session, "PUT", put, data=b"{}", **bare))[0] == 200
    assert await sent(session, "GET", get) == (200, "", "{}")
    assert await s3.get(key) == b"{}"
    # The session token of a lambda's role: full of characters that must not be decoded again.
    assert "x-amz-security-token=" in get
    assert "%2B" in get


async def test_a_url_that_boto_presigned(s3: DemoS3, session: aiohttp.ClientSession) -> None:
    await s3.put("a b/ü+.png", b"1")
    boto = importlib.import_module("botocore.session").get_session()
    for keys in (Keys(s3.access_key, s3.secret_key), s3.role):
        client = boto.create_client(
            "s3",
            region_name=s3.region,
            endpoint_url=s3.url,
            aws_access_key_id=keys.access,
            aws_secret_access_key=keys.secret,
            aws_session_token=keys.token or None,
        )
        params = {"Bucket": s3.bucket, "Key": "a b/ü+.png"}
        url = client.generate_presigned_url("get_object", Params=params)
        assert "AWSAccessKeyId=" in url
        assert await sent(session, "GET", url) == (200, "", "1")


async def test_a_content_type_breaks_a_presigned_put(
    s3: DemoS3, session: aiohttp.ClientSession
) -> None:
    put = s3.presigned("PUT", "x")
    sendings: list[dict[str, Any]] = [
        {"data": b"{}"},
        {"json": {}},
        {"data": b"", "headers": {"Content-Type": "image/png"}},
    ]
    for sending in sendings:
        status, code, _ = await sent(session, "PUT", put, **sending)
        assert (status, code) == (403, "SignatureDoesNotMatch")
    assert await s3.get("x") is None


async def test_a_presigned_url_is_for_one_method_and_one_object(
    s3: DemoS3, session: aiohttp.ClientSession
) -> None:
    await s3.put("x", b"1")
    put = s3.presigned("PUT", "x")
    for method, url in (("GET", put), ("PUT", put.replace("/x?", "/y?"))):
        status, code, _ = await sent(session, method, url)
        assert (status, code) == (403, "SignatureDoesNotMatch")


async def test_a_presigned_url_ends(s3: DemoS3, session: aiohttp.ClientSession) -> None:
    status, code, text = await sent(session, "GET", s3.presigned("GET", "x", seconds=-1))
    assert (status, code) == (403, "AccessDenied")
    assert "<Message>Request has expired</Message><Expires>" in text


async def test_two_authentications_are_one_too_many(
    s3: DemoS3, session: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": "Bearer 61646D696E"}
    status, code, text = await sent(session, "GET", s3.presigned("GET", "x"), headers=headers)
    assert (status, code) == (400, "InvalidArgument")
    assert "Only one auth mechanism allowed" in text


async def test_keys_of_other_services_are_noted(s3: DemoS3, session: aiohttp.ClientSession) -> None:
    await s3.put("x", b"1")
    headers = {"x-api-key": "for the gateway", "username": "api"}
    assert (await sent(session, "GET", s3.presigned("GET", "x"), headers=headers))[0] == 200
    assert sorted(name for name, _ in s3.leaks) == ["username", "x-api-key"]


async def test_what_is_not_there(s3: DemoS3, session: aiohttp.ClientSession) -> None:
    assert (await sent(session, "GET", s3.presigned("GET", "x")))[:2] == (404, "NoSuchKey")
    assert (await sent(session, "GET", f"{s3.url}/{s3.bucket}/x"))[:2] == (403, "AccessDenied")
    with pytest.raises(FileNotFoundError, match="NoSuchBucket"):
        await obstore.get_async(store_of(s3, bucket="another"), "x")


# --- rights and trouble


async def test_without_the_right_to_list_a_missing_object_is_forbidden_too(s3: DemoS3) -> None:
    s3.may_list = False
    store = store_of(s3)
    await s3.put("x", b"1")
    assert bytes(await (await obstore.get_async(store, "x")).bytes_async()) == b"1"
    with pytest.raises(Exception, match="s3:ListBucket"):
        await listed(store, "")
    with pytest.raises(PermissionDeniedError, match="Access Denied"):
        await obstore.get_async(store, "y")


async def test_faults_meet_the_action_they_are_meant_for(
    s3: DemoS3, session: aiohttp.ClientSession
) -> None:
    await s3.put("x", b"123456")
    get = s3.presigned("GET", "x")
    s3.faults.add("slow_down", times=2, action="GetObject")
    s3.faults.add("denied", action="ListBucket", times=-1)
    s3.faults.add("internal")
    store = store_of(s3)
    for _ in range(2):
        with pytest.raises(Exception, match="s3:ListBucket"):
            await listed(store, "")
    answers = [await sent(session, "GET", get) for _ in range(4)]
    assert [row[:2] for row in answers] == [
        (503, "SlowDown"),
        (503, "SlowDown"),
        (500, "InternalError"),
        (200, ""),
    ]


async def test_broken_connections(s3: DemoS3, session: aiohttp.ClientSession) -> None:
    await s3.put("x", b"123456")
    get = s3.presigned("GET", "x")
    s3.faults.add("reset", times=2)  # aiohttp itself asks a second time
    with pytest.raises(aiohttp.ClientConnectionError):
        await sent(session, "GET", get)
    s3.faults.clear()
    s3.faults.add("cut")
    with pytest.raises(aiohttp.ClientPayloadError):
        await sent(session, "GET", get)
    s3.faults.add("slow", seconds=0.1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await sent(session, "GET", get)
    assert (await sent(session, "GET", get))[0] == 200
    with pytest.raises(ValueError, match="no such fault"):
        s3.faults.add("rain")
