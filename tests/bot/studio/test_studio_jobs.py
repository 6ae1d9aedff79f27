"""Jobs at the desk: whose they are, drawing one again, why one stands still."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import (
    BackendUnreachable,
    Gone,
    NotAllowed,
    QueueFull,
    Refusal,
)
from bot.queue.health import State
from bot.queue.job import Status
from bot.settings import Limits
from bot.studio.painters import trouble_of
from bot.values.guest import Guest
from tests.bot.studio.desk import ADA, BOB, HOME, LARGE, SMALL, Desk, painter

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
        with pytest.raises(NotAllowed, match="Only <@1> or a moderator"):
            await asking
    assert desk.line.jobs[job.id].status is Status.WAITING


async def test_the_operators_own_ids_may_change_any_job() -> None:
    desk = Desk(painter("one", SMALL), owners=(BOB.user_id,))
    job = await desk.draw()
    elsewhere = replace(BOB, guild_id=None)
    assert await desk.studio.owned(job.id, elsewhere) == job
    with pytest.raises(NotAllowed):
        await desk.studio.owned(job.id, replace(BOB, user_id=3))


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
    with pytest.raises(Gone, match="delivered already"):
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
    draft = desk.compose()
    assert await desk.studio.draw(draft, ADA, HOME) is not None
    assert await desk.studio.draw(draft, ADA, HOME) is None


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
def test_a_waiting_card_says_when_the_painter_is_away(state: State) -> None:
    told = trouble_of(painter("one", SMALL, state))
    assert (told is not None) is (state in (State.DOWN, State.REJECTED))
    if told:
        assert "place in line is kept" in told


def test_a_server_without_its_interface_is_not_said_to_be_out_of_reach() -> None:
    away = painter("one", SMALL, State.DOWN)
    away.error = BackendUnreachable("404", sentence="It has no drawing interface just now.")
    told = trouble_of(away)
    assert told == "It has no drawing interface just now. Your place in line is kept."
    away.error = BackendUnreachable("no connection")
    assert "can't be reached right now" in (trouble_of(away) or "")
