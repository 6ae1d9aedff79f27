"""What its owners are told by direct message: a backend went down, and it is back; and that a
rented endpoint is idle (`bot.studio.idle` says when).

Once for each, not for each job. A backend that comes and goes is told at most once per state in
ten minutes; what was held back is told when that time is over, if it is still true.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot import log
from bot.studio.idle import Idle
from bot.values.look import DONE_COLOUR, ERROR_COLOUR
from cogs._ui import cards, machines
from cogs._ui.post import Outcome, Postman

if TYPE_CHECKING:
    from bot.client import EaselBot

QUIET_SECONDS = 600.0
"""At most one message per backend and state in this time."""
PAUSES = (2.0, 10.0, 60.0)
"""Seconds between the tries when Discord has trouble itself."""
_WHY = {
    "BackendRejectedCredentials": "doesn't accept its user name, password or key",
    "BackendTimeout": "doesn't answer",
    "BackendUnreachable": "can't be reached",
}
"""How a backend is, by the error's code, as the end of a sentence."""

_log = log.get("owner")


@dataclass
class Case:
    """One backend: how it is, how its owners think it is, and when they were told either.

    Nothing said means that all is well. `told_at` is of the monotonic clock, in seconds.
    """

    usable: bool = True
    why: str = ""
    told: bool = True
    told_at: dict[bool, float] = field(default_factory=dict)
    telling: asyncio.Task[None] | None = None

    def quiet(self) -> float:
        """Seconds until its present state may be told."""
        return QUIET_SECONDS - self.ago(self.usable)

    def ago(self, usable: bool) -> float:
        """Seconds since that state was told last; infinite when it never was."""
        return time.monotonic() - self.told_at.get(usable, float("-inf"))


class Owner(commands.Cog):
    """One task for each backend whose owners do not know yet how it is."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot
        self._postman = Postman(bot)
        self._cases: dict[str, Case] = {}

    @commands.Cog.listener()
    async def on_backend_changed(self, name: str, usable: bool, why: str) -> None:
        """A backend can be used, or can't; `why` is the error's code."""
        case = self._cases.setdefault(name, Case())
        case.usable, case.why = usable, why
        if case.telling is None or case.telling.done():
            case.telling = asyncio.create_task(self._tell(name, case), name=f"owners of {name}")

    @commands.Cog.listener()
    async def on_endpoint_idle(self, idle: Idle) -> None:
        """A rented endpoint that nobody uses costs money all the same."""
        card = machines.unused(idle)
        await asyncio.gather(*(self._send(owner, card) for owner in self._bot.owner_ids or ()))

    async def close(self) -> None:
        """Says no more."""
        tasks = [case.telling for case in self._cases.values() if case.telling is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, name: str, case: Case) -> None:
        """Until the owners know how it is."""
        while case.told is not case.usable:
            if (wait := case.quiet()) > 0:
                await asyncio.sleep(wait)
                continue
            card = _card(name, case)
            case.told, case.told_at[case.usable] = case.usable, time.monotonic()
            owners = self._bot.owner_ids or ()
            await asyncio.gather(*(self._send(owner, card) for owner in owners))

    async def _send(self, owner: int, card: cards.Card) -> None:
        nonce = f"easel-{secrets.token_hex(8)}"
        for pause in (*PAUSES, 0.0):
            outcome = await self._postman.post_dm(owner, card, (), nonce)
            if outcome is Outcome.DONE:
                return
            if outcome is not Outcome.LATER:
                break
            await asyncio.sleep(pause)
        _log.warning("an owner can't be told", user=owner, reason=outcome.name)


def _card(name: str, case: Case) -> cards.Card:
    shown = cards.plain(name)
    if case.usable:
        away = cards.duration(case.ago(False))
        text = f"🟢 **{shown}** is back after {away}, and draws again."
        return cards.Card(discord.Embed(description=text, colour=DONE_COLOUR))
    why = _WHY.get(case.why, "doesn't answer as an image server does")
    text = (
        f"🔴 **{shown}** {why}. What waits for it keeps its place. I ask it again every few "
        "seconds and tell you when it is back; the log says more."
    )
    return cards.Card(discord.Embed(description=text, colour=ERROR_COLOUR))


def setup(bot: EaselBot) -> None:
    """Opens the room."""
    bot.add_cog(Owner(bot))
