"""What all REST rooms share: reading the prepared body, answering in JSON, making messages.

The content type of an answer is exactly `application/json`: with a charset behind it py-cord
takes the body for text (contract, section 4 no. 1).
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from aiohttp import web

from bot.demo.discord import errors
from bot.demo.discord.bodies import Body
from bot.demo.discord.compose import Draft, write
from bot.demo.discord.messages import Message
from bot.demo.discord.people import Channel, User
from bot.demo.discord.ratelimits import limited
from bot.demo.discord.world import World

BODY = web.RequestKey("body", Body)

OLD_AFTER_SECONDS = 3600.0
OLD_EDITS, OLD_EDITS_SECONDS = 30, 3600.0


def answer(data: Any, status: int = 200) -> web.Response:
    """A JSON answer in Discord's form."""
    raw = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=raw, status=status, content_type="application/json")


def nothing() -> web.Response:
    """204, for what is done and has nothing to tell."""
    return web.Response(status=204)


def body_of(request: web.Request) -> Body:
    """The request's body.

    Raises:
        Refusal: 40005 when it is over 25 MiB, 50109 when its JSON is broken.
    """
    return request[BODY].checked()


def new_message(world: World, channel: Channel, author: User) -> Message:
    """An empty message, not yet in the world."""
    return Message(world.snowflakes.next(), channel, author, world.clock.wall())


async def edit(world: World, message: Message, draft: Draft) -> None:
    """Change a message that exists; a loading one is thereby finished, not "edited".

    Raises:
        Refusal: what `write` raises; 30046 for many edits of a message over an hour old; 10008
            when it was deleted meanwhile.
    """
    _check_age(world, message)
    was_loading = message.loading
    await write(world, message, draft)
    world.message(message.id)
    if not was_loading:
        message.edited = world.clock.wall()
    world.changed(message)


def _check_age(world: World, message: Message) -> None:
    """Discord does not publish how many edits an old message takes; here 30 an hour."""
    if world.clock.wall() - message.created < OLD_AFTER_SECONDS:
        return
    now = world.clock.now()
    recent = [at for at in message.late_edits if at > now - OLD_EDITS_SECONDS]
    if len(recent) >= OLD_EDITS:
        words = "Maximum number of edits to messages older than 1 hour reached. Try again later."
        raise limited(1.0, code=30046, message=words)
    message.late_edits[:] = [*recent, now]


class Nonces:
    """`enforce_nonce`: the same nonce from the bot within five minutes makes nothing new."""

    SECONDS = 300.0

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: deque[tuple[float, str, str, Message]] = deque()

    def find(self, channel: Channel, nonce: str | int) -> Message | None:
        """The message that this nonce made before, if it still exists."""
        while self._seen and self._seen[0][0] < self._world.clock.now() - self.SECONDS:
            self._seen.popleft()
        for _, place, known, message in self._seen:
            if (place, known) == (channel.id, str(nonce)):
                try:
                    return self._world.message(message.id)
                except errors.Refusal:
                    return None
        return None

    def remember(self, message: Message) -> None:
        entry = (self._world.clock.now(), message.channel.id, str(message.nonce), message)
        self._seen.append(entry)
