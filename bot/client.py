"""The py-cord bot: intents, sign-in, our own command sync; it opens the counter by its name.

Beside the cogs this is the only room that imports discord. The small mends of py-cord's traps
(contracts: discord 5.2) stand here, each with its number.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import aiohttp
import discord

from bot import log
from bot.errors import ConfigurationError, DatabaseUnavailable, EaselError
from bot.queue.retention import Retention
from bot.settings import Environment
from bot.studio import Studio

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
)
"""What the bot needs in a channel, and never Administrator. Read Message History lets it edit
its own older messages."""
SIGN_IN_PAUSES = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds between the tries of a sign-in that Discord refuses for the moment."""

_log = log.get("discord")


class Memory:
    """Where the hash of the registered commands is kept between runs."""

    def __init__(
        self,
        recall: Callable[[str], Awaitable[str | None]],
        remember: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self.recall = recall
        self.remember = remember


class EaselBot(discord.Bot):
    """The bot. `studio` is what the cogs ask."""

    def __init__(
        self,
        studio: Studio,
        memory: Memory,
        environment: Environment,
        *,
        ready_timeout: float = 2.0,
        request_failed: Callable[[str], None] = lambda _: None,
        retention: Retention | None = None,
    ) -> None:
        # Easel never speaks; the warning would be the first line of every operator's log.
        discord.utils.voice_dependency_warning_emitted = True
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            auto_sync_commands=False,  # 5.2.2: it would rewrite all commands at every connect
            cache_default_sounds=False,
            max_messages=None,
            proxy=environment.discord_proxy,
            guild_ready_timeout=ready_timeout,
            owner_ids=frozenset(environment.owner_ids),
        )
        self.studio = studio
        studio.guild_count = lambda: len(self.guilds)
        self._owner_guild_ids = environment.owner_guild_ids
        self._memory = memory
        self._retention = retention
        self._request_failed = request_failed
        self._synced = False
        self.load_extension("cogs")

    @staticmethod
    def point_at(api_url: str) -> None:
        """Sends all of py-cord's REST to `api_url` (its one official seam, since 2.7)."""
        discord.http.Route.API_BASE_URL = f"{api_url}/v{{API_VERSION}}"

    async def sign_in(self, token: str) -> None:
        """REST sign-in, patient with a Discord that has trouble.

        Raises ConfigurationError for a wrong token, EaselError when Discord stays away.
        """
        for pause in (*SIGN_IN_PAUSES, None):
            try:
                await self.login(token)
                break
            except discord.LoginFailure as error:
                raise ConfigurationError(
                    "DISCORD_TOKEN: Discord doesn't accept it: copy it anew from the Developer "
                    "Portal, your application, Bot, Reset Token"
                ) from error
            except discord.HTTPException as error:
                if pause is None:
                    raise EaselError(f"Discord refuses the sign-in ({error.status})") from error
                _log.warning("Discord has trouble; signing in again", status=error.status)
                await asyncio.sleep(pause)
        self._watch_requests()
        self.dispatch("signed_in")

    def _watch_requests(self) -> None:
        """Every answer of Discord passes py-cord's one session, which has no public name."""
        session: aiohttp.ClientSession = self.http._HTTPClient__session  # type: ignore[attr-defined]
        trace = aiohttp.TraceConfig()

        async def answered(_: Any, __: Any, end: aiohttp.TraceRequestEndParams) -> None:
            if end.response.status >= 400:
                self._request_failed(str(end.response.status))

        async def broke(_: Any, __: Any, end: aiohttp.TraceRequestExceptionParams) -> None:
            if isinstance(end.exception, Exception):  # and not a cancel of ours
                self._request_failed("none")

        trace.on_request_end.append(answered)
        trace.on_request_exception.append(broke)
        trace.freeze()
        session.trace_configs.append(trace)

    async def on_error(self, event_method: str, *_: Any, **__: Any) -> None:
        """A listener broke: one masked line for the operator, not a bare traceback."""
        _log.exception("a listener broke", event_name=event_method)

    async def leave(self) -> None:
        """Lets the courier finish what is under way, then signs out."""
        for name in ("Courier", "Owner", "BackendDesk"):
            if (cog := self.get_cog(name)) is not None:
                await cog.close()  # type: ignore[attr-defined]
        if not self.is_closed():
            with contextlib.suppress(RuntimeError):  # 5.2.5: closing during a reconnect
                await self.close()

    async def on_connect(self) -> None:
        """READY: registers the commands if they changed."""
        if self._synced:
            return
        try:
            # Until all servers are known, owners' commands are heard where they were last.
            self._listen_in(await self._owned_before())
            await self._sync()
        except (discord.HTTPException, EaselError, aiohttp.ClientError, OSError) as error:
            _log.error("the commands could not be registered", error=str(error))
            return
        self._synced = True

    async def on_ready(self) -> None:
        """Tells the operator who signed in, where, and how to invite it."""
        if self.user is None:
            return
        _log.info(
            "signed in",
            bot=str(self.user),
            guilds=[g.name for g in self.guilds][:20],
            guild_count=len(self.guilds),
            invite=self.invite(),
        )
        await self._visit(lambda kept: kept.present([guild.id for guild in self.guilds]))
        await self._sync_owned()

    async def on_guild_join(self, _: discord.Guild) -> None:
        """A server that came, or came back: nothing of it is forgotten."""
        await self._sync_owned()
        await self._visit(lambda kept: kept.present([guild.id for guild in self.guilds]))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """A server that was left is forgotten after a while; nobody there waits any more."""
        with contextlib.suppress(DatabaseUnavailable):
            await self.studio.left(guild.id)
        await self._visit(lambda kept: kept.left(guild.id))

    async def _visit(self, tell: Callable[[Retention], Awaitable[None]]) -> None:
        if self._retention is None:
            return
        try:
            await tell(self._retention)
        except DatabaseUnavailable as error:
            _log.warning("can't note which servers there are", error=str(error))

    def invite(self) -> str:
        """The link that adds the bot to a server, with its scopes and exact permissions."""
        return discord.utils.oauth_url(
            self.application_id or (self.user.id if self.user else 0),
            permissions=PERMISSIONS,
            scopes=("bot", "applications.commands"),
        )

    async def on_application_command_auto_complete(
        self, interaction: discord.Interaction, command: discord.ApplicationCommand[Any, Any, Any]
    ) -> None:
        """5.2.1: py-cord would cancel one member's completion at another's next key."""
        if not isinstance(command, discord.SlashCommand | discord.SlashCommandGroup):
            return
        ctx = await self.get_autocomplete_context(interaction)
        interaction.command = command
        try:
            await command.invoke_autocomplete_callback(ctx)
        except discord.HTTPException as error:
            _log.debug("a completion came too late", error=str(error))

    async def _sync(self) -> None:
        """The commands for everybody."""
        app = self._app()
        wanted = [c.to_dict() for c in self.pending_application_commands if c.guild_ids is None]
        there: list[Any] = await self.http.get_global_commands(app)
        if await self._news(f"commands of {app}", wanted, there):
            await self.http.bulk_upsert_global_commands(app, wanted)
            await self._registered(f"commands of {app}", wanted)

    async def _sync_owned(self) -> None:
        """Owners' commands, in the servers that are theirs and in no other."""
        try:
            before, now = await self._owned_before(), self._owned()
            self._listen_in(now)
            wanted = [c.to_dict() for c in self._owners_commands()]
            # Known before it is done: what a crash leaves behind is taken away later.
            await self._keep_owned({*before, *now}, before)
            for guild_id in now:
                await self._sync_guild(guild_id, wanted)
            for guild_id in set(before) - set(now):
                await self._sync_guild(guild_id, [])
            await self._keep_owned(now, {*before, *now})
        except (discord.HTTPException, EaselError, aiohttp.ClientError, OSError) as error:
            _log.error("owners' commands could not be registered", error=str(error))

    async def _sync_guild(self, guild_id: int, wanted: list[Any]) -> None:
        """A server that the bot may not touch (it has left, or was never in it) is passed over."""
        app = self._app()
        key = f"commands of {app} in {guild_id}"
        try:
            there: list[Any] = await self.http.get_guild_commands(app, guild_id)
            if await self._news(key, wanted, there):
                await self.http.bulk_upsert_guild_commands(app, guild_id, wanted)
                await self._registered(key, wanted)
        except (discord.Forbidden, discord.NotFound) as error:
            _log.warning("owners' commands are refused there", guild=guild_id, error=str(error))

    def _owned(self) -> list[int]:
        """The servers of OWNER_GUILD_IDS, else those that an owner owns."""
        owners = self.owner_ids or ()
        if not owners:
            return []
        own = [guild.id for guild in self.guilds if guild.owner_id in owners]
        return list(self._owner_guild_ids) or own

    async def _owned_before(self) -> list[int]:
        """Where they were registered last."""
        kept = await self._memory.recall(f"owners' servers of {self._app()}") or ""
        return [int(guild_id) for guild_id in kept.split(",") if guild_id]

    async def _keep_owned(self, now: Collection[int], before: Collection[int]) -> None:
        if set(now) != set(before):
            kept = ",".join(map(str, sorted(now)))
            await self._memory.remember(f"owners' servers of {self._app()}", kept)

    def _owners_commands(self) -> list[discord.ApplicationCommand[Any, Any, Any]]:
        """Those that a cog has made for certain servers without saying which."""
        return [c for c in self.pending_application_commands if c.guild_ids is not None]

    def _listen_in(self, guild_ids: list[int]) -> None:
        """py-cord finds the command of a server by its name and these ids (5.2.2)."""
        for command in self._owners_commands():
            command.guild_ids = guild_ids

    async def _news(self, key: str, wanted: list[Any], there: list[Any]) -> bool:
        """Whether our commands differ from what Discord has or was last given."""
        same_names = {c["name"] for c in there} == {c["name"] for c in wanted}
        return not same_names or await self._memory.recall(key) != _digest(wanted)

    async def _registered(self, key: str, wanted: list[Any]) -> None:
        await self._memory.remember(key, _digest(wanted))
        _log.info("commands registered", where=key, count=len(wanted))

    def _app(self) -> int:
        if self.application_id is None:
            raise ConfigurationError("Discord did not tell the application's id")
        return self.application_id


def _digest(commands: list[Any]) -> str:
    text = json.dumps(commands, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()
