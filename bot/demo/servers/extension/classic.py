"""What the rooms of v1.3.0 share: the authorizer's user, and exceptions told in a 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from aiohttp import web

from bot.demo.servers.extension.answers import LambdaError
from bot.demo.servers.extension.desk import Desk
from bot.demo.servers.extension.events import Event
from bot.demo.servers.extension.people import UnknownUser

P = ParamSpec("P")
T = TypeVar("T")


def classic_event(event: Event, body: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a lambda; raises ``LambdaError`` for unknown and missing keys."""
    try:
        return event.read(body)
    except TypeError as error:
        raise LambdaError("TypeError", str(error)) from error


def known_user(desk: Desk, request: web.Request) -> str:
    """The user of the Bearer token.

    Raises ``GatewayError`` (401, 500) without a proper token, ``LambdaError`` for a stranger.
    """
    name = desk.people.at_the_gate(request.headers)
    ask(desk.people.roles, name)
    return name


def ask(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask about a user; one that nobody knows is an exception of the lambda's."""
    try:
        return question(*args, **kwargs)
    except UnknownUser as error:
        raise LambdaError("Exception", str(error)) from error
