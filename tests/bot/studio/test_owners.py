"""The operators' room: who comes in, which backend is meant, and what is written down first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.backends.steward import CheckpointState, EndpointState
from bot.errors import (
    BackendRefused,
    BackendUnreachable,
    DatabaseUnavailable,
    Gone,
    NotAllowed,
    Refusal,
    UnknownName,
)
from bot.queue.health import Health, State
from bot.queue.job import Job
from bot.settings import BackendSettings
from bot.settings.aws import DeploySettings
from bot.studio.budget import Budgets
from bot.studio.idle import Idle, IdleWatch
from bot.studio.owners import Owners
from bot.values.guest import Guest
from tests.bot.studio.desk import ADA, BOB, SMALL, Line, Painter, painter

DEPLOY = DeploySettings(types=("g5", "g4"), max_instances=3, usd_per_hour={"g5": 1.41, "g4": 0.5})


class Renter(Painter):
    """A painter whose machines are rented."""

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self.rented: list[EndpointState] = []
        self.files: list[CheckpointState] = []
        self.trouble: BackendRefused | BackendUnreachable | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def endpoints(self) -> list[EndpointState]:
        if self.trouble:
            raise self.trouble
        return self.rented

    async def deploy(self, instance_type: str, instances: int, name: str | None) -> str:
        await self.gate.wait()
        self.rented.append(EndpointState(f"esd-{len(self.rented)}", "Creating"))
        return self.rented[-1].name

    async def undeploy(self, name: str) -> None:
        self.rented = [e for e in self.rented if e.name != name]

    async def checkpoints(self, page: int = 1, per_page: int = 25) -> list[CheckpointState]:
        return self.files[(page - 1) * per_page : page * per_page]

    async def add_checkpoint(self, url: str, kind: str) -> str:
        return url.rpartition("/")[2]

    async def set_checkpoint(self, checkpoint_id: str, *, enabled: bool) -> None:
        word = "Active" if enabled else "Disabled"
        self.files = [replace(f, status=word) if f.id == checkpoint_id else f for f in self.files]


class Notes:
    """The history of the servers, and small facts, in memory."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, str, str]] = []
        self.facts: dict[str, str] = {}
        self.broken = False

    async def note(self, guild_id: int, key: str, new: str, by: Guest) -> None:
        if self.broken:
            raise DatabaseUnavailable("locked")
        self.noted.append((guild_id, key, new))

    async def recall(self, name: str) -> str | None:
        return self.facts.get(name)

    async def remember(self, name: str, value: str) -> None:
        self.facts[name] = value


class Rows:
    """What is remembered of jobs."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def recent(self, route: str, most: int = 5) -> Sequence[Job]:
        return [job for job in self.jobs if job.route == route][:most]


class Room:
    """The operators' room, whose one operator is ada."""

    def __init__(self, *painters: Health) -> None:
        self.painters = {p.backend.name: p for p in painters}
        self.notes = Notes()
        self.owners = self.opened()

    def opened(self) -> Owners:
        return Owners(
            self.painters,
            cast(Any, Line()),
            cast(Any, self.notes),
            (ADA.user_id,),
            keeper=self.notes,
            past=cast(Any, Rows()),
            budgets=Budgets({}),
        )


def renter(name: str = "cloud", deploy: DeploySettings | None = DEPLOY) -> Health:
    backend = Renter(BackendSettings(name=name, url="http://127.0.0.1:1", deploy=deploy))
    backend.ability = SMALL
    health = Health(backend, lambda _: None)
    health.state = State.UP
    return health


def of(health: Health) -> Renter:
    assert isinstance(health.backend, Renter)
    return health.backend


async def test_nobody_else_comes_in() -> None:
    cloud = renter()
    owners = Room(cloud).owners
    rental = owners.stewards.rental("cloud", "g5")
    for deed in (
        owners.reports(BOB, ["cloud"]),
        owners.machines(BOB, "cloud"),
        owners.refresh(BOB, "cloud"),
        owners.drain(BOB, "cloud", True),
        owners.deploy(BOB, rental),
        owners.undeploy(BOB, "cloud", "esd-0"),
        owners.send_for(BOB, "cloud", "https://example.com/x.safetensors", "Lora"),
        owners.switch(BOB, "cloud", "x", enabled=True),
    ):
        with pytest.raises(NotAllowed, match="Only the operator"):
            await deed
    assert not cloud.drained
    assert not of(cloud).rented


async def test_what_can_not_be_written_down_is_not_done() -> None:
    cloud = renter()
    room = Room(cloud)
    room.notes.broken = True
    with pytest.raises(DatabaseUnavailable):
        await room.owners.deploy(ADA, room.owners.stewards.rental("cloud", "g5"))
    with pytest.raises(DatabaseUnavailable):
        await room.owners.drain(ADA, "cloud", True)
    assert not of(cloud).rented
    assert not cloud.drained


def test_the_only_backend_need_not_be_named() -> None:
    room = Room(painter("main", SMALL))
    assert room.owners.pick(None) == "main"
    two = Room(painter("main", SMALL), renter()).owners
    with pytest.raises(Refusal, match="There are main, cloud"):
        two.pick(None)
    with pytest.raises(UnknownName, match="`cloud`"):
        two.pick("cluod")
    assert two.pick_steward(None) == "cloud"
    with pytest.raises(Refusal, match="because main is of the kind sdapi"):
        two.pick_steward("main")


async def test_drained_again_after_a_restart_until_it_is_let_go() -> None:
    room = Room(painter("main", SMALL))
    await room.owners.drain(ADA, "main", True)
    room.painters["main"] = painter("main", SMALL)
    await room.opened().restore()
    assert room.painters["main"].drained
    await room.owners.drain(ADA, "main", False)
    room.painters["main"] = painter("main", SMALL)
    await room.opened().restore()
    assert not room.painters["main"].drained


@pytest.mark.parametrize(
    ("kind", "count", "why"),
    [
        ("p5", 1, "p5 may not be deployed: g5, g4 may."),
        ("g5", 0, "Between 1 and 3 instances"),
        ("g5", 4, "Between 1 and 3 instances"),
    ],
)
def test_only_what_the_settings_allow_is_rented(kind: str, count: int, why: str) -> None:
    with pytest.raises(Refusal, match=why):
        Room(renter()).owners.stewards.rental("cloud", kind, count)


async def test_a_button_pressed_twice_rents_once() -> None:
    cloud = renter()
    owners = Room(cloud).owners
    rental = owners.stewards.rental("cloud", "g5", 3)
    assert rental.usd_per_hour == pytest.approx(4.23)
    of(cloud).gate.clear()
    first = asyncio.create_task(owners.deploy(ADA, rental))
    await asyncio.sleep(0)
    with pytest.raises(Gone, match="being done already"):
        await owners.deploy(ADA, rental)
    of(cloud).gate.set()
    assert await first == "esd-0"
    assert len(of(cloud).rented) == 1


async def test_the_rest_is_told_when_endpoints_can_not_be_seen() -> None:
    cloud = renter()
    of(cloud).trouble = BackendUnreachable("refused")
    (report,) = await Room(cloud).owners.reports(ADA, ["cloud"])
    assert report.machines is None
    assert report.unasked == BackendUnreachable.default_sentence
    assert report.state is State.UP


@pytest.mark.parametrize(
    "link",
    [
        *("http://example.com/x.bin", "ftp://example.com/x.bin", "example.com/x.bin"),
        *("https:///x.bin", "https://me@example.com/x.bin", "https://[::1/x.bin"),
        *("https://example.com", "https://example.com/", "javascript:alert(1)"),
    ],
)
async def test_only_links_to_a_file_by_https_are_sent(link: str) -> None:
    room = Room(renter())
    with pytest.raises(Refusal):
        await room.owners.send_for(ADA, "cloud", link, "Lora")
    assert not room.notes.noted


async def test_a_checkpoint_is_meant_by_its_id_or_name() -> None:
    cloud = renter()
    room = Room(cloud)
    of(cloud).files = [
        CheckpointState("1", "dream.safetensors", "Stable-diffusion", "Active"),
        CheckpointState("2", "detail.safetensors", "Lora", "Initial"),
        CheckpointState("3", "old.safetensors", "Lora", "Disabled"),
    ]
    stewards = room.owners.stewards
    assert await stewards.suggested("cloud", "dream", enabled=True) == {
        "dream.safetensors (Stable-diffusion)": "1"
    }
    assert [*(await stewards.suggested("cloud", "", enabled=False)).values()] == ["3"]
    chosen = await room.owners.switch(ADA, "cloud", "dream", enabled=False)
    assert chosen.id == "1"
    assert [f.status for f in of(cloud).files] == ["Disabled", "Initial", "Disabled"]
    assert room.notes.noted == [(100, "backend cloud", "disable dream.safetensors")]
    with pytest.raises(UnknownName):
        await room.owners.switch(ADA, "cloud", "nothing like it", enabled=True)
    assert len(room.notes.noted) == 1, "what is not there is not switched"


async def test_one_that_costs_nothing_or_can_not_be_seen_is_not_told_idle() -> None:
    cloud, told = renter(), list[Idle]()
    room = Room(cloud)
    asleep = EndpointState("asleep", "InService", instances=0, started_at=1.0)
    coming = EndpointState("coming", "Creating", instances=1, started_at=1.0)
    awake = EndpointState("awake", "InService", "Async", "g5", 2, started_at=1.0)
    watch = IdleWatch(room.painters, room.owners.stewards, room.notes, told.append)
    of(cloud).trouble = BackendUnreachable("refused")
    await watch.look()
    of(cloud).trouble = None
    of(cloud).rented = [asleep, coming, awake]
    await watch.look()
    await watch.look()
    assert [idle.machine.state.name for idle in told] == ["awake"]
    assert told[0].machine.usd_per_hour == pytest.approx(2.82)
    of(cloud).rented = []
    await watch.look()
    assert room.notes.facts["idle:cloud"] == "{}", "what is gone is forgotten"
