"""Job: one accepted request and where it stands. JobEvent: the news about it.

    waiting ──claim──▶ running ──▶ painted ──told──▶ delivered
       │  ◀──release──    │ └────▶ failed      (told = the member's message says so)
       ├────────────▶ cancelled ◀──┘
       └─(waited too long)▶ expired

Of several pictures each is on disk as soon as its call has answered, while the job runs; a
release, a failure and a cancel leave them there until the end has been told.

`attempt` is the fence: each claim raises it, and whoever reports on an older attempt is not
heard, so a worker that wakes up late cannot deliver beside its successor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.values.guest import Address, Guest
from bot.values.picture import Progress
from bot.values.request import ImageRequest
from bot.values.source import Source


class Status(StrEnum):
    """Where a job stands; the last five are ends, `painted` awaits its delivery."""

    WAITING = "waiting"
    RUNNING = "running"
    PAINTED = "painted"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def open(self) -> bool:
        """Whether it still stands in line or is being painted."""
        return self in (Status.WAITING, Status.RUNNING)


@dataclass(frozen=True)
class Job:
    """One row of the queue. Times are seconds since the epoch.

    `routes` name the backends that can paint it; `route` is the one that it was made for, and once
    it is claimed the one that paints it. `weight` is its member's within the guild. `parent_id`
    is the job whose Again made it. `failures` counts the attempts that broke; `error_*` tell the
    last reason (`error_ref` is the number that the log has too). `outcome` is what came of it, if
    that is words. `remote_id` is the name that an asynchronous backend gave it.
    """

    id: int
    request: ImageRequest
    guest: Guest
    address: Address
    route: str
    status: Status
    attempt: int
    failures: int
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    parent_id: int | None = None
    told: bool = False
    outcome: str | None = None
    error_code: str | None = None
    error_sentence: str | None = None
    error_ref: str | None = None
    routes: frozenset[str] = frozenset()
    weight: float = 1.0
    remote_id: str | None = None

    @property
    def lane(self) -> int | None:
        """The guild that it is counted to; None for all DMs and user-installed use together."""
        return self.guest.guild_id if self.address.reachable else None


@dataclass(frozen=True)
class NewJob:
    """What `submit` needs to make a Job."""

    request: ImageRequest
    guest: Guest
    address: Address
    route: str
    parent_id: int | None = None
    sources: tuple[Source, ...] = ()
    routes: frozenset[str] = frozenset()
    weight: float = 1.0


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands: `position` 1 is next; `eta_seconds` until it is done.

    `beyond`: it stands further back than is counted; `position` is the last one that is.
    """

    position: int
    eta_seconds: float | None
    beyond: bool = False


@dataclass(frozen=True)
class JobEvent:
    """One piece of news: the job as it is now, and its place or progress if it has one.

    `trouble` is a sentence while the backend cannot be reached and the job keeps its place.
    `stopping`: it is cancelled already, and what is finished of it is being saved.
    """

    job: Job
    place: Place | None = None
    progress: Progress | None = None
    trouble: str | None = None
    stopping: bool = False
