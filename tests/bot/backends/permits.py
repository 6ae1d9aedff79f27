"""Quotas and those who ask them for permits, without any server."""

from __future__ import annotations

from bot.backends.quota import Permit, Priority, Quota

SUBMISSION, QUESTION = Priority.SUBMISSION, Priority.QUESTION


def limited(rate: float, burst: int) -> Quota:
    """A quota with a limit of its own."""
    quota = Quota("main")
    quota.limit(rate, burst)
    return quota


async def send(quota: Quota, priority: Priority = SUBMISSION) -> Permit:
    """Waits for a permit, whose request leaves at once."""
    with await quota.permit(priority) as permit:
        return permit
