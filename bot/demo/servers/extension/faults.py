"""Trouble to order, for tests: what a gateway, a lambda, SageMaker or its model may do.

``server.faults.add("status", status=503, times=2)``. Each fault waits for requests whose path
matches ``route`` (a regular expression, any by default) and is used up after ``times`` of them
(-1: never). Faults of jobs wait for a job to start instead, and know no route.

============== =====================================================================
``do``         what happens
============== =====================================================================
status         the gateway answers ``status`` (429, 500, 502, 503, 504); nothing is done
accepted_504   all is done as usual, and answered by a 504 all the same
reset          the connection is closed without an answer; nothing is done
not_ready      the endpoint is found with the status ``reason`` ("Creating")
deploy         the next endpoint that is made becomes Failed, its error is ``reason``
fail           the job fails; ``reason`` is SageMaker's failureReason
raw            the model answers JSON without images
lose           the job is accepted and never ends
slow_job       the job takes ``seconds`` more
gif            pictures are stored as .gif and listed as .png (not in v1.3)
============== =====================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

REQUESTS: Final = frozenset({"status", "accepted_504", "reset"})
JOBS: Final = frozenset({"fail", "raw", "lose", "slow_job", "gif"})
KINDS: Final = REQUESTS | JOBS | {"not_ready", "deploy"}
_REASONS: Final = {
    "not_ready": "Creating",
    "deploy": "The account-level service limit 'ml.g5.2xlarge for endpoint usage' is 0 Instances.",
    "fail": "InternalServerError: Received server error (500) from model with message "
    '"CUDA out of memory". See the CloudWatch log group for more information.',
    "raw": "CUDA out of memory",
}


@dataclass
class Fault:
    """One kind of trouble and how often it is still to come."""

    do: str
    times: int
    route: re.Pattern[str]
    status: int
    seconds: float
    reason: str


class Faults:
    """The faults that are waiting, in the order they were added."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(
        self,
        do: str,
        *,
        times: int = 1,
        route: str = "",
        status: int = 503,
        seconds: float = 1.0,
        reason: str | None = None,
    ) -> None:
        """Order trouble; ``ValueError`` for a kind that is not in the table above."""
        if do not in KINDS:
            raise ValueError(f"no such fault: {do}")
        words = _REASONS.get(do, "") if reason is None else reason
        self._waiting.append(Fault(do, times, re.compile(route), status, seconds, words))

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()

    def take(self, *kinds: str, path: str = "") -> Fault | None:
        """The next fault of these kinds for this path, used up by one."""
        for fault in self._waiting:
            if fault.do in kinds and fault.times != 0 and fault.route.search(path):
                fault.times -= 1
                return fault
        return None
