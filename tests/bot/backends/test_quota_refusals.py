"""A refusal slows down whoever spends the same key, for as long as it says, and nobody else."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bot import throttle
from bot.backends.http import Http
from bot.backends.quota import Quotas
from tests.bot.backends.painters import in_turn
from tests.bot.backends.permits import limited, send
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings

TOO_MANY = Says({"message": "Too Many Requests"}, 429)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first pause of a twentieth of a second, without luck."""
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(random, "random", lambda: 0.9)


@asynccontextmanager
async def clients(url: str, keys: str, quotas: Quotas | None = None) -> AsyncIterator[list[Http]]:
    """A client for each letter, which is its key."""
    known = quotas or Quotas()
    all_settings = [
        backend_settings(url, name=f"b{n}", auth={"api_key": key}) for n, key in enumerate(keys)
    ]
    found = [Http(one, known.of(one)) for one in all_settings]
    try:
        yield found
    finally:
        for one in found:
            await one.close()


async def took(client: Http, *, generating: bool = False) -> float:
    """Seconds until a request to /well was answered."""
    began = time.monotonic()
    assert (await client.post("/well", {}, generating=generating)).status == 200
    return time.monotonic() - began


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """All is well at /well."""
    server.table["POST /well"] = Says({})
    return server


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("status", [429, 503])
async def test_a_refusal_with_a_time_slows_the_whole_quota_and_no_other(
    server: TinyServer, status: int
) -> None:
    server.table["POST /x"] = Says({}, status, headers={"Retry-After": "0.2"})
    async with clients(server.url, "aab") as (one, two, stranger):
        assert (await one.post("/x", {}, generating=True)).status == status
        assert await took(stranger) < 0.15
        assert 0.05 < await took(two) < 0.6
        assert await took(two) < 0.15


@pytest.mark.usefixtures("short_pauses")
async def test_a_refusal_until_a_date_is_understood(server: TinyServer) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    server.table["POST /x"] = Says({}, 429, headers={"Retry-After": until})
    quotas = Quotas()
    async with clients(server.url, "a", quotas) as (client,):
        await client.post("/x", {}, generating=True)
        (quota,) = quotas
        assert 55 < quota.held() < 61
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get("/well"), 0.05)
    assert quota.spent.refusals == 1


@pytest.mark.usefixtures("short_pauses")
async def test_refusals_without_a_time_slow_down_more_and_more(server: TinyServer) -> None:
    server.table["POST /x"] = TOO_MANY
    quotas = Quotas()
    async with clients(server.url, "aa", quotas) as (one, two):
        (quota,) = quotas
        for bound in (0.05, 0.1, 0.2):
            await one.post("/x", {}, generating=True)
            assert bound / 2 < quota.held() < bound
            await two.get("/well")
            assert quota.held() == 0


@pytest.mark.usefixtures("short_pauses")
async def test_refusals_of_the_quota_are_forgotten_when_all_went_well(server: TinyServer) -> None:
    server.table["POST /x"] = TOO_MANY
    quotas = Quotas()
    async with clients(server.url, "a", quotas) as (client,):
        (quota,) = quotas
        for _ in range(2):
            await client.post("/x", {}, generating=True)
        assert quota.held() > 0.05
        for _ in range(throttle.CALM):
            await took(client)
        await client.post("/x", {}, generating=True)
        assert 0 < quota.held() < 0.05


@pytest.mark.usefixtures("short_pauses")
async def test_after_a_refusal_the_burst_is_not_trusted() -> None:
    """Somebody else spends the same key: all at once again would be refused again."""
    quota = limited(rate=100, burst=50)
    permit, began = await send(quota), time.monotonic()
    quota.slow(None, permit)
    given = [(await send(quota)).given for _ in range(6)]
    assert given[-1] - began >= 0.045 + 0.05


@pytest.mark.usefixtures("short_pauses")
async def test_a_refused_question_is_asked_again_by_itself(server: TinyServer) -> None:
    """A probe that runs into a 429 must not think that a route is missing."""
    server.table["GET /x"] = in_turn(TOO_MANY, TOO_MANY, Says({"here": True}))
    async with clients(server.url, "a") as (client,):
        assert (await client.get("/x")).json() == {"here": True}
    assert server.paths() == ["/x"] * 3


@pytest.mark.usefixtures("short_pauses")
async def test_a_question_is_asked_three_times_and_not_after_a_long_pause(
    server: TinyServer,
) -> None:
    server.table |= {
        "GET /x": TOO_MANY,
        "GET /y": Says({}, 429, headers={"Retry-After": "30"}),
    }
    async with clients(server.url, "ab") as (client, other):
        assert (await client.get("/x")).status == 429
        assert (await other.get("/y")).retry_after == 30
    assert server.paths() == ["/x"] * 3 + ["/y"]


@pytest.mark.usefixtures("short_pauses")
async def test_a_refused_submission_goes_back_into_line_and_is_not_repeated_here(
    server: TinyServer,
) -> None:
    server.table["POST /x"] = TOO_MANY
    async with clients(server.url, "a") as (client,):
        assert (await client.post("/x", {}, generating=True)).status == 429
    assert server.paths("POST") == ["/x"]


async def test_a_busy_server_delays_its_own_submissions_and_nothing_else(
    server: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 without a time says nothing of the key: one painter of several has a full line."""
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.5)
    monkeypatch.setattr(random, "random", lambda: 1.0)
    server.table["POST /x"] = Says({"detail": {"msg": "Server is busy"}}, 503)
    async with clients(server.url, "aa") as (busy, free):
        await busy.post("/x", {}, generating=True)
        assert await took(free, generating=True) < 0.2
        assert await took(busy) < 0.2, "a question"
        assert await took(busy, generating=True) > 0.1


async def test_a_busy_server_is_trusted_again_when_all_went_well(
    server: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.2)
    monkeypatch.setattr(random, "random", lambda: 1.0)
    server.table["POST /x"] = Says({}, 503)
    async with clients(server.url, "a") as (client,):
        for _ in range(2):
            await client.post("/x", {}, generating=True)
        assert await took(client, generating=True) > 0.3, "twice the first pause"
        for _ in range(throttle.CALM):
            await took(client, generating=True)
        await client.post("/x", {}, generating=True)
        assert await took(client, generating=True) < 0.35


async def test_a_request_with_a_permit_does_not_wait_for_a_connection(server: TinyServer) -> None:
    """Or many that were given one by one would leave together."""
    server.table["POST /x"] = server.silence
    async with clients(server.url, "a") as (client,):
        hanging = [asyncio.create_task(client.post("/x", {}, generating=True)) for _ in range(120)]
        async with asyncio.timeout(10):
            while len(server.asked) < 120:
                await asyncio.sleep(0.01)
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_an_unreachable_server_gives_its_permits_free() -> None:
    quota = limited(rate=1000, burst=3)
    client = Http(backend_settings("http://127.0.0.1:1"), quota)
    for _ in range(10):
        with pytest.raises(Exception, match="no connection"):
            await client.get("/x")
    await client.close()
    assert quota.spent.permits == 10
