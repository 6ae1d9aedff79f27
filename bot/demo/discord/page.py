"""The page API: what a browser page, a player or a test does as a member.

State, news, uploads, interactions, a member's own messages, and the switches that break things
on purpose. Refusals are 400 with `{"error": sentence}`. Only pages of this very server may call
it: a foreign `Origin` is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.demo.discord.bodies import read_body
from bot.demo.discord.errors import Refusal
from bot.demo.discord.member_options import MemberError
from bot.demo.discord.people import Channel, User
from bot.demo.discord.rest import answer, nothing
from bot.demo.discord.wire import Json

if TYPE_CHECKING:
    from bot.demo.discord.server import DiscordStandIn

SHOWN_MESSAGES = 100
_FAULT_FIELDS = frozenset(
    {
        "method",
        "path",
        "times",
        "status",
        "code",
        "message",
        "via",
        "retry_after",
        "delay",
        "after_apply",
    }
)


class Page:
    """The routes under `/page`, the page itself and its files from `folder`."""

    def __init__(self, stand_in: DiscordStandIn, folder: Path) -> None:
        self._stand_in = stand_in
        self._world = stand_in.world
        self._folder = folder

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/static/{file:.+}", self.static),
            web.get("/page/state", self.state),
            web.get("/page/messages", self.messages),
            web.get("/page/events", self.events),
            web.post("/page/uploads", self.upload),
            web.post("/page/interactions", self.interact),
            web.post("/page/messages", self.post_message),
            web.delete("/page/messages/{channel}/{message}", self.delete_message),
            web.post("/page/control", self.control),
        ]

    @web.middleware
    async def middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Tell members what was wrong; keep foreign pages out."""
        if not request.path.startswith("/page/"):
            passed: web.StreamResponse = await handler(request)
            return passed
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{request.host}":
            return _error("This page may not call the stand-in.", 403)
        try:
            answered: web.StreamResponse = await handler(request)
        except MemberError as error:
            return _error(str(error))
        except Refusal as refusal:
            return _error(f"{refusal.message}.".replace("..", "."))
        return answered

    # -- the page and its files
    async def index(self, _request: web.Request) -> web.StreamResponse:
        return self._file("index.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        return self._file(request.match_info["file"])

    def _file(self, name: str) -> web.StreamResponse:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    # -- looking
    async def state(self, request: web.Request) -> web.Response:
        """All that a page shows when it opens."""
        me, world = self._user(request), self._world
        rooms = [c for c in world.channels.values() if c.recipient in (None, me)]
        return answer(
            {
                "me": me.render_for_page(),
                "users": [user.render_for_page() for user in world.members],
                "bot": world.bot.render_for_page() | {"online": world.bot_online},
                "guild": {"id": world.guild_id, "name": world.guild_name},
                "channels": [self._channel(room) for room in rooms],
                "commands": world.commands.visible(world.guild_id),
                "messages": {room.id: self._stand_in.messages(room.id, me.id) for room in rooms},
            }
        )

    def _channel(self, room: Channel) -> Json:
        """A DM is named after the other one in it, who is the bot."""
        shown = room.render_for_page()
        return shown | {"name": self._world.bot.global_name} if room.is_dm else shown

    async def messages(self, request: web.Request) -> web.Response:
        me = self._user(request)
        channel = self._world.channel_for(me, request.query.get("channel", ""))
        return answer({"messages": self._stand_in.messages(channel.id, me.id)})

    async def events(self, request: web.Request) -> web.WebSocketResponse:
        return await self._stand_in.page_events.handle(request, self._user(request))

    # -- doing
    async def upload(self, request: web.Request) -> web.Response:
        body = await read_body(request)
        if not body.files:
            raise MemberError("An upload needs a file.")
        file = body.files[0]
        return answer(await self._stand_in.upload(file.filename, file.data))

    async def interact(self, request: web.Request) -> web.Response:
        return answer(await self._stand_in.interact(await _asked(request)))

    async def post_message(self, request: web.Request) -> web.Response:
        asked = await _asked(request)
        message = self._stand_in.post_message(
            str(asked.get("user")),
            str(asked.get("channel")),
            str(asked.get("content") or ""),
            [str(upload) for upload in asked.get("attachments") or ()],
        )
        return answer(message)

    async def delete_message(self, request: web.Request) -> web.Response:
        place = request.match_info
        self._stand_in.delete_message(self._user(request).id, place["channel"], place["message"])
        return nothing()

    async def control(self, request: web.Request) -> web.Response:
        """Break something, or push the clock."""
        asked = await _asked(request)
        try:
            await self._control(str(asked.get("do")), asked)
        except (KeyError, TypeError, ValueError) as error:
            raise MemberError(f"That cannot be done: {error}.") from None
        return answer({"ok": True})

    async def _control(self, wanted: str, asked: Json) -> None:
        stand_in = self._stand_in
        if wanted == "drop_gateway":
            await stand_in.drop_gateway(int(asked.get("code", 4000)))
        elif wanted == "invalidate_session":
            stand_in.invalidate_session()
        elif wanted == "advance":
            stand_in.advance(float(asked["seconds"]))
        elif wanted == "fail":
            stand_in.faults.fail(**{k: v for k, v in asked.items() if k in _FAULT_FIELDS})
        elif wanted == "replay_last_interaction":
            stand_in.replay_last_interaction()
        elif wanted == "set_upload_limit":
            stand_in.set_upload_limit(int(asked["bytes"]))
        else:
            raise MemberError(f"There is no switch “{wanted}”.")

    def _user(self, request: web.Request) -> User:
        wanted = request.query.get("user")
        return self._world.user(wanted) if wanted else self._world.members[0]


async def _asked(request: web.Request) -> Json:
    """A JSON object, sent as JSON."""
    if request.content_type != "application/json":
        raise MemberError("Send JSON.")
    try:
        asked = await request.json()
    except json.JSONDecodeError:
        raise MemberError("That is not JSON.") from None
    if not isinstance(asked, dict):
        raise MemberError("Send a JSON object.")
    return asked


def _error(words: str, status: int = 400) -> web.Response:
    return answer({"error": words}, status)
