"""The forms in which the servers say no (contract, section 1 "Errors", section 10 "error body").

Each function takes whatever a route let through and gives the response of one server.
"""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from bot.demo.servers.sdapi.errors import Invalid, Problem, Raised, Refused, Spoken
from bot.demo.servers.sdapi.problems import pydantic1, pydantic2

_JSON_TYPES: Final = {
    "int": "number",
    "fraction": "number",
    "float": "number",
    "bool": "boolean",
    "str": "string",
    "list": "array",
    "dict": "object",
}
_KOBOLD_TYPES: Final = {401: "unauthorized", 404: "not_found", 503: "service_unavailable"}


class LastWords(web.Response):
    """A response after which the connection is closed without having been announced.

    So does Forge's uvicorn behind an exception: the next request on it may be reset (trap 21).
    """

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Remember whose connection it is."""
        self._transport = request.transport
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """The end of the body, and of the connection."""
        await super().write_eof(data)
        if self._transport is not None:
            self._transport.close()


def a1111(error: Exception) -> web.Response:
    """``{error, detail, body, errors}``; only what does not fit the model has FastAPI's form."""
    if isinstance(error, Invalid):
        return _json(422, {"detail": [pydantic1(row) for row in error.problems]})
    if isinstance(error, Spoken):
        return _json(error.status, error.body)
    if isinstance(error, Refused):
        row = {"error": "HTTPException", "detail": error.detail, "body": "", "errors": ""}
        return _json(error.status, row, error.headers)
    kind, text = _raised(error)
    return _json(500, {"error": kind, "detail": "", "body": "", "errors": text})


def forge(error: Exception) -> web.Response:
    """FastAPI's plain ``{detail}``; what was raised has its words under ``message``."""
    if isinstance(error, Invalid):
        return _json(422, {"detail": [pydantic2(row) for row in error.problems]})
    if isinstance(error, Refused):
        return _json(error.status, {"detail": error.detail}, error.headers)
    if isinstance(error, Spoken):
        return _json(error.status, error.body)
    kind, text = _raised(error)
    body = json.dumps({"error": kind, "detail": "", "body": "", "message": text})
    return LastWords(status=500, text=body, content_type="application/json")


def sdnext(error: Exception) -> web.Response:
    """A1111's form with a ``code``; of a TypeError only a JSON string is left."""
    if isinstance(error, Invalid | Spoken):
        return a1111(error)
    if isinstance(error, Refused):
        words = f"{error.status}: {error.detail}"
        return _sdnext(error.status, "HTTPException", error.detail, words, error.headers)
    kind, text = _raised(error)
    return _json(500, text) if kind == "TypeError" else _sdnext(500, kind, "", text)


def sdcpp(error: Exception) -> web.Response:
    """``{error}`` for what the server checks itself, else ``server_error`` with a message."""
    if isinstance(error, Spoken):
        return _json(error.status, error.body)
    if isinstance(error, Refused):
        return _json(error.status, {"error": error.detail})
    if isinstance(error, Invalid):
        problem = error.problems[0]
        if problem.kind == "missing" and problem.loc == ("body",):
            return _json(400, {"error": "empty body"})
        return _json(500, {"error": "server_error", "message": _nlohmann(problem)})
    return _json(500, {"error": "server_error", "message": _raised(error)[1]})


def koboldcpp(error: Exception) -> web.Response:
    """``{"detail": {msg, type}}``; but a generation that failed is 200 with an empty picture."""
    if isinstance(error, Refused):
        kind = _KOBOLD_TYPES.get(error.status, "bad_input")
        detail = {"msg": error.detail, "type": kind}
        return _json(error.status, {"detail": detail}, error.headers)
    if isinstance(error, Spoken):
        return _json(error.status, error.body)
    if isinstance(error, Invalid):
        return _json(500, {"detail": {"msg": "Error parsing input.", "type": "bad_input"}})
    return _json(200, {"images": [""], "parameters": {}, "info": "", "animated": False})


def drawthings(error: Exception) -> web.Response:
    """A1111's form for everything, bodies that do not fit included."""
    if isinstance(error, Invalid):
        problem = error.problems[0]
        words = f"{'.'.join(map(str, problem.loc))}: {pydantic1(problem)['msg']}"
        return a1111(Refused(400, words))
    return a1111(error)


def _raised(error: Exception) -> tuple[str, str]:
    if isinstance(error, Raised):
        return error.kind, error.text
    return type(error).__name__, str(error)


def _nlohmann(problem: Problem) -> str:
    """The words of sd.cpp's JSON library."""
    if problem.kind == "json":
        line, column = problem.facts["lineno"], problem.facts["colno"]
        where = f"parse error at line {line}, column {column}"
        return f"[json.exception.parse_error.101] {where}: syntax error while parsing value"
    if problem.loc == ("body",):
        kind = _json_type(problem.given)
        return f"[json.exception.type_error.306] cannot use value() with {kind}"
    wanted, given = _JSON_TYPES.get(problem.kind, "string"), _json_type(problem.given)
    return f"[json.exception.type_error.302] type must be {wanted}, but is {given}"


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _sdnext(
    status: int, kind: str, detail: str, errors: str, headers: dict[str, str] | None = None
) -> web.Response:
    row = {"error": kind, "code": status, "detail": detail, "body": "", "errors": errors}
    return _json(status, row, headers)


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)
