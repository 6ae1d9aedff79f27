"""What passes between an agent and its runtime: a task, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Task:
    """One message as the agent reads it: ``folder`` is the key's beginning, without a slash.

    ``content`` is the agent's own copy; it writes in it.
    """

    name: str
    kind: object
    folder: str
    content: Any


@dataclass(frozen=True)
class Outcome:
    """The text of the ``.out``, and the files that go before it."""

    out: str
    files: list[bytes]


class Handler(Protocol):
    """The half of an agent that knows its runtime."""

    async def handle(self, task: Task, trouble: str) -> Outcome:
        """Run a task; ``trouble`` is a fault of ``faults.RUNNING`` or "".

        Raises ``webui.Unreachable`` where the agent itself breaks.
        """
