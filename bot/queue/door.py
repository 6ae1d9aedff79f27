"""Who may still come in: the caps, held against what waits, runs, or is on its way into line.

An order is on its way while its row is written, and then while its card is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.errors import QueueFull
from bot.queue import stopwatch
from bot.queue.job import Job
from bot.queue.register import Register
from bot.values.guest import Guest

SHOWING_SECONDS = 60.0
"""An order whose card is on its way counts against the caps for so long at the most."""


@dataclass(frozen=True)
class Caps:
    """How many may wait or run at once; they arrive with the order."""

    per_member: int
    per_guild: int
    total: int


class Door:
    """`inside`: the open jobs."""

    def __init__(self, inside: Register) -> None:
        self._inside = inside
        self._writing: list[Guest] = []
        self._showing: dict[int, tuple[Job, float]] = {}

    def check(self, user_id: int, guild_id: int | None, caps: Caps) -> None:
        """Raises QueueFull when this guest's next job would be over a cap."""
        oldest = stopwatch.now() - SHOWING_SECONDS
        coming = [*self._writing]
        coming += [job.guest for job, since in self._showing.values() if since > oldest]
        mine = self._inside.of_member(user_id) + sum(g.user_id == user_id for g in coming)
        if mine >= caps.per_member:
            raise QueueFull(
                f"You already have {mine} orders in line. Let one finish or cancel one first."
            )
        if len(self._inside) + len(coming) >= caps.total:
            raise QueueFull("The line is full right now. Please try again in a few minutes.")
        if guild_id is not None:
            theirs = self._inside.of_lane(guild_id) + sum(g.guild_id == guild_id for g in coming)
            if theirs >= caps.per_guild:
                raise QueueFull(
                    f"This server already has {theirs} orders in line. "
                    "Please try again in a few minutes."
                )

    @contextmanager
    def writing(self, guest: Guest) -> Iterator[None]:
        """While the row of a guest's order is written."""
        self._writing.append(guest)
        try:
            yield
        finally:
            self._writing.remove(guest)

    def showing(self, job: Job) -> None:
        """Its card is on its way to the member."""
        self._showing[job.id] = job, stopwatch.now()

    def shown(self, job_id: int) -> None:
        """The card has arrived, or never will."""
        self._showing.pop(job_id, None)
