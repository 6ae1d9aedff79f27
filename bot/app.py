"""The architect: builds every part from Settings, in order, and closes them in reverse.

The one place that knows all rooms. `run` is what the container runs; tests build `Easel`
in-process with their own settings.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from filelock import FileLock

from bot import log
from bot.backends import registry
from bot.backends.quota import Quotas
from bot.client import EaselBot, Memory
from bot.database.engine import Database, lock
from bot.database.facts import Facts
from bot.database.migrate import migrate
from bot.errors import ConfigurationError, DatabaseUnavailable, EaselError
from bot.guilds import Guilds
from bot.metrics import BACKEND_UP, DISCORD_FAILED, RUNNING, WAITING, Metrics
from bot.queue.attic import Attic
from bot.queue.health import Health, State
from bot.queue.job import Job, Status
from bot.queue.ledger import Ledger
from bot.queue.past import Past
from bot.queue.queue import Habits, Queue
from bot.queue.retention import Retention
from bot.queue.store import Store
from bot.queue.worker import Worker
from bot.settings import Settings
from bot.studio import Studio
from bot.studio.budget import Budgets
from bot.studio.idle import IdleWatch
from bot.studio.library import read_library
from bot.studio.owners import Owners
from bot.studio.painters import trouble_of
from bot.web import HealthPage, Readiness

EXPIRY_SECONDS = 15.0
"""How often the line is looked through for what has waited too long."""
FIRST_PROBE_SECONDS = 3.0
"""How long the sign-in to the gateway waits for the painters' first answers."""

_log = log.get("app")


class Easel:
    """The whole bot in one process."""

    def __init__(self, settings: Settings, *, ready_timeout: float = 2.0) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._ready_timeout = ready_timeout
        self._lock: FileLock | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._serving: asyncio.Task[None] | None = None
        self._workers: list[Worker] = []
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Opens the database, the painters and the line, and signs in to Discord.

        Raises ConfigurationError with one line that says what to mend.
        """
        settings = self.settings
        token = settings.token
        if not settings.backends:
            raise ConfigurationError(
                "no image server is configured: set BACKEND_URL in .env, or backends: in "
                f"{settings.environment.easel_config}"
            )
        await self._open_database(settings.database_path)
        await self._open_studio()
        await self._open_counter(token)

    async def run(self) -> None:
        """Serves until the gateway ends for good; `close` ends it from outside."""
        self._serving = asyncio.create_task(self.bot.connect(reconnect=True))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({self._serving})
        if self._serving.done() and not self._serving.cancelled():
            self._serving.result()

    async def close(self) -> None:
        """Stops calmly: claims no more, lets the running job end, closes in reverse order."""
        seconds = self.settings.environment.shutdown_seconds
        if self._tasks:
            # A stop edits the messages of running jobs alone; those in line keep their cards.
            self.queue.quiet()
            self.bot.dispatch("closing")
        await asyncio.gather(*(w.stop(seconds * 0.5) for w in self._workers))
        if self._tasks:
            # What cannot be handed back in time is rescued at the next start.
            await asyncio.wait(self._tasks[: len(self._workers)], timeout=seconds * 0.15)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._serving is not None:
            # Before the session closes: py-cord would try to reconnect over it (5.2.5).
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        await self._closing.aclose()

    async def _open_database(self, path: Path) -> None:
        held = await asyncio.to_thread(lock, path)
        self._closing.callback(held.release)
        migrated = await asyncio.to_thread(migrate, path)
        if migrated.copy is not None:
            _log.info("database migrated", schema=migrated.after, copy=str(migrated.copy))
        self.database = Database(path)
        self._closing.push_async_callback(self.database.close)

    async def _open_studio(self) -> None:
        self.store, self.facts = Store(self.database), Facts(self.database)
        limits = self.settings.limits
        habits = Habits(
            affinity_seconds=limits.affinity_seconds,
            max_wait_seconds=limits.max_wait_seconds,
            undelivered_bytes=limits.undelivered_mb << 20,
            slots={chosen.name: chosen.concurrency for chosen in self.settings.backends},
        )
        self.queue = Queue(self.store, habits)
        self.guilds = Guilds(self.database)
        await self.guilds.load()
        keep_days = self.settings.environment.keep_days
        attic = Attic(self.database)
        self.retention = Retention(
            attic, self.facts, keep_days, self.guilds.load, self.queue.recount
        )
        rescued = await self.queue.load([chosen.name for chosen in self.settings.backends])
        if rescued:
            _log.info("jobs of a stopped run go on", jobs=[j.id for j in rescued])
        instance = await self._instance()
        self.painters: dict[str, Health] = {}
        self.quotas = Quotas()
        for chosen in self.settings.backends:
            backend = registry.build(chosen, self.quotas, self.facts)
            self._closing.push_async_callback(backend.close)
            health = Health(backend, self._health_changed, self._clear_up)
            self.painters[backend.name] = health
            for _ in range(chosen.concurrency):
                self._workers.append(Worker(self.queue, health, instance))
        self._open_books()
        await self._open_desk()

    async def _open_desk(self) -> None:
        """The studio itself, with its operators' room and their ceilings."""
        past, environment = Past(self.database), self.settings.environment
        budgets = Budgets({chosen.name: chosen.budget for chosen in self.settings.backends})
        await budgets.load(past)
        self.queue.subscribe(budgets.hear)
        self.studio = Studio(
            self.queue,
            self.painters,
            read_library(),
            self.settings.limits,
            guilds=self.guilds,
            allowed_guilds=environment.allowed_guild_ids,
            owners=environment.owner_ids,
            budgets=budgets,
        )
        self.studio.owners = Owners(
            self.painters,
            self.queue,
            self.guilds,
            environment.owner_ids,
            keeper=self.facts,
            past=past,
            budgets=budgets,
        )

    def _open_books(self) -> None:
        """What operators see: the log's line of each job, and what is read for `/metrics`."""
        metrics, queue = self.metrics, self.queue
        self._ledger = ledger = Ledger(metrics)
        queue.subscribe(ledger.hear)
        queue.subscribe_told(ledger.told)
        metrics.watch(WAITING, lambda: queue.counts()[0])
        metrics.watch(RUNNING, lambda: queue.counts()[1])
        for name, health in self.painters.items():
            metrics.watch(BACKEND_UP, partial(getattr, health, "usable"), name)
        for quota in self.quotas:
            metrics.watch_quota(quota.name, partial(getattr, quota, "spent"))

    async def _open_counter(self, token: str) -> None:
        environment = self.settings.environment
        EaselBot.point_at(environment.discord_api_url)
        memory = Memory(self.facts.recall, self.facts.remember)
        self.bot = EaselBot(
            self.studio,
            memory,
            environment,
            ready_timeout=self._ready_timeout,
            request_failed=partial(self.metrics.add, DISCORD_FAILED),
            retention=self.retention,
        )
        self.bot.add_listener(self._ledger.undelivered, "on_job_undelivered")
        self.bot.add_listener(self._stranded, "on_job_undelivered")
        self._closing.push_async_callback(self.bot.leave)
        await self.studio.owners.restore()
        page = HealthPage(environment.web_host, environment.web_port, self._ready, self.metrics)
        self._closing.push_async_callback(page.close)
        await page.start()
        try:
            await self.bot.sign_in(token)
        except (aiohttp.ClientError, OSError) as error:
            raise ConfigurationError(
                f"DISCORD_API_URL: can't reach {environment.discord_api_url} "
                f"({type(error).__name__}): check the network and DISCORD_PROXY"
            ) from error
        self._start_tasks()
        # Completions and defaults need the painters' lists; one that is away is not waited for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_PROBE_SECONDS):
                await asyncio.gather(*(h.probed() for h in self.painters.values()))

    def _start_tasks(self) -> None:
        for worker in self._workers:
            self._tasks.append(asyncio.create_task(worker.run()))
        for health in self.painters.values():
            self._tasks.append(asyncio.create_task(health.run()))
        self._tasks.append(asyncio.create_task(self._expire()))
        self._tasks.append(asyncio.create_task(self.retention.run()))
        self._tasks.append(asyncio.create_task(self.metrics.watch_loop()))
        tell_idle = partial(self.bot.dispatch, "endpoint_idle")
        idle = IdleWatch(self.painters, self.studio.owners.stewards, self.facts, tell_idle)
        self._tasks.append(asyncio.create_task(idle.run()))

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_SECONDS)
            with contextlib.suppress(DatabaseUnavailable):
                await self.queue.expire()

    async def _stranded(self, job: Job, _: int) -> None:
        if job.status is Status.PAINTED:
            with contextlib.suppress(DatabaseUnavailable):
                await self.queue.stranded(job)

    async def _clear_up(self, route: str) -> None:
        await self.studio.clear_up(route)

    def _health_changed(self, health: Health) -> None:
        name, error = health.backend.name, health.error
        self.queue.trouble(name, trouble_of(health))
        if health.state is not State.UNKNOWN:
            self.bot.dispatch("backend_changed", name, health.usable, error.code if error else "")

    async def _ready(self) -> Readiness:
        await self.database.ping()
        parts = {
            "database": True,
            "discord": self.bot.is_ready(),
            "backend": any(h.usable for h in self.painters.values()),
        }
        return Readiness(parts, {name: h.state for name, h in self.painters.items()})

    async def _instance(self) -> str:
        """A short name of this installation, so that two bots on one server differ."""
        known = await self.facts.recall("instance")
        if known is None:
            known = uuid.uuid4().hex[:8]
            await self.facts.remember("instance", known)
        return known


async def run(
    settings: Settings,
    *,
    ready_timeout: float = 2.0,
    until: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> int:
    """`python -m bot run`: serves until SIGTERM, SIGINT or the end of `until`.

    Returns 0 for a calm stop, 1 when Discord ended the connection, 2 for a wrong setting.
    """
    easel = Easel(settings, ready_timeout=ready_timeout)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        # py-cord's own handlers would cancel what runs (contracts: discord 5.2.5).
        loop.add_signal_handler(name, stop.set)
    ending: set[asyncio.Task[Any]] = {asyncio.create_task(stop.wait())}
    if until is not None:
        ending.add(asyncio.create_task(until()))
    try:
        starting = asyncio.create_task(easel.start())
        await asyncio.wait({starting, *ending}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return 0
        await starting
        # What the start has built stays: no later collection need walk it (it held the loop).
        gc.collect()
        gc.freeze()
        serving = asyncio.create_task(easel.run())
        await asyncio.wait({serving, *ending}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done() and (error := serving.exception()) is not None:
            _log.error("the connection to Discord ended", error=str(error))
            return 1
    except ConfigurationError as error:
        _log.error(str(error))
        return 2
    except EaselError as error:
        _log.error(str(error))
        return 1
    finally:
        await easel.close()
    _log.info("stopped")
    return 0


async def migrate_only(settings: Settings) -> str:
    """`python -m bot migrate`: the same that `run` does by itself, under the same lock."""
    path = settings.database_path
    held = await asyncio.to_thread(lock, path)
    try:
        done = await asyncio.to_thread(migrate, path)
    finally:
        held.release()
    if done.before == done.after:
        return f"{path}: schema {done.after}, nothing to do"
    copy = f", copy of the old file: {done.copy}" if done.copy else ""
    return f"{path}: schema {done.before or 'none'} → {done.after}{copy}"
