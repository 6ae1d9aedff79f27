"""The health page: /healthz (the process lives) and /readyz (it can serve)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot import log
from bot.errors import ConfigurationError, EaselError

_log = log.get("web")

Ready = Callable[[], Awaitable[dict[str, bool]]]


class HealthPage:
    """A small server of two routes. `ready` names each part and whether it is well."""

    def __init__(self, host: str, port: int, ready: Ready) -> None:
        self._host = host
        self._port = port
        self._ready = ready
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens, unless the port is 0. Raises ConfigurationError when the port is taken."""
        if self._port == 0:
            return
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
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
            parts = await self._ready()
        except EaselError:
            parts = {"database": False}
        status = 200 if all(parts.values()) else 503
        return web.json_response(parts, status=status)
