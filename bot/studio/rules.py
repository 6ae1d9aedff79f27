"""Who may choose what: the defaults and caps of servers, channels and members."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.errors import NotAllowed
from bot.guilds import Change, Effective, Guilds, Scope, Value, parse
from bot.settings import Limits
from bot.values.guest import Guest

Spell = Callable[[str, str], str]
"""From an option's name and a typed name to the painters' exact spelling, or UnknownName."""

_SPELT = frozenset({"model", "sampler", "scheduler", "style"})


class Rules:
    """Changes go to disk with who made them; what is in force is read from memory."""

    def __init__(self, guilds: Guilds, limits: Limits, owners: Sequence[int], spell: Spell) -> None:
        self._guilds = guilds
        self._limits = limits
        self._owners = frozenset(owners)
        self._spell = spell

    def in_force(self, guest: Guest) -> Effective:
        """What holds for this guest in their channel."""
        return self._guilds.effective(guest, guest.channel_id, self._limits)

    async def change(self, guest: Guest, scope: Scope, key: str, text: str | None) -> Value | None:
        """Sets one choice from typed text, or with None takes it back; returns the value.

        Raises NotAllowed, BadOption, UnknownName, DatabaseUnavailable.
        """
        place = self._place(guest, scope)
        value: Value | None = None
        if text is not None:
            value = parse(key, text, scope)
            if key in _SPELT:
                value = self._spell(key, str(value))
        await self._guilds.change(scope, place, {key: value}, guest)
        return value

    async def history(self, guest: Guest) -> list[Change]:
        """The last changes of this server. Raises NotAllowed."""
        return await self._guilds.history(self._place(guest, Scope.SERVER))

    def may_change(self, guest: Guest) -> bool:
        """Whether the guest may choose for others."""
        return guest.can_admin or guest.user_id in self._owners

    def _place(self, guest: Guest, scope: Scope) -> int:
        if scope is Scope.MEMBER:
            return guest.user_id
        if not self.may_change(guest):
            raise NotAllowed("Only people who may manage this server can change that.")
        place = guest.guild_id if scope is Scope.SERVER else guest.channel_id
        if guest.guild_id is None or place is None:
            raise NotAllowed("That can only be set on a server.")
        return place
