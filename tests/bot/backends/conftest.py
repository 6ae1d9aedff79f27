"""What the tests of this room share: a tiny server that is there while the test runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.bot.backends.tiny_server import TinyServer, tiny_server


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TinyServer]:
    """Says 404 to everything until a test fills its table."""
    async with tiny_server() as tiny:
        yield tiny
