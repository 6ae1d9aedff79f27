"""Whether a painter can be reached: probed at the start, after each trouble, and now and then.

A circuit breaker. The worker waits here before it claims, so that a job is never taken for a
painter that is away. One that is down is probed with growing pauses, and used again after a good
probe; when its jobs keep breaking all the same, each probe waits longer. One that is up is asked
a small question every few seconds, so that an idle painter's end is noticed as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from bot import log
from bot.backends.base import Backend
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
    EaselError,
)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 10.0
"""Seconds between two probes of a painter that is down. A probe itself takes 15 s at the most
while nothing answers, so it is used again within 30 s of its return."""
LOST_SECONDS = 20.0
"""A painter that was out of reach for so long has lost the jobs that it was doing."""
SENDING = 60
"""So many jobs at most are on their way to a painter that takes any number: the others wait in
line, where turns are fair, and not for its throttle, where first come is first served."""
NO_GATE = 10_000
CALM_SECONDS = 15.0
"""How often a painter that is up is asked whether it still is: with `Backend.ping`'s own 5 s,
twice, its end is noticed within 30 s."""

_log = log.get("health")


class State(StrEnum):
    """UNKNOWN until the first probe has ended."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"
    REJECTED = "rejected"


class Health:
    """One painter's state, and `since` when (monotonic). `error` is the last reason, None while
    it is up; `loaded` the checkpoint that its last job left in memory.

    `prepare(name)` is awaited after a good probe and before anybody may claim.
    """

    def __init__(
        self,
        backend: Backend,
        changed: Callable[[Health], None],
        prepare: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.backend = backend
        self.state = State.UNKNOWN
        self.error: EaselError | None = None
        self.loaded: str | None = None
        self.since = time.monotonic()
        self._changed = changed
        self._prepare = prepare
        self._up = asyncio.Event()
        self._first = asyncio.Event()
        self._lost = asyncio.Event()
        self._losing: asyncio.TimerHandle | None = None
        self._doubt = asyncio.Event()
        self._doubt.set()
        # Troubles in a row, and the jobs that it does just now.
        self._trips = 0
        self._at_work = 0
        self._drained = False
        self.gate = asyncio.Semaphore(SENDING if backend.outlives else NO_GATE)

    async def ready(self) -> None:
        """Waits until the painter can be used."""
        await self._up.wait()

    async def probed(self) -> None:
        """Waits until the first probe has ended, well or not."""
        await self._first.wait()

    async def lost(self) -> BackendUnreachable:
        """Waits until it has been out of reach for `LOST_SECONDS` on end; what to say of it."""
        await self._lost.wait()
        return BackendUnreachable(f"out of reach for {LOST_SECONDS:.0f} s", taken=True)

    @property
    def usable(self) -> bool:
        """Whether it answers and takes what it is sent."""
        return self.state is State.UP

    @property
    def drained(self) -> bool:
        """Whether an operator lets it finish what it does, and take nothing new."""
        return self._drained

    def drain(self, drained: bool) -> None:
        """Takes nothing new from now on, or takes jobs again."""
        self._drained = drained
        self._open()
        self._changed(self)

    @property
    def takes(self) -> bool:
        """Whether a job may be sent now."""
        return self._up.is_set()

    async def refresh(self) -> None:
        """Has the painter look again at what it has. Raises BackendError; then nothing changed."""
        await self.backend.refresh()

    def doubt(self, error: BackendError) -> None:
        """A job met this trouble: nobody claims until a probe has succeeded."""
        if self.usable:
            self._trips += 1
        self._settle(_state_of(error), error)
        self._doubt.set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the painter does a job; if no doubt arises meanwhile, it is trusted again."""
        self._at_work += 1
        trips = self._trips
        try:
            yield
        finally:
            self._at_work -= 1
            if self._trips == trips:
                self._trips = 0

    async def run(self) -> None:
        """Probes whenever there is doubt, with growing pauses, for ever."""
        while True:
            if self._trips > 1:
                # Its probes were good, and then the jobs broke: they are not to break in a row.
                await asyncio.sleep(_pause(self._trips - 1))
            tries = 1
            while not await self._probe():
                await asyncio.sleep(_pause(tries))
                tries += 1
            self._doubt.clear()
            await self._until_doubt()

    async def _until_doubt(self) -> None:
        """Returns when a job has met trouble, or a small question has."""
        while not self._doubt.is_set():
            try:
                async with asyncio.timeout(CALM_SECONDS):
                    await self._doubt.wait()
            except TimeoutError:
                await self._ask()

    async def _ask(self) -> None:
        """A small question, and once more if it brings trouble."""
        if await self._ping() is None:
            return
        trouble = await self._ping()
        if trouble is not None:
            self.doubt(trouble)

    async def _ping(self) -> BackendError | None:
        """What stands in the way of using it; None when it answers, whatever it says."""
        try:
            await self.backend.ping()
        except (BackendUnreachable, BackendRejectedCredentials) as error:
            return error
        except BackendTimeout as error:
            # Many paint and listen in one thread: slow at work is not gone.
            return None if self._at_work else error
        except EaselError as error:
            _log.debug("an odd answer to a ping", backend=self.backend.name, error=str(error))
        except Exception:
            _log.exception("a ping broke", backend=self.backend.name)
        if not self._at_work:
            self._trips = 0
        return None

    async def _probe(self) -> bool:
        try:
            ability = await self.backend.probe()
        except BackendBusy as error:
            if self.backend.ability is None:
                self._settle(State.DOWN, error)
                return False
            # It is there, and what it can do is known.
            ability = self.backend.ability
        except EaselError as error:
            self._settle(_state_of(error), error)
            return False
        except Exception:
            # Whatever a strange server brings about, it is asked again.
            _log.exception("a probe broke", backend=self.backend.name)
            self._settle(State.DOWN, BackendBadAnswer("the probe broke"))
            return False
        if self.state is not State.UP:
            _log.info(
                "backend ready",
                backend=self.backend.name,
                url=self.backend.settings.url,
                models=[m.name for m in ability.models][:12],
                model_count=len(ability.models),
                samplers=len(ability.samplers),
                loaded=ability.current_model,
            )
            for warning in ability.warnings:
                _log.warning("backend warning", backend=self.backend.name, warning=warning)
        if self._prepare is not None and not self.usable:
            try:
                await self._prepare(self.backend.name)
            except Exception as error:
                # Nobody may claim what is not prepared: it is tried again.
                _log.exception("a painter is well, but its line is not", error=str(error))
                return False
        self._settle(State.UP, None)
        return True

    def _settle(self, state: State, error: EaselError | None) -> None:
        before, kind = self.state, type(self.error)
        self.state, self.error = state, error
        if before is not state:
            self.since = time.monotonic()
        self._first.set()
        self._open()
        self._watch_loss()
        if before is state and kind is type(error):
            return
        if error is not None:
            _log.error(
                "backend not usable",
                backend=self.backend.name,
                url=self.backend.settings.url,
                error=str(error),
                mend=_advice(state),
            )
        self._changed(self)

    def _open(self) -> None:
        if self.state is State.UP and not self._drained:
            self._up.set()
        else:
            self._up.clear()

    def _watch_loss(self) -> None:
        """Being refused is not being out of reach: what runs there may well end."""
        if self.state is not State.DOWN:
            self._lost.clear()
            if self._losing is not None:
                self._losing.cancel()
                self._losing = None
        elif self._losing is None:
            loop = asyncio.get_running_loop()
            self._losing = loop.call_later(LOST_SECONDS, self._lost.set)


def _pause(tries: int) -> float:
    """Seconds after so many tries."""
    return min(FIRST_PAUSE * 2.0 ** min(tries - 1, 10), LONGEST_PAUSE)


def _state_of(error: EaselError) -> State:
    rejected = isinstance(error, BackendRejectedCredentials)
    return State.REJECTED if rejected else State.DOWN


def _advice(state: State) -> str:
    if state is State.REJECTED:
        return "check BACKEND_USERNAME and BACKEND_PASSWORD (or auth: in easel.yaml)"
    return "check that the server runs and that BACKEND_URL (or url: in easel.yaml) is right"
