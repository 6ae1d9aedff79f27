"""The operators' page: /healthz (the process lives), /readyz (it can serve), /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from bot import log
from bot.errors import ConfigurationError, EaselError
from bot.metrics import Metrics

_log = log.get("web")


@dataclass(frozen=True)
class Readiness:
    """Whether each part is well, and the state of each backend: one that is up is enough."""

    parts: Mapping[str, bool]
    backends: Mapping[str, str] = field(default_factory=dict)


Ready = Callable[[], Awaitable[Readiness]]


class HealthPage:
    """A small server of three routes. `ready` is asked anew for each answer."""

    def __init__(self, host: str, port: int, ready: Ready, metrics: Metrics) -> None:
        self._host = host
        self._port = port
        self._ready = ready
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens, unless the port is 0. Raises ConfigurationError when the port is taken."""
        if self._port == 0:
            return
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise ConfigurationError(
                f"WEB_HOST, WEB_PORT: can't listen on {self._host}:{self._port} "
                f"({error.strerror}): choose another port, or 0 for none"
            ) from error
        _log.info("health page", url=f"http://{self._host}:{self._port}/healthz")

    async def close(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        try:
            found = await self._ready()
        except EaselError:
            return web.json_response({"database": False}, status=503)
        status = 200 if all(found.parts.values()) else 503
        return web.json_response({**found.parts, "backends": {**found.backends}}, status=status)

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.page(), headers={"Content-Type": self._metrics.content_type}
        )
