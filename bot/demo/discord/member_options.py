"""What Discord's client checks before it sends a command: the options a member filled in.

Discord refuses a wrong option before the bot hears of it, so the stand-in does too, with a
sentence for the member.
"""

from __future__ import annotations

from typing import Any

from bot.demo.discord import wire
from bot.demo.discord.errors import Refusal
from bot.demo.discord.people import render_roles
from bot.demo.discord.wire import Json
from bot.demo.discord.world import World

_SUBS = (wire.SUBCOMMAND, wire.SUBCOMMAND_GROUP)
_PYTHON: dict[int, tuple[type, ...]] = {
    wire.STRING: (str,),
    wire.BOOLEAN: (bool,),
    wire.INTEGER: (int,),
    wire.NUMBER: (int, float),
}
_WORDS = {
    wire.STRING: "text",
    wire.BOOLEAN: "true or false",
    wire.INTEGER: "a whole number",
    wire.NUMBER: "a number",
}


class MemberError(ValueError):
    """A member asked for what Discord's client does not send; the text is for the member."""


class OptionChecker:
    """Checks options against a command's description and collects what `resolved` needs."""

    def __init__(self, world: World, *, autocomplete: bool) -> None:
        self._world = world
        self._autocomplete = autocomplete
        self.resolved: Json = {}
        self.focused = 0

    def check(self, known: list[Json], given: Any) -> list[Json]:
        """The options as Discord sends them.

        Raises:
            MemberError: an option is unknown, missing, twice there or out of bounds.
        """
        if not isinstance(given, list) or not all(isinstance(option, dict) for option in given):
            raise MemberError("Options come as a list of objects.")
        by_name = {option["name"]: option for option in known}
        names = [str(option.get("name")) for option in given]
        for name in names:
            if name not in by_name:
                raise MemberError(f"There is no option “{name}”.")
            if names.count(name) > 1:
                raise MemberError(f"The option “{name}” was given twice.")
        if any(option["type"] in _SUBS for option in known) and len(given) != 1:
            raise MemberError("Pick one subcommand.")
        if not self._autocomplete:
            for option in known:
                if option.get("required") and option["name"] not in names:
                    raise MemberError(f"The option “{option['name']}” is required.")
        return [self._option(by_name[str(option["name"])], option) for option in given]

    def _option(self, known: Json, given: Json) -> Json:
        kind = known["type"]
        sent: Json = {"type": kind, "name": known["name"]}
        if kind in _SUBS:
            return sent | {
                "options": self.check(known.get("options", []), given.get("options", []))
            }
        value = given.get("value")
        if self._autocomplete and given.get("focused"):
            if not known.get("autocomplete"):
                raise MemberError(f"The option “{known['name']}” suggests nothing.")
            self.focused += 1
            return sent | {"value": str(value if value is not None else ""), "focused": True}
        if kind in _PYTHON:
            if not self._autocomplete:
                self._plain(known, value)
        else:
            value = self._reference(known, str(value))
        return sent | {"value": value}

    def _plain(self, known: Json, value: Any) -> None:
        name, kind = known["name"], known["type"]
        is_bool = isinstance(value, bool)
        if not isinstance(value, _PYTHON[kind]) or (is_bool and kind != wire.BOOLEAN):
            raise MemberError(f"The option “{name}” takes {_WORDS[kind]}.")
        if isinstance(value, str):
            _bounded(name, len(value), known.get("min_length"), known.get("max_length", 6000), True)
        elif isinstance(value, int | float) and not is_bool:
            _bounded(name, value, known.get("min_value"), known.get("max_value"), False)
        choices = [choice["value"] for choice in known.get("choices", ())]
        if choices and value not in choices:
            raise MemberError(f"“{value}” is not among the choices of “{name}”.")

    def _reference(self, known: Json, value: str) -> str:
        """An id of a user, channel, role or upload; what it means goes into `resolved`."""
        kind = known["type"]
        try:
            return self.add(kind, value)
        except Refusal:
            raise MemberError(f"“{value}” is unknown, for “{known['name']}”.") from None

    def add(self, kind: int, value: str) -> str:
        """Add what an option of this type means; its id.

        Raises:
            MemberError: no such role or upload.
            Refusal: no such user or channel.
        """
        if kind == wire.CHANNEL:
            return self.add_channel(value)
        if kind == wire.ATTACHMENT:
            return self.add_attachment(value)
        if kind == wire.ROLE or (kind == wire.MENTIONABLE and self._is_role(value)):
            return self.add_role(value)
        return self.add_user(value)

    def _is_role(self, id_or_name: str) -> bool:
        return any(id_or_name in (role["id"], role["name"]) for role in render_roles())

    def add_role(self, id_or_name: str) -> str:
        for role in render_roles():
            if id_or_name in (role["id"], role["name"]):
                self.resolved.setdefault("roles", {})[role["id"]] = role
                return str(role["id"])
        raise MemberError(f"There is no role “{id_or_name}”.")

    def add_user(self, id_or_name: str) -> str:
        user = self._world.user(id_or_name)
        member = {k: v for k, v in user.render_member().items() if k != "user"}
        self.resolved.setdefault("users", {})[user.id] = user.render()
        self.resolved.setdefault("members", {})[user.id] = member
        return user.id

    def add_channel(self, id_or_name: str) -> str:
        channel = self._world.channel(id_or_name)
        shown = channel.render() | {"permissions": str(channel.bot_permissions)}
        self.resolved.setdefault("channels", {})[channel.id] = shown
        return channel.id

    def add_attachment(self, upload_id: str) -> str:
        stored = self._world.files.get(upload_id)
        if stored is None:
            raise MemberError("That upload does not exist.")
        self.resolved.setdefault("attachments", {})[stored.id] = self._world.files.render(stored)
        return stored.id


def _bounded(
    name: str, value: float, least: float | None, most: float | None, characters: bool
) -> None:
    unit = " characters" if characters else ""
    if least is not None and value < least:
        raise MemberError(f"“{name}” is at least {least}{unit}.")
    if most is not None and value > most:
        raise MemberError(f"“{name}” is at most {most}{unit}.")
