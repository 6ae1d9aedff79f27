"""The desk: who may ask, which painter gets the order, whose pictures are whose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from bot.backends.base import Backend, Report
from bot.errors import (
    BackendRejectedCredentials,
    BackendUnreachable,
    BadOption,
    Gone,
    NotAllowed,
    QueueFull,
    Refusal,
    UnknownName,
)
from bot.queue.health import Health, State
from bot.queue.job import Job, NewJob, Place, Status
from bot.queue.queue import Caps, Queue
from bot.settings import BackendSettings, Limits
from bot.studio import DrawOptions, Studio
from bot.studio.families import read_families
from bot.studio.studio import trouble_of
from bot.values.ability import Ability, Model, Sampler, Scheduler
from bot.values.guest import Address, Guest
from bot.values.picture import Picture
from bot.values.request import ImageRequest

ADA = Guest(user_id=1, name="Ada", guild_id=100)
BOB = Guest(user_id=2, name="Bob", guild_id=100)
HOME = Address(10, 20, "token", 9e9, 30, None, private=False, upload_limit=10 << 20)
FAMILIES = read_families()


class Painter(Backend):
    """A painter that only says what it can do."""

    kind = "fake"

    async def probe(self) -> Ability:
        raise NotImplementedError

    async def paint(self, request: ImageRequest, task_id: str, report: Report) -> list[Picture]:
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
        self.caps: list[Caps] = []

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

    async def get(self, job_id: int) -> Job | None:
        return self.jobs.get(job_id)

    async def cancel(self, job_id: int) -> Job | None:
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

    def place(self, job: Job) -> Place:
        return Place(job.id, None)


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
        self, *painters: Health, limits: Limits | None = None, allowed: tuple[int, ...] = ()
    ) -> None:
        self.line = Line()
        self.studio = Studio(
            cast(Queue, self.line),
            {p.backend.name: p for p in painters},
            FAMILIES,
            limits or Limits(),
            allowed,
        )

    def compose(self, guest: Guest = ADA, **options: Any) -> tuple[ImageRequest, str]:
        return self.studio.compose(DrawOptions("a cat", **options), guest)

    def route(self, **options: Any) -> str:
        return self.compose(**options)[1]

    async def draw(self, guest: Guest = ADA, address: Address = HOME, **options: Any) -> Job:
        request, route = self.compose(guest, **options)
        fresh = replace(address, interaction_id=len(self.line.jobs) + 1_000)
        job = await self.studio.draw(request, route, guest, fresh)
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


# -- which painter ---------------------------------------------------------------------------------


def test_a_model_goes_to_the_painter_that_lists_it() -> None:
    desk = Desk(painter("one", SMALL), painter("two", LARGE))
    assert desk.route(model="dreamshaper_8") == "one"
    assert desk.route(model="anim xl") == "two"


def test_a_model_that_both_list_goes_to_the_first() -> None:
    assert Desk(painter("one", SMALL), painter("two", LARGE)).route(model="flux1-dev") == "one"
    assert Desk(painter("two", LARGE), painter("one", SMALL)).route(model="flux1-dev") == "two"


def test_without_a_model_the_first_painter_and_its_own_model_are_taken() -> None:
    request, route = Desk(painter("one", SMALL), painter("two", LARGE)).compose()
    assert (route, request.model, request.width) == ("one", "dreamshaper_8", 512)


@pytest.mark.parametrize("state", [State.DOWN, State.REJECTED, State.UNKNOWN])
def test_one_that_is_up_comes_before_one_that_is_not(state: State) -> None:
    desk = Desk(painter("one", SMALL, state), painter("two", LARGE))
    request, route = desk.compose()
    assert (route, request.model, request.width) == ("two", "animagineXL_v31", 1024)
    assert desk.route(model="flux1-dev") == "two"


def test_who_lists_the_model_comes_before_who_is_up() -> None:
    """The order waits for the right painter instead of being made with another model."""
    desk = Desk(painter("one", SMALL), painter("two", LARGE, State.DOWN))
    assert desk.route(model="animagineXL_v31") == "two"


def test_all_down_keeps_the_order_for_the_first() -> None:
    down = [painter("one", SMALL, State.DOWN), painter("two", LARGE, State.DOWN)]
    assert Desk(*down).route() == "one"


def test_before_the_first_probe_an_order_waits_as_it_is() -> None:
    request, route = Desk(painter("one", None, State.UNKNOWN)).compose(model="anything", seed=5)
    assert (route, request.model, request.seed) == ("one", "anything", 5)


def test_a_painter_that_lists_no_models_may_have_any() -> None:
    assert Desk(painter("one", Ability())).route(model="anything") == "one"


def test_an_unknown_model_is_refused_with_the_nearest_of_all_painters() -> None:
    desk = Desk(painter("one", SMALL), painter("two", LARGE))
    with pytest.raises(UnknownName) as caught:
        desk.compose(model="animaginXL_v32")
    assert caught.value.option == "model"
    assert caught.value.nearest == ("animagineXL_v31",)


def test_a_model_name_that_nobody_can_check_is_bounded() -> None:
    """Before the first probe any text passes; Discord allows 6,000 characters, a footer 2,048."""
    with pytest.raises(BadOption) as caught:
        Desk(painter("one", None, State.UNKNOWN)).compose(model="x" * 6000)
    assert caught.value.option == "model"


def test_the_family_follows_the_model_that_will_paint() -> None:
    desk = Desk(painter("one", SMALL), painter("two", LARGE))
    assert desk.compose(model="animagineXL_v31")[0].width == 1024
    assert desk.compose(model="flux1-dev")[0].cfg_scale == 1.0


# -- what there is to choose from ------------------------------------------------------------------


def test_completions_are_those_of_all_painters_each_once() -> None:
    one = replace(SMALL, samplers=(Sampler("Euler"),), schedulers=(Scheduler("karras", "Karras"),))
    two = replace(LARGE, samplers=(Sampler("Euler"), Sampler("DDIM")))
    studio = Desk(painter("one", one), painter("two", two), painter("new", None)).studio
    assert sorted(studio.models()) == ["animagineXL_v31", "dreamshaper_8", "flux1-dev"]
    assert studio.models("anim xl") == ["animagineXL_v31"]
    assert studio.samplers() == ["Euler", "DDIM"]
    assert studio.samplers("dd") == ["DDIM"]
    assert studio.schedulers("KAR") == ["Karras"]


def test_the_models_stand_in_the_operators_order() -> None:
    studio = Desk(painter("one", SMALL), painter("two", LARGE)).studio
    assert studio.models() == ["dreamshaper_8", "flux1-dev", "animagineXL_v31"]


def test_a_completion_never_has_more_than_25() -> None:
    many = Ability(models=models(*(f"m{n}" for n in range(80))))
    assert len(Desk(painter("one", many)).studio.models()) == 25


# -- who may ask -----------------------------------------------------------------------------------


def test_everybody_is_welcome_where_no_guild_is_named() -> None:
    for guild in (100, 200, None):
        Desk(painter("one", SMALL)).compose(replace(ADA, guild_id=guild))


@pytest.mark.parametrize(("guild", "welcome"), [(100, True), (200, False), (None, False)])
async def test_only_allowed_guilds_are_served_and_no_direct_messages(
    guild: int | None, welcome: bool
) -> None:
    desk = Desk(painter("one", SMALL), allowed=(100,))
    job = await desk.draw()
    guest = replace(ADA, guild_id=guild)
    if welcome:
        desk.compose(guest)
        await desk.again(job, guest)
        return
    with pytest.raises(NotAllowed, match="operator's own servers"):
        desk.compose(guest)
    with pytest.raises(NotAllowed):
        await desk.again(job, guest)


async def test_a_wrong_password_is_said_at_once() -> None:
    """Waiting would not help: only the operator can mend it."""
    health = painter("one", SMALL)
    desk = Desk(health)
    job = await desk.draw()
    health.state, health.error = State.REJECTED, BackendRejectedCredentials("401: wrong")
    with pytest.raises(Refusal) as caught:
        desk.compose()
    assert caught.value.sentence == BackendRejectedCredentials.default_sentence
    assert str(caught.value) == "401: wrong", "the operator's log tells more"
    with pytest.raises(Refusal):
        await desk.again(job)
    assert len(desk.line.jobs) == 1


def test_a_server_that_is_only_down_takes_orders() -> None:
    assert Desk(painter("one", SMALL, State.DOWN)).route() == "one"


def test_one_wrong_password_does_not_close_the_other_painter() -> None:
    """The second is only down for a while: its orders can wait."""
    desk = Desk(painter("one", SMALL, State.REJECTED), painter("two", LARGE, State.DOWN))
    assert desk.route() == "two"


def test_a_full_line_refuses_before_anything_is_written() -> None:
    limits = Limits(waiting_per_member=2, waiting_per_guild=3, waiting_total=4)
    desk = Desk(painter("one", SMALL), limits=limits)
    desk.compose()
    assert desk.line.caps == [Caps(2, 3, 4)]
    desk.line.full = True
    with pytest.raises(QueueFull):
        desk.compose()


def test_a_bad_option_is_refused_by_its_name() -> None:
    with pytest.raises(BadOption, match="steps"):
        Desk(painter("one", SMALL), limits=Limits(max_steps=10)).compose(steps=11)


# -- whose pictures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guest", "may"),
    [
        (ADA, True),
        (replace(ADA, guild_id=None), True),
        (BOB, False),
        (replace(BOB, can_manage=True), True),
        (replace(BOB, can_manage=True, guild_id=200), False),
    ],
    ids=["its member", "its member elsewhere", "another", "a moderator", "a moderator elsewhere"],
)
async def test_a_job_is_its_members_and_its_moderators(guest: Guest, may: bool) -> None:
    desk = Desk(painter("one", SMALL))
    job = await desk.draw()
    if may:
        assert await desk.studio.owned(job.id, guest) == job
        assert (await desk.studio.cancel(job.id, guest)).status is Status.CANCELLED
        return
    for asking in (desk.studio.owned(job.id, guest), desk.studio.cancel(job.id, guest)):
        with pytest.raises(NotAllowed, match="Only Ada or a moderator"):
            await asking
    assert desk.line.jobs[job.id].status is Status.WAITING


async def test_in_direct_messages_nobody_is_a_moderator() -> None:
    """Two direct messages have both no guild: that makes them no common place."""
    desk = Desk(painter("one", SMALL))
    job = await desk.draw(replace(ADA, guild_id=None))
    with pytest.raises(NotAllowed):
        await desk.studio.owned(job.id, replace(BOB, guild_id=None))


async def test_a_display_name_stays_a_name() -> None:
    """A name may hold a link in markdown; others read it in a refusal."""
    desk = Desk(painter("one", SMALL))
    job = await desk.draw(replace(ADA, name="[win](https://x.yz)"))
    with pytest.raises(NotAllowed) as caught:
        await desk.studio.owned(job.id, BOB)
    assert "[win](https" not in caught.value.sentence.replace("\\[", "")


@pytest.mark.parametrize("job_id", [0, -1, 99, 2**63])
async def test_a_job_that_is_not_known_is_gone(job_id: int) -> None:
    desk = Desk(painter("one", SMALL))
    for asking in (
        desk.studio.owned(job_id, ADA),
        desk.studio.cancel(job_id, ADA),
        desk.studio.again(job_id, ADA, HOME, same_seed=True),
        desk.studio.keep_waiting(job_id, ADA, HOME),
    ):
        with pytest.raises(Gone):
            await asking


async def test_what_has_ended_cannot_be_cancelled_or_kept_waiting() -> None:
    desk = Desk(painter("one", SMALL))
    job = await desk.draw()
    desk.line.jobs[job.id] = replace(job, status=Status.DELIVERED)
    with pytest.raises(Gone, match="finished already"):
        await desk.studio.cancel(job.id, ADA)
    with pytest.raises(Gone, match="no longer in line"):
        await desk.studio.keep_waiting(job.id, ADA, HOME)


async def test_keeping_it_waiting_gives_a_fresh_address_to_its_member_alone() -> None:
    desk = Desk(painter("one", SMALL))
    job = await desk.draw()
    fresh = replace(HOME, token="fresh")
    assert (await desk.studio.keep_waiting(job.id, ADA, fresh)).address.token == "fresh"
    with pytest.raises(NotAllowed):
        await desk.studio.keep_waiting(job.id, BOB, fresh)


async def test_a_replayed_interaction_makes_no_second_job() -> None:
    desk = Desk(painter("one", SMALL))
    request, route = desk.compose()
    assert await desk.studio.draw(request, route, ADA, HOME) is not None
    assert await desk.studio.draw(request, route, ADA, HOME) is None


# -- again -----------------------------------------------------------------------------------------


async def test_again_is_the_same_order_with_a_new_seed_for_whoever_pressed() -> None:
    desk = Desk(painter("one", SMALL))
    old = await desk.draw(steps=7, width=640, sampler="Euler", seed=5, count=3)
    new = await desk.again(old, BOB)
    assert new.request.seed != 5
    assert new.request.model_copy(update={"seed": 5}) == old.request
    assert (new.guest, new.parent_id, new.route) == (BOB, old.id, "one")


async def test_trying_again_keeps_the_seed() -> None:
    desk = Desk(painter("one", SMALL))
    old = await desk.draw(seed=5)
    assert (await desk.again(old, same_seed=True)).request == old.request


async def test_a_private_picture_is_only_drawn_again_by_its_member() -> None:
    desk = Desk(painter("one", SMALL))
    old = await desk.draw(address=replace(HOME, private=True))
    with pytest.raises(NotAllowed, match="in private"):
        await desk.again(old, replace(BOB, can_manage=True))
    assert (await desk.again(old, ADA)).parent_id == old.id


async def test_again_goes_to_the_same_painter_while_it_is_configured() -> None:
    desk = Desk(painter("one", SMALL), painter("two", LARGE))
    old = await desk.draw(model="animagineXL_v31")
    assert (await desk.again(old)).route == "two"
    # After a restart under other settings: whoever has the model.
    later = Desk(painter("three", SMALL), painter("four", LARGE))
    later.line.jobs[old.id] = old
    assert (await later.again(old)).route == "four"


async def test_again_obeys_a_full_line() -> None:
    desk = Desk(painter("one", SMALL))
    old = await desk.draw()
    desk.line.full = True
    with pytest.raises(QueueFull):
        await desk.again(old)


async def test_again_obeys_a_ceiling_that_was_lowered_since() -> None:
    """The operator's ceilings stand above everything, also above what was allowed once."""
    desk = Desk(painter("one", SMALL))
    old = await desk.draw(steps=100, width=1024, height=1024)
    later = Desk(painter("one", SMALL), limits=Limits(max_steps=20, max_pixels=512 * 512))
    later.line.jobs[old.id] = old
    with pytest.raises(Refusal):
        await later.again(old)


# -- why nothing moves -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
async def test_a_waiting_card_says_when_the_painter_is_away(state: State) -> None:
    health = painter("one", SMALL)
    desk = Desk(health)
    job = await desk.draw()
    health.state = state
    told = desk.studio.trouble(job)
    assert told == trouble_of(health)
    assert (told is not None) is (state is State.DOWN)
    if told:
        assert "place in line is kept" in told
    assert desk.studio.trouble(replace(job, route="gone")) is None
