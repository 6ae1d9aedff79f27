"""A bot without a library: a REST client and a gateway socket, so that tests see the bare wire."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import aiohttp
from PIL import Image

from bot.demo.discord import DiscordStandIn
from bot.demo.discord.people import APPLICATION_ID

TOKEN = "a-token-for-tests"
EPHEMERAL, V2 = 64, 1 << 15
Json = dict[str, Any]

ASK: Json = {
    "name": "ask",
    "description": "Ask for something",
    "options": [
        {
            "type": 3,
            "name": "what",
            "description": "what to make",
            "required": True,
            "max_length": 50,
        },
        {
            "type": 4,
            "name": "steps",
            "description": "how long",
            "min_value": 1,
            "max_value": 150,
            "autocomplete": True,
        },
        {
            "type": 3,
            "name": "size",
            "description": "how large",
            "choices": [{"name": "Small", "value": "s"}, {"name": "Tall", "value": "t"}],
        },
        {"type": 11, "name": "source", "description": "begin with this"},
    ],
}
LOOK: Json = {"name": "Look closer", "type": 3}
BUTTON: Json = {"type": 2, "style": 1, "label": "Again", "custom_id": "again"}


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def slash(user: str = "ada", channel: str = "easel", **options: Any) -> Json:
    """What the page sends for `/ask`."""
    given = {"what": "a fox", **options}
    types = {"what": 3, "steps": 4, "size": 3, "source": 11}
    listed = [{"name": k, "type": types[k], "value": v} for k, v in given.items()]
    return {
        "user": user,
        "channel": channel,
        "type": 2,
        "data": {"name": "ask", "type": 1, "options": listed},
    }


def press(message_id: str, custom_id: str = "again", user: str = "ada", **more: Any) -> Json:
    """What the page sends for a pressed button."""
    return {
        "user": user,
        "channel": "easel",
        "type": 3,
        "message": message_id,
        "data": {"custom_id": custom_id, "component_type": 2, **more},
    }


def png(width: int = 40, height: int = 30, colour: str = "teal") -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True)
class Answer:
    """What a REST call gave back."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def refused(self) -> tuple[int, int]:
        """Status and Discord's code."""
        return self.status, self.body["code"]

    def faults(self) -> dict[str, str]:
        """Dotted place → code, of the nested form errors."""
        assert self.refused == (400, 50035), self.body
        assert self.body["message"] == "Invalid Form Body"
        return dict(_flat(self.body["errors"], ""))


def _flat(node: Json, where: str) -> list[tuple[str, str]]:
    found = [(where.strip("."), error["code"]) for error in node.get("_errors", ())]
    for key, value in node.items():
        if key != "_errors":
            found += _flat(value, f"{where}.{key}")
    return found


@dataclass
class Rest:
    """Calls the stand-in's REST half."""

    stand_in: DiscordStandIn
    session: aiohttp.ClientSession

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        files: dict[str, tuple[str, bytes]] | None = None,
        token: str | None = TOKEN,
    ) -> Answer:
        """JSON, or multipart when there are files (field → name and bytes)."""
        headers = {} if token is None else {"Authorization": f"Bot {token}"}
        data: Any = None
        if files is not None:
            data = aiohttp.FormData(quote_fields=False)
            data.add_field("payload_json", json.dumps(body))
            for name, (filename, raw) in files.items():
                kind = "application/octet-stream"
                data.add_field(name, BytesIO(raw), filename=filename, content_type=kind)
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        url = f"{self.stand_in.api_url}/v10{path}"
        async with self.session.request(method, url, data=data, headers=headers) as response:
            text = await response.text()
            if text:
                assert response.headers["Content-Type"] == "application/json"
            parsed = json.loads(text) if text else None
            return Answer(response.status, parsed, dict(response.headers))

    async def send(self, channel: str, body: Json, **more: Any) -> Answer:
        room = self.stand_in.world.channel(channel)
        return await self.call("POST", f"/channels/{room.id}/messages", body, **more)

    async def register(self, *commands: Json) -> Answer:
        return await self.call("PUT", f"/applications/{APPLICATION_ID}/commands", list(commands))


@dataclass
class Asked:
    """One interaction that reached the bot, and the member who waits."""

    rest: Rest
    payload: Json
    waiting: asyncio.Task[Json]

    @property
    def hook(self) -> str:
        return f"/webhooks/{APPLICATION_ID}/{self.payload['token']}"

    async def answer(self, kind: int, data: Json | None = None, **more: Any) -> Answer:
        """The first answer, with its body given back."""
        path = f"/interactions/{self.payload['id']}/{self.payload['token']}/callback"
        body = {"type": kind, "data": data or {}}
        return await self.rest.call("POST", path + "?with_response=true", body, token=None, **more)

    async def edit(self, body: Json, message: str = "@original", **more: Any) -> Answer:
        path = f"{self.hook}/messages/{message}"
        return await self.rest.call("PATCH", path, body, token=None, **more)

    async def follow_up(self, body: Json, **more: Any) -> Answer:
        return await self.rest.call("POST", self.hook, body, token=None, **more)

    async def get(self, message: str = "@original") -> Answer:
        return await self.rest.call("GET", f"{self.hook}/messages/{message}", token=None)

    async def delete(self, message: str = "@original") -> Answer:
        return await self.rest.call("DELETE", f"{self.hook}/messages/{message}", token=None)


@dataclass
class RawSocket:
    """One gateway socket. `compressed` is what it asked for."""

    ws: aiohttp.ClientWebSocketResponse
    compressed: bool
    inflate: Any = field(default_factory=zlib.decompressobj)
    seq: int | None = None
    session_id: str = ""

    async def receive(self) -> Json:
        message = await self.ws.receive(timeout=3)
        if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
            raise ConnectionResetError(self.ws.close_code)
        if self.compressed:
            assert message.data.endswith(b"\x00\x00\xff\xff")
        raw = self.inflate.decompress(message.data) if self.compressed else message.data
        payload: Json = json.loads(raw)
        self.seq = payload["s"] or self.seq
        if payload["t"] == "READY":
            self.session_id = payload["d"]["session_id"]
        return payload

    async def until(self, event: str) -> Json:
        """The data of the next event of this name."""
        while True:
            payload = await self.receive()
            if payload["t"] == event:
                data: Json = payload["d"]
                return data

    async def closed_with(self) -> int | None:
        """The close code, after whatever else still comes."""
        while not self.ws.closed:
            message = await self.ws.receive(timeout=3)
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
        return self.ws.close_code

    async def send(self, op: int, data: Any) -> None:
        await self.ws.send_str(json.dumps({"op": op, "d": data}))

    async def identify(self, token: str = TOKEN, intents: int = 1) -> None:
        await self.send(2, {"token": token, "intents": intents, "properties": {}})


@asynccontextmanager
async def connect(
    stand_in: DiscordStandIn, session: aiohttp.ClientSession, *, compressed: bool = True
) -> AsyncIterator[RawSocket]:
    """A gateway socket that has heard HELLO."""
    query = "?v=10&encoding=json" + ("&compress=zlib-stream" if compressed else "")
    async with session.ws_connect(stand_in.gateway.url + query, autoclose=False) as ws:
        socket = RawSocket(ws, compressed)
        assert (await socket.receive())["op"] == 10
        yield socket


@dataclass
class RawBot:
    """A bot that is signed in and has registered `/ask` and a message menu."""

    rest: Rest
    socket: RawSocket

    async def asked(self, request: Json) -> Asked:
        """A member does something; the interaction as the bot gets it."""
        waiting = asyncio.create_task(self.rest.stand_in.interact(request))
        event = asyncio.create_task(self.socket.until("INTERACTION_CREATE"))
        done, _ = await asyncio.wait({waiting, event}, return_when=asyncio.FIRST_COMPLETED)
        if event not in done:
            event.cancel()
            waiting.result()
        return Asked(self.rest, await event, waiting)

    async def answered(
        self, request: Json | None = None, kind: int = 4, data: Json | None = None, **more: Any
    ) -> Asked:
        """The same, with the first answer given and taken."""
        asked = await self.asked(request or slash())
        given = await asked.answer(kind, data or {"content": "here"}, **more)
        assert given.status == 200, given.body
        await asked.waiting
        return asked


@asynccontextmanager
async def signed_in(rest: Rest, *, intents: int = 1) -> AsyncIterator[RawBot]:
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.identify(intents=intents)
        await socket.until("GUILD_CREATE")
        assert (await rest.register(ASK, LOOK)).status == 200
        yield RawBot(rest, socket)
