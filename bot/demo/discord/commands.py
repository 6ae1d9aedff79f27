"""The commands that the bot has registered, global ones and those of the guild.

Overwriting keeps the ids of the names that stay, as Discord does; a new name counts against the
200 creates a day (code 30034).
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from bot.demo.discord.clock import Clock, Snowflakes
from bot.demo.discord.errors import Refusal, unknown_command
from bot.demo.discord.limits_commands import check_command, check_commands, check_counts
from bot.demo.discord.wire import SLASH, Json

CREATES_A_DAY = 200
_DAY = 24 * 3600.0
_KEPT = (
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "default_member_permissions",
    "dm_permission",
    "contexts",
    "integration_types",
    "nsfw",
    "type",
)


class CommandStore:
    """Commands by scope; the scope is None (everywhere) or the guild's id."""

    def __init__(self, clock: Clock, snowflakes: Snowflakes, application_id: str) -> None:
        self._clock = clock
        self._snowflakes = snowflakes
        self._application_id = application_id
        self._scopes: dict[str | None, dict[str, Json]] = {}
        self._created: dict[str | None, deque[float]] = {}
        self.written = 0

    def all(self, scope: str | None) -> list[Json]:
        return list(self._scopes.get(scope, {}).values())

    def visible(self, guild_id: str | None) -> list[Json]:
        """What a member can pick: global commands, and the guild's own in the guild."""
        own = self.all(guild_id) if guild_id is not None else []
        return [*self.all(None), *own]

    def get(self, scope: str | None, command_id: str) -> Json:
        """Raises:
        Refusal: 404 with code 10063.
        """
        try:
            return self._scopes[scope][command_id]
        except KeyError:
            raise unknown_command() from None

    def overwrite(self, scope: str | None, commands: Any) -> list[Json]:
        """Replace all commands of a scope (bulk PUT).

        Raises:
            Refusal: 50035, 30032 or 30034.
        """
        check_commands(commands)
        old = {_key(command): command for command in self.all(scope)}
        self._count_creates(scope, sum(_key(command) not in old for command in commands))
        kept = [self._made(scope, command, old.get(_key(command))) for command in commands]
        self._scopes[scope] = {command["id"]: command for command in kept}
        self.written += 1
        return kept

    def create(self, scope: str | None, command: Json) -> tuple[Json, bool]:
        """Add one command, or overwrite the one of its name; the second value says "new".

        Raises:
            Refusal: 50035, 30032 or 30034.
        """
        check_command(command)
        present = self._scopes.setdefault(scope, {})
        old = next((c for c in present.values() if _key(c) == _key(command)), None)
        if old is None:
            counts = Counter(c["type"] for c in present.values())
            counts[command.get("type") or SLASH] += 1
            check_counts(counts)
            self._count_creates(scope, 1)
        made = self._made(scope, command, old)
        present[made["id"]] = made
        self.written += 1
        return made, old is None

    def edit(self, scope: str | None, command_id: str, changes: Json) -> Json:
        """Change some fields of one command.

        Raises:
            Refusal: 10063 or 50035.
        """
        old = self.get(scope, command_id)
        merged = {**old, **{key: value for key, value in changes.items() if key in _KEPT}}
        check_command(merged)
        made = self._made(scope, merged, old)
        self._scopes[scope][command_id] = made
        self.written += 1
        return made

    def delete(self, scope: str | None, command_id: str) -> None:
        """Raises:
        Refusal: 404 with code 10063.
        """
        self.get(scope, command_id)
        del self._scopes[scope][command_id]
        self.written += 1

    def _count_creates(self, scope: str | None, new: int) -> None:
        made = self._created.setdefault(scope, deque())
        while made and made[0] < self._clock.now() - _DAY:
            made.popleft()
        if len(made) + new > CREATES_A_DAY:
            words = "Max number of daily application command creates has been reached (200)"
            raise Refusal(429, 30034, words, extra={"retry_after": 60.0, "global": False})
        made.extend([self._clock.now()] * new)

    def _made(self, scope: str | None, command: Json, old: Json | None) -> Json:
        permissions = command.get("default_member_permissions")
        made: Json = {
            "id": old["id"] if old else self._snowflakes.next(),
            "application_id": self._application_id,
            "version": self._snowflakes.next(),
            "type": command.get("type") or SLASH,
            "name": command["name"],
            "name_localizations": command.get("name_localizations"),
            "description": command.get("description") or "",
            "description_localizations": command.get("description_localizations"),
            "default_member_permissions": None if permissions is None else str(permissions),
            "dm_permission": command.get("dm_permission") is not False,
            "contexts": command.get("contexts"),
            "integration_types": command.get("integration_types") or [0],
            "nsfw": bool(command.get("nsfw")),
            "options": [_option(option) for option in command.get("options") or ()],
        }
        return made if scope is None else made | {"guild_id": scope}


def _key(command: Json) -> tuple[int, str]:
    return command.get("type") or SLASH, command["name"]


def _option(option: Json) -> Json:
    """An option as Discord gives it back: what was null or empty is absent."""
    made = {
        key: value
        for key, value in option.items()
        if value is not None and value is not False and value != []
    }
    if "options" in made:
        made["options"] = [_option(nested) for nested in made["options"]]
    return made
