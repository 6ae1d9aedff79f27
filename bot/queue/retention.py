"""What is forgotten, and when: once at the start and then every hour, in small steps.

Ended jobs (with their prompts) and the history of choices go after `keep_days`; a token when it
has ended; what guests gave a day after a job's end; all of a guild 30 days after the bot left.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial

from bot import log
from bot.database.facts import Facts
from bot.errors import DatabaseUnavailable
from bot.queue.attic import Attic, Due, left_fact

DAY = 86_400.0
SOURCE_SECONDS = DAY
"""How long Try again finds what a guest gave for a job that failed or was cancelled."""
LEFT_SECONDS = 30 * DAY
ROUND_SECONDS = 3600.0
PAUSE_SECONDS = 0.02
"""Between two steps, so that members come first."""
_GUILDS = "guilds"

_log = log.get("retention")


class Retention:
    """Forgets. `run` until it is cancelled; a step that is cut off is rolled back whole.

    `forgotten()` is awaited after a guild's choices have gone from the disk, `swept()` after
    every round.
    """

    def __init__(
        self,
        attic: Attic,
        facts: Facts,
        keep_days: float,
        forgotten: Callable[[], Awaitable[None]],
        swept: Callable[[], Awaitable[None]],
    ) -> None:
        self._attic = attic
        self._facts = facts
        self._forgotten = forgotten
        self._swept = swept
        self._keep_seconds = keep_days * DAY

    async def run(self) -> None:
        """A round now and every hour; a database that is away only delays it."""
        while True:
            try:
                await self.round()
            except DatabaseUnavailable as error:
                _log.warning("forgetting is put off", error=str(error))
            await asyncio.sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """Forgets all that is due. Raises DatabaseUnavailable."""
        now = time.time()
        due = Due(jobs=now - self._keep_seconds, sources=now - SOURCE_SECONDS, tokens=now)
        seen: int | None = 0
        while seen is not None:
            seen = await self._attic.sweep(seen, due)
            await asyncio.sleep(PAUSE_SECONDS)
        await _steps(partial(self._attic.forget_changes, due.jobs))
        for guild_id in await self._attic.left_before(now - LEFT_SECONDS):
            await _steps(partial(self._attic.forget_guild, guild_id))
            await self._forgotten()
            _log.info("a server that was left is forgotten", guild=guild_id)
        await self._swept()
        left = await self._attic.shrink()
        while left:
            await asyncio.sleep(PAUSE_SECONDS)
            before, left = left, await self._attic.shrink()
            if left >= before:
                break  # a file that was not made to shrink

    async def left(self, guild_id: int) -> None:
        """The bot is in this guild no more: from now on its time runs."""
        await self._facts.remember(left_fact(guild_id), str(time.time()))

    async def joined(self, guild_id: int) -> None:
        """The bot is in this guild (again): nothing of it goes early."""
        await self._attic.forget_fact(left_fact(guild_id))

    async def present(self, guild_ids: Collection[int]) -> None:
        """At READY: all guilds that the bot is in; what it left while it was away is noticed."""
        known = json.loads(await self._facts.recall(_GUILDS) or "[]")
        for guild_id in set(known) - set(guild_ids):
            if await self._facts.recall(left_fact(guild_id)) is None:
                await self.left(guild_id)
        for guild_id in guild_ids:
            if await self._facts.recall(left_fact(guild_id)) is not None:
                await self.joined(guild_id)
        await self._facts.remember(_GUILDS, json.dumps(sorted(guild_ids)))


async def _steps(step: Callable[[], Awaitable[int]]) -> None:
    gone = await step()
    while gone:
        await asyncio.sleep(PAUSE_SECONDS)
        gone = await step()
