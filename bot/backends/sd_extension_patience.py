"""Asks the extension's middleware once more what may be asked more than once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, TypeVar

from bot.errors import BackendTimeout, BackendUnreachable

TRIES: Final = 3
PAUSE = 0.5
"""Seconds before a broken request is repeated; longer each time."""

P = ParamSpec("P")
T = TypeVar("T")


async def steadily(ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """The answer to something that changes nothing, or nothing that costs.

    Raises BackendUnreachable, not `taken`, when the way there stays broken.
    """
    tries = 1
    while True:
        try:
            return await ask(*args, **kwargs)
        except (BackendUnreachable, BackendTimeout) as error:
            if tries == TRIES:
                raise BackendUnreachable(str(error)) from error
            await asyncio.sleep(PAUSE * tries)
            tries += 1
