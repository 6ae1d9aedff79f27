"""A stand-in on a free port, a REST client for it, and a bot without a library."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.demo.discord import DiscordStandIn
from tests.bot.demo.discord.raw_bot import TOKEN, RawBot, Rest, signed_in


@pytest.fixture
async def stand_in() -> AsyncIterator[DiscordStandIn]:
    """Without rate limits; at the end it must not have failed itself."""
    async with DiscordStandIn(token=TOKEN, rate_limits=False) as server:
        yield server
        assert server.crashes == []


@pytest.fixture
async def rest(stand_in: DiscordStandIn) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession() as session:
        yield Rest(stand_in, session)


@pytest.fixture
async def bot(rest: Rest) -> AsyncIterator[RawBot]:
    async with signed_in(rest) as raw:
        yield raw
