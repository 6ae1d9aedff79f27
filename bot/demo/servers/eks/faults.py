"""Trouble to order, for tests: ``eks.faults.add("fail", status=504, times=2)``.

============ ====================================================================================
``do``       what happens to the next ``times`` requests (-1: for ever)
============ ====================================================================================
fail         the gateway answers ``status`` (401, 429, 500, 502, 503, 504), nothing is published
quota        429 "Limit Exceeded": the usage plan's quota is used up
accept       the task is published, though the answer is ``status``, 504 unless you say other
reset        the connection is closed, nothing is published
reset_after  the task is published, and the connection closed without an answer
slow         the answer comes ``seconds`` later
============ ====================================================================================

============ ====================================================================================
``do``       what happens to the next ``times`` tasks in the cluster
============ ====================================================================================
lose         never run
twice        run two times, as after a redelivery by SQS: two stems of results
webui_error  the runtime fails: a ``.out`` with WebUI's reason, or ``{"code": 500}`` of ComfyUI
no_pictures  the runtime makes none, yet all is well: so a ComfyUI that fails while running looks
unreachable  the runtime does not answer: the new agent says ``{"code": 500, "error": …}``, the
             old one dies, and runs the task again after SQS's visibility timeout
dead_agent   no agent takes any task, until ``clear``; then those that wait are taken
============ ====================================================================================
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

GATEWAY: Final = frozenset({"fail", "quota", "accept", "reset", "reset_after", "slow"})
DELIVERY: Final = frozenset({"lose", "twice"})
RUNNING: Final = frozenset({"webui_error", "no_pictures", "unreachable"})
_DEAD: Final = "dead_agent"


@dataclass
class EksFault:
    """One kind of trouble and how often it is still to come."""

    do: str
    times: int
    status: int
    seconds: float


class EksFaults:
    """The faults that are waiting, in the order they were added."""

    def __init__(self) -> None:
        self._waiting: list[EksFault] = []
        self._alive = asyncio.Event()
        self._alive.set()

    def add(self, do: str, *, times: int = 1, status: int = 504, seconds: float = 1.0) -> None:
        """Order trouble; ``ValueError`` for a kind that is not in the tables above."""
        if do == _DEAD:
            self._alive.clear()
        elif do in GATEWAY | DELIVERY | RUNNING:
            self._waiting.append(EksFault(do, times, status, seconds))
        else:
            raise ValueError(f"no such fault: {do}")

    def clear(self) -> None:
        """Forget all of them; agents live again."""
        self._waiting.clear()
        self._alive.set()

    def take(self, kinds: frozenset[str]) -> EksFault | None:
        """The next fault of these kinds, used up by one."""
        for fault in self._waiting:
            if fault.times != 0 and fault.do in kinds:
                fault.times -= 1
                return fault
        return None

    async def agents_live(self) -> None:
        """Wait until agents take tasks."""
        await self._alive.wait()
