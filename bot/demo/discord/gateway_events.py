"""Which gateway event a change of the world is, for a session with given intents.

Without the message-content intent a bot reads the content only of its own messages, of DMs and
of messages that mention it (Discord's documentation, "Message Content Intent").
"""

from __future__ import annotations

from bot.demo.discord.messages import Message
from bot.demo.discord.wire import (
    INTENT_DIRECT_MESSAGES,
    INTENT_GUILD_MESSAGES,
    INTENT_GUILDS,
    INTENT_MESSAGE_CONTENT,
    Json,
)
from bot.demo.discord.world import Change, World

_MESSAGE_EVENTS = {
    "message_create": "MESSAGE_CREATE",
    "message_update": "MESSAGE_UPDATE",
    "message_delete": "MESSAGE_DELETE",
}
_CHANNEL_EVENTS = {"channel_update": "CHANNEL_UPDATE", "channel_delete": "CHANNEL_DELETE"}
_CONTENT = {"content": "", "embeds": [], "attachments": [], "components": []}


def event_for(world: World, change: Change, intents: int) -> tuple[str, Json] | None:
    """The event's name and data, or None when this session does not hear of it."""
    if change.channel is not None and intents & INTENT_GUILDS:
        return _CHANNEL_EVENTS[change.kind], change.channel.render()
    message = change.message
    if message is None or message.visible_to is not None:
        return None
    wanted = INTENT_DIRECT_MESSAGES if message.channel.is_dm else INTENT_GUILD_MESSAGES
    if not intents & wanted:
        return None
    place = {} if message.channel.is_dm else {"guild_id": world.guild_id}
    if change.kind == "message_delete":
        gone = {"id": message.id, "channel_id": message.channel.id}
        return "MESSAGE_DELETE", gone | place
    return _MESSAGE_EVENTS[change.kind], _content(world, message, intents) | place


def _content(world: World, message: Message, intents: int) -> Json:
    shown = world.render(message)
    if not message.channel.is_dm:
        shown["member"] = {k: v for k, v in message.author.render_member().items() if k != "user"}
    readable = (
        intents & INTENT_MESSAGE_CONTENT
        or message.channel.is_dm
        or message.author.id == world.bot.id
        or world.bot in message.mentions.users
    )
    return shown if readable else shown | _CONTENT
