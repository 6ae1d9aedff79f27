"""What the routes work with, and the gateway before them all.

The gateway knows nothing of pictures: keys, unknown paths, sizes, its 29 seconds, and the trouble
that tests order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.extension.answers import (
    GatewayError,
    LambdaError,
    Refused,
    enveloped,
    forbidden,
    from_gateway,
    not_routed,
    trouble,
    unhandled,
)
from bot.demo.servers.extension.background import Background
from bot.demo.servers.extension.faults import REQUESTS, Faults
from bot.demo.servers.extension.generation import Generation
from bot.demo.servers.extension.people import People
from bot.demo.servers.extension.preparing import Office
from bot.demo.servers.extension.sagemaker import SageMaker
from bot.demo.servers.extension.tables import Tables
from bot.demo.servers.s3 import DemoS3

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
GATEWAY_SECONDS: Final = 29.0
MAX_BODY: Final = 10 * 1024 * 1024
MAX_EVENT: Final = 6 * 1024 * 1024
_LOG: Final = logging.getLogger(__name__)


@dataclass
class Desk:
    """One deployed middleware.

    ``requests`` are (method, path with the stage, seconds since 1970).
    """

    generation: Generation
    api_key: str
    tables: Tables
    people: People
    faults: Faults
    s3: DemoS3
    sagemaker: SageMaker
    office: Office
    gateway_seconds: float = GATEWAY_SECONDS
    upload_seconds: float = 0.0
    requests: list[tuple[str, str, float]] = field(default_factory=list)
    background: Background = field(default_factory=Background)

    def ok(self, status: int, data: dict[str, Any] | None, message: str) -> web.Response:
        """The envelope of v1.5 to v1.7."""
        return enveloped(self.generation, status, data, message)


DESK: Final = web.AppKey("desk", Desk)


@web.middleware
async def gateway(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything that API Gateway does before, around and after a lambda."""
    desk = request.app[DESK]
    desk.requests.append((request.method, request.path, time.time()))
    fault = desk.faults.take(*REQUESTS, path=request.path)
    try:
        if fault is not None and fault.do == "status":
            raise trouble(fault.status)
        if fault is not None and fault.do == "reset":
            return _reset(request)
        _admit(desk, request)
        response = await _in_time(desk, request, handler)
        if fault is not None and fault.do == "accepted_504":
            raise trouble(504)
    except GatewayError as error:
        return from_gateway(desk.generation, error)
    return response


def _admit(desk: Desk, request: web.Request) -> None:
    if request.match_info.http_exception is not None:
        raise not_routed()
    if request.headers.get("x-api-key") != desk.api_key:
        raise forbidden()
    length = request.content_length or 0
    if length > MAX_BODY:
        words = "Request Entity Too Large"
        raise GatewayError(413, "RequestEntityTooLargeException", words)
    if length > MAX_EVENT:
        raise GatewayError(413, "RequestTooLargeException", "Request Too Long")


async def _in_time(desk: Desk, request: web.Request, handler: Handler) -> web.StreamResponse:
    """The lambda's answer, or 504 while it goes on."""
    task = desk.background.spawn(_called(desk, request, handler))
    await asyncio.wait({task}, timeout=desk.gateway_seconds)
    if not task.done():
        raise trouble(504)
    return task.result()


async def _called(desk: Desk, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever happens there is an answer: the task may have been given up on."""
    try:
        return await handler(request)
    except LambdaError as error:
        return unhandled(error)
    except Refused as error:
        return enveloped(desk.generation, error.status, message=error.message)
    except GatewayError as error:
        return from_gateway(desk.generation, error)
    except Exception:
        _LOG.exception("The demo middleware broke at %s", request.path)
        return from_gateway(desk.generation, trouble(502))


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
