"""Discord's gateway: HELLO, heartbeats, IDENTIFY, READY, events, RESUME.

Order and close codes follow Discord's documentation of the gateway (contract, sections 2, 4 and
8). A client's payload may have 4,096 bytes (4002), and it may send 120 in 60 seconds (4008).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass, field

from aiohttp import WSMessage, WSMsgType, web

from bot.demo.discord.clock import Clock
from bot.demo.discord.forms import as_int
from bot.demo.discord.gateway_events import event_for
from bot.demo.discord.gateway_session import Session, Socket
from bot.demo.discord.wire import KNOWN_INTENTS, PRIVILEGED_INTENTS, Json
from bot.demo.discord.world import Change, World

PAYLOAD_BYTES = 4096
SENDS, SENDS_SECONDS = 120, 60.0
SESSION_SECONDS = 300.0

ACK_SECONDS = 0.03
HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 1, 2, 6, 7, 9, 10, 11
_ACCEPTED = frozenset({3, 4, 8, 31})


class GatewayClose(Exception):
    """Ends a socket with one of Discord's close codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@dataclass
class _Connection:
    """One socket's own state."""

    socket: Socket
    session: Session | None = None
    sender: asyncio.Task[None] | None = None
    sent: deque[float] = field(default_factory=deque)


class Gateway:
    """Accepts the bot's sockets and sends it what happens.

    `heartbeat_interval` is in seconds; `privileged_intents` are those that the application was
    granted (none by default: asking for one closes with 4014).
    """

    def __init__(
        self, world: World, clock: Clock, token: str, *, heartbeat_interval: float
    ) -> None:
        self.url = ""
        self.heartbeat_interval = heartbeat_interval
        self.privileged_intents = 0
        self.identified = 0
        self.resumed = 0
        self._world = world
        self._clock = clock
        self._token = token
        self._sessions: dict[str, Session] = {}
        self._connections: set[Socket] = set()
        self._refuse_resume = False
        world.listen(self._on_change)

    # -- what the rest of the stand-in uses
    async def close(self) -> None:
        """End every socket."""
        await self.drop(1001)

    @property
    def online(self) -> bool:
        return any(session.socket is not None for session in self._sessions.values())

    def dispatch(self, event: str, data: Json) -> None:
        """Send an event to every session, in the order of the calls."""
        for session in self._sessions.values():
            session.dispatch(event, data)

    async def drop(self, code: int) -> None:
        """Close the bot's sockets; their sessions wait for RESUME."""
        await asyncio.gather(*(socket.close(code) for socket in self._connections))

    async def ask_reconnect(self) -> None:
        """Send op 7 to every socket; their sessions wait for RESUME."""
        for socket in tuple(self._connections):
            await socket.send({"op": RECONNECT, "d": None, "s": None, "t": None})

    def invalidate_session(self) -> None:
        """The next RESUME is answered with op 9, `d` false."""
        self._refuse_resume = True

    # -- one socket from HELLO to its end
    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """The websocket route. `compress=zlib-stream` asks for one zlib stream."""
        ws = web.WebSocketResponse(max_msg_size=1 << 20, compress=False, timeout=0.3)
        await ws.prepare(request)
        compressed = request.query.get("compress") == "zlib-stream"
        connection = _Connection(Socket(ws, compressed=compressed))
        self._connections.add(connection.socket)
        try:
            await self._converse(connection)
        except GatewayClose as end:
            if end.code == 4009 and connection.session is not None:
                self._sessions.pop(connection.session.id, None)
            await connection.socket.close(end.code, end.reason)
        except ConnectionError:
            pass
        finally:
            self._connections.discard(connection.socket)
            await self._part(connection)
        return ws

    async def _converse(self, connection: _Connection) -> None:
        interval = self.heartbeat_interval
        hello = {"heartbeat_interval": round(interval * 1000), "_trace": ["stand-in"]}
        await connection.socket.send({"op": HELLO, "d": hello, "s": None, "t": None})
        while True:
            try:
                message = await connection.socket.ws.receive(timeout=interval * 1.5)
            except TimeoutError:
                raise GatewayClose(4009, "Session timed out.") from None
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            await self._heed(connection, self._read(connection, message))

    def _read(self, connection: _Connection, message: WSMessage) -> Json:
        """One payload, within the limits of size and pace."""
        now = self._clock.now()
        connection.sent.append(now)
        while connection.sent[0] < now - SENDS_SECONDS:
            connection.sent.popleft()
        if len(connection.sent) > SENDS:
            raise GatewayClose(4008, "Rate limited.")
        raw = message.data if isinstance(message.data, bytes) else message.data.encode()
        if len(raw) > PAYLOAD_BYTES:
            raise GatewayClose(4002, "Payload too large.")
        try:
            payload = json.loads(raw)
        except ValueError:
            raise GatewayClose(4002, "Error while decoding payload.") from None
        if not isinstance(payload, dict):
            raise GatewayClose(4002, "Error while decoding payload.")
        return payload

    async def _heed(self, connection: _Connection, payload: Json) -> None:
        op, data = payload.get("op"), payload.get("d")
        if op == HEARTBEAT:
            # As over a real wire: a client that notes its sending a moment late would take an
            # answer at once for one to the heartbeat before.
            await asyncio.sleep(ACK_SECONDS)
            await connection.socket.send({"op": ACK, "d": None, "s": None, "t": None})
        elif op in (IDENTIFY, RESUME):
            if connection.session is not None:
                raise GatewayClose(4005, "Already authenticated.")
            if not isinstance(data, dict):
                raise GatewayClose(4002, "Error while decoding payload.")
            if not secrets.compare_digest(str(data.get("token")).encode(), self._token.encode()):
                raise GatewayClose(4004, "Authentication failed.")
            await (self._identify if op == IDENTIFY else self._resume)(connection, data)
        elif op not in _ACCEPTED:
            raise GatewayClose(4001, "Unknown opcode.")
        elif connection.session is None:
            raise GatewayClose(4003, "Not authenticated.")

    async def _identify(self, connection: _Connection, data: Json) -> None:
        intents = as_int(data.get("intents"))
        if intents is None or intents & ~KNOWN_INTENTS:
            raise GatewayClose(4013, "Invalid intent(s).")
        if intents & PRIVILEGED_INTENTS & ~self.privileged_intents:
            raise GatewayClose(4014, "Disallowed intent(s).")
        self._forget_old()
        self.identified += 1
        session = Session(intents)
        self._sessions[session.id] = session
        for event, body in self._first_events(session, data.get("shard")):
            session.dispatch(event, body)
        self._attach(connection, session, after=0)

    def _first_events(self, session: Session, shard: object) -> list[tuple[str, Json]]:
        guild_id = self._world.guild_id
        ready: Json = {
            "v": 10,
            "user": self._world.bot.render(),
            "guilds": [{"id": guild_id, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": {"id": self._world.application_id, "flags": 0},
            "private_channels": [],
            "_trace": ["stand-in"],
        }
        if shard is not None:
            ready["shard"] = shard
        events = [("READY", ready)]
        if session.intents & 1:
            events.append(("GUILD_CREATE", self._world.render_guild()))
        return events

    async def _resume(self, connection: _Connection, data: Json) -> None:
        session = self._sessions.get(str(data.get("session_id")))
        seq = as_int(data.get("seq")) or 0
        if session is not None and seq > session.seq:
            raise GatewayClose(4007, "Invalid seq.")
        if session is None or self._refuse_resume or session.since(seq) is None:
            self._refuse_resume = False
            if session is not None:
                del self._sessions[session.id]
            await connection.socket.send({"op": INVALID, "d": False, "s": None, "t": None})
            return
        self.resumed += 1
        session.dispatch("RESUMED", {"_trace": ["stand-in"]})
        self._attach(connection, session, after=seq)

    def _attach(self, connection: _Connection, session: Session, *, after: int) -> None:
        """Give a session its socket, which first gets what was missed."""
        connection.session = session
        session.socket, session.dropped_at = connection.socket, None
        connection.sender = asyncio.create_task(session.serve(connection.socket, after))
        self._world.set_bot_online(True)

    async def _part(self, connection: _Connection) -> None:
        """A socket ended. When the client closed it with 1000 or 1001 its session ended too."""
        session = connection.session
        if connection.sender is not None:
            connection.sender.cancel()
            await asyncio.gather(connection.sender, return_exceptions=True)
        if session is not None and session.socket is connection.socket:
            session.socket, session.dropped_at = None, self._clock.now()
            if connection.socket.said_goodbye:
                self._sessions.pop(session.id, None)
        self._world.set_bot_online(self.online)

    def _forget_old(self) -> None:
        """Sessions that nobody resumed in five minutes are gone."""
        limit = self._clock.now() - SESSION_SECONDS
        for session in list(self._sessions.values()):
            if session.dropped_at is not None and session.dropped_at < limit:
                del self._sessions[session.id]

    def _on_change(self, change: Change) -> None:
        for session in self._sessions.values():
            event = event_for(self._world, change, session.intents)
            if event is not None:
                session.dispatch(*event)
