"""Several pictures in one request: cancelled or broken off, what is finished is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.queue import attempt
from tests.house import House, Message, generating_calls, labels, open_house, words

PAINTING = r"/txt2img$"


def hurried(house: House) -> None:
    """A stop of the bot waits hardly for what runs."""
    house.environment = {"shutdown_seconds": 0.5}


def seeds(message: Message) -> list[int]:
    """The seeds in the names of the attached files."""
    return [int(a["filename"].rsplit("-", 1)[1].split(".")[0]) for a in message["attachments"]]


async def cancelled(house: House, message_id: str) -> Message:
    """The message once it says its end, a moment after the press."""
    assert (await house.press(message_id, "cancel"))["outcome"] == "deferred_update"
    await house.until(lambda: "Cancelled." in words(house.message(message_id)))
    await house.quiet()
    return house.message(message_id)


async def test_cancel_delivers_what_is_finished_of_one_long_call(tmp_path: Path) -> None:
    async with open_house(tmp_path, step_seconds=0.25) as house:
        message_id = await house.order(prompt="four winds", steps=12, count=4, seed=10)
        await house.until(lambda: house.server.engine.state.job_no >= 2)
        message = await cancelled(house, message_id)
        assert "Cancelled. 2 of 4 were finished." in words(message)
        assert "seeds from 10 " in words(message)
        assert seeds(message) == [10, 11]
        assert labels(message) == ["Try again", "Delete"]
        assert generating_calls(house.server) == 1
        assert not house.painting, "the server was told to stop"
        # And the line goes on.
        assert seeds(await house.draw("/draw prompt:a calm width:64 height:64 steps:2 seed:1")) == [
            1
        ]


async def test_cancel_delivers_what_is_finished_of_many_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KoboldCpp paints one picture a call and cannot be stopped: it is waited for a while."""
    monkeypatch.setattr(attempt, "SALVAGE_SECONDS", 0.3)
    async with open_house(tmp_path, kind="koboldcpp", step_seconds=0.25) as house:
        message_id = await house.order(prompt="four winds", steps=16, count=4, seed=10)
        await house.until(lambda: generating_calls(house.server) == 3)
        message = await cancelled(house, message_id)
        assert "Cancelled. 2 of 4 were finished." in words(message)
        assert seeds(message) == [10, 11]


async def test_cancel_before_the_first_is_finished_is_the_usual_card(tmp_path: Path) -> None:
    async with open_house(tmp_path, step_seconds=0.25) as house:
        message_id = await house.order(prompt="four winds", steps=40, count=4, seed=10)
        await house.until(lambda: house.painting)
        message = await cancelled(house, message_id)
        assert words(message) == "**four winds**\nCancelled."
        assert message["attachments"] == []


async def test_a_retry_draws_only_the_missing_ones(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="koboldcpp") as house:
        house.server.faults.add("slow", route=PAINTING, seconds=0, times=2)
        house.server.faults.add("reset", route=PAINTING)
        message_id = await house.order(prompt="four winds", steps=2, count=4, seed=10)
        await house.until(lambda: bool(house.message(message_id)["attachments"]))
        await house.quiet()
        assert seeds(house.message(message_id)) == [10, 11, 12, 13]
        assert generating_calls(house.server) == 5, "four pictures, and the one that broke"
        assert [g["seed"] for g in house.server.generated] == [10, 11, 12, 13]


async def test_a_failure_half_way_brings_what_is_finished_with_its_reason(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="koboldcpp") as house:
        house.server.faults.add("slow", route=PAINTING, seconds=0, times=2)
        house.server.faults.add("html", route=PAINTING, status=200)
        (result,) = await house.say(
            "/draw prompt:four winds width:64 height:64 steps:2 count:4 seed:10"
        )
        assert not result.ok
        assert result.message is not None
        assert "isn't a whole picture" in words(result.message)
        assert "2 of 4 were finished." in words(result.message)
        assert seeds(result.message) == [10, 11]
        assert labels(result.message)[0] == "Try again"


async def test_a_restart_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="koboldcpp", step_seconds=0.25, before=hurried) as house:
        message_id = await house.order(prompt="four winds", steps=20, count=4, seed=10)
        await house.until(lambda: generating_calls(house.server) == 3, 15)
        await house.restart()
        await house.until(lambda: bool(house.message(message_id)["attachments"]), 15)
        await house.quiet()
        assert seeds(house.message(message_id)) == [10, 11, 12, 13]
        assert [g["seed"] for g in house.server.generated] == [10, 11, 12, 12, 13]


async def test_progress_counts_the_pictures_where_the_server_tells_none(tmp_path: Path) -> None:
    async with open_house(tmp_path, kind="koboldcpp", step_seconds=0.25) as house:
        seen: list[str] = []
        async with house.player(echo=seen.append) as player:
            result = await player.say(
                "/draw prompt:four winds width:64 height:64 steps:20 count:4 seed:10"
            )
        assert result.ok, result.reason
        assert " / 80" in "\n".join(seen)


async def test_several_pictures_of_stable_diffusion_cpp_are_one_call(tmp_path: Path) -> None:
    """It ignores `n_iter` and takes `batch_size` (sdapi 10)."""
    async with open_house(tmp_path, kind="sdcpp") as house:
        line = "/draw prompt:four winds width:64 height:64 steps:2 count:4 seed:10"
        assert seeds(await house.draw(line)) == [10, 11, 12, 13]
        assert generating_calls(house.server) == 1
