"""Whether a painter can be reached: probed at the start, and again after each trouble.

The worker waits here before it claims, so that a job is never taken for a painter that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from bot import log
from bot.backends.base import Backend
from bot.errors import BackendBadAnswer, BackendError, BackendRejectedCredentials, EaselError

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0

_log = log.get("health")


class State(StrEnum):
    """UNKNOWN until the first probe has ended."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"
    REJECTED = "rejected"


class Health:
    """One painter's state. `error` is the last reason, None while it is up.

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
        self._changed = changed
        self._prepare = prepare
        self._up = asyncio.Event()
        self._first = asyncio.Event()
        self._doubt = asyncio.Event()
        self._doubt.set()

    async def ready(self) -> None:
        """Waits until the painter can be used."""
        await self._up.wait()

    async def probed(self) -> None:
        """Waits until the first probe has ended, well or not."""
        await self._first.wait()

    @property
    def usable(self) -> bool:
        """Whether a job may be sent now."""
        return self._up.is_set()

    async def refresh(self) -> None:
        """Has the painter look again at what it has. Raises BackendError; then nothing changed."""
        await self.backend.refresh()

    def doubt(self, error: BackendError) -> None:
        """A job met this trouble: nobody claims until a probe has succeeded."""
        self._settle(_state_of(error), error)
        self._doubt.set()

    async def run(self) -> None:
        """Probes whenever there is doubt, with growing pauses, for ever."""
        while True:
            await self._doubt.wait()
            pause = FIRST_PAUSE
            while not await self._probe():
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            self._doubt.clear()

    async def _probe(self) -> bool:
        try:
            ability = await self.backend.probe()
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
            await self._prepare(self.backend.name)
        self._settle(State.UP, None)
        return True

    def _settle(self, state: State, error: EaselError | None) -> None:
        before, self.state, self.error = self.state, state, error
        self._first.set()
        if state is State.UP:
            self._up.set()
        else:
            self._up.clear()
        if before is state:
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


def _state_of(error: EaselError) -> State:
    rejected = isinstance(error, BackendRejectedCredentials)
    return State.REJECTED if rejected else State.DOWN


def _advice(state: State) -> str:
    if state is State.REJECTED:
        return "check BACKEND_USERNAME and BACKEND_PASSWORD (or auth: in easel.yaml)"
    return "check that the server runs and that BACKEND_URL (or url: in easel.yaml) is right"
