"""The careful client, over real sockets: what arrives at the server, what comes back to us."""

from __future__ import annotations

import asyncio
import base64
import gzip
import time

import pytest
from aiohttp import web

from bot.backends import http
from bot.backends.http import Http, raise_for_status
from bot.backends.quota import Quota
from bot.errors import (
    BackendBadAnswer,
    BackendError,
    BackendFailed,
)
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings, connected


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """It says `{}` to everything."""
    server.otherwise = Says({})
    return server


# -- who we are ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "password"), [("bot", "s3cret"), ("bot", "pässwörd🗝"), ("b", ""), ("ü", "a:b:c")]
)
async def test_user_name_and_password_go_as_basic_in_utf8(
    server: TinyServer, username: str, password: str
) -> None:
    async with connected(server.url, auth={"username": username, "password": password}) as client:
        await client.get("/x")
    scheme, _, token = server.asked[0].headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(token).decode("utf-8") == f"{username}:{password}"


async def test_a_bearer_token_goes_as_bearer(server: TinyServer) -> None:
    async with connected(server.url, auth={"bearer": "t0ken"}) as client:
        await client.get("/x")
    assert server.asked[0].headers["Authorization"] == "Bearer t0ken"
    assert "x-api-key" not in server.asked[0].headers


async def test_an_api_key_goes_as_x_api_key(server: TinyServer) -> None:
    async with connected(server.url, auth={"api_key": "k3y"}) as client:
        await client.get("/x")
        await client.post("/y", {}, generating=True)
    for asked in server.asked:
        assert asked.headers["x-api-key"] == "k3y"
        assert "Authorization" not in asked.headers


async def test_without_credentials_none_are_sent(server: TinyServer) -> None:
    async with connected(server.url) as client:
        await client.get("/x")
    assert not {"Authorization", "x-api-key"} & set(server.asked[0].headers)


async def test_a_key_that_no_header_can_hold_is_an_error_of_ours(server: TinyServer) -> None:
    """`${KEY}` in easel.yaml may bring a line end along, as `echo` writes one."""
    async with connected(server.url, auth={"bearer": "t0ken\n"}) as client:
        with pytest.raises(BackendError):
            await client.get("/x")


# -- where to --------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["", "/", "/sd", "/behind/a/proxy/"])
async def test_the_path_of_the_base_url_is_kept(server: TinyServer, base: str) -> None:
    async with connected(server.url + base) as client:
        await client.get("/sdapi/v1/options")
        await client.get("/sdapi/v1/progress?skip_current_image=true")
        await client.post("/internal/progress", {})
    kept = base.rstrip("/")
    assert [a.path for a in server.asked] == [
        f"{kept}/sdapi/v1/options",
        f"{kept}/sdapi/v1/progress?skip_current_image=true",
        f"{kept}/internal/progress",
    ]


async def test_a_post_carries_json(server: TinyServer) -> None:
    body = {"prompt": 'naïve 猫, "quoted"\nline 2', "seed": 2**32 - 1, "cfg_scale": 7.5}
    async with connected(server.url) as client:
        await client.post("/x", body)
    assert server.asked[0].headers["Content-Type"] == "application/json"
    assert server.asked[0].json == body


async def test_a_redirect_is_told_and_not_followed(server: TinyServer) -> None:
    """Followed, a POST would become a GET, and the password could go to a stranger."""
    server.table["GET /old"] = Says("", 302, headers={"Location": "/new"})
    async with connected(server.url, auth={"bearer": "t0ken"}) as client:
        answer = await client.get("/old")
    assert answer.status == 302
    assert server.paths() == ["/old"]
    with pytest.raises(BackendFailed, match="302"):
        raise_for_status(answer)


# -- connections -----------------------------------------------------------------------------------


async def test_listings_share_a_connection_and_generating_calls_take_a_fresh_one(
    server: TinyServer,
) -> None:
    """Forge closes the connection after a 500: the next POST on it would be reset (trap 21)."""
    async with connected(server.url) as client:
        for _ in range(2):
            await client.get("/listing")
        for how in ({"generating": True}, {"generating": True}, {"fresh": True}):
            await client.post("/txt2img", {}, **how)
        await client.get("/listing")
        await client.post("/internal/progress", {})
    first, second, *fresh, last, poll = server.asked
    assert first.connection is second.connection is last.connection is poll.connection
    assert first.headers.get("Connection", "") != "close"
    assert [a.headers["Connection"] for a in fresh] == ["close"] * 3
    kept = {first.connection}
    assert len({a.connection for a in fresh} - kept) == 3, "each by itself, none over the kept one"


async def test_an_unused_client_closes_without_a_word() -> None:
    await Http(backend_settings("http://127.0.0.1:1")).close()


# -- answers ---------------------------------------------------------------------------------------


async def test_an_answer_has_status_type_and_whole_body(server: TinyServer) -> None:
    server.table["GET /x"] = Says(b"\x00" * 600_000, 418, "image/png")
    async with connected(server.url) as client:
        answer = await client.get("/x")
    assert (answer.status, answer.content_type, len(answer.body)) == (418, "image/png", 600_000)


async def test_a_packed_answer_is_unpacked(server: TinyServer) -> None:
    """SD.Next packs its answers."""
    packed = gzip.compress(b'{"packed": true}')
    server.table["GET /x"] = Says(packed, headers={"Content-Encoding": "gzip"})
    async with connected(server.url) as client:
        assert (await client.get("/x")).json() == {"packed": True}


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SMALL_BYTES", 1_000)
    monkeypatch.setattr(http, "LARGE_BYTES", 5_000)


@pytest.mark.usefixtures("small_bounds")
async def test_the_bound_of_an_answer_is_inclusive(server: TinyServer) -> None:
    server.table["GET /x"] = Says(b"a" * 1_000)
    server.table["GET /y"] = Says(b"a" * 1_001)
    async with connected(server.url) as client:
        assert len((await client.get("/x")).body) == 1_000
        with pytest.raises(BackendBadAnswer, match="1001 bytes"):
            await client.get("/y")


@pytest.mark.usefixtures("small_bounds")
async def test_only_generating_calls_may_bring_much(server: TinyServer) -> None:
    server.table["POST /x"] = Says(b"a" * 5_000)
    server.table["POST /y"] = Says(b"a" * 5_001)
    async with connected(server.url) as client:
        assert len((await client.post("/x", {}, generating=True)).body) == 5_000
        with pytest.raises(BackendBadAnswer):
            await client.post("/x", {})
        with pytest.raises(BackendBadAnswer):
            await client.post("/y", {}, generating=True)


@pytest.mark.usefixtures("small_bounds")
async def test_a_flood_of_unsaid_length_is_left_at_the_bound(server: TinyServer) -> None:
    left = asyncio.Event()

    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:  # for ever: only a client that leaves ends this
                await response.write(b"a" * 65_536)
        except ConnectionError:
            left.set()
            raise

    server.table["GET /x"] = flood
    async with connected(server.url) as client:
        with pytest.raises(BackendBadAnswer, match="more than 1000 bytes"):
            await client.get("/x", timeout=5)
        await asyncio.wait_for(left.wait(), 5)


@pytest.mark.usefixtures("small_bounds")
async def test_the_bound_counts_what_is_unpacked(server: TinyServer) -> None:
    bomb = gzip.compress(b"\x00" * 2_000_000)
    bomb = bomb if len(bomb) <= 1_000 else gzip.compress(b"\x00" * 200_000)
    assert len(bomb) <= 1_000
    server.table["GET /x"] = Says(bomb, headers={"Content-Encoding": "gzip"})
    async with connected(server.url) as client:
        with pytest.raises(BackendBadAnswer, match="more than 1000 bytes"):
            await client.get("/x")


async def test_a_broken_packing_is_an_error_of_ours(server: TinyServer) -> None:
    server.table["GET /x"] = Says(b"not gzip at all", headers={"Content-Encoding": "gzip"})
    async with connected(server.url) as client:
        with pytest.raises(BackendError):
            await client.get("/x")


# -- the quota -------------------------------------------------------------------------------------


async def test_every_request_asks_for_a_permit(server: TinyServer) -> None:
    quota = Quota("main")
    quota.limit(rate=100.0, burst=1)
    client = Http(backend_settings(server.url), quota)
    began = time.monotonic()
    await client.get("/x")
    await client.post("/x", {})
    await client.post("/x", {}, generating=True)
    await client.close()
    assert quota.spent.permits == 3
    assert time.monotonic() - began >= 0.02, "two had to wait for a hundredth of a second"


async def test_a_burst_goes_at_once_and_without_one_it_is_one(server: TinyServer) -> None:
    for burst, expected in ((3, 3), (None, 1)):
        server.asked.clear()
        async with connected(server.url, rate=0.1, burst=burst) as client:
            sending = asyncio.gather(*(client.post("/x", {}, generating=True) for _ in range(4)))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sending, 0.4)
        assert len(server.asked) == expected


async def test_without_a_rate_nothing_waits(server: TinyServer) -> None:
    quota = Quota("main")
    client = Http(backend_settings(server.url), quota)
    await asyncio.gather(*(client.get("/x") for _ in range(20)))
    await client.close()
    assert (quota.spent.permits, quota.spent.waits) == (20, 0)
    assert len(server.asked) == 20


async def test_the_wait_for_a_permit_does_not_eat_the_time_for_the_answer(
    server: TinyServer,
) -> None:
    async with connected(server.url, rate=4.0, burst=1) as client:
        await client.get("/x")
        assert (await client.get("/x", timeout=0.2)).status == 200
