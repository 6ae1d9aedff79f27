"""What a play leaves behind: lines on the terminal, files in a folder, one transcript.

Messages are rendered as short text, and only lines that changed are said again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.demo.controls import ComponentType, components_of, label_of
from bot.demo.member import Member
from bot.demo.say import Json, PlayError

_LINK_STYLE = 5
_MENTION = re.compile(r"<(?:@!?|#)(\d+)>")
_CDN_PATH = re.compile(r"/cdn/attachments/\d+/(\d+)/.")


def render(message: Json) -> list[str]:
    """A message as lines of text: marks, words, files with their sizes, buttons in [brackets]."""
    lines = ["(private)"] if message.get("ephemeral") else []
    if message.get("loading"):
        lines.append("is thinking…")
    lines += str(message.get("content") or "").splitlines()
    for embed in message.get("embeds") or ():
        lines += _embed_lines(embed)
    lines += [_file_line(attachment) for attachment in message.get("attachments") or ()]
    return lines + _component_lines(message)


def _embed_lines(embed: Json) -> list[str]:
    fields = [f"{field['name']}: {field['value']}" for field in embed.get("fields") or ()]
    footer = (embed.get("footer") or {}).get("text")
    author = (embed.get("author") or {}).get("name")
    words = [author, embed.get("title"), embed.get("description"), *fields, footer]
    pictures = [
        f"🖼 {_name_in(embed[key]['url'])}"
        for key in ("image", "thumbnail")
        if (embed.get(key) or {}).get("url")
    ]
    return [line for text in words if text for line in str(text).splitlines()] + pictures


def _file_line(attachment: Json) -> str:
    pixels = f"{attachment['width']}×{attachment['height']}, " if attachment.get("width") else ""
    size = attachment["size"]
    weight = f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"
    return f"📎 {attachment['filename']} ({pixels}{weight})"


def _component_lines(message: Json) -> list[str]:
    lines: list[str] = []
    buttons: list[str] = []
    for item in components_of(message):
        match item["type"]:
            case ComponentType.ACTION_ROW:
                lines, buttons = [*lines, *_joined(buttons)], []
            case ComponentType.BUTTON:
                buttons.append(_button_text(item))
            case ComponentType.TEXT_DISPLAY:
                lines += str(item["content"]).splitlines()
            case ComponentType.STRING_SELECT:
                options = " | ".join(option["label"] for option in item.get("options") or ())
                lines.append(f"[{item.get('placeholder') or 'choose'} ▾ {options}]")
            case ComponentType.MEDIA_GALLERY:
                lines += [f"🖼 {_name_in(each['media']['url'])}" for each in item["items"]]
            case ComponentType.FILE:
                lines.append(f"📎 {_name_in(item['file']['url'])}")
    return [*lines, *_joined(buttons)]


def _joined(buttons: Sequence[str]) -> list[str]:
    return [" ".join(buttons)] if buttons else []


def _button_text(button: Json) -> str:
    label = label_of(button)
    if button.get("style") == _LINK_STYLE:
        return f"[{label} ↗]"
    return f"({label})" if button.get("disabled") else f"[{label}]"


def _name_in(url: str) -> str:
    return unquote(urlsplit(url).path).rsplit("/", 1)[-1]


def _name_of(person: Json) -> str:
    return str(person.get("global_name") or person["username"])


class Teller:
    """Says what the channels show as it changes: a time in seconds, who, one line of text."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._say = say
        self._clock = clock
        self._start = clock()
        self._shown: dict[str, list[str]] = {}
        self._versions: dict[str, int] = {}
        self._gone: set[str] = set()
        self._names: dict[str, str] = {}

    def tell(self, who: str, text: str) -> None:
        """One line with its time."""
        self._say(f"{self._clock() - self._start:7.1f} s  {who} │ {text}")

    def show(self, where: str, message: Json, *, aloud: bool = True) -> None:
        """Says the lines of a message that are new, or those that left if none is new.

        Not aloud, it only remembers them: what was there before the play began. Members and
        channels that a line mentions are called by their names, as on the page.
        """
        if self._versions.get(message["id"], -1) >= message["version"]:
            return  # Another member's view has told it already.
        self._versions[message["id"]] = message["version"]
        self._learn(where, message)
        before = self._shown.get(message["id"], [])
        now = [_MENTION.sub(self._named, line) for line in render(message)]
        self._shown[message["id"]] = now
        if not aloud:
            return
        new = [line for line in now if line not in before]
        who = self._who(where, message)
        for line in new or [f"− {line}" for line in before if line not in now]:
            self.tell(who, line)

    def take_away(self, where: str, message: Json) -> None:
        """Says, once, that a message was deleted."""
        if message["id"] not in self._gone:
            self._gone.add(message["id"])
            self.tell(self._who(where, message), "(deleted)")

    def _learn(self, where: str, message: Json) -> None:
        """Who and where is meant by the ids in a message: who wrote it, asked for it, is called."""
        asked = (message.get("interaction_metadata") or {}).get("user")
        for person in (message["author"], asked, *(message.get("mentions") or ())):
            if person:
                self._names[person["id"]] = f"@{_name_of(person)}"
        if where.startswith("#"):
            self._names[message["channel_id"]] = where

    def _named(self, mention: re.Match[str]) -> str:
        return self._names.get(mention[1], mention[0])

    def _who(self, where: str, message: Json) -> str:
        author = _name_of(message["author"])
        return f"{where} {author}·{list(self._shown).index(message['id']) + 1}"


def attachment_urls(message: Json) -> list[str]:
    """URLs of all files in a message, in the order of their ids, so as they were posted.

    Listed ones, pictures of embeds, media of components, if they lie on the stand-in's CDN.
    A file that an embed shows is not among a message's attachments (discord.md section 4, 9).
    """
    found = [attachment["url"] for attachment in message.get("attachments") or ()]
    for embed in message.get("embeds") or ():
        found += [(embed.get(key) or {}).get("url") or "" for key in ("image", "thumbnail")]
    for item in components_of(message):
        media = [*(each["media"] for each in item.get("items") or ()), item.get("media")]
        found += [one["url"] for one in (*media, item.get("file")) if one]
    paths = {urlsplit(url).path: url for url in found}
    ids = {path: match[1] for path in paths if (match := _CDN_PATH.match(path))}
    return [paths[path] for path in sorted(ids, key=lambda path: int(ids[path]))]


class Keeper:
    """Saves files of messages, each once, as `<message id>-<n>-<filename>` with the bytes served.

    They stay when the message is edited or deleted later. `n` counts from 1 in each message.
    """

    def __init__(
        self,
        out: Path,
        fetch: Callable[[str], Awaitable[bytes]],
        complain: Callable[[str], None],
    ) -> None:
        self._out = out
        self._fetch = fetch
        self._complain = complain
        self._names: dict[str, dict[str, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def see(self, message: Json) -> None:
        """Begins to save the files of a message that are not saved yet."""
        names = self._names.setdefault(message["id"], {})
        for url in attachment_urls(message):
            file = unquote(urlsplit(url).path)
            if file not in names:
                plain = re.sub(r"[^\w.,()+@=-]+", "_", _name_in(url)).lstrip(".") or "file"
                names[file] = f"{message['id']}-{len(names) + 1}-{plain}"
                self._tasks.add(asyncio.create_task(self._save(url, names[file])))

    def files(self, message_id: str) -> list[str]:
        """The names under which a message's files were saved."""
        return list(self._names.get(message_id, {}).values())

    async def done(self) -> None:
        """Returns when all files that were seen are saved."""
        while self._tasks:
            tasks, self._tasks = self._tasks, set()
            await asyncio.gather(*tasks)

    async def _save(self, url: str, name: str) -> None:
        try:
            data = await self._fetch(url)
            await asyncio.to_thread((self._out / name).write_bytes, data)
        except (PlayError, OSError) as error:
            self._complain(f"{name} was not saved: {error}")


def transcript(
    members: Iterable[Member], files: Callable[[str], list[str]], lines: Sequence[Json]
) -> Json:
    """The final messages by channel as Discord holds them, those deleted apart, and the lines.

    To Discord's fields come `files` (names in the folder) and `seen_by` (user names); the marks
    `ephemeral` and `loading` are the page's.
    """
    views = list(members)
    channels: dict[str, Json] = {}
    for member in views:
        for channel in member.known.channels:
            channels.setdefault(channel["id"], {**channel, "messages": [], "deleted": []})
    gone = {message["id"] for member in views for message in member.deleted()}
    held: dict[str, Json] = {}
    for member in views:
        for message in (*member.messages(), *member.deleted()):
            before = held.get(message["id"], {"version": -1, "seen_by": []})
            newest = message if message["version"] > before["version"] else before
            held[message["id"]] = {**newest, "seen_by": [*before["seen_by"], member.name]}
    for message_id, message in sorted(held.items(), key=lambda item: int(item[0])):
        shelf = channels[message["channel_id"]]["deleted" if message_id in gone else "messages"]
        shelf.append({**message, "files": files(message_id)})
    return {
        "ok": all(line["ok"] for line in lines),
        "lines": list(lines),
        "channels": list(channels.values()),
    }
