"""The desk: who may ask, which painter gets the order, what there is to choose from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import (
    BackendRejectedCredentials,
    BadOption,
    NotAllowed,
    QueueFull,
    Refusal,
    UnknownName,
)
from bot.queue.door import Caps
from bot.queue.health import State
from bot.settings import Limits
from bot.values.ability import Ability, Sampler, Scheduler
from tests.bot.studio.desk import ADA, LARGE, SMALL, Desk, models, painter

# -- which painter ---------------------------------------------------------------------------------


def test_a_model_goes_to_the_painter_that_lists_it() -> None:
    desk = Desk(painter("one", SMALL), painter("two", LARGE))
    assert desk.route(model="dreamshaper_8") == "one"
    assert desk.route(model="anim xl") == "two"


def test_a_model_that_both_list_goes_to_the_first() -> None:
    assert Desk(painter("one", SMALL), painter("two", LARGE)).route(model="flux1-dev") == "one"
    assert Desk(painter("two", LARGE), painter("one", SMALL)).route(model="flux1-dev") == "two"


def test_without_a_model_the_first_painter_and_its_own_model_are_taken() -> None:
    draft = Desk(painter("one", SMALL), painter("two", LARGE)).compose()
    assert (draft.route, draft.request.model, draft.request.width) == ("one", "dreamshaper_8", 512)


@pytest.mark.parametrize("state", [State.DOWN, State.REJECTED, State.UNKNOWN])
def test_one_that_is_up_comes_before_one_that_is_not(state: State) -> None:
    desk = Desk(painter("one", SMALL, state), painter("two", LARGE))
    draft = desk.compose()
    assert draft.route == "two"
    assert (draft.request.model, draft.request.width) == ("animagineXL_v31", 1024)
    assert desk.route(model="flux1-dev") == "two"


def test_who_lists_the_model_comes_before_who_is_up() -> None:
    """The order waits for the right painter instead of being made with another model."""
    desk = Desk(painter("one", SMALL), painter("two", LARGE, State.DOWN))
    assert desk.route(model="animagineXL_v31") == "two"


def test_all_down_keeps_the_order_for_the_first() -> None:
    down = [painter("one", SMALL, State.DOWN), painter("two", LARGE, State.DOWN)]
    assert Desk(*down).route() == "one"


def test_before_the_first_probe_an_order_waits_as_it_is() -> None:
    draft = Desk(painter("one", None, State.UNKNOWN)).compose(model="anything", seed=5)
    assert (draft.route, draft.request.model, draft.request.seed) == ("one", "anything", 5)


def test_a_painter_that_lists_no_models_may_have_any() -> None:
    assert Desk(painter("one", Ability())).route(model="anything") == "one"


def test_an_unknown_model_is_refused_with_the_nearest_of_all_painters() -> None:
    desk = Desk(painter("one", SMALL), painter("two", LARGE))
    with pytest.raises(UnknownName) as caught:
        desk.compose(model="animaginXL_v32")
    assert caught.value.option == "model"
    assert caught.value.nearest[0] == "animagineXL_v31"


def test_a_model_name_that_nobody_can_check_is_bounded() -> None:
    """Before the first probe any text passes; Discord allows 6,000 characters, a footer 2,048."""
    with pytest.raises(BadOption) as caught:
        Desk(painter("one", None, State.UNKNOWN)).compose(model="x" * 6000)
    assert caught.value.option == "model"


def test_the_family_follows_the_model_that_will_paint() -> None:
    desk = Desk(painter("one", SMALL), painter("two", LARGE))
    assert desk.compose(model="animagineXL_v31").request.width == 1024
    assert desk.compose(model="flux1-dev").request.cfg_scale == 1.0


# -- what there is to choose from ------------------------------------------------------------------


def test_completions_are_those_of_all_painters_each_once() -> None:
    one = replace(SMALL, samplers=(Sampler("Euler"),), schedulers=(Scheduler("karras", "Karras"),))
    two = replace(LARGE, samplers=(Sampler("Euler"), Sampler("DDIM")))
    studio = Desk(painter("one", one), painter("two", two), painter("new", None)).studio
    assert sorted(studio.painters.models()) == ["animagineXL_v31", "dreamshaper_8", "flux1-dev"]
    assert studio.painters.models("anim xl") == ["animagineXL_v31"]
    assert studio.painters.listed("samplers") == ["Euler", "DDIM"]
    assert studio.painters.listed("samplers", "dd") == ["DDIM"]
    assert studio.painters.listed("schedulers", "KAR") == ["Karras"]


def test_the_models_stand_in_the_operators_order() -> None:
    studio = Desk(painter("one", SMALL), painter("two", LARGE)).studio
    assert studio.painters.models() == ["dreamshaper_8", "flux1-dev", "animagineXL_v31"]


def test_a_completion_never_has_more_than_25() -> None:
    many = Ability(models=models(*(f"m{n}" for n in range(80))))
    assert len(Desk(painter("one", many)).studio.painters.models()) == 25


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
