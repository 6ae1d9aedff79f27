"""Orders taken before their painter told its lists, and a picture's settings drawn again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import NotAllowed, QueueFull
from bot.images.foreign import Reading
from bot.queue.door import Caps
from bot.queue.health import State
from bot.queue.job import Status
from bot.settings import Limits
from tests.bot.studio.desk import ADA, LARGE, SMALL, Desk, painter
from tests.bot.studio.ordering import WHOLE


async def test_blind_orders_are_composed_anew_when_their_painter_has_told_its_lists() -> None:
    one, two = painter("one", None, State.UNKNOWN), painter("two", LARGE, State.DOWN)
    desk = Desk(one, two)
    blind = await desk.draw(sampler="EULER A")
    two.state = State.UP
    elsewhere = await desk.draw(model="animagineXL_v31")
    assert (blind.route, blind.request.model, elsewhere.route) == ("one", None, "two")
    one.backend.ability, one.state = WHOLE, State.UP
    seen = await desk.draw(seed=5)
    await desk.studio.clear_up("one")
    told = desk.line.jobs[blind.id].request
    assert (told.model, told.sampler, told.unseen) == ("dreamshaper_8", "Euler a", None)
    assert told.seed == blind.request.seed
    assert desk.line.jobs[elsewhere.id].request == elsewhere.request
    assert desk.line.jobs[seen.id].request == seen.request


async def test_a_blind_order_that_cannot_be_is_refused_and_does_not_stop_the_others() -> None:
    health = painter("one", None, State.UNKNOWN)
    desk = Desk(health)
    wrong = await desk.draw(model="nobody_v9")
    right = await desk.draw(model="dreamshaper")
    health.backend.ability, health.state = SMALL, State.UP
    await desk.studio.clear_up("one")
    refused = desk.line.jobs[wrong.id]
    assert refused.status is Status.FAILED
    assert "no model called `nobody_v9`" in str(refused.error_sentence)
    assert desk.line.jobs[right.id].request.model == "dreamshaper_8"


async def test_an_order_that_waited_for_the_wrong_painter_is_never_drawn_with_another_model() -> (
    None
):
    """The server would say 200 and use the one that is loaded (sdapi trap 3)."""
    one = painter("one", None, State.UNKNOWN)
    desk = Desk(one, painter("two", LARGE, State.DOWN))
    job = await desk.draw(model="flux1-dev")
    assert job.route == "one"
    one.backend.ability, one.state = WHOLE, State.UP
    await desk.studio.clear_up("one")
    assert "doesn't have flux1-dev" in str(desk.line.jobs[job.id].error_sentence)


READING = Reading("A1111", "a cat", "", {"Steps": "200", "Model": "flux1-dev", "Seed": "5"})


def test_a_pictures_settings_are_a_draft_and_the_losses_are_told() -> None:
    desk = Desk(painter("one", SMALL), limits=Limits(waiting_per_member=2))
    draft, left_out = desk.studio.redraw(READING, ADA)
    assert (draft.request.model, draft.request.seed, draft.route) == ("flux1-dev", 5, "one")
    assert list(left_out) == ["its 200 steps"]
    assert desk.line.caps == [Caps(2, 50, 500)]


def test_drawing_it_again_obeys_the_house_rules() -> None:
    desk = Desk(painter("one", SMALL), allowed=(100,))
    with pytest.raises(NotAllowed):
        desk.studio.redraw(READING, replace(ADA, guild_id=200))
    desk.line.full = True
    with pytest.raises(QueueFull):
        desk.studio.redraw(READING, ADA)


def test_a_pasted_infotext_is_told_from_a_prompt() -> None:
    studio = Desk(painter("one", SMALL)).studio
    pasted = studio.pasted(
        "a cat Negative prompt: fog Steps: 9, Sampler: Euler, Seed: 5, Size: 8x8"
    )
    assert pasted is not None
    assert (pasted.prompt, pasted.negative_prompt) == ("a cat", "fog")
    assert studio.pasted("a cat, 9 steps up a stair") is None
