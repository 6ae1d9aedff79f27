"""Who must show credentials, and how a server says that they are wrong (contract, section 1)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Literal

from bot.demo.servers.sdapi.errors import Refused


@dataclass(frozen=True)
class Gate:
    """``guarded`` are beginnings of paths, ``open`` the paths among them that ask nobody.

    ``challenge`` goes out as ``WWW-Authenticate`` with a 401; ``words`` is the one sentence of
    servers that have only one.
    """

    guarded: tuple[str, ...] = ("/sdapi/",)
    open: frozenset[str] = frozenset()
    scheme: Literal["Basic", "Bearer"] = "Basic"
    challenge: str | None = None
    words: str | None = None

    def check(self, path: str, header: str | None, expected: tuple[str, str] | None) -> None:
        """Raises ``Refused`` (401); ``expected`` is user and password, None lets everybody in."""
        if expected is None or path in self.open or not path.startswith(self.guarded):
            return
        scheme, _, parameter = (header or "").partition(" ")
        if scheme.lower() != self.scheme.lower():
            raise self._no("Not authenticated")
        if self.scheme == "Bearer":
            right = parameter == expected[1]
        else:
            right = self._pair(parameter) == expected
        if not right:
            raise self._no("Incorrect username or password")

    def _pair(self, parameter: str) -> tuple[str, str]:
        try:
            # ASCII as in FastAPI: a password with anything else can never match (section 1).
            name, colon, password = base64.b64decode(parameter).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise self._no("Invalid authentication credentials") from error
        if not colon:
            raise self._no("Invalid authentication credentials")
        return name, password

    def _no(self, words: str) -> Refused:
        headers = {"WWW-Authenticate": self.challenge} if self.challenge else {}
        return Refused(401, self.words or words, headers)
