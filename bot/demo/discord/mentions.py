"""Who a message really pings: its words, and what `allowed_mentions` lets through.

Source: contract, section 8 "Messages"; without the field an interaction's answer pings users
only, an ordinary message everybody it names.
"""

from __future__ import annotations

import re
from typing import Any

from bot.demo.discord import forms
from bot.demo.discord.errors import Problems, Where
from bot.demo.discord.messages import Mentions, Message
from bot.demo.discord.people import ADMIN_ROLE_ID, BOT_ROLE_ID, User
from bot.demo.discord.wire import TEXT_DISPLAY, Json

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_KINDS = frozenset({"users", "roles", "everyone"})


def check_allowed_mentions(problems: Problems, allowed: Any) -> None:
    """Lists of up to 100, kinds that exist, and not both a kind and its list."""
    if allowed is None:
        return
    if not isinstance(allowed, dict):
        words = "Only dictionaries may be used in a ModelType"
        problems.add(("allowed_mentions",), "MODEL_TYPE_CONVERT", words)
        return
    here: Where = ("allowed_mentions",)
    parse = _list(problems, (*here, "parse"), allowed.get("parse"))
    for place, kind in enumerate(parse):
        if str(kind) not in _KINDS:
            words = "Value must be one of {'everyone', 'roles', 'users'}."
            problems.add((*here, "parse", place), "BASE_TYPE_CHOICES", words)
    for kind in ("users", "roles"):
        listed = _list(problems, (*here, kind), allowed.get(kind))
        if len(listed) > 100:
            words = "Must be 100 or fewer in length."
            problems.add((*here, kind), "BASE_TYPE_MAX_LENGTH", words)
        if listed and kind in parse:
            words = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            problems.add(here, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words)


def _list(problems: Problems, where: Where, value: Any) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    problems.add(where, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    return []


def pinged(
    message: Message, allowed: Json | None, users: dict[str, User], *, by_interaction: bool
) -> Mentions:
    """The mentions of a message as it stands."""
    if allowed is None:
        kinds = ["users"] if by_interaction else sorted(_KINDS)
        allowed = {"parse": kinds, "replied_user": True}
    words = "\n".join([message.content, *_display_texts(message.components)])
    named = [users[i] for i in dict.fromkeys(_USER.findall(words)) if i in users]
    found = [user for user in named if _lets_through(allowed, "users", user.id)]
    replied = message.replies_to.author if message.replies_to else None
    if replied is not None and allowed.get("replied_user") and replied not in found:
        found.append(replied)
    roles = [r for r in dict.fromkeys(_ROLE.findall(words)) if r in (ADMIN_ROLE_ID, BOT_ROLE_ID)]
    return Mentions(
        users=tuple(found),
        roles=tuple(role for role in roles if _lets_through(allowed, "roles", role)),
        everyone="everyone" in (allowed.get("parse") or ()) and bool(_EVERYONE.search(words)),
    )


def _lets_through(allowed: Json, kind: str, wanted: str) -> bool:
    listed = [str(forms.as_int(entry)) for entry in allowed.get(kind) or ()]
    return kind in (allowed.get("parse") or ()) or wanted in listed


def _display_texts(components: list[Json]) -> list[str]:
    texts = []
    for component in components:
        if component.get("type") == TEXT_DISPLAY:
            texts.append(str(component.get("content") or ""))
        texts += _display_texts(component.get("components") or [])
    return texts
