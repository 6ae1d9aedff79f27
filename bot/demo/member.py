"""One member at the page: the eyes (an events websocket) and the hands (interactions, uploads).

Knows the page's own interface and nothing else; every failure of it becomes a PlayError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp

from bot.demo.say import Json, PlayError
from bot.demo.slash import Known, Upload, find_named, uploads_in, with_upload_ids

DM = 1  # Discord's channel type


@dataclass(frozen=True)
class Outcome:
    """The bot's first answer to an interaction, as the page tells it.

    `kind` is message, deferred, update, deferred_update, choices, modal or failed.
    """

    interaction_id: str
    kind: str
    message_id: str | None
    modal: Json | None


def _read(path: str) -> bytes:
    return Path(path).expanduser().read_bytes()


class Page:
    """The page's HTTP interface. All methods raise PlayError when it refuses or is not there."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/") + "/"

    async def state(self, user: str = "") -> Json:
        """Everything that one member sees; without a name the first member's view."""
        return await self._ask("GET", "page/state", params={"user": user} if user else {})

    async def interact(self, payload: Json) -> Outcome:
        """Sends an interaction and waits, up to 3 s, for the bot's first answer."""
        told = await self._ask("POST", "page/interactions", json=payload)
        return Outcome(told["id"], told["outcome"], told.get("message_id"), told.get("modal"))

    async def upload(self, upload: Upload) -> str:
        """Uploads a file and returns its attachment id."""
        try:
            data = await asyncio.to_thread(_read, upload.path)
        except OSError as error:
            raise PlayError(f"{upload.path} can't be read: {error.strerror}.") from error
        form = aiohttp.FormData()
        form.add_field("file", data, filename=Path(upload.path).name)
        return str((await self._ask("POST", "page/uploads", data=form))["id"])

    async def post(self, user: str, channel_id: str, attachments: list[str]) -> str:
        """A message of a member's own with files that were uploaded; its id."""
        said = {"user": user, "channel": channel_id, "content": "", "attachments": attachments}
        return str((await self._ask("POST", "page/messages", json=said))["id"])

    async def fetch(self, url: str) -> bytes:
        """The bytes behind an attachment's URL, as served."""
        try:
            async with self._session.get(urljoin(self._base_url, url)) as answer:
                if not answer.ok:
                    raise PlayError(f"{url} was answered with {answer.status}.")
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PlayError(
                f"{url} could not be fetched: {error or type(error).__name__}."
            ) from error

    async def events(self, user: str) -> aiohttp.ClientWebSocketResponse:
        """Opens the stream of what changes in a member's view."""
        url = urljoin(self._base_url, "page/events")
        try:
            return await self._session.ws_connect(url, params={"user": user}, max_msg_size=0)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PlayError(f"No page answers at {self._base_url}: {error}.") from error

    async def _ask(self, method: str, path: str, **more: Any) -> Json:
        try:
            async with self._session.request(method, urljoin(self._base_url, path), **more) as got:
                body = await got.json() if got.content_type == "application/json" else {}
                if got.ok and isinstance(body, dict):
                    return body
                raise PlayError(
                    str(body.get("error") or f"/{path} was answered with {got.status}.")
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise PlayError(f"No page answers at {self._base_url}: {reason}.") from error


class Member:
    """What one member sees, kept true by events, and what the member sends.

    `heard(self, message, gone)` is called for each message that is new, changed or (`gone`)
    deleted in this view, also for those already there at the start. Times are of the event
    loop's clock, in seconds.
    """

    def __init__(self, page: Page, name: str, heard: Callable[[Member, Json, bool], None]) -> None:
        self.name = name
        self.user: Json = {}
        self.bot: Json = {}
        self.known = Known()
        self.closed = True  # no events are heard: before open() and after the page hung up
        self._page = page
        self._heard = heard
        self._messages: dict[str, Json] = {}
        self._gone: dict[str, Json | None] = {}
        self._first_seen: dict[str, float] = {}
        self._changed: dict[str, float] = {}
        self._news = asyncio.Event()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connects; raises PlayError for a name that nobody here has."""
        people = (await self._page.state())["users"]
        self.user = find_named(self.name, people, "member")
        self.name = self.user["username"]
        # The socket first: what happens between the two comes twice rather than never.
        self._socket = await self._page.events(self.user["id"])
        state = await self._page.state(self.user["id"])
        self.bot = state["bot"]
        self.known = Known(state["commands"], [*state["users"], state["bot"]], state["channels"])
        for messages in state["messages"].values():
            for message in messages:
                self._keep(message)
        self.closed = False
        self._listening = asyncio.create_task(self._listen(self._socket))

    async def close(self) -> None:
        """Hangs up."""
        if self._socket:
            await self._socket.close()
        if self._listening:
            await self._listening

    async def interact(
        self, channel_id: str, kind: int, data: Json, message_id: str | None = None
    ) -> Outcome:
        """Uploads what `data` holds and sends it as an interaction of Discord's type `kind`."""
        ids: Mapping[Upload, str] = {
            upload: await self._page.upload(upload) for upload in uploads_in(data)
        }
        return await self._page.interact(
            {
                "user": self.user["id"],
                "channel": channel_id,
                "type": kind,
                "message": message_id,
                "data": with_upload_ids(data, ids),
            }
        )

    async def post(self, channel_id: str, upload: Upload) -> str:
        """Sends a message with a file; its id."""
        return await self._page.post(self.user["id"], channel_id, [await self._page.upload(upload)])

    def channel(self, name: str) -> Json:
        """The channel of that name; `dm` is the member's own with the bot."""
        if name.casefold() == "dm":
            for channel in self.known.channels:
                if channel["type"] == DM:
                    return channel
            raise PlayError(f"{self.name} has no DM with the bot.")
        return find_named(name, self.known.channels, "channel")

    def message(self, message_id: str | None) -> Json | None:
        """A message that this member can see now."""
        return self._messages.get(message_id or "")

    def messages(self, channel_id: str | None = None) -> list[Json]:
        """What is in a channel now (in all of them without an id), oldest first."""
        found = (m for m in self._messages.values() if channel_id in (None, m["channel_id"]))
        return sorted(found, key=lambda message: int(message["id"]))

    def deleted(self) -> list[Json]:
        """The last state of each message that this member saw and that is gone."""
        return [message for message in self._gone.values() if message]

    def by_bot(self, message: Json) -> bool:
        """Whether the bot wrote it."""
        return bool(message["author"]["id"] == self.bot["id"])

    def is_gone(self, message_id: str | None) -> bool:
        """Whether this member saw it deleted."""
        return message_id in self._gone

    def first_seen(self, message_id: str) -> float:
        """When the message first came into this view."""
        return self._first_seen.get(message_id, 0.0)

    def changed_at(self, message_id: str | None) -> float:
        """When the message last changed or was deleted in this view; 0 if never."""
        return self._changed.get(message_id or "", 0.0)

    async def news(self, timeout: float) -> None:
        """Returns at the next event, or after `timeout` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), timeout)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                self._hear(frame.json())
                self._wake()
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _hear(self, event: Json) -> None:
        match event["t"]:
            case "message_create" | "message_update":
                self._keep(event["message"])
            case "message_delete":
                self._drop(event["id"])
            case "commands":
                self.known = Known(event["commands"], self.known.users, self.known.channels)
            case "bot":
                self.bot = {**self.bot, "online": event["online"]}

    def _keep(self, message: Json) -> None:
        known = self._messages.get(message["id"])
        if known and known["version"] >= message["version"]:
            return
        now = asyncio.get_running_loop().time()
        self._first_seen.setdefault(message["id"], now)
        self._changed[message["id"]] = now
        self._messages[message["id"]] = message
        self._heard(self, message, False)

    def _drop(self, message_id: str) -> None:
        known = self._gone[message_id] = self._messages.pop(message_id, None)
        self._changed[message_id] = asyncio.get_running_loop().time()
        if known:
            self._heard(self, known, True)
