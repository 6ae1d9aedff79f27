"""The small question: one request, and any answer will do."""

from __future__ import annotations

import socket

import pytest

from bot.backends import sdapi
from bot.errors import (
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendRefused,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
)
from tests.bot.backends.painters import PROGRESS, painter, running
from tests.bot.backends.tiny_server import Says, TinyServer


async def test_it_is_one_request_without_a_picture_in_its_answer(server: TinyServer) -> None:
    server.table[PROGRESS] = running(0.5)
    async with painter(server.url) as backend:
        await backend.ping()
    assert server.paths() == ["/sdapi/v1/progress?skip_current_image=true"]


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (404, BackendRefused),
        (500, BackendFailed),
        (503, BackendBusy),
        (401, BackendRejectedCredentials),
        (502, BackendUnreachable),
    ],
)
async def test_what_it_says_is_told_apart(
    server: TinyServer, status: int, meaning: type[BackendError]
) -> None:
    """The first three are answers, the others stand in the way (see `Health`)."""
    server.table[PROGRESS] = Says({}, status)
    async with painter(server.url) as backend:
        with pytest.raises(meaning):
            await backend.ping()


async def test_silence_is_noticed_soon(server: TinyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdapi, "PING_SECONDS", 0.05)
    server.table[PROGRESS] = server.silence
    async with painter(server.url) as backend:
        with pytest.raises(BackendTimeout):
            await backend.ping()


async def test_nobody_there_is_noticed_at_once() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        async with painter(f"http://127.0.0.1:{held.getsockname()[1]}") as backend:
            with pytest.raises(BackendUnreachable):
                await backend.ping()
