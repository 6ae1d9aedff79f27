"""Trouble to order from S3, for tests: ``s3.faults.add("slow_down", times=2)``.

=========== =====================================================================
``do``      what the client sees
=========== =====================================================================
slow_down   503 SlowDown: too many requests for one prefix
internal    500 InternalError
denied      403 AccessDenied; for ListBucket with IAM's sentence
reset       the connection is closed without an answer
cut         the answer ends after half of its body, and so does the connection
slow        the answer, ``seconds`` later
=========== =====================================================================

``action`` is the one meant ("ListBucket", "GetObject", "HeadObject", "PutObject",
"DeleteObject"), "" is any; ``times`` -1 is for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KINDS: Final = frozenset({"slow_down", "internal", "denied", "reset", "cut", "slow"})


@dataclass
class S3Fault:
    """One kind of trouble and how often it is still to come."""

    do: str
    times: int
    action: str
    seconds: float


class S3Faults:
    """The faults that are waiting, in the order they were added; the first that fits wins."""

    def __init__(self) -> None:
        self._waiting: list[S3Fault] = []

    def add(self, do: str, *, times: int = 1, action: str = "", seconds: float = 1.0) -> None:
        """Order trouble; ``ValueError`` for a kind that is not in the table above."""
        if do not in KINDS:
            raise ValueError(f"no such fault: {do}")
        self._waiting.append(S3Fault(do, times, action, seconds))

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()

    def take(self, action: str) -> S3Fault | None:
        """The next fault for this action, used up by one."""
        for fault in self._waiting:
            if fault.times != 0 and fault.action in ("", action):
                fault.times -= 1
                return fault
        return None
