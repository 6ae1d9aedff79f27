"""One gateway session and the socket it may have at the moment.

A session outlives its sockets: it keeps numbered events, so that RESUME can send again what a
lost socket did not deliver.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections import deque

from aiohttp import web

from bot.demo.discord.wire import Json

KEPT_EVENTS = 2_000


class Socket:
    """Sends payloads over one websocket, as text or as one zlib stream for its whole life."""

    def __init__(self, ws: web.WebSocketResponse, *, compressed: bool) -> None:
        self.ws = ws
        self._ended_here = False
        self._deflate = zlib.compressobj() if compressed else None
        self._turn = asyncio.Lock()

    async def send(self, payload: Json) -> None:
        """Send one payload.

        Raises:
            ConnectionError: the socket is gone.
        """
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        async with self._turn:
            if self.ws.closed:
                raise ConnectionResetError("the socket is closed")
            if self._deflate is None:
                await self.ws.send_str(text)
            else:
                packed = self._deflate.compress(text.encode())
                await self.ws.send_bytes(packed + self._deflate.flush(zlib.Z_SYNC_FLUSH))

    async def close(self, code: int, reason: str = "") -> None:
        """Close with one of Discord's codes; harmless when it is closed already."""
        self._ended_here = True
        await self.ws.close(code=code, message=reason.encode())

    @property
    def said_goodbye(self) -> bool:
        """Whether the client ended it with 1000 or 1001, and with it its session."""
        return not self._ended_here and self.ws.close_code in (1000, 1001)


class Session:
    """What IDENTIFY began: an id, intents, numbered events, and perhaps a socket."""

    def __init__(self, intents: int) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.seq = 0
        self.socket: Socket | None = None
        self.dropped_at: float | None = None
        self._news = asyncio.Event()
        self._events: deque[Json] = deque(maxlen=KEPT_EVENTS)

    def dispatch(self, event: str, data: Json) -> None:
        """Number an event and keep it; the socket, if there is one, gets it in its turn."""
        self.seq += 1
        self._events.append({"op": 0, "t": event, "s": self.seq, "d": data})
        self._news.set()

    def since(self, seq: int) -> list[Json] | None:
        """The events after `seq`; None when some of them are no longer kept."""
        missed = [payload for payload in self._events if payload["s"] > seq]
        return missed if len(missed) == self.seq - seq else None

    async def serve(self, socket: Socket, after: int) -> None:
        """Send every event after number `after`, old ones and new ones, until the socket ends."""
        sent = after
        while self.socket is socket:
            self._news.clear()
            for payload in self.since(sent) or ():
                try:
                    await socket.send(payload)
                except ConnectionError:
                    return
                sent = payload["s"]
            await self._news.wait()
