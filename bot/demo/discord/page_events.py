"""News for the browser pages: each open page hears what its member may see."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from bot.demo.discord.people import User
from bot.demo.discord.wire import Json
from bot.demo.discord.world import Change, World


class PageEvents:
    """The websockets of open pages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queues: dict[web.WebSocketResponse, tuple[User, asyncio.Queue[Json]]] = {}
        world.listen(self._on_change)

    async def handle(self, request: web.Request, user: User) -> web.WebSocketResponse:
        """One page's socket, until it is closed."""
        ws = web.WebSocketResponse(heartbeat=30.0, timeout=0.3)
        await ws.prepare(request)
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._queues[ws] = (user, queue)
        sender = asyncio.create_task(_send(ws, queue))
        try:
            async for message in ws:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            del self._queues[ws]
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return ws

    async def close(self) -> None:
        """End every page's socket."""
        await asyncio.gather(*(ws.close(code=1001) for ws in tuple(self._queues)))

    def _on_change(self, change: Change) -> None:
        for user, queue in self._queues.values():
            news = self.news_for(user, change)
            if news is not None:
                queue.put_nowait(news)

    def news_for(self, user: User, change: Change) -> Json | None:
        """What this member's page is told of a change; None for what it cannot see."""
        world, message = self._world, change.message
        if change.kind == "commands":
            return {"t": "commands", "commands": world.commands.visible(world.guild_id)}
        if change.kind == "bot":
            return {"t": "bot", "online": world.bot_online}
        if message is None or not message.seen_by(user):
            return None
        if change.kind == "message_delete":
            return {"t": change.kind, "channel_id": message.channel.id, "id": message.id}
        return {"t": change.kind, "message": world.render_for_page(message)}


async def _send(ws: web.WebSocketResponse, queue: asyncio.Queue[Json]) -> None:
    while True:
        news = await queue.get()
        try:
            await ws.send_json(news)
        except ConnectionError:
            return
