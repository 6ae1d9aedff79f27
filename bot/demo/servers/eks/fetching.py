"""What the agent does with strings that look like addresses: it fetches them, wherever they stand.

A prompt is no exception (contract aws, 1.7). This stand-in tries every address and notes it, but
only goes to 127.0.0.1: the network beyond is none of a test's business.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import yarl

from bot.demo.servers.eks.runtime import Release

_NEAR: Final = "127.0.0.1"
_PREFIXES: Final = ("http", "s3://")
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
Replace = Callable[[Any], Awaitable[Any]]


class Fetcher:
    """Puts base64 in the place of addresses; ``fetched`` are all that it tried, in order."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self.fetched: list[str] = []

    async def replace(self, value: Any) -> Any:
        """``value`` with every address in it replaced, at any depth; dicts and lists in place.

        One that cannot be fetched stays as it is with the old agent, and is an
        ``UnboundLocalError`` with the new one.
        """
        if isinstance(value, dict):
            for key, item in value.items():
                value[key] = await self.replace(item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                value[index] = await self.replace(item)
        elif isinstance(value, str) and value.startswith(_PREFIXES):
            return await self._fetch(value)
        return value

    async def _fetch(self, address: str) -> str:
        self.fetched.append(address)
        try:
            return await _base64_of(address)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            if self._release == "old":
                return address
            raise unbound("image_byte") from error


async def _base64_of(address: str) -> str:
    url = yarl.URL(address, encoded=True)
    if url.scheme not in ("http", "https") or url.host != _NEAR:
        raise ValueError(f"not fetched: {address}")
    async with (
        aiohttp.ClientSession(timeout=_TIMEOUT) as session,
        session.get(url, raise_for_status=True) as response,
    ):
        return base64.b64encode(await response.read()).decode()


def unbound(name: str) -> UnboundLocalError:
    """What Python says of a variable that an unhappy path never set."""
    return UnboundLocalError(
        f"cannot access local variable {name!r} where it is not associated with a value"
    )
