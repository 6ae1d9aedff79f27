"""The API Gateway before the lambdas: routes, keys, rates and sizes, and its own ways to say no.

Contract aws, 1.1. Of all that it refuses, the lambdas see nothing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.eks import faults, intake
from bot.demo.servers.eks.bucket import TokenBucket
from bot.demo.servers.eks.faults import EksFault, EksFaults
from bot.demo.servers.eks.runtime import Api, Release

_LARGEST_BODY: Final = 10 * 1024 * 1024
_LARGEST_EVENT: Final = 6 * 1024 * 1024
_LARGE_BODY: Final = 300_000
_EVENT_ENVELOPE: Final = 4096
"""Bytes of headers and context that travel beside the body."""
_TYPES: Final = {
    401: "UnauthorizedException",
    413: "RequestTooLargeException",
    429: "TooManyRequestsException",
    503: "ServiceUnavailableException",
}
_WORDS: Final = {
    401: "Unauthorized",
    429: "Too Many Requests",
    504: "Endpoint request timed out",
}
_APIS: Final[tuple[Api, ...]] = ("v1alpha1", "v1alpha2")


class _TooLong(Exception):
    """The event that a lambda would get is over its limit."""


@dataclass
class Gateway:
    """One stage with its usage plan. ``publish`` takes a task on; ``keys`` are those it knows.

    ``requests`` are (method, path, seconds since 1970), ``refused`` counts the rate's refusals.
    """

    stage: str
    release: Release
    bucket: str
    keys: set[str]
    faults: EksFaults
    publish: Callable[[Api, intake.Accepted], None]
    answers_id_task: bool
    rate: float
    burst: int
    requests: list[tuple[str, str, float]] = field(default_factory=list)
    refused: int = 0
    _buckets: dict[str, TokenBucket] = field(default_factory=dict)

    def limit(self, rate: float, burst: int) -> None:
        """The usage plan from now on: every key has its tokens anew."""
        self.rate, self.burst = rate, burst
        self._buckets.clear()

    async def answer(self, request: web.Request) -> web.Response:
        """Any request at all."""
        self.requests.append((request.method, request.path, time.time()))
        body = await request.read()
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        fault = self.faults.take(faults.GATEWAY)
        if fault is None:
            return await self._invoke(request, body)
        return await self._troubled(fault, request, body)

    def _refusal(self, request: web.Request) -> web.Response | None:
        key = request.headers.get("x-api-key", "")
        if request.method != "POST" or request.path not in self._paths:
            return _no(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
        if key not in self.keys:
            return _no(403, "Forbidden", "ForbiddenException")
        if not self._buckets.setdefault(key, TokenBucket(self.rate, self.burst)).take():
            self.refused += 1
            return _no(429, "Too Many Requests")
        return None

    @property
    def _paths(self) -> set[str]:
        return {f"/{self.stage}/{api}" for api in _APIS}

    async def _troubled(self, fault: EksFault, request: web.Request, body: bytes) -> web.Response:
        if fault.do == "quota":
            return _no(429, "Limit Exceeded", "LimitExceededException")
        if fault.do == "slow":
            await asyncio.sleep(fault.seconds)
            return await self._invoke(request, body)
        if fault.do in ("accept", "reset_after"):
            await self._invoke(request, body)
        if fault.do in ("reset", "reset_after"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return _failed(fault.status)

    async def _invoke(self, request: web.Request, body: bytes) -> web.Response:
        """The lambda of this path; a large body is looked at aside."""
        if len(body) > _LARGEST_BODY:
            return _no(413, "Request Entity Too Large")
        api: Api = "v1alpha2" if request.path.endswith("v1alpha2") else "v1alpha1"
        try:
            if len(body) > _LARGE_BODY:
                accepted = await asyncio.to_thread(self._taken, api, body)
            else:
                accepted = self._taken(api, body)
        except _TooLong:
            return _no(413, "Request Too Long")
        except intake.Disliked as no:
            return _response(400, str(no))
        self.publish(api, accepted)
        answer = accepted.answer
        if self.answers_id_task and "id" in answer:
            answer = {"id_task" if key == "id" else key: value for key, value in answer.items()}
        return _response(200, json.dumps(answer))

    def _taken(self, api: Api, body: bytes) -> intake.Accepted:
        text = body.decode("utf-8", "replace")
        # The event holds the body as a JSON string, every quote in it escaped.
        if len(json.dumps(text, ensure_ascii=False)) + _EVENT_ENVELOPE > _LARGEST_EVENT:
            raise _TooLong
        return intake.take(api, self.release, text or None, self.bucket)


def _failed(status: int) -> web.Response:
    return _no(status, _WORDS.get(status, "Internal server error"))


def _no(status: int, message: str, kind: str | None = None) -> web.Response:
    response = _response(status, json.dumps({"message": message}))
    response.headers["x-amzn-ErrorType"] = kind or _TYPES.get(
        status, "InternalServerErrorException"
    )
    return response


def _response(status: int, text: str) -> web.Response:
    """Of whatever it holds, the gateway says that it is JSON."""
    ids: dict[str, Any] = {
        "x-amzn-RequestId": secrets.token_hex(16),
        "x-amz-apigw-id": secrets.token_urlsafe(11),
    }
    return web.Response(status=status, text=text, content_type="application/json", headers=ids)
