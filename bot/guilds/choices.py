"""The settings that servers, channels and members choose, and which of them is in force.

A default comes from the nearest who chose one: the member, then the channel, then the server.
A cap comes from the strictest: the operator's stands above all, a server or channel may only
lower it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import BadOption
from bot.settings import Limits

Value = str | int | float | bool


class Scope(StrEnum):
    """Where a choice holds."""

    SERVER = "server"
    CHANNEL = "channel"
    MEMBER = "member"


class Origin(StrEnum):
    """Where a value in force comes from, as `/server` shows it."""

    OPERATOR = "operator"
    SERVER = "server"
    CHANNEL = "channel"
    MEMBER = "mine"
    MODEL = "model"
    """The family of the checkpoint says it, where nobody chose."""
    DEFAULT = "default"


@dataclass(frozen=True)
class Key:
    """One setting: its sentence, how typed text becomes its value, and whether it is a cap.

    `read` raises ValueError with what is possible. `personal` tells whether a member may choose
    it for themselves.
    """

    name: str
    sentence: str
    read: Callable[[str], Value]
    cap: bool = False
    personal: bool = True


@dataclass(frozen=True)
class InForce:
    """A value and where it comes from; None is left to whoever paints."""

    value: Value | None
    origin: Origin


@dataclass(frozen=True)
class Effective:
    """All settings that are in force for one member in one channel."""

    held: Mapping[str, InForce]

    def __getitem__(self, name: str) -> Value | None:
        return self.held[name].value

    def text(self, name: str) -> str | None:
        """A setting that is words."""
        value = self.held[name].value
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int | None:
        """A setting that is a whole number."""
        value = self.held[name].value
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def limits(self, operator: Limits) -> Limits:
        """The operator's ceilings, lowered by the caps in force."""
        lowered = {
            name: self.number(name)
            for name in ("max_steps", "max_pixels", "max_count", "waiting_per_member")
        }
        return operator.model_copy(update={k: v for k, v in lowered.items() if v is not None})


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text.strip())
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return read


def _decimal(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text.strip().replace(",", "."))
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return round(value, 2)

    return read


def _words(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        clean = text.strip()
        if not 1 <= len(clean) <= most:
            raise ValueError(f"1 to {most} characters")
        return clean

    return read


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        found = text.strip().casefold()
        if found not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return found

    return read


def _role(text: str) -> str:
    found = re.fullmatch(r"\s*(?:<@&)?(\d{15,20})>?\s*", text)
    if not found:
        raise ValueError("a role: mention it with @, or give its id")
    return found[1]


def _yes_or_no(text: str) -> bool:
    found = text.strip().casefold()
    if found in ("yes", "true", "on", "1"):
        return True
    if found in ("no", "false", "off", "0"):
        return False
    raise ValueError("yes or no")


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("model", "The checkpoint that paints.", _words(200)),
        Key("size", "The shape.", _one_of("square", "portrait", "landscape", "wide", "tall")),
        Key("steps", "How many steps.", _whole(1, 150)),
        Key("sampler", "The sampler.", _words(200)),
        Key("scheduler", "The noise schedule.", _words(200)),
        Key("cfg_scale", "How closely to follow the prompt.", _decimal(0, 30)),
        Key("negative_prompt", "What to keep out of every picture.", _words(1000)),
        Key("style", "A look for every picture.", _words(100)),
        Key("private", "Pictures are shown to their member alone.", _yes_or_no),
        Key("priority_role", "Whose turn comes three times as often.", _role, personal=False),
        Key("max_steps", "The most steps.", _whole(1, 150), cap=True, personal=False),
        Key(
            "max_pixels",
            "The most pixels of one picture.",
            _whole(64 * 64, 16_384 * 16_384),
            cap=True,
            personal=False,
        ),
        Key("max_count", "The most pictures at once.", _whole(1, 10), cap=True, personal=False),
        Key(
            "waiting_per_member",
            "The most pictures of one member in line.",
            _whole(1, 100),
            cap=True,
            personal=False,
        ),
    )
}


def parse(name: str, text: str, scope: Scope) -> Value:
    """The value of typed text. Raises BadOption that says what is possible."""
    key = KEYS.get(name)
    if key is None or (scope is Scope.MEMBER and not key.personal):
        raise BadOption(name, f"`{name}` can't be set there.")
    try:
        return key.read(text)
    except ValueError as error:
        raise BadOption(name, f"`{name}` can be {error}.") from error


def effective(
    server: Mapping[str, Value],
    channel: Mapping[str, Value],
    member: Mapping[str, Value],
    operator: Limits,
) -> Effective:
    """What is in force, and where each value comes from."""
    held = {}
    for name, key in KEYS.items():
        if key.cap:
            held[name] = _strictest(name, server, channel, operator)
        else:
            held[name] = _nearest(name, server, channel, member)
    return Effective(held)


def _nearest(
    name: str,
    server: Mapping[str, Value],
    channel: Mapping[str, Value],
    member: Mapping[str, Value],
) -> InForce:
    for chosen, origin in (
        (member, Origin.MEMBER),
        (channel, Origin.CHANNEL),
        (server, Origin.SERVER),
    ):
        if name in chosen:
            return InForce(chosen[name], origin)
    return InForce(None, Origin.DEFAULT)


def _strictest(
    name: str, server: Mapping[str, Value], channel: Mapping[str, Value], operator: Limits
) -> InForce:
    found = InForce(int(getattr(operator, name)), Origin.OPERATOR)
    for chosen, origin in ((server, Origin.SERVER), (channel, Origin.CHANNEL)):
        value = chosen.get(name)
        if isinstance(value, int) and isinstance(found.value, int) and value < found.value:
            found = InForce(value, origin)
    return found
