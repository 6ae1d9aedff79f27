"""The stand-in itself: builds every part, opens the port, and offers tests the page's acts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.demo.discord import cdn
from bot.demo.discord.bodies import READ_LIMIT
from bot.demo.discord.clock import Clock
from bot.demo.discord.faults import Faults
from bot.demo.discord.files import Upload
from bot.demo.discord.front import Front
from bot.demo.discord.gateway import Gateway
from bot.demo.discord.interactions import InteractionStore
from bot.demo.discord.member_options import MemberError
from bot.demo.discord.members import Members
from bot.demo.discord.mentions import pinged
from bot.demo.discord.page import SHOWN_MESSAGES, Page
from bot.demo.discord.page_events import PageEvents
from bot.demo.discord.ratelimits import RateLimits
from bot.demo.discord.recorder import Recorder
from bot.demo.discord.rest import new_message
from bot.demo.discord.rest_channels import ChannelRoutes
from bot.demo.discord.rest_interactions import InteractionRoutes
from bot.demo.discord.rest_misc import CommandRoutes, MiscRoutes
from bot.demo.discord.wire import API_PREFIX, Json
from bot.demo.discord.world import Change, World

DEFAULT_PAGE_DIR = Path(__file__).parents[3] / "resources" / "demo"
DEFAULT_HEARTBEAT_SECONDS = 41.25


class DiscordStandIn:
    """A small Discord on one local port.

    `token` is the only bot token that it knows; `record` is where the recording goes (JSON
    Lines); `page_dir` holds the browser page; `heartbeat_interval` is in seconds.
    """

    def __init__(
        self,
        *,
        token: str,
        host: str = "127.0.0.1",
        port: int = 0,
        record: Path | None = None,
        page_dir: Path | None = None,
        heartbeat_interval: float = DEFAULT_HEARTBEAT_SECONDS,
        rate_limits: bool = True,
    ) -> None:
        self.token = token
        self.url = ""
        self.clock = Clock()
        self.world = World(self.clock)
        self.faults = Faults()
        self.recorder = Recorder(self.clock, record)
        self.rate_limits = RateLimits(self.clock, enabled=rate_limits)
        self.interactions = InteractionStore(self.clock)
        self.gateway = Gateway(self.world, self.clock, token, heartbeat_interval=heartbeat_interval)
        self.page_events = PageEvents(self.world)
        self._members = Members(
            self.world, self.clock, self.interactions, self.gateway, self.recorder
        )
        self._front = Front(token, self.clock, self.recorder, self.faults, self.rate_limits)
        self._address = (host, port)
        self._page_dir = page_dir or DEFAULT_PAGE_DIR
        self._runner: web.AppRunner | None = None

    # -- life
    async def start(self) -> None:
        """Open the port; `url` and `api_url` are known from now on."""
        self.recorder.open()
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._address)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.gateway.url = f"ws://{host}:{port}/gateway"
        self.world.files.base_url = self.url

    async def close(self) -> None:
        """End all sockets and the port; harmless when it never started."""
        self._front.close()
        await asyncio.gather(self.gateway.close(), self.page_events.close())
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.recorder.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def api_url(self) -> str:
        """What a client calls "https://discord.com/api"; it appends `/v10`."""
        return f"{self.url}/api"

    @property
    def crashes(self) -> list[Exception]:
        """Defects of the stand-in itself; tests want this empty."""
        return self._front.crashes

    def _app(self) -> web.Application:
        page = Page(self, self._page_dir)
        app = web.Application(
            middlewares=[self._front.middleware, page.middleware], client_max_size=READ_LIMIT
        )
        rest = [
            *InteractionRoutes(self.world, self.interactions).routes(),
            *ChannelRoutes(self.world).routes(),
            *CommandRoutes(self.world).routes(),
            *MiscRoutes(self.world, self.gateway).routes(),
        ]
        for route in rest:
            app.router.add_route(route.method, API_PREFIX + route.path, route.handler)
        app.add_routes(page.routes())
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/cdn/attachments/{channel}/{attachment}/{name}", self._serve_file)
        return app

    async def _serve_file(self, request: web.Request) -> web.Response:
        return await cdn.serve(self.world.files, request)

    # -- what members do
    async def interact(self, asked: Json) -> Json:
        """`POST /page/interactions` in process.

        Raises:
            MemberError: Discord's client would not have sent it.
        """
        return await self._members.interact(asked)

    async def upload(self, filename: str, data: bytes) -> Json:
        """A member's upload, for an attachment option or a message.

        Raises:
            MemberError: it is larger than the upload limit.
        """
        if len(data) > self.world.upload_limit:
            raise MemberError("Your files are too powerful.")
        upload = Upload("file", filename, "", data)
        stored = await self.world.files.keep(upload, self.world.application_id, ephemeral=True)
        return self.world.files.render(stored)

    def post_message(
        self, user: str, channel: str, content: str, attachments: list[str] | None = None
    ) -> Json:
        """A member's own message; `attachments` are ids of uploads.

        Raises:
            MemberError: it is empty, too long, or an upload does not exist.
            Refusal: no such user or channel.
        """
        author = self.world.user(user)
        room = self.world.channel_for(author, channel)
        files = [self.world.files.get(upload) for upload in attachments or ()]
        found = [stored for stored in files if stored is not None]
        if len(found) != len(files):
            raise MemberError("That upload does not exist.")
        if not (content.strip() or found):
            raise MemberError("An empty message cannot be sent.")
        if len(content) > 2000:
            raise MemberError("A message has at most 2000 characters.")
        message = new_message(self.world, room, author)
        message.content, message.files = content.strip(), found
        message.mentions = pinged(message, None, self.world.users, by_interaction=True)
        self.world.add(message)
        return self.world.render_for_page(message)

    def delete_message(self, user: str, channel: str, message_id: str) -> None:
        """Dismiss an ephemeral message, or delete one as its author or as an admin.

        Raises:
            MemberError: this member may not.
            Refusal: no such user, channel or message.
        """
        who = self.world.user(user)
        room = self.world.channel_for(who, channel)
        message = self.world.message(message_id)
        if message.channel.id != room.id or not message.seen_by(who):
            raise MemberError("That message is not here.")
        if not (message.ephemeral or who.admin or message.author.id == who.id):
            raise MemberError("Only its author or an admin deletes a message.")
        if message.ephemeral:
            self.world.dismiss(message)
        else:
            self.world.remove(message)

    def messages(
        self, channel: str, user: str | None = None, most: int = SHOWN_MESSAGES
    ) -> list[Json]:
        """The last `most` messages of a channel as a member's page shows them, oldest first; as
        the first member's without `user`."""
        who = self.world.user(user) if user else self.world.members[0]
        room = self.world.channel_for(who, channel)
        shown = self.world.readable(room, who)[-most:]
        return [self.world.render_for_page(message) for message in shown]

    # -- what breaks on purpose
    async def drop_gateway(self, code: int = 4000) -> None:
        """Close the bot's socket with a close code."""
        await self.gateway.drop(code)

    def invalidate_session(self) -> None:
        """The next RESUME is answered with op 9, `d` false."""
        self.gateway.invalidate_session()

    def advance(self, seconds: float) -> None:
        """Push the stand-in's clock forward."""
        self.clock.advance(seconds)
        self.interactions.fail_late()

    def replay_last_interaction(self) -> None:
        """Send the last INTERACTION_CREATE again, as a RESUME may.

        Raises:
            ValueError: there was none.
        """
        last = self.interactions.last
        if last is None:
            raise ValueError("there was no interaction yet")
        self._members.send(last)

    def set_upload_limit(self, size: int) -> None:
        """`attachment_size_limit` of the interactions from now on, in bytes."""
        if size < 1:
            raise ValueError("an upload limit is at least one byte")
        self.world.upload_limit = size

    # -- waiting
    async def wait_for_bot(self, timeout: float = 10.0) -> None:
        """Until the bot's socket is ready and it has registered commands.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        world = self.world
        await self.wait_for(
            lambda: world.bot_online and bool(world.commands.visible(world.guild_id)), timeout
        )

    async def wait_for(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """Until a condition holds; it is asked again after every change of the world, and at
        least fifty times a second.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        changed = asyncio.Event()

        def ring(_change: Change) -> None:
            changed.set()

        stop = self.world.listen(ring)
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), 0.02)
                    changed.clear()
        finally:
            stop()
