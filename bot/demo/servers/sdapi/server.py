"""The server itself: built from its rooms, started and stopped, taken off the network at will."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from bot.demo.painter import PainterPool
from bot.demo.servers.sdapi import catalogue, control, generating, listings, scripts, tools
from bot.demo.servers.sdapi.checkpoints import Shelf
from bot.demo.servers.sdapi.engine import Engine, Pace
from bot.demo.servers.sdapi.faults import Faults
from bot.demo.servers.sdapi.limiter import Limiter
from bot.demo.servers.sdapi.manners import MANNERS
from bot.demo.servers.sdapi.options import Options
from bot.demo.servers.sdapi.scripts import routes as script_routes
from bot.demo.servers.sdapi.web import DESK, THREADS, Desk, guarded, record, troubled

KINDS: Final = tuple(MANNERS)
_LARGEST_BODY: Final = 512 * 1024 * 1024


class DemoImageServer:
    """Speaks ``/sdapi/v1`` as a server of this ``kind`` does, and paints with ``bot.demo.painter``.

    ``kind`` is one of ``KINDS``: "a1111" (v1.10.1), "forge", "sdnext", "sdcpp"
    (stable-diffusion.cpp), "koboldcpp", "drawthings". ``ValueError`` for any other.
    ``port`` 0 takes any free one. ``password`` None asks nobody for credentials.
    ``step_seconds`` is the time of one sampling step at 512x512 (larger is a little slower),
    ``load_seconds`` that of switching models. ``workers`` processes paint; 0 paints in a
    thread of this process. The first of ``models`` is loaded at the start; ``modules`` are
    Forge's VAEs and text encoders.

    ``rate_limit`` is in requests a minute of one client on one route, for the kinds that have a
    limiter (SD.Next, KoboldCpp); 0 is none, and ``limiter.per_minute`` changes it later.

    Tests look at ``requests`` (method, path, time) and ``generated`` (one dict per generating
    call that began: task_id, kind, seed, model, prompt, size, pictures, time), and order
    trouble with ``faults`` (see ``bot.demo.servers.sdapi.faults``).
    """

    def __init__(
        self,
        *,
        kind: str = "a1111",
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "demo",
        password: str | None = "demo",  # noqa: S107 - public on purpose
        step_seconds: float = 0.05,
        load_seconds: float = 1.5,
        models: Sequence[str] = catalogue.MODELS,
        modules: Sequence[str] = catalogue.VAES,
        workers: int = 1,
        rate_limit: int = 0,
    ) -> None:
        if kind not in MANNERS:
            raise ValueError(f"no such kind of server: {kind} (there are {', '.join(KINDS)})")
        self.manner = MANNERS[kind]
        self.limiter = Limiter(rate_limit)
        self._host, self._port = host, port
        self._credentials = None if password is None else (username, password)
        self._pool = PainterPool(workers)
        shelf = Shelf(models, modules)
        # A config.json as the settings page leaves it; other keys have never been saved.
        saved = {
            "sd_model_checkpoint": shelf.loaded.title,
            "sd_checkpoint_hash": shelf.loaded.sha256,
            "show_progress_every_n_steps": 4,
        }
        options, pace = Options(saved, self.manner.options), Pace(step_seconds, load_seconds)
        self.engine = Engine(shelf, options, self._pool, pace, self.manner)
        self.requests: list[tuple[str, str, float]] = []
        self.faults = Faults(self.manner.errors)
        self._jobs: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """Where it listens, e.g. ``http://127.0.0.1:7860``; known after ``start``."""
        return f"http://{self._host}:{self._port}"

    @property
    def generated(self) -> list[dict[str, Any]]:
        """One entry per generating call that began."""
        return self.engine.generated

    async def start(self) -> None:
        """Listen. ``OSError`` if the port is taken."""
        desk = Desk(
            manner=self.manner,
            engine=self.engine,
            faults=self.faults,
            limiter=self.limiter,
            credentials=self._credentials,
            requests=self.requests,
            threads=asyncio.Semaphore(THREADS),
            jobs=self._jobs,
        )
        app = web.Application(
            middlewares=[record, troubled, guarded], client_max_size=_LARGEST_BODY
        )
        app[DESK] = desk
        rooms = (
            *generating.routes(),
            *listings.routes(self.manner.lists),
            *tools.routes(),
            *control.routes(self),
            *script_routes.routes(extension=self.manner.scripts is not scripts.FORGE),
        )
        app.add_routes([row for row in rooms if self.manner.serves(row.method, row.path)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.start_listening()

    async def close(self) -> None:
        """Stop listening, give up what runs, and send the painters home."""
        self.faults.clear()
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._site = None
        await self._pool.close()

    async def stop_listening(self) -> None:
        """Down: connections are refused and open ones dropped; running jobs go on."""
        if self._site is not None and self._runner is not None:
            await self._site.stop()
            self._site = None
            server = self._runner.server
            for connection in list(server.connections) if server else ():
                if connection.transport is not None:
                    connection.transport.abort()

    async def start_listening(self) -> None:
        """Up again, on the same port."""
        if self._site is None and self._runner is not None:
            self._site = web.TCPSite(self._runner, self._host, self._port)
            await self._site.start()
            self._port = self._runner.addresses[0][1]

    def go_down(self, seconds: float) -> None:
        """Down in a moment (so that who asked still gets an answer), up again after a while."""
        task = asyncio.get_running_loop().create_task(self._down(seconds))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _down(self, seconds: float) -> None:
        await asyncio.sleep(0.05)
        await self.stop_listening()
        await asyncio.sleep(seconds)
        await self.start_listening()
