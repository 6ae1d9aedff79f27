"""A bot made of scripts: plain gateway and REST calls, no bot library.

A test says what the bot does at a command, a press or a dialog; the bot signs in to the stand-in,
registers its commands and plays the scripts. Whatever a script raises comes out at `close()`.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from PIL import Image

Json = dict[str, Any]
Script = Callable[["Call"], Awaitable[None]]

REPLY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9  # kinds of first answers
EPHEMERAL = 64
HELLO, IDENTIFY, HEARTBEAT = 10, 2, 1
INTENT_GUILDS = 1
AUTOCOMPLETE = 4  # interaction type

DRAW: Json = {
    "name": "draw",
    "description": "Draw a picture from words",
    "type": 1,
    "options": [
        {"type": 3, "name": "prompt", "description": "What to draw", "required": True},
        {"type": 3, "name": "model", "description": "Which model paints", "autocomplete": True},
        {
            "type": 3,
            "name": "size",
            "description": "Shape of the picture",
            "choices": [
                {"name": "Square", "value": "1:1"},
                {"name": "Wide 16:9", "value": "16:9"},
            ],
        },
        {
            "type": 4,
            "name": "steps",
            "description": "How long to work on it",
            "min_value": 1,
            "max_value": 150,
        },
    ],
}
IMG2IMG: Json = {
    "name": "img2img",
    "description": "Draw over a picture",
    "type": 1,
    "options": [
        {"type": 11, "name": "image", "description": "The picture", "required": True},
        {"type": 3, "name": "prompt", "description": "What it becomes", "required": True},
    ],
}
QUEUE: Json = {"name": "queue", "description": "Where things stand", "type": 1}
USE_AS_SOURCE: Json = {"name": "Use as source", "type": 3}
COMMANDS = [DRAW, IMG2IMG, QUEUE, USE_AS_SOURCE]


@dataclass(frozen=True)
class Attached:
    """A file that goes with an edit, and its alt text."""

    name: str
    data: bytes
    alt: str = ""


class Call:
    """One interaction in a script's hands, with the ways to answer it."""

    def __init__(self, bot: ScriptedBot, interaction: Json) -> None:
        self.bot = bot
        self.interaction = interaction

    @property
    def data(self) -> Json:
        return dict(self.interaction["data"])

    @property
    def options(self) -> dict[str, Any]:
        """The options that were filled in, by name."""
        return {option["name"]: option.get("value") for option in self.data.get("options", [])}

    @property
    def focused(self) -> str:
        """The half-typed text of an autocompletion."""
        return next(str(o["value"]) for o in self.data["options"] if o.get("focused"))

    async def first(self, kind: int, **data: Any) -> None:
        """Send the first answer."""
        path = f"/interactions/{self.interaction['id']}/{self.interaction['token']}/callback"
        await self.bot.call("POST", path, {"type": kind, "data": data})

    async def edit(self, *files: Attached, **data: Any) -> None:
        """Edit the first answer; `files` take the place of those that it had."""
        path = f"/webhooks/{self.bot.application_id}/{self.interaction['token']}"
        await self.bot.call("PATCH", f"{path}/messages/@original", data, files)


class ScriptedBot:
    """Plays the scripts in `on`: "draw", "complete:draw", "button:again", "modal:edit" ….

    `calls` are the interactions that came, oldest first.
    """

    def __init__(self, api_url: str, token: str) -> None:
        self.on: dict[str, Script] = {}
        self.calls: list[Json] = []
        self.application_id = ""
        self._api = f"{api_url}/v10"
        self._token = token
        self._session = aiohttp.ClientSession()
        self._ready = asyncio.Event()
        self._called = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._scripts: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._ready.wait(), timeout=5)
        await self.call("PUT", f"/applications/{self.application_id}/commands", COMMANDS)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.leave()
        await self._session.close()

    async def leave(self) -> None:
        """Sign out, and raise what the scripts raised."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        for script in self._scripts:
            script.cancel()
        for result in await asyncio.gather(*self._scripts, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def call(self, method: str, path: str, body: Any, files: Sequence[Attached] = ()) -> Any:
        """One REST call; files go beside the body as Discord wants them."""
        sent: dict[str, Any] = {"data": _form(body, files)} if files else {"json": body}
        headers = {"Authorization": f"Bot {self._token}"}
        async with self._session.request(method, self._api + path, headers=headers, **sent) as got:
            text = await got.text()
            assert got.status < 300, f"{method} {path}: {got.status} {text}"
            return json.loads(text) if text else None

    async def post(self, channel: str, *files: Attached, **message: Any) -> Json:
        """A message in a channel, outside any interaction."""
        made: Json = await self.call("POST", f"/channels/{channel}/messages", message, files)
        return made

    async def heard(self, wanted: Callable[[Json], bool]) -> None:
        """Until an interaction has come whose `data` is wanted."""
        async with asyncio.timeout(5):
            while not any(wanted(call["data"]) for call in self.calls):
                self._called.clear()
                await self._called.wait()

    async def _listen(self) -> None:
        url = (await self.call("GET", "/gateway", None))["url"]
        async with self._session.ws_connect(f"{url}?encoding=json&v=10") as socket:
            async for frame in socket:
                payload = frame.json()
                if payload["op"] == HELLO:
                    await socket.send_json({"op": IDENTIFY, "d": self._identity()})
                elif payload["t"] == "READY":
                    self.application_id = payload["d"]["application"]["id"]
                    self._ready.set()
                elif payload["t"] == "INTERACTION_CREATE":
                    self._play(payload["d"])

    def _identity(self) -> Json:
        return {"token": self._token, "intents": INTENT_GUILDS, "properties": {}}

    def _play(self, interaction: Json) -> None:
        self.calls.append(interaction)
        self._called.set()
        script = self.on.get(_cue(interaction))
        if script is not None:
            self._scripts.add(asyncio.ensure_future(script(Call(self, interaction))))


def _form(body: Json, files: Sequence[Attached]) -> aiohttp.FormData:
    listed = [
        {"id": at, "filename": file.name, "description": file.alt or None}
        for at, file in enumerate(files)
    ]
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps({**body, "attachments": listed}))
    for at, file in enumerate(files):
        form.add_field(f"files[{at}]", file.data, filename=file.name)
    return form


def _cue(interaction: Json) -> str:
    """The name of the script that an interaction asks for."""
    kind, data = interaction["type"], interaction["data"]
    if kind == AUTOCOMPLETE:
        return f"complete:{data['name']}"
    if "name" in data:
        return str(data["name"])
    return f"{'modal' if kind == 5 else 'button'}:{data['custom_id']}"


def row(*buttons: Json) -> Json:
    """An action row."""
    return {"type": 1, "components": list(buttons)}


def button(label: str, custom_id: str, style: int = 2, **more: Any) -> Json:
    """A button; styles are Discord's 1 to 4."""
    return {"type": 2, "style": style, "label": label, "custom_id": custom_id, **more}


def picture(color: str, width: int = 96, height: int = 64) -> bytes:
    """A small PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()
