"""The service itself: built from its rooms, started and stopped; messages go to their agents."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from bot.demo.painter import PainterPool
from bot.demo.servers.eks import faults
from bot.demo.servers.eks.agent import Agent, Cluster
from bot.demo.servers.eks.comfyui import ComfyHandler
from bot.demo.servers.eks.faults import EksFaults
from bot.demo.servers.eks.fetching import Fetcher
from bot.demo.servers.eks.gateway import Gateway
from bot.demo.servers.eks.handling import Handler
from bot.demo.servers.eks.intake import Accepted, Message
from bot.demo.servers.eks.painting import Painter, QuickPainter, SteadyPainter
from bot.demo.servers.eks.runtime import ENDING, Api, Release, Runtime
from bot.demo.servers.eks.sdwebui import SdHandler
from bot.demo.servers.eks.webui import PaintingWebUI, QuickWebUI, WebUI
from bot.demo.servers.s3 import DemoS3

_LARGEST_READ: Final = 64 * 1024 * 1024
_LOG: Final = logging.getLogger(__name__)
RUNTIMES: Final[Mapping[str, Runtime]] = MappingProxyType(
    {
        "sdruntime": Runtime(model="dreamshaper_8.safetensors"),
        "comfyruntime": Runtime(kind="comfy", model="sd_xl_base_1.0.safetensors"),
    }
)


class DemoEks:
    """The gateway at ``url`` and the agents behind it; results go to the bucket of ``s3``.

    ``version`` "new" is 1.2.0, "old" 1.1.0. ``s3`` is started and closed by its owner, before and
    after. ``port`` 0 takes any free one. ``rate`` (a second) and ``burst`` are of one key.
    ``runtimes`` are by their name, which is lower-cased as at deployment.

    ``cold_start_seconds`` pass before a runtime's first task, and again after ``go_cold``.
    ``paint_seconds`` None paints with the demo painter, one task at a time in each runtime, a
    sampling step in ``step_seconds`` by ``workers`` processes (0: a thread). A number is the
    time of any task, as many at once as there are, with one plain picture for each size.
    ``visibility_seconds`` is SQS's. ``answers_id_task``: v1alpha2 answers as its documentation
    says.

    Tests look at ``requests`` (method, path, seconds since 1970), ``refused`` (how many the rate
    turned away), ``submitted`` (one dict per published task: id, version, runtime, tasktype,
    prefix, content, at), ``runs`` (ids in the order in which agents began them) and ``fetched``
    (addresses that agents tried), and order trouble with ``faults``.
    """

    def __init__(
        self,
        version: Release = "new",
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        s3: DemoS3,
        api_key: str = "demo-key",
        stage: str = "prod",
        rate: float = 30.0,
        burst: int = 50,
        runtimes: Mapping[str, Runtime] = RUNTIMES,
        cold_start_seconds: float = 0.0,
        paint_seconds: float | None = None,
        step_seconds: float = 0.05,
        workers: int = 1,
        visibility_seconds: float = 30.0,
        answers_id_task: bool = False,
    ) -> None:
        self.version, self.s3, self.api_key = version, s3, api_key
        self.runtimes = {name.lower(): runtime for name, runtime in runtimes.items()}
        self.faults = EksFaults()
        self.submitted: list[dict[str, Any]] = []
        self._host, self._port = host, port
        self._gateway = Gateway(
            stage=stage,
            release=version,
            bucket=s3.bucket,
            keys={api_key},
            faults=self.faults,
            publish=self._publish,
            answers_id_task=answers_id_task,
            rate=rate,
            burst=burst,
        )
        self._cluster = Cluster(version, s3, self.faults, visibility_seconds, cold_start_seconds)
        self._fetcher = Fetcher(version)
        self._pool = PainterPool(workers)
        self._quick = None if paint_seconds is None else QuickPainter(paint_seconds)
        self._step_seconds, self._workers = step_seconds, workers
        self._webuis: dict[str, WebUI] = {}
        parallel = self._quick is not None
        self._agents = {
            name: Agent(self._handler(name, runtime), self._cluster, parallel=parallel)
            for name, runtime in self.runtimes.items()
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base URL with its stage, without a slash at its end; known after ``start``."""
        return f"http://{self._host}:{self._port}/{self._gateway.stage}"

    @property
    def requests(self) -> list[tuple[str, str, float]]:
        """All that came to the gateway."""
        return self._gateway.requests

    @property
    def refused(self) -> int:
        """How many requests the usage plan turned away with 429."""
        return self._gateway.refused

    @property
    def runs(self) -> list[str]:
        """Ids of tasks as agents began them; one that ran twice is there twice."""
        return self._cluster.runs

    @property
    def fetched(self) -> list[str]:
        """Addresses that agents tried to fetch."""
        return self._fetcher.fetched

    async def start(self) -> None:
        """Listen. ``OSError`` if the port is taken."""
        app = web.Application(client_max_size=_LARGEST_READ)
        app.router.add_route("*", "/{tail:.*}", self._gateway.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening, give up what runs, and take the runtimes down; results stay in S3."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for webui in self._webuis.values():
            await webui.close()
        await self._pool.close()

    def limit(self, rate: float, burst: int) -> None:
        """Another usage plan from now on, with all its tokens."""
        self._gateway.limit(rate, burst)

    def go_cold(self, *, seconds: float | None = None) -> None:
        """Scale to nothing: the next task of each runtime waits for a pod, so many seconds."""
        if seconds is not None:
            self._cluster.cold_start_seconds = seconds
        for agent in self._agents.values():
            agent.cold = True

    def webui(self, runtime: str) -> PaintingWebUI:
        """A painting WebUI, e.g. for the faults of its ``server``; ``KeyError`` for no such one."""
        found = self._webuis[runtime]
        if not isinstance(found, PaintingWebUI):
            raise KeyError(runtime)
        return found

    async def idle(self) -> None:
        """Wait until every published task that an agent took has ended; not with a dead agent."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _handler(self, name: str, runtime: Runtime) -> Handler:
        quick = self._quick
        if runtime.kind == "comfy":
            painter: Painter = quick or SteadyPainter(self._pool, self._step_seconds)
            return ComfyHandler([f"{model}{ENDING}" for model in runtime.models], painter)
        if quick is not None:
            webui: WebUI = QuickWebUI(runtime, quick)
        else:
            webui = PaintingWebUI(runtime, self._step_seconds, self._workers)
        self._webuis[name] = webui
        return SdHandler(webui, self._fetcher, dynamic=runtime.dynamic)

    def _publish(self, api: Api, accepted: Accepted) -> None:
        metadata = accepted.task["metadata"]
        known = {key: metadata[key] for key in ("id", "runtime", "tasktype", "prefix")}
        content, at = accepted.task["content"], time.time()
        self.submitted.append({**known, "version": api, "content": content, "at": at})
        fault = self.faults.take(faults.DELIVERY)
        if fault is not None and fault.do == "lose":
            return
        times = 1 if fault is None else 2
        for agent in self._subscribed(accepted.message):
            task = asyncio.create_task(agent.serve(accepted.message.text, times=times))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _subscribed(self, message: Message) -> list[Agent]:
        """The queues whose filter lets it through; none is no error to anybody."""
        if message.runtime is not None:
            return [agent for name, agent in self._agents.items() if name == message.runtime]
        return [
            self._agents[name]
            for name, runtime in self.runtimes.items()
            if runtime.kind == "sd" and runtime.model == message.checkpoint
        ]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("An agent of the demo broke", exc_info=task.exception())
