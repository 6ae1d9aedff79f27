"""The forms of yes and no: the gateway's own, a bare lambda's, and the envelope of v1.5 to v1.7.

Source: contract aws, section 2.1; the envelope's headers and ``debug`` as in the middleware's
``common/response.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.extension.generation import Generation
from bot.demo.servers.extension.tables import new_id

_CONSOLE: Final = "https://us-east-1.console.aws.amazon.com"
_TROUBLE: Final = {
    429: ("TooManyRequestsException", "Too Many Requests"),
    500: ("InternalServerErrorException", "Internal server error"),
    502: ("InternalServerErrorException", "Internal server error"),
    503: ("ServiceUnavailableException", "Service Unavailable"),
    504: ("InternalServerErrorException", "Endpoint request timed out"),
}


class GatewayError(Exception):
    """What API Gateway itself refuses; ``name`` goes into ``x-amzn-ErrorType``."""

    def __init__(self, status: int, name: str, message: str | None, **more: Any) -> None:
        super().__init__(status, name, message)
        self.status = status
        self.name = name
        self.body: dict[str, Any] = {**more, "message": message}


class LambdaError(Exception):
    """An exception that a classic lambda did not catch: told in a 200."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(kind, words)
        self.kind = kind
        self.words = words


class Refused(Exception):
    """A no in the envelope of v1.5 to v1.7, with a real HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


def trouble(status: int) -> GatewayError:
    """What the gateway says when it is throttled, broken, or has waited too long."""
    name, message = _TROUBLE[status]
    return GatewayError(status, name, message)


def forbidden() -> GatewayError:
    """403, for a missing or wrong key."""
    return GatewayError(403, "ForbiddenException", "Forbidden")


def not_routed() -> GatewayError:
    """403, for a path or method that is not there; it has nothing to do with tokens."""
    name = "MissingAuthenticationTokenException"
    return GatewayError(403, name, "Missing Authentication Token")


def plain(value: Any, status: int = 200) -> web.Response:
    """JSON as it is, with the gateway's id of the request."""
    headers = {"x-amzn-RequestId": new_id()}
    return web.json_response(value, status=status, headers=headers)


def from_gateway(generation: Generation, error: GatewayError) -> web.Response:
    """The gateway's no; from v1.5 on with the id of the request."""
    more = {} if generation.classic else {"requestId": new_id()}
    response = plain({**error.body, **more}, error.status)
    response.headers["x-amzn-ErrorType"] = error.name
    return response


def unhandled(error: LambdaError) -> web.Response:
    """200, and what Python said."""
    body = {
        "errorMessage": error.words,
        "errorType": error.kind,
        "requestId": new_id(),
        "stackTrace": ['  File "/var/task/app.py", line 1, in handler\n    event = Event(**raw)\n'],
    }
    return plain(body)


def enveloped(
    generation: Generation,
    status: int,
    data: Mapping[str, Any] | None = None,
    message: str | None = None,
) -> web.Response:
    """``{"statusCode", "data", "message"}``, since 1.6 with ``debug``; a 204 has no body."""
    body: dict[str, Any] = {"statusCode": status}
    if generation.debugs:
        body["debug"] = _debug()
    if data:
        body["data"] = data
    if message:
        body["message"] = message
    text = "" if status == 204 else json.dumps(body)
    headers = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": new_id(),
        "x-api-version": generation.version,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Allow-Methods": "*",
        "Access-Control-Allow-Credentials": "true",
    }
    return web.Response(status=status, text=text, headers=headers)


def _debug() -> dict[str, Any]:
    function = f"{_CONSOLE}/lambda/home?region=us-east-1#/functions/demo"
    log = f"{_CONSOLE}/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/demo"
    return {"function_url": function, "log_url": log, "trace_url": None}
