"""Guest: who asks. Address: where and how to answer, now and after a restart."""

from __future__ import annotations

from dataclasses import dataclass, replace

TOKEN_SECONDS = 15 * 60
"""How long an interaction's token can edit its answer (contracts: discord 8)."""


@dataclass(frozen=True)
class Guest:
    """A member at the counter. `guild_id` is None in direct messages.

    `can_manage` is Discord's Manage Messages in that channel, `can_admin` Manage Server, as the
    interaction said; `roles` are the ids of the member's roles there.
    """

    user_id: int
    name: str
    guild_id: int | None
    can_manage: bool = False
    channel_id: int | None = None
    can_admin: bool = False
    roles: tuple[int, ...] = ()


@dataclass(frozen=True)
class Address:
    """Where an answer goes: the interaction's token while it lives, then the message's id.

    `expires_at` is in seconds since the epoch. `upload_limit` is in bytes for each file, as
    this interaction said (it differs by member and server). `reachable` tells whether the bot
    itself can edit the message in its channel later; it cannot where it is only user-installed,
    and never for private messages. `spoiler` hides the pictures until they are clicked.
    """

    interaction_id: int
    application_id: int
    token: str
    expires_at: float
    channel_id: int | None
    message_id: int | None
    private: bool
    upload_limit: int
    reachable: bool = True
    spoiler: bool = False

    def alive(self, now: float, margin: float = 20.0) -> bool:
        """Whether the token can still be used `margin` seconds from `now` (epoch seconds)."""
        return now + margin < self.expires_at

    def by_channel(self) -> bool:
        """Whether the message can be edited through its channel when the token has ended."""
        return (
            self.reachable
            and not self.private
            and self.channel_id is not None
            and self.message_id is not None
        )

    def landed(self, message_id: int) -> Address:
        """The same address once Discord has told the message's id."""
        return replace(self, message_id=message_id)
