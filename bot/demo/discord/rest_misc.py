"""The rest of REST: who the bot is, where the gateway is, commands, the guild, DMs.

Paths and shapes: contract, section 4, and Discord's OpenAPI description.
"""

from __future__ import annotations

from aiohttp import web

from bot.demo.discord import errors
from bot.demo.discord.errors import invalid_form
from bot.demo.discord.gateway import Gateway
from bot.demo.discord.people import render_roles
from bot.demo.discord.rest import answer, body_of, nothing
from bot.demo.discord.wire import Json
from bot.demo.discord.world import Change, World


class CommandRoutes:
    """Application commands, global ones and those of the guild."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        made = []
        for base in ("/applications/{app}", "/applications/{app}/guilds/{guild}"):
            every, one = base + "/commands", base + "/commands/{command}"
            made += [
                web.get(every, self.all),
                web.put(every, self.overwrite),
                web.post(every, self.create),
                web.get(one, self.one),
                web.patch(one, self.edit),
                web.delete(one, self.delete),
            ]
        return made

    async def all(self, request: web.Request) -> web.Response:
        commands = self._world.commands.all(self._scope(request))
        full = request.query.get("with_localizations", "").lower() in ("1", "true")
        return answer(commands if full else [_without_translations(c) for c in commands])

    async def overwrite(self, request: web.Request) -> web.Response:
        scope = self._scope(request)
        commands = self._world.commands.overwrite(scope, body_of(request).data)
        self._world.ring(Change("commands"))
        return answer(commands)

    async def create(self, request: web.Request) -> web.Response:
        """201 for a new name, 200 when it replaced one."""
        scope = self._scope(request)
        command, new = self._world.commands.create(scope, body_of(request).object())
        self._world.ring(Change("commands"))
        return answer(command, 201 if new else 200)

    async def one(self, request: web.Request) -> web.Response:
        scope = self._scope(request)
        return answer(self._world.commands.get(scope, request.match_info["command"]))

    async def edit(self, request: web.Request) -> web.Response:
        scope = self._scope(request)
        changes = body_of(request).object()
        command = self._world.commands.edit(scope, request.match_info["command"], changes)
        self._world.ring(Change("commands"))
        return answer(command)

    async def delete(self, request: web.Request) -> web.Response:
        self._world.commands.delete(self._scope(request), request.match_info["command"])
        self._world.ring(Change("commands"))
        return nothing()

    def _scope(self, request: web.Request) -> str | None:
        if request.match_info["app"] != self._world.application_id:
            raise errors.unknown_application()
        guild = request.match_info.get("guild")
        if guild not in (None, self._world.guild_id):
            raise errors.missing_access()
        return guild


class MiscRoutes:
    """Sign-in, the gateway's address, the guild and its people."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users/@me", self.me),
            web.get("/users/{user}", self.user),
            web.post("/users/@me/channels", self.open_dm),
            web.get("/users/@me/guilds", self.guilds),
            web.get("/gateway", self.gateway),
            web.get("/gateway/bot", self.gateway_bot),
            web.get("/applications/@me", self.application),
            web.get("/oauth2/applications/@me", self.application),
            web.get("/soundboard-default-sounds", self.empty),
            web.get("/guilds/{guild}", self.guild),
            web.get("/guilds/{guild}/channels", self.channels),
            web.get("/guilds/{guild}/roles", self.roles),
            web.get("/guilds/{guild}/members/{user}", self.member),
        ]

    async def me(self, _request: web.Request) -> web.Response:
        return answer(self._world.bot.render() | {"verified": True, "mfa_enabled": False})

    async def user(self, request: web.Request) -> web.Response:
        found = self._world.users.get(request.match_info["user"])
        if found is None:
            raise errors.unknown_user()
        return answer(found.render())

    async def open_dm(self, request: web.Request) -> web.Response:
        """The DM channel with one user, opened when it is new."""
        wanted = str(body_of(request).object().get("recipient_id"))
        user = self._world.users.get(wanted)
        if user is None:
            words = f'Value "{wanted}" is not a user.'
            raise invalid_form(("recipient_id",), "NUMBER_TYPE_COERCE", words)
        if user.bot:
            raise errors.closed_dms()
        return answer(self._world.dm(user).render())

    async def guilds(self, _request: web.Request) -> web.Response:
        shown = {"id": self._world.guild_id, "name": self._world.guild_name, "icon": None}
        own = {"owner": False, "permissions": str(self._world.bot.permissions), "features": []}
        return answer([shown | own])

    async def gateway(self, _request: web.Request) -> web.Response:
        return answer({"url": self._gateway.url})

    async def gateway_bot(self, _request: web.Request) -> web.Response:
        starts = {
            "total": 1000,
            "remaining": max(0, 1000 - self._gateway.identified),
            "reset_after": 24 * 3600 * 1000,
            "max_concurrency": 1,
        }
        return answer({"url": self._gateway.url, "shards": 1, "session_start_limit": starts})

    async def application(self, _request: web.Request) -> web.Response:
        return answer(
            {
                "id": self._world.application_id,
                "name": self._world.bot.global_name,
                "icon": None,
                "description": "",
                "bot_public": True,
                "bot_require_code_grant": False,
                "verify_key": "0" * 64,
                "flags": 0,
                "owner": self._world.owner.render(),
                "team": None,
                "bot": self._world.bot.render(),
                "integration_types_config": {"0": {}, "1": {}},
                "approximate_guild_count": 1,
            }
        )

    async def empty(self, _request: web.Request) -> web.Response:
        return answer([])

    async def guild(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        gateway_only = ("channels", "members", "threads", "voice_states", "presences")
        shown = self._world.render_guild()
        return answer({key: value for key, value in shown.items() if key not in gateway_only})

    async def channels(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        return answer(self._world.render_guild()["channels"])

    async def roles(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        return answer(render_roles())

    async def member(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        found = self._world.users.get(request.match_info["user"])
        if found is None:
            raise errors.unknown_member()
        return answer({k: v for k, v in found.render_member().items() if k != "permissions"})

    def _check_guild(self, request: web.Request) -> None:
        if request.match_info["guild"] != self._world.guild_id:
            raise errors.unknown_guild()


def _without_translations(command: Json) -> Json:
    hidden = ("name_localizations", "description_localizations")
    return {key: value for key, value in command.items() if key not in hidden}
