"""Who may join the line: the caps, counted from memory, with every order that is on its way."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import DatabaseUnavailable, QueueFull
from bot.queue.door import SHOWING_SECONDS, Caps
from bot.queue.job import Job
from tests.bot.queue.props import ADA, BOB, Clock, Line, address, order, picture

TIGHT = Caps(per_member=2, per_guild=3, total=4)


async def test_a_member_over_the_cap_is_told_how_many_wait(line: Line) -> None:
    for _ in range(TIGHT.per_member):
        await line.accepted(ADA, caps=TIGHT)
    with pytest.raises(QueueFull) as refusal:
        await line.submit(ADA, caps=TIGHT)
    assert "already have 2 orders in line" in refusal.value.sentence
    await line.submit(BOB, caps=TIGHT)


async def test_a_members_cap_counts_in_every_server(line: Line) -> None:
    await line.accepted(ADA, 1, caps=TIGHT)
    await line.accepted(ADA, None, caps=TIGHT)
    with pytest.raises(QueueFull):
        await line.submit(ADA, 2, caps=TIGHT)


async def test_a_server_over_its_cap_leaves_room_for_others(line: Line) -> None:
    for user in range(TIGHT.per_guild):
        await line.accepted(user, 1, caps=TIGHT)
    with pytest.raises(QueueFull, match="This server already has 3 orders in line"):
        await line.submit(BOB, 1, caps=TIGHT)
    await line.submit(BOB, 2, caps=TIGHT)


async def test_direct_messages_are_no_server(line: Line) -> None:
    for user in range(TIGHT.per_guild):
        await line.accepted(user, None, caps=TIGHT)
    await line.submit(BOB, None, caps=TIGHT)


async def test_the_line_as_a_whole_has_a_cap(line: Line) -> None:
    for user in range(TIGHT.total):
        await line.accepted(user, user, caps=TIGHT)
    with pytest.raises(QueueFull, match="The line is full"):
        await line.submit(BOB, 99, caps=TIGHT)


@pytest.mark.parametrize("caps", [Caps(1, 9, 9), Caps(9, 1, 9), Caps(9, 9, 1)])
async def test_an_order_whose_card_is_on_its_way_counts(line: Line, caps: Caps) -> None:
    await line.submit(ADA, caps=caps)
    with pytest.raises(QueueFull):
        line.queue.check(ADA, 1, caps)


async def test_a_card_that_never_arrives_counts_for_a_minute(line: Line, clock: Clock) -> None:
    caps = Caps(1, 9, 9)
    await line.submit(ADA, caps=caps)
    clock.forward(SHOWING_SECONDS - 1)
    with pytest.raises(QueueFull):
        line.queue.check(ADA, 1, caps)
    clock.forward(2)
    line.queue.check(ADA, 1, caps)


async def test_a_withdrawn_order_frees_its_place_and_its_row(line: Line) -> None:
    caps = Caps(1, 1, 1)
    job = await line.submit(ADA, caps=caps)
    await line.queue.withdraw(job)
    assert await line.store.get(job.id) is None
    await line.submit(ADA, caps=caps)


async def test_a_member_who_presses_twice_at_once_gets_one_place(line: Line) -> None:
    caps = Caps(1, 9, 9)
    outcomes = await asyncio.gather(
        *(line.submit(ADA, caps=caps) for _ in range(3)), return_exceptions=True
    )
    assert [type(o) for o in outcomes] == [Job, QueueFull, QueueFull]


@pytest.mark.parametrize("caps", [Caps(9, 1, 9), Caps(9, 9, 1)])
async def test_two_members_at_the_same_moment_do_not_both_get_the_last_place(
    line: Line, caps: Caps
) -> None:
    outcomes = await asyncio.gather(
        *(line.submit(user, caps=caps) for user in (ADA, BOB)), return_exceptions=True
    )
    assert [type(o) for o in outcomes] == [Job, QueueFull]


async def test_a_replayed_interaction_takes_no_second_place(line: Line) -> None:
    caps = Caps(2, 9, 9)
    to = address()
    assert await line.queue.submit(order(to=to), caps) is not None
    assert await line.queue.submit(order(to=to), caps) is None
    line.queue.check(ADA, 1, caps)


async def test_an_order_that_cannot_be_written_takes_no_place(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def locked(_: object) -> None:
        raise DatabaseUnavailable("locked")

    caps = Caps(1, 1, 1)
    with monkeypatch.context() as patch:
        patch.setattr(line.store, "add", locked)
        with pytest.raises(DatabaseUnavailable):
            await line.submit(ADA, caps=caps)
    await line.submit(ADA, caps=caps)


async def test_every_end_frees_its_place(line: Line) -> None:
    caps = Caps(1, 1, 1)
    await line.accepted(caps=caps)
    await line.queue.finish(await line.claim(), [picture()])
    await line.accepted(caps=caps)
    await line.queue.fail(await line.claim(), "x", "x", "x")
    job = await line.accepted(caps=caps)
    await line.queue.cancel(job.id)
    await line.accepted(caps=caps)
