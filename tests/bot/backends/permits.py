"""Quotas and those who ask them for permits, without any server."""

from __future__ import annotations

import time

from bot.backends.quota import Permit, Priority, Quota

SUBMISSION, QUESTION = Priority.SUBMISSION, Priority.QUESTION


class Clock:
    """The quota's time, that can be held while tests ask: a slow machine changes no order."""

    held: float | None = None

    def __call__(self) -> float:
        return time.monotonic() if self.held is None else self.held

    def hold(self) -> None:
        """Stands still until `go`."""
        self.held = time.monotonic()

    def go(self) -> None:
        """Shows the real time again."""
        self.held = None


def limited(rate: float, burst: int, clock: Clock | None = None) -> Quota:
    """A quota with a limit of its own."""
    quota = Quota("main", clock or time.monotonic)
    quota.limit(rate, burst)
    return quota


async def send(quota: Quota, priority: Priority = SUBMISSION) -> Permit:
    """Waits for a permit, whose request leaves at once."""
    with await quota.permit(priority) as permit:
        return permit
