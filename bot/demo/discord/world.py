"""The stand-in's world: pure state, with a bell that rings at every change.

People, channels, messages, files and commands; no sockets and no HTTP. The gateway half and the
page listen to the bell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.demo.discord import errors
from bot.demo.discord.clock import Clock, Snowflakes
from bot.demo.discord.commands import CommandStore
from bot.demo.discord.files import FileStore
from bot.demo.discord.messages import Message, render, render_for_page
from bot.demo.discord.people import (
    APPLICATION_ID,
    BOT_ID,
    GUILD_ID,
    JOINED,
    Channel,
    User,
    first_channels,
    first_users,
    render_roles,
)
from bot.demo.discord.wire import DM, MIB, PERMISSIONS, Json

KEPT_MESSAGES = 10_000
DEFAULT_UPLOAD_LIMIT = 10 * MIB

ChangeKind = Literal["message_create", "message_update", "message_delete", "commands", "bot"]
ChannelChangeKind = Literal["channel_update", "channel_delete"]


@dataclass(frozen=True)
class Change:
    """What happened; `message` or `channel` says to what."""

    kind: ChangeKind | ChannelChangeKind
    message: Message | None = None
    channel: Channel | None = None


class World:
    """All that exists. Names are accepted where ids are."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.snowflakes = Snowflakes(clock)
        self.files = FileStore(clock, self.snowflakes)
        self.commands = CommandStore(clock, self.snowflakes, APPLICATION_ID)
        self.application_id = APPLICATION_ID
        self.guild_id = GUILD_ID
        self.guild_name = "Easel Studio"
        self.upload_limit = DEFAULT_UPLOAD_LIMIT
        self.bot_online = False
        people = first_users()
        self.users = {user.id: user for user in people}
        self.channels = {channel.id: channel for channel in first_channels(people)}
        self._messages: dict[str, Message] = {}
        self._listeners: list[Callable[[Change], None]] = []

    # -- the bell
    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Hear every change from now on; call what is returned to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def ring(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    def set_bot_online(self, online: bool) -> None:
        if online != self.bot_online:
            self.bot_online = online
            self.ring(Change("bot"))

    # -- people and places
    @property
    def bot(self) -> User:
        return self.users[BOT_ID]

    @property
    def members(self) -> list[User]:
        return [user for user in self.users.values() if not user.bot]

    @property
    def owner(self) -> User:
        return next(user for user in self.members if user.admin)

    def user(self, id_or_name: str) -> User:
        """Raises:
        Refusal: 404 with code 10013.
        """
        for user in self.users.values():
            if id_or_name in (user.id, user.username):
                return user
        raise errors.unknown_user()

    def channel(self, id_or_name: str) -> Channel:
        """A channel by id, a guild channel also by name.

        Raises:
            Refusal: 404 with code 10003.
        """
        for channel in self.channels.values():
            if id_or_name == channel.id:
                return channel
            if not channel.is_dm and id_or_name.removeprefix("#") == channel.name:
                return channel
        raise errors.unknown_channel()

    def channel_for(self, user: User, id_or_name: str) -> Channel:
        """The same for a member, for whom `dm` is the DM with the bot.

        Raises:
            Refusal: 404 with code 10003, also for another member's DM.
        """
        channel = self.dm(user) if id_or_name == "dm" else self.channel(id_or_name)
        if channel.recipient is not None and channel.recipient.id != user.id:
            raise errors.unknown_channel()
        return channel

    def dm(self, user: User) -> Channel:
        """The DM channel between this user and the bot."""
        for channel in self.channels.values():
            if channel.recipient is not None and channel.recipient.id == user.id:
                return channel
        channel = Channel(self.snowflakes.next(), user.username, type=DM, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def deny(self, channel: str, permission: str) -> None:
        """Take one permission from the bot in one channel, for example `SEND_MESSAGES`.

        Raises:
            KeyError: no such permission.
        """
        PERMISSIONS[permission]
        room = self.channel(channel)
        room.denied.add(permission)
        self.ring(Change("channel_update", channel=room))

    def allow(self, channel: str, permission: str) -> None:
        """Give a denied permission back."""
        room = self.channel(channel)
        room.denied.discard(permission)
        self.ring(Change("channel_update", channel=room))

    def close_dms(self, user: str, *, closed: bool = True) -> None:
        """This user takes no messages from the bot in DMs (code 50007 on sending)."""
        self.dm(self.user(user)).closed = closed

    def delete_channel(self, channel: str) -> None:
        """Remove a guild channel and all that is in it."""
        room = self.channel(channel)
        del self.channels[room.id]
        for message in self.messages_in(room):
            del self._messages[message.id]
        self.ring(Change("channel_delete", channel=room))

    # -- messages
    def add(self, message: Message) -> None:
        self._messages[message.id] = message
        message.channel.last_message_id = message.id
        if len(self._messages) > KEPT_MESSAGES:
            del self._messages[next(iter(self._messages))]
        self.ring(Change("message_create", message))

    def changed(self, message: Message) -> None:
        message.version += 1
        self.ring(Change("message_update", message))

    def dismiss(self, message: Message) -> None:
        """Its reader closes an ephemeral message; for the bot it goes on to exist."""
        self.ring(Change("message_delete", message))
        message.dismissed = True

    def remove(self, message: Message) -> None:
        del self._messages[message.id]
        self.ring(Change("message_delete", message))

    def message(self, message_id: str) -> Message:
        """Raises:
        Refusal: 404 with code 10008.
        """
        try:
            return self._messages[message_id]
        except KeyError:
            raise errors.unknown_message() from None

    def has(self, message: Message) -> bool:
        """Whether it was not deleted."""
        return message.id in self._messages

    def messages_in(self, channel: Channel) -> list[Message]:
        """Every message of a channel, oldest first, ephemeral ones too."""
        return [m for m in self._messages.values() if m.channel.id == channel.id]

    def readable(self, channel: Channel, user: User) -> list[Message]:
        """The messages of a channel that this user sees, oldest first."""
        return [m for m in self.messages_in(channel) if m.seen_by(user)]

    def render(self, message: Message) -> Json:
        return render(message, self.files)

    def render_for_page(self, message: Message) -> Json:
        return render_for_page(message, self.files)

    # -- the guild
    def render_guild(self) -> Json:
        """Discord's guild object, as GUILD_CREATE carries it."""
        return {
            "id": self.guild_id,
            "name": self.guild_name,
            "owner_id": self.owner.id,
            "icon": None,
            "splash": None,
            "description": None,
            "features": [],
            "emojis": [],
            "stickers": [],
            "roles": render_roles(),
            "afk_timeout": 300,
            "afk_channel_id": None,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "large": False,
            "unavailable": False,
            "joined_at": JOINED,
            "member_count": len(self.users),
            "members": [user.render_member() for user in self.users.values()],
            "channels": [c.render() for c in self.channels.values() if not c.is_dm],
            "threads": [],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
