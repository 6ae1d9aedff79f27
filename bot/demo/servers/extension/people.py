"""Who asks, and what he may: a header with a name, or the name in BASE16; no passwords.

Known users may do everything, guests nothing (contract aws, 2.1). A name nobody knows is an
error of its own in each generation.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from bot.demo.servers.extension.answers import GatewayError, Refused

ROLES: Final = ("IT Operator", "Designer")
_RESOURCES: Final = ("checkpoint", "inference", "role", "sagemaker_endpoint", "train", "user")


class UnknownUser(Exception):
    """No such user; the words are the middleware's."""

    def __init__(self, name: object) -> None:
        super().__init__(f'user: "{name}" not exist')


class People:
    """``users`` have all rights, ``guests`` none."""

    def __init__(self, users: Collection[str], guests: Collection[str]) -> None:
        self.users = tuple(users)
        self.guests = tuple(guests)

    def roles(self, name: object) -> Sequence[str]:
        """The roles of a user; raises ``UnknownUser``."""
        if name in self.users:
            return ROLES
        if name in self.guests:
            return ("Guest",)
        raise UnknownUser(name)

    def may(self, name: object) -> bool:
        """Whether a user has the rights that a route wants; raises ``UnknownUser``."""
        return "IT Operator" in self.roles(name)

    def owns(self, name: str, owners: Sequence[str]) -> bool:
        """Whether something that belongs to ``owners`` is this user's too."""
        return not owners or bool({"*", name, *self.roles(name)} & set(owners))

    def at_the_gate(self, headers: Mapping[str, str]) -> str:
        """The classic authorizer: the user of the Bearer token, known or not.

        Raises ``GatewayError``: 401 without a token, 500 for one that is no BASE16.
        """
        header = headers.get("Authorization")
        if not header:
            raise GatewayError(401, "UnauthorizedException", "Unauthorized")
        try:
            return _decoded(header)
        except ValueError as error:
            raise GatewayError(500, "AuthorizerConfigurationException", None) from error

    def permitted(self, headers: Mapping[str, str], *rights: str) -> str:
        """The user of a request since v1.5, if a route with these ``rights`` is open to him.

        Raises ``Refused``: 401 for nobody or a stranger, 403 for a guest, 400 for a Bearer token
        that is no BASE16.
        """
        name = headers.get("username") or self._bearer(headers.get("Authorization"))
        try:
            if not name or not self.may(name):
                raise Refused(401, "Unauthorized") if not name else _may_not(name, rights)
        except UnknownUser as error:
            raise Refused(401, "Unauthorized") from error
        return name

    def listed(self) -> list[dict[str, Any]]:
        """The rows of ``/users``."""
        rights = [f"{resource}:all" for resource in _RESOURCES]
        return [
            {
                "username": name,
                "roles": list(self.roles(name)),
                "creator": "admin",
                "permissions": rights if self.may(name) else [],
                "password": "********",
            }
            for name in (*self.users, *self.guests)
        ]

    def _bearer(self, header: str | None) -> str:
        try:
            return _decoded(header) if header else ""
        except ValueError as error:
            raise Refused(400, str(error)) from error


def _decoded(header: str) -> str:
    """The name in ``Bearer 61646D696E``; ``ValueError`` for lower case and anything else."""
    try:
        return base64.b16decode(header.replace("Bearer ", "")).decode()
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _may_not(name: str, rights: Sequence[str]) -> Refused:
    return Refused(403, f"User {name} has no permissions: {list(rights)}")
