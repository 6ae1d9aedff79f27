"""Messages: what each one holds, and how Discord shows it.

A message keeps the marks of its files (`stored-file:ID`) inside embeds and components, and gets
fresh signed links whenever it is shown. A file that an embed or a component shows is not listed
among the attachments (documentation of 7 April 2026).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.demo.discord.clock import timestamp
from bot.demo.discord.files import FileStore, StoredFile
from bot.demo.discord.people import GUILD_ID, Channel, User
from bot.demo.discord.wire import EPHEMERAL, FILE, LOADING, MESSAGE_DEFAULT, Json

FILE_MARK = "stored-file:"


@dataclass(frozen=True)
class Mentions:
    """Who is really pinged, `allowed_mentions` taken into account."""

    users: tuple[User, ...] = ()
    roles: tuple[str, ...] = ()
    everyone: bool = False


@dataclass
class Message:
    """One message. Times are wall seconds; `visible_to` names the only reader of an ephemeral
    one, who may have `dismissed` it; `version` rises with each change; `late_edits` are clock
    seconds of edits made when the message was over an hour old."""

    id: str
    channel: Channel
    author: User
    created: float
    type: int = MESSAGE_DEFAULT
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    files: list[StoredFile] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    flags: int = 0
    edited: float | None = None
    nonce: str | int | None = None
    replies_to: Message | None = None
    mentions: Mentions = Mentions()
    interaction: Json | None = None
    application_id: str | None = None
    visible_to: str | None = None
    dismissed: bool = False
    version: int = 1
    late_edits: list[float] = field(default_factory=list)

    @property
    def loading(self) -> bool:
        return bool(self.flags & LOADING)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def empty(self) -> bool:
        return not (self.content or self.embeds or self.files or self.components)

    def seen_by(self, user: User) -> bool:
        """Whether a user reads this message: ephemeral ones have one reader, DMs too."""
        if self.visible_to is not None:
            return user.id == self.visible_to and not self.dismissed
        recipient = self.channel.recipient
        return recipient is None or user.bot or recipient.id == user.id


def render(message: Message, files: FileStore, *, deep: bool = True) -> Json:
    """Discord's message object; `deep` adds the message that it replies to."""
    shown_inside = set(marked_files([*message.embeds, *message.components]))
    shown: Json = {
        "id": message.id,
        "channel_id": message.channel.id,
        "type": message.type,
        "author": message.author.render(),
        "content": message.content,
        "embeds": [_with_links(embed, files) for embed in message.embeds],
        "attachments": [files.render(f) for f in message.files if f.id not in shown_inside],
        "components": [_with_links(component, files) for component in message.components],
        "flags": message.flags,
        "timestamp": timestamp(message.created),
        "edited_timestamp": None if message.edited is None else timestamp(message.edited),
        "mentions": [user.render() for user in message.mentions.users],
        "mention_roles": list(message.mentions.roles),
        "mention_everyone": message.mentions.everyone,
        "pinned": False,
        "tts": False,
    }
    shown |= _origin(message)
    if message.replies_to is not None and deep:
        shown["referenced_message"] = render(message.replies_to, files, deep=False)
    return shown


def render_for_page(message: Message, files: FileStore) -> Json:
    """The page's message object: Discord's, and what the page wants to know beside it."""
    return render(message, files) | {
        "loading": message.loading,
        "ephemeral": message.ephemeral,
        "version": message.version,
    }


def _origin(message: Message) -> Json:
    """The fields that tell where a message came from; absent where they do not apply."""
    shown: Json = {}
    if message.nonce is not None:
        shown["nonce"] = message.nonce
    if message.application_id is not None:
        shown |= {"application_id": message.application_id, "webhook_id": message.application_id}
    if message.interaction is not None:
        shown["interaction_metadata"] = message.interaction
    if message.replies_to is not None:
        shown["message_reference"] = {
            "type": 0,
            "message_id": message.replies_to.id,
            "channel_id": message.channel.id,
        }
        if not message.channel.is_dm:
            shown["message_reference"]["guild_id"] = GUILD_ID
    return shown


def marked_files(part: Any) -> Iterator[str]:
    """Ids of the stored files that an embed or component shows."""
    if isinstance(part, dict):
        for value in part.values():
            yield from marked_files(value)
    elif isinstance(part, list):
        for value in part:
            yield from marked_files(value)
    elif isinstance(part, str) and part.startswith(FILE_MARK):
        yield part.removeprefix(FILE_MARK)


def _with_links(part: Any, files: FileStore) -> Any:
    """A copy with each file mark replaced by a link, and what Discord adds beside a link."""
    if isinstance(part, list):
        return [_with_links(value, files) for value in part]
    if not isinstance(part, dict):
        return part
    shown = {key: _with_links(value, files) for key, value in part.items()}
    for key in ("url", "icon_url"):
        value = part.get(key)
        if isinstance(value, str) and value.startswith(FILE_MARK):
            shown |= _media(key, files.get(value.removeprefix(FILE_MARK)), files)
    if part.get("type") == FILE and (stored := _shown_file(part, files)) is not None:
        shown |= {"name": stored.filename, "size": len(stored.data)}
    return shown


def _shown_file(component: Json, files: FileStore) -> StoredFile | None:
    """The file of a file component, whose name and size Discord adds."""
    return next((files.get(file_id) for file_id in marked_files(component)), None)


def _media(key: str, stored: StoredFile | None, files: FileStore) -> Json:
    if stored is None:
        return {key: ""}
    link = files.link(stored)
    if key == "icon_url":
        return {"icon_url": link, "proxy_icon_url": link}
    shown: Json = {"url": link, "proxy_url": link, "content_type": stored.content_type}
    if stored.width is not None:
        shown |= {"width": stored.width, "height": stored.height}
    return shown
