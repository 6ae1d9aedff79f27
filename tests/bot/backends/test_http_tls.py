"""HTTPS to an image server: certificates are checked, and what is wrong is told with its mend."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.backends.http import Http
from bot.errors import BackendUnreachable, ConfigurationError
from tests.bot.backends.tiny_server import Says, TinyServer, backend_settings, tiny_server

OWN_CERTIFICATE = Path(__file__).parent / "localhost.pem"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TinyServer]:
    """HTTPS with a certificate for localhost that nobody but itself has signed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(OWN_CERTIFICATE)
    async with tiny_server(context) as tiny:
        tiny.otherwise = Says({})
        yield tiny


async def ask(url: str, **settings: Any) -> int:
    client = Http(backend_settings(url, **settings))
    try:
        return (await client.get("/x")).status
    finally:
        await client.close()


async def test_a_certificate_that_nobody_signed_is_not_trusted(server: TinyServer) -> None:
    with pytest.raises(BackendUnreachable, match="certificate is not trusted") as caught:
        await ask(server.url, auth={"bearer": "t0ken"})
    assert "set ca_file or verify_tls" in str(caught.value), "it says what to change"
    assert not caught.value.taken
    assert server.asked == [], "no credentials went out"


async def test_ca_file_makes_it_trusted(server: TinyServer) -> None:
    assert await ask(server.url, ca_file=OWN_CERTIFICATE) == 200


async def test_verify_tls_false_takes_any_certificate(server: TinyServer) -> None:
    assert await ask(server.url, verify_tls=False) == 200


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
async def test_a_ca_file_that_cannot_be_read_is_a_wrong_setting(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="backend main: ca_file can't be read"):
        await ask("https://127.0.0.1:1", ca_file=path)


async def test_https_to_a_server_that_speaks_plain_http_is_no_connection() -> None:
    async with tiny_server() as plain:
        with pytest.raises(BackendUnreachable) as caught:
            await ask(plain.url.replace("http://", "https://"))
        assert not caught.value.taken
