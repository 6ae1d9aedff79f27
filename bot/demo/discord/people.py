"""Who lives in the stand-in's world: users, the guild, its channels and the DMs.

Their ids never change, so that what a bot has stored about them still fits after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.demo.discord.wire import (
    ALL_PERMISSIONS,
    BOT_PERMISSIONS,
    DM,
    GUILD_TEXT,
    MEMBER_PERMISSIONS,
    PERMISSIONS,
    Json,
)

GUILD_ID = "1180000000000000001"
APPLICATION_ID = "1180000000000000002"
BOT_ID = APPLICATION_ID  # so it is for every new application; py-cord relies on it
ADMIN_ROLE_ID = "1180000000000000004"
BOT_ROLE_ID = "1180000000000000005"
JOINED = "2026-01-05T09:00:00.000000+00:00"


@dataclass(frozen=True)
class User:
    """One account. `admin` means the permission Manage Server in the guild."""

    id: str
    username: str
    global_name: str
    avatar_color: str
    bot: bool = False
    admin: bool = False

    def render(self) -> Json:
        """Discord's user object."""
        shown: Json = {
            "id": self.id,
            "username": self.username,
            "global_name": None if self.bot else self.global_name,
            "discriminator": "0000" if self.bot else "0",
            "avatar": None,
            "public_flags": 0,
            "flags": 0,
        }
        return shown | {"bot": True} if self.bot else shown

    def render_for_page(self) -> Json:
        return {
            "id": self.id,
            "username": self.username,
            "global_name": self.global_name,
            "avatar_color": self.avatar_color,
            "bot": self.bot,
            "admin": self.admin,
        }

    @property
    def permissions(self) -> int:
        """Permission bits in the guild's channels."""
        if self.admin:
            return ALL_PERMISSIONS
        return BOT_PERMISSIONS if self.bot else MEMBER_PERMISSIONS

    @property
    def roles(self) -> list[str]:
        """Ids of the guild's roles this account has, without @everyone."""
        if self.bot:
            return [BOT_ROLE_ID]
        return [ADMIN_ROLE_ID] if self.admin else []

    def render_member(self) -> Json:
        """Discord's guild member object, with the permissions that interactions carry."""
        return {
            "user": self.render(),
            "nick": None,
            "avatar": None,
            "roles": self.roles,
            "joined_at": JOINED,
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "pending": False,
            "communication_disabled_until": None,
            "permissions": str(self.permissions),
        }


@dataclass
class Channel:
    """A guild text channel, or a DM between one user and the bot. `denied` holds the names of
    permissions that the bot lacks here."""

    id: str
    name: str
    type: int = GUILD_TEXT
    topic: str | None = None
    position: int = 0
    recipient: User | None = None
    closed: bool = False
    last_message_id: str | None = None
    denied: set[str] = field(default_factory=set)

    @property
    def is_dm(self) -> bool:
        return self.type == DM

    def render(self) -> Json:
        """Discord's channel object."""
        shown: Json = {
            "id": self.id,
            "type": self.type,
            "last_message_id": self.last_message_id,
            "flags": 0,
        }
        if self.recipient is not None:
            return shown | {"recipients": [self.recipient.render()]}
        return shown | {
            "guild_id": GUILD_ID,
            "name": self.name,
            "topic": self.topic,
            "position": self.position,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "parent_id": None,
            "permission_overwrites": self._overwrites(),
        }

    @property
    def bot_permissions(self) -> int:
        """Permission bits that the bot has here."""
        return BOT_PERMISSIONS & ~self._denied_bits()

    def _denied_bits(self) -> int:
        return sum(PERMISSIONS[name] for name in self.denied)

    def _overwrites(self) -> list[Json]:
        if not self.denied:
            return []
        return [{"id": BOT_ID, "type": 1, "allow": "0", "deny": str(self._denied_bits())}]

    def render_for_page(self) -> Json:
        return {"id": self.id, "name": self.name, "type": self.type, "topic": self.topic}


def first_users() -> list[User]:
    return [
        User("1180000000000000011", "ada", "Ada", "#c2185b"),
        User("1180000000000000012", "bob", "Bob", "#00796b"),
        User("1180000000000000013", "admin", "Admin", "#5c6bc0", admin=True),
        User(BOT_ID, "easel", "Easel", "#ef6c00", bot=True),
    ]


def first_channels(users: list[User]) -> list[Channel]:
    """The guild's channels, then a DM with the bot for every member."""
    rooms = [
        Channel("1180000000000000021", "easel", topic="Ask for a picture here", position=0),
        Channel("1180000000000000022", "gallery", topic="Pictures to keep", position=1),
        Channel("1180000000000000023", "sketches", topic="Try things out", position=2),
    ]
    members = [user for user in users if not user.bot]
    return rooms + [
        Channel(str(1180000000000000030 + place), user.username, type=DM, recipient=user)
        for place, user in enumerate(members)
    ]


def render_roles() -> list[Json]:
    """`@everyone`, the bot's own role and the role of those who manage the server."""
    return [
        _role(GUILD_ID, "@everyone", 0, MEMBER_PERMISSIONS),
        _role(BOT_ROLE_ID, "Easel", 1, BOT_PERMISSIONS),
        _role(ADMIN_ROLE_ID, "Studio keeper", 2, MEMBER_PERMISSIONS | PERMISSIONS["MANAGE_GUILD"]),
    ]


def _role(role_id: str, name: str, position: int, permissions: int) -> Json:
    return {
        "id": role_id,
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": str(permissions),
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
