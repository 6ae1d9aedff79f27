"""What the rooms of v1.5 to v1.7 share: a 400 for whatever a lambda raises, and pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from bot.demo.servers.extension.answers import Refused
from bot.demo.servers.extension.desk import Desk
from bot.demo.servers.extension.events import Event
from bot.demo.servers.extension.people import UnknownUser


class Keyed(Protocol):
    """A row with a key of its own."""

    id: str


K = TypeVar("K", bound=Keyed)


def modern_event(event: Event, body: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a lambda; raises ``Refused`` (400) for unknown and missing keys."""
    try:
        return event.read(body)
    except TypeError as error:
        raise Refused(400, str(error)) from error


def number(text: str) -> int:
    """A number of the query; raises ``Refused`` (400) in Python's words."""
    try:
        return int(text)
    except ValueError as error:
        raise Refused(400, str(error)) from error


def owned(desk: Desk, name: str, owners: Sequence[str]) -> bool:
    """Whether a row is this user's; raises ``Refused`` (400) for a stranger."""
    try:
        return desk.people.owns(name, owners)
    except UnknownUser as error:
        raise Refused(400, str(error)) from error


def known(desk: Desk, name: str) -> None:
    """Raises ``Refused`` (400) for a user that nobody knows."""
    try:
        desk.people.roles(name)
    except UnknownUser as error:
        raise Refused(400, str(error)) from error


def paged(rows: Sequence[K], limit: int, start_key: str | None) -> tuple[Sequence[K], str | None]:
    """One page, and the key of the next one.

    A full page has a key even if nothing follows, as DynamoDB has it. Raises ``Refused`` (400)
    for a key that is none.
    """
    begin = 0
    if start_key:
        try:
            last = json.loads(base64.b64decode(start_key))["id"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(400, str(error)) from error
        begin = next((index + 1 for index, row in enumerate(rows) if row.id == last), len(rows))
    page = rows[begin : begin + limit]
    if not page or len(page) < limit:
        return page, None
    return page, base64.b64encode(json.dumps({"id": page[-1].id}).encode()).decode()
