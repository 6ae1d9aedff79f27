"""The postman: Discord's two ways of editing a message, and what its refusals mean.

While the interaction's token lives, `@original` is edited through it; afterwards the message
itself through its channel. An edit lists exactly the attachments that shall remain, so doing
it twice changes nothing. Beside `bot.client` this is the only file that touches py-cord's
inside (its webhook adapter and its HTTP session): the public classes cannot send buttons after
a restart (contracts: discord 5.2.6).
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord.webhook.async_ import async_context, handle_message_parameters

from bot import log
from bot.values.guest import Address
from cogs._ui.cards import Card

if TYPE_CHECKING:
    from bot.client import EaselBot

NOBODY_PINGED = discord.AllowedMentions.none()


class Unsettled(Exception):
    """Nobody can say any more whether a first answer has reached its member."""


class Outcome(Enum):
    """What became of an edit."""

    DONE = auto()
    GONE = auto()
    """The message was deleted (10008)."""
    NO_WAY = auto()
    """Neither token nor channel can reach it: another way is needed."""
    TOO_LARGE = auto()
    """Discord does not take files of this size (40005, 413)."""
    TOO_OFTEN = auto()
    """An old message was edited too often (30046): no more progress on it."""
    REFUSED = auto()
    """Discord will never take this body (a 400): a defect of ours, for the log."""
    LATER = auto()
    """Discord or the network had trouble: the same again in a while."""


@dataclass(frozen=True)
class Upload:
    """One file to attach. `alt` is read to those who cannot see it; a `spoiler` is hidden
    until it is clicked."""

    name: str
    data: bytes
    alt: str
    spoiler: bool = False


_log = log.get("delivery")
_UNREACHABLE = frozenset({50083, 10003, 50001, 50013, 50007, 50278})
_TOKEN_ENDED = frozenset({50027, 10015, 10062})


class Postman:
    """Knows the ways; decides nothing."""

    def __init__(self, bot: EaselBot) -> None:
        self._bot = bot

    async def edit(self, address: Address, card: Card, files: Sequence[Upload] = ()) -> Outcome:
        """Makes the message show `card` and exactly `files`."""
        if address.alive(time.time()):
            outcome = await self._settle(self._by_token(address, card, files))
            if outcome is not Outcome.NO_WAY:
                return outcome
        if address.by_channel():
            return await self._settle(self._by_channel(address, card, files))
        return Outcome.NO_WAY

    async def post_dm(
        self, user_id: int, card: Card, files: Sequence[Upload], nonce: str
    ) -> Outcome:
        """A direct message; the nonce lets Discord drop a second one."""
        return await self._settle(self._dm(user_id, card, files, nonce))

    async def post_channel(
        self, channel_id: int, card: Card, files: Sequence[Upload], nonce: str
    ) -> Outcome:
        """A new message in a channel, where the old one can no longer be edited."""
        return await self._settle(self._new(channel_id, card, files, nonce))

    async def call(self, address: Address, user_id: int, words: str, nonce: str) -> Outcome:
        """A short reply to a message, which notifies one member; seen by them alone if private."""
        if not address.private and address.by_channel():
            return await self._settle(self._reply(address, user_id, words, nonce))
        if address.alive(time.time()):
            return await self._settle(self._follow_up(address, user_id, words))
        return Outcome.NO_WAY

    async def settle_original(self, address: Address) -> int | None:
        """The id of the first answer, asked until Discord says; None when it has none.

        Raises Unsettled when the token ends before Discord could be asked.
        """
        for pause in (0.5, 1.0, 2.0, 4.0, *([8.0] * 120)):
            if not address.alive(time.time()):
                break
            try:
                return await self._original(address)
            except discord.NotFound:
                return None
            except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(pause)
        raise Unsettled

    async def _original(self, address: Address) -> int:
        adapter = async_context.get()
        found: Any = await adapter.get_original_interaction_response(
            address.application_id, address.token, **self._session()
        )
        return int(found["id"])

    async def _settle(self, sending: Any) -> Outcome:
        try:
            await sending
        except discord.HTTPException as error:
            return _meaning(error)
        except (aiohttp.ClientError, OSError, TimeoutError):
            # py-cord repeats a broken connection on macOS and Windows only (discord 2).
            return Outcome.LATER
        return Outcome.DONE

    async def _by_token(self, address: Address, card: Card, files: Sequence[Upload]) -> None:
        sent = _files(files)
        parameters = handle_message_parameters(
            embed=card.embed,
            view=card.view,
            files=sent or discord.utils.MISSING,
            attachments=[],
            allowed_mentions=NOBODY_PINGED,
        )
        await async_context.get().edit_webhook_message(
            address.application_id,
            address.token,
            "@original",  # type: ignore[arg-type]
            payload=parameters.payload,
            multipart=parameters.multipart,
            files=parameters.files,
            **self._session(),
        )

    async def _by_channel(self, address: Address, card: Card, files: Sequence[Upload]) -> None:
        if address.channel_id is None or address.message_id is None:
            raise ValueError("no message to edit")
        fields: dict[str, Any] = _fields(card) | {"attachments": []}
        if files:
            await self._bot.http.edit_files(
                address.channel_id, address.message_id, files=_files(files), **fields
            )
        else:
            await self._bot.http.edit_message(address.channel_id, address.message_id, **fields)

    async def _reply(self, address: Address, user_id: int, words: str, nonce: str) -> None:
        channel_id, message_id = address.channel_id, address.message_id
        if channel_id is None or message_id is None:
            raise ValueError("no message to reply to")
        await self._bot.http.send_message(
            channel_id,
            words,
            nonce=nonce,
            enforce_nonce=True,
            allowed_mentions=_only(user_id).to_dict(),
            message_reference={"message_id": message_id, "fail_if_not_exists": False},
        )

    async def _follow_up(self, address: Address, user_id: int, words: str) -> None:
        parameters = handle_message_parameters(
            content=words, ephemeral=address.private, allowed_mentions=_only(user_id)
        )
        # The path and the body of a webhook's message are those of a follow-up.
        await async_context.get().execute_webhook(
            address.application_id,
            address.token,
            payload=parameters.payload,
            multipart=parameters.multipart,
            files=parameters.files,
            wait=True,
            **self._session(),
        )

    async def _dm(self, user_id: int, card: Card, files: Sequence[Upload], nonce: str) -> None:
        channel = await self._bot.http.start_private_message(user_id)
        await self._new(int(channel["id"]), card, files, nonce)

    async def _new(self, channel_id: int, card: Card, files: Sequence[Upload], nonce: str) -> None:
        fields = _fields(card) | {"nonce": nonce, "enforce_nonce": True}
        if files:
            await self._bot.http.send_files(channel_id, files=_files(files), **fields)
        else:
            await self._bot.http.send_message(channel_id, None, **fields)

    def _session(self) -> dict[str, Any]:
        http = self._bot.http
        return {
            "session": http._HTTPClient__session,  # type: ignore[attr-defined]
            "proxy": http.proxy,
            "proxy_auth": http.proxy_auth,
        }


def _only(user_id: int) -> discord.AllowedMentions:
    user = discord.Object(user_id)
    return discord.AllowedMentions(everyone=False, users=[user], roles=False, replied_user=False)


def _fields(card: Card) -> dict[str, Any]:
    return {
        "embeds": [card.embed.to_dict()],
        "components": card.view.to_components() if card.view else [],
        "allowed_mentions": NOBODY_PINGED.to_dict(),
    }


def _files(files: Sequence[Upload]) -> list[discord.File]:
    return [
        discord.File(io.BytesIO(f.data), f.name, description=f.alt, spoiler=f.spoiler)
        for f in files
    ]


def _meaning(error: discord.HTTPException) -> Outcome:
    if error.code == 10008:
        return Outcome.GONE
    if error.code == 30046:
        return Outcome.TOO_OFTEN
    if error.code == 40005 or error.status == 413:
        return Outcome.TOO_LARGE
    if error.code in _TOKEN_ENDED or error.code in _UNREACHABLE or error.status in (401, 403, 404):
        return Outcome.NO_WAY
    if error.status == 400:
        _log.error("Discord refused a message of ours", code=error.code, error=str(error))
        return Outcome.REFUSED
    return Outcome.LATER
