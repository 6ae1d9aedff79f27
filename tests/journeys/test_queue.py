"""The line as people see it: /queue, turns that are fair, pausing and clearing, the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.queue import store as rows
from tests.house import House, open_house, words


@pytest_asyncio.fixture
async def slow(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose painter takes its time."""
    async with open_house(tmp_path, step_seconds=0.05) as house:
        yield house


def drawn(house: House) -> list[str]:
    """The prompts in the order in which they were painted."""
    return [str(one["prompt"]) for one in house.server.generated]


def select_of(message: dict[str, Any]) -> dict[str, Any]:
    """The message's one select."""
    return next(c for row in message["components"] for c in row["components"] if c["type"] == 3)


async def test_queue_shows_who_stands_where_and_cancels(slow: House) -> None:
    await slow.order(prompt="the first", steps=40)
    await slow.until(lambda: slow.painting)
    await slow.order(prompt="the second", steps=1)
    await slow.order(prompt="a secret", steps=1, private=True, user="bob")
    await slow.until(lambda: len([*slow.easel.queue.waiting()]) == 3)
    async with slow.player(user="ada") as player:
        shown = (await player.say("/queue show:this server's")).message
        assert shown is not None
        assert shown["ephemeral"]
        said = words(shown)
        assert "drawing · **the first**" in said
        # Who has drawn nothing yet comes first, though their order came last.
        assert "1st · a private picture" in said
        assert "2nd · **the second**" in said
        assert "a secret" not in said
        cancelled = (await player.say("select the second")).message
    assert cancelled is not None
    assert "Cancelled." in words(cancelled)
    assert "the second" not in words(cancelled).replace("Cancelled.", "")
    await slow.quiet(30)
    assert drawn(slow) == ["the first", "a secret"]


async def test_five_of_one_member_delay_another_by_one_at_most(slow: House) -> None:
    await slow.order(prompt="ada 0", steps=30)
    await slow.until(lambda: slow.painting)
    for n in range(1, 5):
        await slow.order(prompt=f"ada {n}", steps=2)
    before = len(drawn(slow))
    await slow.order(prompt="bob", steps=2, user="bob")
    await slow.quiet(30)
    assert drawn(slow).index("bob") <= before + 1, "one may be on the easel already"


async def test_an_admin_pauses_resumes_and_clears(slow: House) -> None:
    async with slow.player(user="admin") as player:
        await player.say("/queue show:this server's")
        paused = (await player.say("press Pause this server's line")).message
        assert paused is not None
        assert "An admin has paused this server's line" in words(paused)
        message_id = await slow.order(prompt="patience", steps=1)
        await asyncio.sleep(0.3)
        assert drawn(slow) == []
        assert "paused" in words(slow.message(message_id))
        await slow.restart()
        await asyncio.sleep(0.3)
        assert drawn(slow) == [], "a restart forgets no pause"
    async with slow.player(user="admin") as player:
        await player.say("/queue show:this server's")
        sure = (await player.say("press Cancel all that waits")).message
        assert sure is not None
        assert "Cancel all 1 pictures" in words(sure)
        await player.say("press Yes, cancel 1")
        await player.say("/queue show:this server's")
        await player.say("press Resume this server's line")
        history = (await player.say("/server")).message
    assert history is not None
    assert "cleared" in str(history["embeds"][0]["fields"])
    await slow.draw("/draw prompt:on we go width:64 height:64 steps:1")
    assert drawn(slow) == ["on we go"]


async def test_only_those_who_manage_the_server_pause_it(slow: House) -> None:
    async with slow.player(user="bob") as player:
        shown = (await player.say("/queue show:this server's")).message
    assert shown is not None
    labels = [b.get("label") for row in shown["components"] for b in row["components"]]
    assert not any("line" in (label or "") for label in labels)
    assert "Only the operator" in await slow.refused("/queue show:all", user="bob")


async def test_who_waited_long_is_called_once(slow: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CALL_SECONDS", 0.05)
    await slow.draw("/draw prompt:worth waiting for width:64 height:64 steps:10")
    await slow.until(lambda: any("ready after" in words(m) for m in slow.shown()))
    (call,) = [m for m in slow.shown() if "ready after" in words(m)]
    assert call["content"].startswith("<@")
    assert call["message_reference"]["message_id"]
    await slow.restart()
    await asyncio.sleep(0.2)
    assert len([m for m in slow.shown() if "ready after" in words(m)]) == 1
