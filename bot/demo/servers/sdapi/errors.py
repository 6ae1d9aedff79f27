"""The forms in which A1111 says no (contract, section 1 "Errors")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web


class Refused(Exception):
    """An ``HTTPException`` of the web UI's own: the words are in ``detail``."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


class Raised(Exception):
    """Something raised while generating: 500, the words are in ``errors``."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Invalid(Exception):
    """The body does not fit the model: 422 with pydantic v1's list of problems."""

    def __init__(self, problems: Sequence[dict[str, Any]]) -> None:
        super().__init__(str(problems))
        self.problems = list(problems)


def answer(error: Exception) -> web.Response:
    """The response for any error that a route lets through."""
    if isinstance(error, Invalid):
        return web.json_response({"detail": error.problems}, status=422)
    if isinstance(error, Refused):
        return web.json_response(_form("HTTPException", error.detail, ""), status=error.status)
    if isinstance(error, Raised):
        return web.json_response(_form(error.kind, "", error.text), status=500)
    return web.json_response(_form(type(error).__name__, "", str(error)), status=500)


def _form(kind: str, detail: str, errors: str) -> dict[str, str]:
    return {"error": kind, "detail": detail, "body": "", "errors": errors}
