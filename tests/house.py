"""The whole house in one process: Discord's stand-in, an image server, and the real bot.

py-cord speaks real HTTP and a real gateway socket to the first, the backend real HTTP to the
second, and the database is a real file. Tests look at what the channel shows, what the image
server was asked, and what lies in the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.app import Easel
from bot.demo.discord import DiscordStandIn
from bot.demo.player import LineResult, Player
from bot.demo.servers.sdapi import DemoImageServer
from bot.settings import BackendSettings, Environment, Limits, Settings
from bot.settings.file import Auth
from bot.values.look import ERROR_COLOUR

TOKEN = "token.of.the.tests"
SMALL = "width:64 height:64 steps:2"
"""Options of the quickest picture."""
Message = dict[str, Any]


class House:
    """Opened by `open_house`; `restart` closes the bot and starts a new one on the same file."""

    def __init__(self, folder: Path, standin: DiscordStandIn, server: DemoImageServer) -> None:
        self.folder = folder
        self.standin = standin
        self.server = server
        self.limits = Limits()
        self.backend: dict[str, Any] = {}
        self.further: tuple[dict[str, Any], ...] = ()
        self.environment: dict[str, Any] = {}

    def settings(self) -> Settings:
        """Settings that no `.env` and no environment variable of this machine touches."""
        environment = Environment.model_construct(
            **{name: field.default for name, field in Environment.model_fields.items()}
            | {
                "discord_token": SecretStr(TOKEN),
                "discord_api_url": self.standin.api_url,
                "database_url": f"sqlite:///{self.folder / 'easel.db'}",
                "web_port": 0,
                "shutdown_seconds": 4.0,
            }
            | self.environment
        )
        server = {
            "name": "main",
            "url": self.server.url,
            "auth": Auth(username="demo", password=SecretStr("demo")),
            "timeout_seconds": 20.0,
        }
        backends = [BackendSettings.model_validate(server | self.backend)]
        backends += [BackendSettings.model_validate(one) for one in self.further]
        return Settings(environment, tuple(backends), self.limits)

    async def start(self) -> None:
        """Signs the bot in; it is ready to be played with afterwards."""
        self.easel = Easel(self.settings(), ready_timeout=0.05)
        await self.easel.start()
        self._serving = asyncio.create_task(self.easel.run())
        await self.standin.wait_for_bot()
        await self.until(lambda: all(h.state != "unknown" for h in self.easel.painters.values()))

    async def stop(self) -> None:
        """A calm stop."""
        await self.easel.close()
        await asyncio.gather(self._serving, return_exceptions=True)
        await self.standin.wait_for(lambda: not self.standin.world.bot_online)

    async def restart(self) -> None:
        """A calm stop and a new start on the same database."""
        await self.stop()
        await self.start()

    async def say(self, *lines: str, user: str = "ada", **more: Any) -> list[LineResult]:
        """Plays lines as a member."""
        async with self.player(user=user, **more) as player:
            return await player.say_all(lines)

    async def draw(self, line: str, **more: Any) -> Message:
        """Plays one line that must end well; its message."""
        (result,) = await self.say(line, **more)
        assert result.ok, result.reason
        assert result.message is not None
        return result.message

    async def refused(self, line: str, **more: Any) -> str:
        """Plays one line that must end in the error colour; the words that the member reads."""
        (result,) = await self.say(line, **more)
        assert not result.ok, "the line was not refused"
        assert result.message is not None, result.reason
        return words(result.message)

    async def order(self, channel: str = "easel", user: str = "ada", **options: Any) -> str:
        """Sends /draw without waiting for its end; the id of its message."""
        kinds: dict[type, int] = {str: 3, int: 4, bool: 5, float: 10}
        given = {"width": 64, "height": 64} | options
        listed = [{"name": n, "type": kinds[type(v)], "value": v} for n, v in given.items()]
        data = {"name": "draw", "type": 1, "options": listed}
        asked = {"user": user, "channel": channel, "type": 2, "data": data}
        outcome = await self.standin.interact(asked)
        # On a busy machine the bot asks Discord for a moment, as it should.
        assert outcome["outcome"] in ("message", "deferred"), outcome
        message_id = str(outcome["message_id"])
        await self.until(lambda: bool(self.message(message_id, channel, user)["embeds"]))
        return message_id

    async def press(self, message_id: str, action: str, **where: str) -> dict[str, Any]:
        """Presses the button whose id ends in `action`."""
        who = {"user": "ada", "channel": "easel"} | where
        rows = self.message(message_id, **who)["components"]
        ids = [b["custom_id"] for r in rows for b in r["components"]]
        chosen = next(i for i in ids if i.endswith(f":{action}"))
        data = {"custom_id": chosen, "component_type": 2}
        return await self.standin.interact(who | {"type": 3, "message": message_id, "data": data})

    async def quiet(self, seconds: float = 10.0) -> None:
        """Waits until every message says its end and the database knows it."""
        courier: Any = self.easel.bot.get_cog("Courier")
        await self.until(lambda: not courier.busy and not [*self.easel.queue.waiting()], seconds)

    def player(self, *, user: str = "ada", channel: str = "easel", **more: Any) -> Player:
        """A member at the keyboard."""
        options = {"settle": 0.25, "timeout": 25.0, "error_colour": ERROR_COLOUR} | more
        return Player(self.standin.url, user=user, channel=channel, **options)

    def message(self, message_id: str, channel: str = "easel", user: str = "ada") -> Message:
        """A message as it is now."""
        found = [m for m in self.standin.messages(channel, user) if m["id"] == message_id]
        assert found, "the message is gone"
        return found[0]

    def shown(self, channel: str = "easel", user: str = "ada", most: int = 100) -> list[Message]:
        """What the bot's last messages in a channel show a member, oldest first."""
        return [m for m in self.standin.messages(channel, user, most) if m["author"].get("bot")]

    @property
    def painting(self) -> bool:
        """Whether the image server is at work."""
        return self.server.engine.state.job_count != 0

    async def file(self, message: Message, n: int = 0) -> bytes:
        """The bytes of an attachment, as the page would download them."""
        url = message["attachments"][n]["url"]
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert answer.status == 200
            return await answer.read()

    @staticmethod
    async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Waits for a condition; fails the test after `seconds`."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    step_seconds: float = 0.002,
    models: Sequence[str] | None = None,
    record: Path | None = None,
    before: Callable[[House], None] | None = None,
    start: bool = True,
    rate_limits: bool = True,
    kind: str = "a1111",
) -> AsyncIterator[House]:
    """Opens all three; `before` may change limits, backend or environment settings."""
    more: dict[str, Any] = {"models": models} if models else {}
    server = DemoImageServer(
        kind=kind, step_seconds=step_seconds, load_seconds=0.05, workers=0, **more
    )
    standin = DiscordStandIn(token=TOKEN, record=record, rate_limits=rate_limits)
    await asyncio.gather(server.start(), standin.start())
    house = House(folder, standin, server)
    if before is not None:
        before(house)
    try:
        if start:
            await house.start()
        yield house
        if start:
            await house.stop()
        assert standin.crashes == [], "the stand-in itself broke"
    except BaseException:
        # A bot that is left running would keep the whole run from its end.
        if hasattr(house, "easel"):
            await house.easel.close()
        raise
    finally:
        await asyncio.gather(server.close(), standin.close())


def words(message: Message) -> str:
    """All that a member can read in a message."""
    parts = [message.get("content") or ""]
    for embed in message.get("embeds") or ():
        parts += [embed.get("title") or "", embed.get("description") or ""]
        parts.append((embed.get("footer") or {}).get("text") or "")
    return "\n".join(p for p in parts if p)


def labels(message: Message) -> list[str]:
    """The labels of its buttons."""
    rows = message.get("components") or ()
    return [b.get("label", "") for row in rows for b in row.get("components") or ()]


def generating_calls(server: DemoImageServer) -> int:
    """How many pictures the image server was asked to paint so far."""
    return sum(1 for _, path, _ in server.requests if path.endswith("/txt2img"))


@contextmanager
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """What the operator's log said meanwhile."""
    with caplog.at_level(logging.INFO):
        caplog.clear()
        yield lambda: "\n".join(r.getMessage() for r in caplog.records)
