"""/healthz says that the process lives, /readyz that it can serve, /metrics how it goes."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from bot.errors import ConfigurationError, DatabaseUnavailable
from bot.metrics import MEASURES, WAITING, Metrics
from bot.web import HealthPage, Readiness, Ready

WELL = {"database": True, "discord": True, "backend": True}
BACKENDS = {"attic": "up", "cloud": "down"}


def saying(parts: dict[str, bool]) -> Ready:
    async def ready() -> Readiness:
        return Readiness(parts, BACKENDS)

    return ready


async def away() -> Readiness:
    raise DatabaseUnavailable("locked")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


@asynccontextmanager
async def open_page(port: int, ready: Ready, metrics: Metrics | None = None) -> AsyncIterator[None]:
    page = HealthPage("127.0.0.1", port, ready, metrics or Metrics())
    await page.start()
    try:
        yield
    finally:
        await page.close()


async def ask(port: int, path: str, method: str = "GET") -> tuple[int, Any, str]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
        kind = answer.content_type
        body = await (answer.json() if kind == "application/json" else answer.text())
        return answer.status, body, kind


async def test_it_lives_whatever_is_wrong(port: int) -> None:
    """A container that waits for its database must not be killed for it."""
    for ready in (saying(WELL), saying(dict.fromkeys(WELL, False)), away):
        async with open_page(port, ready):
            assert await ask(port, "/healthz") == (200, "ok\n", "text/plain")


async def test_it_is_ready_when_every_part_is_and_one_backend_is_up(port: int) -> None:
    async with open_page(port, saying(WELL)):
        told = WELL | {"backends": BACKENDS}
        assert await ask(port, "/readyz") == (200, told, "application/json")


@pytest.mark.parametrize("part", WELL)
async def test_one_part_that_is_not_well_is_named_with_503(port: int, part: str) -> None:
    async with open_page(port, saying(WELL | {part: False})):
        status, parts, _ = await ask(port, "/readyz")
    assert status == 503
    assert parts == WELL | {part: False, "backends": BACKENDS}


async def test_a_database_that_cannot_be_asked_is_not_ready(port: int) -> None:
    async with open_page(port, away):
        assert await ask(port, "/readyz") == (503, {"database": False}, "application/json")


async def test_the_measures_are_read_when_they_are_asked_for(port: int) -> None:
    metrics, waiting = Metrics(), [3]
    metrics.watch(WAITING, lambda: waiting[0])
    async with open_page(port, away, metrics):
        first = await ask(port, "/metrics")
        waiting[0] = 4
        second = await ask(port, "/metrics")
    assert (first[0], first[2]) == (200, "text/plain")
    assert all(f"# HELP {measure.name} {measure.sentence}\n" in first[1] for measure in MEASURES)
    assert ("easel_jobs_waiting 3.0\n" in first[1], "easel_jobs_waiting 4.0\n" in second[1]) == (
        True,
        True,
    )


async def test_there_is_nothing_else(port: int) -> None:
    async with open_page(port, saying(WELL)):
        assert (await ask(port, "/"))[0] == 404
        assert (await ask(port, "/readyz", "POST"))[0] == 405


async def test_a_taken_port_says_what_to_change(taken_port: int) -> None:
    page = HealthPage("127.0.0.1", taken_port, saying(WELL), Metrics())
    with pytest.raises(ConfigurationError) as caught:
        await page.start()
    await page.close()
    told = str(caught.value)
    assert told.startswith("WEB_HOST, WEB_PORT: ")
    assert f"127.0.0.1:{taken_port}" in told
    assert "another port, or 0" in told
    assert "\n" not in told


async def test_an_address_that_is_not_ours_says_so_too(port: int) -> None:
    page = HealthPage("192.0.2.1", port, saying(WELL), Metrics())
    with pytest.raises(ConfigurationError, match="WEB_"):
        await page.start()
    await page.close()


async def test_port_0_turns_the_page_off() -> None:
    async with open_page(0, away):
        pass


async def test_closing_frees_the_port_and_may_be_done_unopened(port: int) -> None:
    async with open_page(port, saying(WELL)):
        pass
    async with open_page(port, saying(WELL)):
        assert (await ask(port, "/healthz"))[0] == 200
    await HealthPage("127.0.0.1", port, away, Metrics()).close()
