"""``POST /demo/control``: faults, downtime and counts for who cannot reach into the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from bot.demo.servers.sdapi import forms
from bot.demo.servers.sdapi.errors import Refused
from bot.demo.servers.sdapi.faults import GENERATING, KINDS
from bot.demo.servers.sdapi.web import body_of, reply

if TYPE_CHECKING:
    from bot.demo.servers.sdapi.server import DemoImageServer

_ORDER: Final[forms.Fields] = {
    "do": ("str", ""),
    "times": ("int", 1),
    "route": ("str", GENERATING),
    "status": ("int", 502),
    "seconds": ("float", 1.0),
    "size": ("int", 1_000_000),
}


def routes(server: DemoImageServer) -> list[web.RouteDef]:
    """The route of this room, bound to its server; no credentials are asked for."""

    async def handler(request: web.Request) -> web.Response:
        order = forms.read(_ORDER, await body_of(request), frozenset({"do"}))
        return await reply(_obey(server, order))

    return [web.post("/demo/control", handler)]


def _obey(server: DemoImageServer, order: dict[str, Any]) -> dict[str, Any]:
    do = order.pop("do")
    if do == "clear":
        server.faults.clear()
    elif do == "down":
        server.go_down(order["seconds"])
    elif do == "limit":
        server.limiter.per_minute = order["times"]
    elif do in KINDS:
        server.faults.add(do, **order)
    elif do != "counts":
        raise Refused(422, f"no such order: {do}")
    return {"requests": len(server.requests), "generated": len(server.generated)}
