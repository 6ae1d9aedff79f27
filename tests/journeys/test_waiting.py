"""In line and being drawn: places, progress, Cancel, caps."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.settings import Limits
from tests.house import House, generating_calls, labels, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLOW = "width:64 height:64 steps:40"
"""Two seconds of sampling on this module's server: long enough to watch."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An image server that takes its time, and small caps."""
    folder: Path = tmp_path_factory.mktemp("slow")

    def narrow(house: House) -> None:
        house.limits = Limits(waiting_per_member=3, max_steps=60, max_pixels=1024 * 1024)

    async with open_house(folder, step_seconds=0.25, before=narrow) as opened:
        yield opened


async def test_progress_is_shown_on_the_one_message(slow_house: House) -> None:
    seen: list[str] = []
    async with slow_house.player(echo=seen.append) as player:
        result = await player.say("/draw prompt:a slow tree width:64 height:64 steps:60 seed:1")
    assert result.ok, result.reason
    text = "\n".join(seen)
    assert "next in line" in text
    assert "▓" in text
    assert " / 60" in text
    assert "percent" in text


async def test_cancel_while_drawing_stops_the_image_server(slow_house: House) -> None:
    async with slow_house.player() as player:
        await player.say(f"/draw prompt:a slow tree {SLOW} &")
        await slow_house.until(lambda: slow_house.painting)
        cancelled = await player.say("press Cancel")
        assert cancelled.ok, cancelled.reason
        await slow_house.until(lambda: not slow_house.painting, 1.0)
    message = slow_house.shown()[-1]
    assert "Cancelled." in words(message)
    assert labels(message) == ["Try again", "Delete"]


async def test_a_cancelled_waiting_job_never_reaches_the_server(slow_house: House) -> None:
    before = generating_calls(slow_house.server)
    async with slow_house.player() as player:
        await player.say(f"/draw prompt:the first {SLOW} &")
        await slow_house.until(lambda: slow_house.painting)
        await player.say(f"/draw prompt:the second {SLOW} &")
        assert (await player.say("press Cancel")).ok
        await player.finish()
    assert generating_calls(slow_house.server) - before == 1


async def test_each_member_knows_their_place_and_it_moves_up(slow_house: House) -> None:
    await slow_house.draw("/draw prompt:a measure width:64 height:64 steps:5")
    async with slow_house.player() as player:
        for name in ("first", "second", "third"):
            await player.say(f"/draw prompt:the {name} {SLOW} &")
        ids = [m["id"] for m in slow_house.shown()[-3:]]

        def cards() -> list[str]:
            return [words(slow_house.message(i)) for i in ids]

        await slow_house.until(lambda: "drawing" in cards()[0])
        await slow_house.until(lambda: "next in line" in cards()[1])
        await slow_house.until(lambda: "2nd in line" in cards()[2])
        assert "about" in cards()[2], "the ETA is measured from the jobs before"
        results = await player.finish()
    assert all(r.ok for r in results)


async def test_over_the_cap_is_a_private_word_and_no_job(slow_house: House) -> None:
    async with slow_house.player() as player:
        for n in range(3):
            await player.say(f"/draw prompt:number {n} {SLOW} &")
        refused = await player.say(f"/draw prompt:one too many {SLOW}")
        assert not refused.ok
        assert refused.message is not None
        assert refused.message["ephemeral"]
        assert "You already have 3 orders in line" in words(refused.message)
        for message in slow_house.shown()[-4:]:
            if "Cancel" in labels(message):
                await slow_house.press(message["id"], "cancel")


async def test_bad_options_are_refused_before_the_line(slow_house: House) -> None:
    before = generating_calls(slow_house.server)
    cases = {
        "/draw prompt:x sampler:DPM+ 2M Karas": "no sampler called",
        "/draw prompt:x model:nosuchmodel": "no model called",
        "/draw prompt:x steps:100": "`steps` can be 1 to 60 here, not 100",
        "/draw prompt:x width:2048 height:2048": "4.2 megapixels; at most 1.0",
        "/draw prompt:x count:9": "`count` can be 1 to 4 here",
    }
    for line, sentence in cases.items():
        assert sentence in await slow_house.refused(line), line
    assert "Did you mean `DPM++ 2M" in await slow_house.refused("/draw prompt:x sampler:DPM+ 2MM")
    assert generating_calls(slow_house.server) == before
    assert [*slow_house.easel.queue.waiting()] == []


async def test_a_smaller_preset_is_chosen_for_a_low_ceiling(slow_house: House) -> None:
    message = await slow_house.draw(
        "/draw prompt:a wide sea model:sd_xl_base_1.0 size:Wide 16:9 steps:1"
    )
    width, height = (message["attachments"][0][k] for k in ("width", "height"))
    assert width * height <= 1024 * 1024
    assert abs(width / height - 16 / 9) < 0.1


async def test_a_calm_stop_hands_the_running_job_to_the_next_start(slow_house: House) -> None:
    async with slow_house.player() as player:
        # Longer than SHUTDOWN_SECONDS lets it go on.
        await player.say("/draw prompt:a long tree width:64 height:64 steps:60 count:2 seed:3 &")
        await slow_house.until(lambda: slow_house.painting)
        await asyncio.wait_for(slow_house.restart(), 8)
        (result,) = await player.finish()
    assert result.ok, result.reason
    assert result.message is not None
    names = [a["filename"] for a in result.message["attachments"]]
    assert names == [f"a-long-tree-{n}.png" for n in (3, 4)]


async def test_a_private_card_asks_to_be_kept_alive_before_its_token_ends(
    slow_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can edit a private answer after 15 minutes: a press brings a fresh token."""
    monkeypatch.setattr(sys.modules["cogs.delivery"], "PARK_SECONDS", 15 * 60 - 1)
    await slow_house.order(prompt="the one before", steps=50)
    message_id = await slow_house.order(prompt="a quiet corner", steps=10, private=True)
    await slow_house.until(lambda: "Keep waiting" in labels(slow_house.message(message_id)))
    assert "direct message" in words(slow_house.message(message_id))
    monkeypatch.undo()
    outcome = await slow_house.press(message_id, "keep")
    assert outcome["outcome"] == "deferred_update"
    await slow_house.until(lambda: "Keep waiting" not in labels(slow_house.message(message_id)))
    await slow_house.until(lambda: bool(slow_house.message(message_id)["attachments"]))
    assert slow_house.message(message_id)["ephemeral"]
