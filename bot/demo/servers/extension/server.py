"""The middleware itself: built from its rooms, started and stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.extension import classic_jobs, classic_tables, modern_jobs, modern_tables
from bot.demo.servers.extension.desk import DESK, GATEWAY_SECONDS, Desk, gateway
from bot.demo.servers.extension.faults import Faults
from bot.demo.servers.extension.generation import generation_of
from bot.demo.servers.extension.people import People
from bot.demo.servers.extension.preparing import Office
from bot.demo.servers.extension.results import Results
from bot.demo.servers.extension.sagemaker import Pace, SageMaker
from bot.demo.servers.extension.tables import (
    Checkpoint,
    Endpoint,
    Job,
    Tables,
    default_checkpoints,
    default_endpoints,
)
from bot.demo.servers.extension.template import TEMPLATE, TEMPLATE_KEY
from bot.demo.servers.s3 import DemoS3

_LARGEST_BODY: Final = 64 * 1024 * 1024


class DemoExtension:
    """The middleware of the Stable Diffusion AWS extension, as one release of it answers.

    ``generation`` is "v1.3", "v1.5", "v1.6" or "v1.7" (``ValueError`` for any other); ``s3`` is
    started and closed by whoever made it. ``users`` may do everything, ``guests`` nothing.
    ``endpoints`` and ``checkpoints`` None are a small working deployment.

    Times are in seconds. ``step_seconds`` is one sampling step at 512x512, ``load_seconds``
    another model; ``paint_seconds``, if given, is the time of any job instead, however many run,
    and the picture is a plain one. ``start_delay`` is the wait of the first job for an endpoint
    that sleeps (``sleep`` puts all to sleep again), ``deploy_seconds`` that for a new endpoint,
    ``upload_seconds`` that for a model by URL (from v1.5 on). ``workers`` processes paint for
    each endpoint; 0 paints in a thread.

    ``keeps_infotext``: the pictures hold their infotext (JPEG: EXIF UserComment, PNG:
    ``parameters``). The original's result lambda encodes them anew without it; False does so too.

    Tests look at ``requests`` (method, path with the stage, seconds since 1970), ``jobs`` (rows
    by id) and ``submitted`` (a dict for each job that began: id, task_type, endpoint, user,
    models, payload, at), change rows (``endpoint``), ``gateway_seconds``, and order trouble with
    ``faults`` (see ``bot.demo.servers.extension.faults``).
    """

    def __init__(
        self,
        generation: str = "v1.7",
        *,
        s3: DemoS3,
        host: str = "127.0.0.1",
        port: int = 0,
        stage: str = "prod",
        api_key: str = "demo-key-of-20-chars",
        users: Sequence[str] = ("admin", "api", "easel"),
        guests: Sequence[str] = ("guest",),
        endpoints: Sequence[Endpoint] | None = None,
        checkpoints: Sequence[Checkpoint] | None = None,
        step_seconds: float = 0.05,
        load_seconds: float = 1.5,
        paint_seconds: float | None = None,
        start_delay: float = 0.0,
        deploy_seconds: float = 2.0,
        upload_seconds: float = 0.5,
        gateway_seconds: float = GATEWAY_SECONDS,
        workers: int = 1,
        keeps_infotext: bool = True,
    ) -> None:
        release = generation_of(generation)
        tables = Tables(
            s3.bucket,
            list(default_endpoints(release) if endpoints is None else endpoints),
            list(default_checkpoints() if checkpoints is None else checkpoints),
        )
        faults, people = Faults(), People(users, guests)
        pace = Pace(step_seconds, load_seconds, paint_seconds, start_delay, deploy_seconds, workers)
        results = Results(release, s3, keeps_infotext)
        self._desk = Desk(
            generation=release,
            api_key=api_key,
            tables=tables,
            people=people,
            faults=faults,
            s3=s3,
            sagemaker=SageMaker(tables, s3, faults, results, pace),
            office=Office(release, tables, people, faults),
            gateway_seconds=gateway_seconds,
            upload_seconds=upload_seconds,
        )
        self.generation = release
        self.api_key = api_key
        self.stage = stage
        self.faults = faults
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base URL with its stage, ``http://127.0.0.1:1234/prod``; known after ``start``."""
        return f"http://{self._host}:{self._port}/{self.stage}"

    @property
    def requests(self) -> list[tuple[str, str, float]]:
        """Everything that was asked, refused or not."""
        return self._desk.requests

    @property
    def jobs(self) -> dict[str, Job]:
        """The rows of all jobs, by id."""
        return self._desk.tables.jobs

    @property
    def submitted(self) -> list[dict[str, Any]]:
        """One entry for each time that a job was handed to its endpoint."""
        return self._desk.tables.submitted

    @property
    def endpoints(self) -> list[Endpoint]:
        """The rows of all endpoints."""
        return self._desk.tables.endpoints

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """The rows of all checkpoints."""
        return self._desk.tables.checkpoints

    @property
    def gateway_seconds(self) -> float:
        """How long the gateway waits for an answer before its 504."""
        return self._desk.gateway_seconds

    @gateway_seconds.setter
    def gateway_seconds(self, seconds: float) -> None:
        self._desk.gateway_seconds = seconds

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of this name; ``KeyError`` if there is none."""
        for row in self.endpoints:
            if row.name == name:
                return row
        raise KeyError(name)

    def sleep(self) -> None:
        """Scale the endpoints to zero: ``start_delay`` comes again."""
        self._desk.sagemaker.sleep()

    async def start(self) -> None:
        """Listen, and put the template into the bucket. ``OSError`` if the port is taken."""
        classic = self.generation.classic
        if classic:
            await self._desk.s3.put(TEMPLATE_KEY, json.dumps(TEMPLATE).encode())
        app = web.Application(middlewares=[gateway], client_max_size=_LARGEST_BODY)
        app[DESK] = self._desk
        jobs, rows = (classic_jobs, classic_tables) if classic else (modern_jobs, modern_tables)
        for row in (*jobs.routes(), *rows.routes()):
            app.router.add_route(row.method, f"/{self.stage}{row.path}", row.handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and give up what runs."""
        await self._desk.background.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._desk.sagemaker.close()
