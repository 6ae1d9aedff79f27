"""Private cards that follow what takes minutes: they are edited while it goes on.

An interaction's token edits its answer for 15 minutes (contracts: discord 8); a little before
that the card says that it stops.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import discord

from bot import log
from bot.errors import EaselError
from cogs._ui.cards import Card

EDIT_SECONDS = 10.0
"""At least so long between two looks, and so between two edits."""
WATCH_SECONDS = 14 * 60.0
"""How long an answer is followed, from its interaction on."""
STOPS = "I stop following it here: Discord lets me change this message for 15 minutes only."
_ENDED = frozenset({10008, 10015, 50027})
"""The message was dismissed, or its token has ended."""

_log = log.get("counter")


@dataclass(frozen=True)
class View:
    """A card, and whether what it shows is still under way."""

    card: Card
    going: bool


Look = Callable[[], Awaitable[View]]


class Followers:
    """One task for each followed message."""

    def __init__(self) -> None:
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def show(self, interaction: discord.Interaction, look: Look) -> None:
        """Puts a card into a deferred answer and follows it. Raises what `look` raises."""
        view = await look()
        message = await interaction.edit_original_response(
            embed=view.card.embed, view=view.card.view
        )
        self.leave(message.id)
        if view.going:
            task = asyncio.create_task(self._follow(interaction, view, look))
            self._tasks[message.id] = task
            task.add_done_callback(lambda done: self._forget(message.id, done))

    def leave(self, message_id: int) -> None:
        """Another card stands there now."""
        task = self._tasks.pop(message_id, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Follows nothing any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, message_id: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(message_id) is task:
            del self._tasks[message_id]

    async def _follow(self, interaction: discord.Interaction, view: View, look: Look) -> None:
        """Until it is over, the message is gone, or the token nearly so."""
        end = interaction.created_at.timestamp() + WATCH_SECONDS
        while view.going:
            if time.time() + EDIT_SECONDS > end:
                stopped = view.card.embed.copy().set_footer(text=STOPS)
                await _edit(interaction, Card(stopped, view.card.view))
                return
            await asyncio.sleep(EDIT_SECONDS)
            before = view.card.embed.to_dict()
            try:
                view = await look()
            except EaselError as error:
                # What is shown stays true for as long as nothing else is known.
                _log.info("what is followed can't be seen now", error=str(error))
                continue
            changed = view.card.embed.to_dict() != before or not view.going
            if changed and not await _edit(interaction, view.card):
                return


async def _edit(interaction: discord.Interaction, card: Card) -> bool:
    """Whether the message can be edited further."""
    try:
        await interaction.edit_original_response(embed=card.embed, view=card.view)
    except discord.HTTPException as error:
        return error.code not in _ENDED
    except (aiohttp.ClientError, OSError):
        return True
    return True
