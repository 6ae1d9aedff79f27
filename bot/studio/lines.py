"""The line as people see it: one's own, a server's, all of it; and what admins do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import NotAllowed
from bot.guilds import Guilds, Scope
from bot.queue.job import Job, Place, Status
from bot.queue.queue import Queue
from bot.queue.standing import LAST_PLACE
from bot.studio.rules import Rules
from bot.values.guest import Guest

PAUSED = "paused"
CLEARED = "cleared"


class View(StrEnum):
    """Whose jobs are shown."""

    MINE = "mine"
    SERVER = "server"
    ALL = "all"


@dataclass(frozen=True)
class Standing:
    """One job in the line; `place` is None while it is drawn. `words` are None for others'
    private pictures."""

    job: Job
    place: Place | None
    words: str | None
    trouble: str | None


class Lines:
    """Reads from memory; pausing and clearing are written down with who did it."""

    def __init__(self, queue: Queue, guilds: Guilds, rules: Rules, owners: Sequence[int]) -> None:
        self._queue = queue
        self._guilds = guilds
        self._rules = rules
        self._owners = frozenset(owners)
        for guild_id in guilds.having(PAUSED):
            queue.pause(guild_id, True)

    def views(self, guest: Guest) -> list[View]:
        """What a guest may look at."""
        seen = [View.MINE]
        if guest.guild_id is not None:
            seen.append(View.SERVER)
        if guest.user_id in self._owners:
            seen.append(View.ALL)
        return seen

    def shown(self, guest: Guest, view: View) -> list[Standing]:
        """The jobs of a view, those being drawn first, then in the order of their turns."""
        if view not in self.views(guest):
            raise NotAllowed("Only the operator sees the whole line.")
        places = self._queue.places()
        found = []
        for job in self._queue.waiting():
            if not self._in(job, guest, view):
                continue
            hidden = job.address.private and job.guest.user_id != guest.user_id
            words = None if hidden else job.request.subject or job.request.prompt
            waits = job.status is Status.WAITING
            place = places.get(job.id, LAST_PLACE) if waits else None
            trouble = self._queue.why_still(job) if waits else None
            found.append(Standing(job, place, words, trouble))
        return sorted(found, key=lambda s: (s.place is not None, s.place and s.place.position))

    def paused(self, guild_id: int | None) -> bool:
        """Whether a server's line stands still by an admin's wish."""
        return bool(self._guilds.chosen(Scope.SERVER, guild_id).get(PAUSED))

    async def pause(self, guest: Guest, paused: bool) -> None:
        """Stops or goes on with a server's line. Raises NotAllowed, DatabaseUnavailable."""
        guild_id = self._managed(guest)
        await self._guilds.change(Scope.SERVER, guild_id, {PAUSED: paused or None}, guest)
        self._queue.pause(guild_id, paused)

    def clearable(self, guest: Guest) -> int:
        """How many `clear` would cancel just now. Raises NotAllowed."""
        return len(self._queue.clearable(self._managed(guest)))

    async def clear(self, guest: Guest) -> int:
        """Cancels all that waits on a server; how many. Raises NotAllowed, DatabaseUnavailable.

        Who did it is on disk before anything ends: what can't be written down is not done.
        """
        guild_id = self._managed(guest)
        await self._guilds.note(guild_id, CLEARED, self.clearable(guest), guest)
        return await self._queue.clear(guild_id)

    def _managed(self, guest: Guest) -> int:
        if guest.guild_id is None or not self._rules.may_change(guest):
            raise NotAllowed("Only people who may manage this server can do that.")
        return guest.guild_id

    @staticmethod
    def _in(job: Job, guest: Guest, view: View) -> bool:
        if view is View.MINE:
            return job.guest.user_id == guest.user_id
        return view is View.ALL or job.guest.guild_id == guest.guild_id
