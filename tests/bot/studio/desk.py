"""A studio with painters that only say what they can do, and a line on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from bot.backends.base import UNLASTING, Backend, Errand, Report
from bot.database.engine import Database
from bot.errors import (
    BackendRejectedCredentials,
    BackendUnreachable,
    QueueFull,
)
from bot.guilds import Guilds, Scope, Value
from bot.queue.door import Caps
from bot.queue.health import Health, State
from bot.queue.job import Job, NewJob, Place, Status
from bot.queue.queue import Queue
from bot.settings import BackendSettings, Limits
from bot.studio import DrawOptions, Studio
from bot.studio.drafts import Draft
from bot.studio.library import read_library
from bot.values.ability import Ability, Model
from bot.values.guest import Address, Guest
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from bot.values.source import Source

ADA = Guest(user_id=1, name="Ada", guild_id=100)
BOB = Guest(user_id=2, name="Bob", guild_id=100)
HOME = Address(10, 20, "token", 9e9, 30, None, private=False, upload_limit=10 << 20)
LIBRARY = read_library()


class Painter(Backend):
    """A painter that only says what it can do."""

    kind = "fake"

    async def probe(self) -> Ability:
        raise NotImplementedError

    async def describe(self, source: Source, task_id: str, report: Report) -> str:
        raise NotImplementedError

    async def paint(
        self,
        request: ImageRequest,
        task_id: str,
        report: Report,
        sources: Sequence[Source] = (),
        *,
        previews: bool = False,
        errand: Errand = UNLASTING,
    ) -> list[Picture]:
        raise NotImplementedError

    async def load(self, model: str) -> None:
        raise NotImplementedError

    async def refresh(self) -> Ability:
        raise NotImplementedError

    async def forget(self, task_id: str) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class Line:
    """A queue on paper: jobs in a dict, and what it was asked."""

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.full = False
        self.accepted: dict[int, Job] = {}
        self.caps: list[Caps] = []

    async def sources(self, job: Job) -> tuple[Source, ...]:
        return ()

    async def reroute(self, job: Job, routes: frozenset[str]) -> None:
        self.jobs[job.id] = replace(job, routes=routes)

    def check(self, user_id: int, guild_id: int | None, caps: Caps) -> None:
        self.caps.append(caps)
        if self.full:
            raise QueueFull("full")

    async def submit(self, new: NewJob, caps: Caps) -> Job | None:
        self.check(new.guest.user_id, new.guest.guild_id, caps)
        if any(j.address.interaction_id == new.address.interaction_id for j in self.jobs.values()):
            return None
        job = Job(
            id=len(self.jobs) + 1,
            request=new.request,
            guest=new.guest,
            address=new.address,
            route=new.route,
            status=Status.WAITING,
            attempt=0,
            failures=0,
            created_at=0.0,
            parent_id=new.parent_id,
        )
        self.jobs[job.id] = job
        return job

    async def accept(self, job: Job, message_id: int | None, shown: Place | None = None) -> None:
        self.accepted[job.id] = self.jobs[job.id]

    async def get(self, job_id: int) -> Job | None:
        return self.jobs.get(job_id)

    async def cancel(self, job_id: int, sentence: str | None = None) -> Job | None:
        job = self.jobs[job_id]
        if not job.status.open:
            return None
        self.jobs[job_id] = replace(job, status=Status.CANCELLED)
        return self.jobs[job_id]

    async def readdress(self, job: Job, address: Address) -> Job | None:
        if not self.jobs[job.id].status.open:
            return None
        self.jobs[job.id] = replace(job, address=address)
        return self.jobs[job.id]

    def waiting(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.status is Status.WAITING]

    async def amend(self, job: Job, request: ImageRequest) -> None:
        self.jobs[job.id] = replace(job, request=request)

    async def refuse(self, job: Job, sentence: str) -> None:
        self.jobs[job.id] = replace(job, status=Status.FAILED, error_sentence=sentence)

    def place(self, job: Job) -> Place:
        return Place(job.id, None)


class Choices(Guilds):
    """What servers, channels and members chose, as a test says it."""

    def __init__(self) -> None:
        super().__init__(cast(Database, None))
        self.made: dict[tuple[Scope, int | None], dict[str, Value]] = {}

    def chosen(self, scope: Scope, scope_id: int | None) -> Mapping[str, Value]:
        return self.made.get((scope, scope_id), {})


def models(*names: str) -> tuple[Model, ...]:
    return tuple(Model(n, f"{n}.safetensors") for n in names)


def painter(name: str, ability: Ability | None = None, state: State = State.UP) -> Health:
    backend = Painter(BackendSettings(name=name, url="http://127.0.0.1:1"))
    backend.ability = ability
    health = Health(backend, lambda _: None)
    health.state = state
    if state is State.REJECTED:
        health.error = BackendRejectedCredentials("401")
    elif state is State.DOWN:
        health.error = BackendUnreachable("refused")
    return health


class Desk:
    """A studio, its line on paper, and shorter ways to ask it."""

    def __init__(
        self,
        *painters: Health,
        limits: Limits | None = None,
        allowed: tuple[int, ...] = (),
        owners: tuple[int, ...] = (),
    ) -> None:
        self.line = Line()
        self.choices = Choices()
        self.studio = Studio(
            cast(Queue, self.line),
            {p.backend.name: p for p in painters},
            LIBRARY,
            limits or Limits(),
            guilds=self.choices,
            allowed_guilds=allowed,
            owners=owners,
        )

    def compose(self, guest: Guest = ADA, **options: Any) -> Draft:
        return self.studio.compose(DrawOptions("a cat", **options), guest)

    def route(self, **options: Any) -> str:
        return self.compose(**options).route

    async def draw(self, guest: Guest = ADA, address: Address = HOME, **options: Any) -> Job:
        draft = self.compose(guest, **options)
        fresh = replace(address, interaction_id=len(self.line.jobs) + 1_000)
        job = await self.studio.draw(draft, guest, fresh)
        assert job is not None
        return job

    async def again(
        self, job: Job, guest: Guest = ADA, address: Address = HOME, *, same_seed: bool = False
    ) -> Job:
        fresh = replace(address, interaction_id=len(self.line.jobs) + 1_000)
        new = await self.studio.again(job.id, guest, fresh, same_seed=same_seed)
        assert new is not None
        return new


SMALL = Ability(models=models("dreamshaper_8", "flux1-dev"), current_model="dreamshaper_8")
LARGE = Ability(models=models("animagineXL_v31", "flux1-dev"), current_model="animagineXL_v31")
