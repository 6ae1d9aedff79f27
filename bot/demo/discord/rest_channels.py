"""Channels by REST: sending, reading, editing and deleting messages with the bot's own token.

Ephemeral messages do not exist on these routes (code 10008). Source: Discord's documentation of
the channel and message resources.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from aiohttp import web

from bot.demo.discord import errors, forms, wire
from bot.demo.discord.compose import Draft, write
from bot.demo.discord.messages import Message
from bot.demo.discord.people import Channel
from bot.demo.discord.rest import Nonces, answer, body_of, edit, new_message, nothing
from bot.demo.discord.wire import Json
from bot.demo.discord.world import DEFAULT_UPLOAD_LIMIT, World


class ChannelRoutes:
    """The routes under `/channels`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nonces = Nonces(world)

    def routes(self) -> list[web.RouteDef]:
        room = "/channels/{channel}"
        return [
            web.get(room, self.get_channel),
            web.get(room + "/messages", self.history),
            web.post(room + "/messages", self.send),
            web.get(room + "/messages/{message}", self.get_message),
            web.patch(room + "/messages/{message}", self.edit_message),
            web.delete(room + "/messages/{message}", self.delete_message),
            web.post(room + "/typing", self.typing),
        ]

    async def get_channel(self, request: web.Request) -> web.Response:
        return answer(self._room(request).render())

    async def typing(self, request: web.Request) -> web.Response:
        self._room(request, "SEND_MESSAGES")
        return nothing()

    async def history(self, request: web.Request) -> web.Response:
        """Up to `limit` messages, newest first, `before`, `after` or `around` an id."""
        room = self._room(request)
        if "READ_MESSAGE_HISTORY" in room.denied:
            return answer([])
        limit = forms.as_int(request.query.get("limit", "50")) or 0
        if not 1 <= limit <= 100:
            words = "int value should be between 1 and 100."
            raise errors.invalid_form(("limit",), "NUMBER_TYPE_MAX", words)
        found = [m for m in self._world.messages_in(room) if m.visible_to is None]
        chosen = _page(found, limit, request.query)
        return answer([self._world.render(message) for message in reversed(chosen)])

    async def get_message(self, request: web.Request) -> web.Response:
        message = self._message(request, "READ_MESSAGE_HISTORY")
        return answer(self._world.render(message))

    async def send(self, request: web.Request) -> web.Response:
        """A new message; `enforce_nonce` gives back the one that the nonce made before."""
        room = self._room(request, "SEND_MESSAGES")
        body = body_of(request)
        data = body.object()
        _check_parts(room, data, files=bool(body.files))
        if room.closed:
            raise errors.closed_dms()
        nonce = data.get("nonce")
        if nonce is not None and data.get("enforce_nonce"):
            earlier = self._nonces.find(room, nonce)
            if earlier is not None:
                return answer(self._world.render(earlier))
        message = new_message(self._world, room, self._world.bot)
        message.nonce = nonce
        message.flags = (forms.as_int(data.get("flags")) or 0) & wire.SUPPRESS_NOTIFICATIONS
        self._refer(message, data.get("message_reference"))
        await write(self._world, message, Draft(data, body.files, DEFAULT_UPLOAD_LIMIT))
        self._world.add(message)
        if nonce is not None:
            self._nonces.remember(message)
        return answer(self._world.render(message))

    async def edit_message(self, request: web.Request) -> web.Response:
        message = self._message(request)
        if message.author.id != self._world.bot.id:
            raise errors.not_the_author()
        body = body_of(request)
        data = body.object()
        _check_parts(message.channel, data, files=bool(body.files))
        await edit(self._world, message, Draft(data, body.files, DEFAULT_UPLOAD_LIMIT))
        return answer(self._world.render(message))

    async def delete_message(self, request: web.Request) -> web.Response:
        message = self._message(request)
        if message.author.id != self._world.bot.id:
            if message.channel.is_dm:
                raise errors.Refusal(403, 50003, "Cannot execute action on a DM channel")
            if "MANAGE_MESSAGES" in message.channel.denied:
                raise errors.missing_permissions()
        self._world.remove(message)
        return nothing()

    def _room(self, request: web.Request, *needed: str) -> Channel:
        """The channel of the path, which the bot may see and use.

        Raises:
            Refusal: 10003, 50001 (cannot see it) or 50013 (a permission is missing).
        """
        room = self._world.channels.get(request.match_info["channel"])
        if room is None:
            raise errors.unknown_channel()
        if "VIEW_CHANNEL" in room.denied:
            raise errors.missing_access()
        if room.denied & set(needed):
            raise errors.missing_permissions()
        return room

    def _message(self, request: web.Request, *needed: str) -> Message:
        """The message of the path, if it lies in this channel and is not ephemeral."""
        room = self._room(request, *needed)
        message = self._world.message(request.match_info["message"])
        if message.channel.id != room.id or message.visible_to is not None:
            raise errors.unknown_message()
        return message

    def _refer(self, message: Message, reference: Json | None) -> None:
        """Make a message a reply.

        Raises:
            Refusal: 50035 for a message that is not there, 160002 without its history.
        """
        if not reference or reference.get("message_id") is None:
            return
        if "READ_MESSAGE_HISTORY" in message.channel.denied:
            words = "Cannot reply without permission to read message history"
            raise errors.Refusal(400, 160002, words)
        try:
            target = self._world.message(str(reference["message_id"]))
        except errors.Refusal:
            target = None
        if target is None or target.visible_to or target.channel.id != message.channel.id:
            if reference.get("fail_if_not_exists", True):
                place = ("message_reference",)
                raise errors.invalid_form(place, "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            return
        message.type, message.replies_to = wire.MESSAGE_REPLY, target


def _check_parts(room: Channel, data: Json, *, files: bool) -> None:
    """Files and embeds have permissions of their own."""
    if (files and "ATTACH_FILES" in room.denied) or (
        data.get("embeds") and "EMBED_LINKS" in room.denied
    ):
        raise errors.missing_permissions()


def _page(found: list[Message], limit: int, query: Mapping[str, str]) -> list[Message]:
    """The chosen messages, oldest first."""
    if (before := forms.as_int(query.get("before"))) is not None:
        return [m for m in found if int(m.id) < before][-limit:]
    if (after := forms.as_int(query.get("after"))) is not None:
        return list(islice((m for m in found if int(m.id) > after), limit))
    if (around := forms.as_int(query.get("around"))) is not None:
        earlier = [m for m in found if int(m.id) < around][-(limit // 2) :]
        later = [m for m in found if int(m.id) >= around][: limit - limit // 2]
        return [*earlier, *later]
    return found[-limit:]
