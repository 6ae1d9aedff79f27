"""Who may choose what: the defaults and caps of servers, channels and members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.errors import BadOption, NotAllowed
from bot.guilds import Change, Effective, Guilds, Scope, Value, parse
from bot.settings import Limits
from bot.values.guest import Guest

Spell = Callable[[str, str], str]
"""From an option's name and a typed name to the painters' exact spelling, or UnknownName."""

PRIORITY = 3.0
_ROLE = "priority_role"
_NO_ROLE = "No role is called that here: mention it with @, or give its exact name or its id."
_SPELT = frozenset({"model", "sampler", "scheduler", "style"})


class Rules:
    """Changes go to disk with who made them; what is in force is read from memory."""

    def __init__(
        self,
        guilds: Guilds,
        limits: Limits,
        owners: Sequence[int],
        spell: Spell,
        allowed: Sequence[int] = (),
    ) -> None:
        self._guilds = guilds
        self._limits = limits
        self._owners = frozenset(owners)
        self._spell = spell
        self._allowed = frozenset(allowed)

    def welcome(self, guest: Guest) -> None:
        """Raises NotAllowed where the operator serves certain servers only, and not this one."""
        if self._allowed and guest.guild_id not in self._allowed:
            raise NotAllowed("This bot only draws in its operator's own servers.")

    def in_force(self, guest: Guest) -> Effective:
        """What holds for this guest in their channel."""
        return self._guilds.effective(guest, guest.channel_id, self._limits)

    async def change(
        self, guest: Guest, scope: Scope, key: str, text: str | None, *, granted: bool = False
    ) -> Value | None:
        """Sets one choice from typed text, or with None takes it back; returns the value.

        `granted`: Discord itself has let the guest in, by the permissions of the command. Raises
        NotAllowed, BadOption, UnknownName, DatabaseUnavailable.
        """
        self.welcome(guest)
        place = self._place(guest, scope, granted=granted)
        value: Value | None = None
        if text is not None:
            value = self._read(key, text, scope)
        await self._guilds.change(scope, place, {key: value}, guest)
        return value

    async def history(self, guest: Guest, *, granted: bool = False) -> list[Change]:
        """The last changes of this server. Raises NotAllowed."""
        self.welcome(guest)
        return await self._guilds.history(self._place(guest, Scope.SERVER, granted=granted))

    def own(self, guest: Guest, scope: Scope) -> Mapping[str, Value]:
        """What was chosen for that very scope, whatever is in force."""
        place = {
            Scope.MEMBER: guest.user_id,
            Scope.CHANNEL: guest.channel_id,
            Scope.SERVER: guest.guild_id,
        }
        return self._guilds.chosen(scope, place[scope])

    def weight(self, guest: Guest) -> float:
        """How often a member's turn comes within their server, beside 1 for all others."""
        role = self.in_force(guest).text(_ROLE)
        return PRIORITY if role is not None and int(role) in guest.roles else 1.0

    def may_change(self, guest: Guest) -> bool:
        """Whether the guest may choose for others."""
        return guest.can_admin or guest.user_id in self._owners

    def _read(self, key: str, text: str, scope: Scope) -> Value:
        try:
            value = parse(key, text, scope)
        except BadOption as error:
            if key == _ROLE and scope is not Scope.MEMBER:
                # The counter knows the names of the roles and has put an id in place of one.
                raise BadOption(key, _NO_ROLE) from error
            raise
        return self._spell(key, str(value)) if key in _SPELT else value

    def _place(self, guest: Guest, scope: Scope, *, granted: bool = False) -> int:
        if scope is Scope.MEMBER:
            return guest.user_id
        place = guest.guild_id if scope is Scope.SERVER else guest.channel_id
        if guest.guild_id is None or place is None:
            raise NotAllowed("There is no server here: only your own choice can be set.")
        if not granted and not self.may_change(guest):
            raise NotAllowed("Only people who may manage this server can change that.")
        return place
