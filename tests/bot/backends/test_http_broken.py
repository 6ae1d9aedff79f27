"""Silence, refused and broken connections: which of our errors, and was the request taken?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
from aiohttp import web

from bot.errors import (
    BackendTimeout,
    BackendUnreachable,
    EaselError,
)
from tests.bot.backends.tiny_server import Says, TinyServer, connected


@pytest.fixture
def server(server: TinyServer) -> TinyServer:
    """It says `{}` to everything."""
    server.otherwise = Says({})
    return server


async def test_no_answer_in_time_is_a_timeout_that_names_the_call(server: TinyServer) -> None:
    server.table["POST /paint"] = server.silence
    async with connected(server.url) as client:
        with pytest.raises(BackendTimeout, match="no answer to POST /paint in 0 s"):
            await client.post("/paint", {}, timeout=0.05)


async def test_an_answer_that_stops_in_the_middle_is_a_timeout_too(server: TinyServer) -> None:
    async def stutter(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await server.closing.wait()
        return response

    server.table["GET /x"] = stutter
    async with connected(server.url) as client:
        with pytest.raises(BackendTimeout):
            await client.get("/x", timeout=0.1)


async def test_after_a_timeout_the_client_still_works(server: TinyServer) -> None:
    server.table["GET /slow"] = server.silence
    async with connected(server.url) as client:
        with pytest.raises(BackendTimeout):
            await client.get("/slow", timeout=0.05)
        assert (await client.get("/x")).status == 200


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection_was_never_taken() -> None:
    async with connected(f"http://127.0.0.1:{unused_port()}") as client:
        for call in (client.get("/x"), client.post("/x", {}, generating=True)):
            with pytest.raises(BackendUnreachable, match="no connection") as caught:
                await call
            assert not caught.value.taken, "nobody can be working on it"


@pytest.mark.parametrize("host", ["bad..host", "a" * 80 + ".example"])
async def test_a_host_name_that_cannot_be_one_is_unreachable(host: str) -> None:
    async with connected(f"http://{host}") as client:
        with pytest.raises(BackendUnreachable) as caught:
            await client.get("/x")
        assert not caught.value.taken


async def test_a_body_that_is_no_json_is_an_error_of_ours(server: TinyServer) -> None:
    """YAML makes a date of 2024-01-01: the operator's payload may hold one."""
    async with connected(server.url) as client:
        with pytest.raises(EaselError):
            await client.post("/x", {"when": date(2024, 1, 1)})


@asynccontextmanager
async def rude_server(last_words: bytes, *, reset: bool) -> AsyncIterator[str]:
    """Reads a request, says a few bytes, and closes or resets the connection."""

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(last_words)
        await writer.drain()
        if reset:
            linger = struct.pack("ii", 1, 0)  # makes close() send RST, as a dying server's kernel
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            writer.close()

    listening = await asyncio.start_server(rude, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await listening.wait_closed()


RUDE = {
    "reset at once": (b"", True),
    "closed at once": (b"", False),
    "closed in the headers": (b"HTTP/1.1 200 OK\r\nContent-Le", False),
    "closed in the body": (b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"images":', False),
    "reset in the body": (b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"images":', True),
    "closed in a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", False),
    "no HTTP at all": (b"SSH-2.0-OpenSSH_9.6\r\n", False),
}


@pytest.mark.parametrize(("last_words", "reset"), RUDE.values(), ids=RUDE)
@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_connection_that_breaks_later_may_have_been_taken(
    last_words: bytes, reset: bool, method: str
) -> None:
    async with rude_server(last_words, reset=reset) as url, connected(url) as client:
        call = client.get("/x") if method == "get" else client.post("/x", {}, generating=True)
        with pytest.raises(BackendUnreachable, match=f"{method.upper()} /x") as caught:
            await call
        assert caught.value.taken, "the server may be painting: the next try is a second one"


async def test_no_error_shows_the_credentials() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    async with connected(url, auth={"username": "bot", "password": "s3cret"}) as client:
        with pytest.raises(BackendUnreachable) as caught:
            await client.get("/x")
    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1" not in caught.value.sentence


@asynccontextmanager
async def clinging_server(peers: list[object]) -> AsyncIterator[str]:
    """Notes the peer of each request, and closes no connection, whatever it is asked."""

    served: list[asyncio.Task[None] | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(2)  # the body: {}
                peers.append(writer.get_extra_info("peername"))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        await asyncio.gather(*filter(None, served))
        listening.close()
        await listening.wait_closed()


@pytest.mark.parametrize(
    ("how", "ports"), [({"generating": True}, 3), ({"fresh": True}, 3), ({}, 1)]
)
async def test_a_fresh_connection_is_fresh_even_where_the_server_would_keep_it(
    how: dict[str, Any], ports: int
) -> None:
    """A server that dies meanwhile would reset the next one (sdapi trap 21)."""
    peers: list[object] = []
    async with clinging_server(peers) as url, connected(url) as client:
        for _ in range(3):
            await client.post("/x", {}, **how)
    assert len(peers) == 3
    assert len(set(peers)) == ports
