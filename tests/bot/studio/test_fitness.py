"""What painters really have: which of them can draw an order, and what is refused where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import BadOption, NotAllowed, Refusal, UnknownName
from bot.guilds import Scope
from bot.queue.health import State
from bot.queue.job import Status
from bot.values.ability import Ability, Lora, Sampler
from bot.values.guest import Guest
from bot.values.request import Rare
from tests.bot.studio.desk import ADA, HOME, LARGE, SMALL, Desk, models, painter
from tests.bot.studio.ordering import WHOLE

ONE_MODEL = Ability(
    models=models("v1-5"),
    samplers=(Sampler("Euler"),),
    switches_models=False,
    second_pass=False,
    drops_loras=True,
)
NO_LISTS = Ability(switches_models=False, second_pass=False)
ADMIN = replace(ADA, can_admin=True, channel_id=30)


# -- an order once more ----------------------------------------------------------------------------


async def test_a_blind_order_once_more_is_composed_by_what_its_painter_has_told() -> None:
    health = painter("one", None, State.UNKNOWN)
    desk = Desk(health)
    blind = await desk.draw(sampler="EULER A", model="dreamshaper")
    unknown = await desk.again(blind)
    assert unknown.request.unseen is not None
    assert unknown.request.unseen["seed"] == unknown.request.seed != blind.request.seed
    health.backend.ability, health.state = WHOLE, State.UP
    again = (await desk.again(blind)).request
    assert (again.model, again.sampler, again.unseen) == ("dreamshaper_8", "Euler a", None)
    unseen = (blind.request.unseen or {}) | {"model": "nobody"}
    wrong = blind.request.model_copy(update={"unseen": unseen})
    desk.line.jobs[blind.id] = replace(blind, request=wrong)
    with pytest.raises(UnknownName):
        await desk.again(blind)


async def test_once_more_without_its_model_names_the_nearest() -> None:
    health = painter("one", SMALL)
    desk = Desk(health)
    job = await desk.draw(model="dreamshaper_8")
    health.backend.ability = replace(SMALL, models=models("dreamshaper_9", "flux1-dev"))
    with pytest.raises(UnknownName) as caught:
        await desk.again(job)
    assert "no model called `dreamshaper_8`" in caught.value.sentence
    assert caught.value.nearest[0] == "dreamshaper_9"


async def test_once_more_without_its_lora_or_sampler_is_refused() -> None:
    health = painter("one", WHOLE)
    desk = Desk(health)
    job = await desk.draw(lora="add_detail:0.5", sampler="Euler a")
    for gone in (
        replace(WHOLE, loras=(Lora("papercut_v2"),)),
        replace(WHOLE, samplers=(Sampler("Euler"),)),
    ):
        health.backend.ability = gone
        with pytest.raises(UnknownName):
            await desk.again(job)


async def test_once_more_goes_to_another_painter_that_has_all_of_it() -> None:
    one = painter("one", SMALL)
    desk = Desk(one, painter("two", SMALL))
    job = await desk.draw(model="dreamshaper_8")
    one.backend.ability = replace(SMALL, models=models("flux1-dev"), current_model=None)
    assert (job.route, (await desk.again(job)).route) == ("one", "two")


async def test_once_more_keeps_what_was_hidden_hidden() -> None:
    desk = Desk(painter("one", SMALL))
    job = await desk.draw(address=replace(HOME, spoiler=True))
    assert (await desk.again(job)).address.spoiler


async def test_a_blind_order_whose_card_was_on_its_way_is_made_whole_or_refused() -> None:
    health = painter("one", None, State.UNKNOWN)
    desk = Desk(health)
    right, wrong = await desk.draw(sampler="EULER A"), await desk.draw(sampler="nothing like it")
    health.backend.ability, health.state = WHOLE, State.UP
    for job in (right, wrong):
        await desk.studio.accepted(job, 5)
    assert desk.line.jobs[right.id].request.sampler == "Euler a"
    assert desk.line.jobs[right.id].request.unseen is None
    assert desk.line.accepted[right.id].request.unseen is None, "before it stood in line"
    assert desk.line.jobs[wrong.id].status is Status.FAILED


def named(option: str) -> dict[str, Any]:
    return {option: "anything"}


# -- names where there is no list ------------------------------------------------------------------


@pytest.mark.parametrize("option", ["sampler", "scheduler", "model"])
def test_a_name_is_refused_where_nothing_can_be_chosen(option: str) -> None:
    """Draw Things takes no names at all; they would be passed over in silence."""
    with pytest.raises(BadOption) as caught:
        Desk(painter("one", NO_LISTS)).compose(ADA, **named(option))
    assert caught.value.sentence == (
        f"The image server here can't choose a {option}. Leave `{option}` out."
    )


@pytest.mark.parametrize("option", ["sampler", "scheduler", "model"])
def test_a_broken_list_and_an_unknown_painter_check_nothing(option: str) -> None:
    wide = replace(Ability(), step_pixels=16)
    for ability in (wide, None):
        request = Desk(painter("one", ability)).compose(ADA, **named(option)).request
        assert getattr(request, option) == "anything"


def test_the_one_model_may_be_named() -> None:
    assert Desk(painter("one", ONE_MODEL)).compose(model="v1-5").request.model == "v1-5"


# -- who can change the model ----------------------------------------------------------------------


async def test_several_names_do_not_make_a_painter_switch() -> None:
    fixed = replace(ONE_MODEL, models=models("v1-5", "sdxl"), current_model="v1-5")
    desk = Desk(painter("one", fixed))
    assert "It draws with v1-5" in str(desk.studio.fixed())
    assert desk.studio.painters.models() == []
    with pytest.raises(Refusal, match="Only the operator"):
        await desk.studio.switch_model(ADA, Scope.MEMBER, "sdxl")
    with pytest.raises(BadOption):
        desk.compose(model="sdxl")


async def test_with_several_painters_each_ones_own_model_can_be_chosen() -> None:
    other = replace(ONE_MODEL, models=models("sdxl", "sdxl_old"), current_model="sdxl")
    desk = Desk(painter("one", ONE_MODEL), painter("two", other))
    assert desk.studio.fixed() is None
    assert desk.studio.painters.models() == ["v1-5", "sdxl"]
    assert (desk.route(model="v1-5"), desk.route(model="sdxl")) == ("one", "two")
    with pytest.raises(Refusal, match="Only the operator can bring sdxl_old"):
        await desk.studio.switch_model(ADA, Scope.MEMBER, "sdxl_old")


# -- several painters ------------------------------------------------------------------------------


def test_the_first_painter_that_has_what_was_asked_takes_it() -> None:
    desk = Desk(painter("one", ONE_MODEL), painter("two", WHOLE))
    assert desk.route() == "one"
    assert desk.route(hires=2.0) == "two"
    assert desk.route(lora="add_detail") == "two"
    assert desk.route(sampler="DPM++ 2M") == "two"


def test_when_all_refuse_the_first_ones_words_are_told() -> None:
    desk = Desk(painter("one", ONE_MODEL), painter("two", WHOLE))
    with pytest.raises(UnknownName) as caught:
        desk.compose(sampler="Eulerr b")
    assert caught.value.nearest == ("Euler",)


# -- which servers are served ----------------------------------------------------------------------


@pytest.mark.parametrize("ask", ["switch", "refresh", "change", "history"])
async def test_another_server_is_not_served_at_all(ask: str) -> None:
    studio = Desk(painter("one", SMALL), allowed=(200,)).studio
    asked = {
        "switch": lambda: studio.switch_model(ADMIN, Scope.MEMBER, "flux1-dev"),
        "refresh": lambda: studio.refresh(ADMIN),
        "change": lambda: studio.rules.change(ADMIN, Scope.SERVER, "steps", "5", granted=True),
        "history": lambda: studio.rules.history(ADMIN),
    }
    with pytest.raises(NotAllowed, match="operator's own servers"):
        await asked[ask]()


async def test_whom_discord_lets_in_may_change_the_server() -> None:
    desk = Desk(painter("one", SMALL))
    member = Guest(user_id=5, name="Eve", guild_id=100, channel_id=30)
    changes: list[object] = []

    async def change(*args: object) -> None:
        changes.append(args)

    desk.choices.change = change  # type: ignore[method-assign,assignment]
    with pytest.raises(NotAllowed):
        await desk.studio.rules.change(member, Scope.SERVER, "steps", "5")
    assert await desk.studio.rules.change(member, Scope.SERVER, "steps", "5", granted=True) == 5
    assert len(changes) == 1
    alone = replace(member, guild_id=None)
    with pytest.raises(NotAllowed, match="no server here"):
        await desk.studio.rules.change(alone, Scope.SERVER, "steps", "5", granted=True)


# -- what is in force, for people to read ----------------------------------------------------------


def test_what_nobody_chose_is_the_models_own() -> None:
    desk = Desk(painter("one", SMALL))
    desk.choices.made[Scope.SERVER, 100] = {"steps": 7}
    held = desk.studio.drafts.in_force(ADA).held
    assert (held["steps"].value, str(held["steps"].origin)) == (7, "server")
    assert (held["sampler"].value, str(held["sampler"].origin)) == ("DPM++ 2M", "model")
    assert (held["model"].value, str(held["model"].origin)) == ("dreamshaper_8", "default")
    assert str(held["private"].origin) == "default"


def test_a_chosen_style_that_is_gone_falls_away() -> None:
    desk = Desk(painter("one", SMALL))
    desk.choices.made[Scope.SERVER, 100] = {"style": "no longer there"}
    assert desk.compose().request.prompt == "a cat"


# -- pasted settings -------------------------------------------------------------------------------


def test_what_was_given_beside_pasted_settings_wins() -> None:
    studio = Desk(painter("one", LARGE)).studio
    reading = studio.pasted("a cat Steps: 9, Sampler: Euler, Seed: 5, Model: flux1-dev")
    assert reading is not None
    draft, _ = studio.redraw(reading, ADA, {"model": "animagineXL_v31", "count": 2})
    assert (draft.request.model, draft.request.count) == ("animagineXL_v31", 2)
    assert draft.request.steps == 9
    assert draft.request.rare == Rare()
