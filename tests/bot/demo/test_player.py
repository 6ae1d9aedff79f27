"""The player over the real stand-in: a scripted bot answers, the player tells how it went."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.discord import DiscordStandIn
from bot.demo.player import LineResult, Player, exit_code
from bot.demo.say import PlayError
from tests.bot.demo.scripted_bot import AGAIN, ERROR_COLOUR, PICTURE, PREVIEW, ScriptedBot

SETTLE = 0.15


class Stage:
    """A running stand-in with a bot, and where its pictures go."""

    def __init__(self, discord: DiscordStandIn, bot: ScriptedBot, out: Path) -> None:
        self.discord = discord
        self.bot = bot
        self.out = out
        self.said: list[str] = []

    def player(self, **more: Any) -> Player:
        return Player(
            self.discord.url,
            error_colour=ERROR_COLOUR,
            **{"settle": SETTLE, "out": self.out, "echo": self.said.append, **more},
        )

    async def play(self, *lines: str, **more: Any) -> list[LineResult]:
        async with self.player(**more) as player:
            await player.ready(5)
            return await player.say_all(lines)

    def transcript(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "transcript.json").read_text("utf-8"))
        return found

    def saved(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.out.glob("*.png"))]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with (
        DiscordStandIn(token="scripted") as discord,
        ScriptedBot(discord.url, discord.token) as bot,
    ):
        yield Stage(discord, bot, tmp_path / "out")
        assert bot.failures == []
        assert discord.crashes == []


def text(result: LineResult) -> str:
    """The content of the message that a line led to."""
    assert result.ok, result.reason
    assert result.message is not None
    return str(result.message["content"])


async def test_a_picture_is_drawn_shown_and_saved(stage: Stage) -> None:
    (drawn,) = await stage.play("/draw prompt:a cat: portrait steps:5")

    assert text(drawn) == "**a cat: portrait**"
    assert exit_code([drawn]) == 0
    assert stage.bot.heard[0]["data"]["options"] == [
        {"name": "prompt", "type": 3, "value": "a cat: portrait"},
        {"name": "steps", "type": 4, "value": 5},
    ]
    assert sorted(stage.saved()) == sorted([PREVIEW, PICTURE, AGAIN])
    told = [line.split("│ ")[1] for line in stage.said]
    assert told[:4] == [
        "/draw prompt:a cat: portrait steps:5",
        "🎨 **a cat: portrait**",
        "1st in line",
        "[✖ Cancel]",
    ]
    assert "50 percent" in told
    assert told[-1] == "[🔁 Again] [Vary] [✏️ Edit] [···] [🗑️ Delete]"
    assert told.count("🎨 **a cat: portrait**") == 1


async def test_the_transcript_holds_the_final_messages_and_the_lines(stage: Stage) -> None:
    drawn, more = await stage.play("/draw prompt:a cat", "press ···")
    found = stage.transcript()
    assert found["ok"] is True
    assert drawn.message
    assert found["lines"][0] == {
        "line": "/draw prompt:a cat",
        "ok": True,
        "reason": None,
        "message": drawn.message["id"],
        "seconds": drawn.seconds,
        "as": "ada",
        "in": "easel",
    }
    easel = next(channel for channel in found["channels"] if channel["name"] == "easel")
    picture, private = easel["messages"]
    assert (picture["content"], picture["ephemeral"], len(picture["files"])) == (
        "**a cat**",
        False,
        3,
    )
    assert (private["content"], private["ephemeral"]) == (text(more), True)


async def test_buttons_answer_with_new_messages_and_those_become_the_last(stage: Stage) -> None:
    results = await stage.play(
        "/draw prompt:a cat", "press Again", "press ...", "in gallery", "/draw prompt:a dog"
    )
    assert [text(result) for result in results if result.message] == [
        "**a cat**",
        "once more",
        "Only for you",
        "**a dog**",
    ]


async def test_a_private_answer_does_not_hide_the_buttons_above_it(stage: Stage) -> None:
    results = await stage.play(
        "/draw prompt:a cat", "press ···", "press ···", "press Again", "press Cancel"
    )
    assert text(results[3]) == "once more"
    assert "no button “Cancel”; it has 🔁 Again" in (results[4].reason or "")


async def test_a_private_question_after_a_press_is_followed(stage: Stage) -> None:
    _, asked, chosen = await stage.play("/draw prompt:a cat", "press Vary", "select strong")
    assert text(asked) == "How much?"
    assert text(chosen) == "Chosen: 0.7"


async def test_a_form_is_filled_and_sent(stage: Stage) -> None:
    _, opened, filled, again = await stage.play(
        "/draw prompt:a cat", "press Edit", "fill prompt:a dog: brown STEPS:8", "fill Prompt:x"
    )
    assert opened.ok
    assert text(filled) == "a dog: brown / 8"
    assert again.reason == "No form is open: the line before has to open one."


async def test_a_deleted_message_ends_its_line_well_and_its_files_stay(stage: Stage) -> None:
    _, deleted, gone = await stage.play("/draw prompt:a cat", "press Delete", "press Again")
    assert deleted.ok
    assert deleted.message is None
    assert gone.reason == "There is no message by the bot in easel yet."
    assert sum(line.endswith("│ (deleted)") for line in stage.said) == 1
    assert sorted(stage.saved()) == sorted([PREVIEW, PICTURE, AGAIN])
    easel = stage.transcript()["channels"][0]
    assert easel["messages"] == []
    assert easel["deleted"][0]["content"] == "**a cat**"


async def test_a_line_with_an_ampersand_goes_on_while_the_next_is_played(stage: Stage) -> None:
    slow, cancel = await stage.play("/draw prompt:slow &", "press Cancel")
    assert text(slow) == text(cancel) == "Cancelled."


async def test_an_answer_in_the_error_colour_fails_the_line_and_the_play_goes_on(
    stage: Stage,
) -> None:
    results = await stage.play("/draw prompt:trouble", "/draw prompt:a cat")
    assert [result.ok for result in results] == [False, True]
    assert results[0].reason == "The image server is tired."
    assert exit_code(results) == 1
    assert stage.transcript()["ok"] is False


async def test_a_press_on_a_red_card_is_not_blamed_for_its_colour(stage: Stage) -> None:
    trouble, report = await stage.play("/draw prompt:trouble", "press Report")
    assert not trouble.ok
    assert report.ok, report.reason


async def test_a_line_that_does_not_end_fails_after_its_timeout(stage: Stage) -> None:
    (slow,) = await stage.play("/draw prompt:slow", timeout=0.4)
    assert slow.reason == "Not done after 0.4 s: it still offers Cancel."
    assert 0.4 <= slow.seconds < 2


async def test_what_discord_refuses_fails_with_its_sentence(stage: Stage) -> None:
    (refused,) = await stage.play("/draw prompt:a cat steps:51")
    assert not refused.ok
    assert refused.reason
    assert "steps" in refused.reason


async def test_a_bot_that_says_nothing_fails_the_line(stage: Stage) -> None:
    playing = asyncio.create_task(stage.play("/draw prompt:silence"))
    await stage.bot.asked.wait()
    stage.discord.advance(3)
    (silent,) = await playing
    assert silent.reason == "The application did not respond."


async def test_slips_fail_and_the_rest_is_played(stage: Stage, tmp_path: Path) -> None:
    results = await stage.play(
        "dance", "press Again", "as eve", "in attic", f"/draw prompt:x image:@{tmp_path}/no.png"
    )
    assert [result.ok for result in results] == [False] * 5
    reasons = " ".join(result.reason or "" for result in results)
    for words in (
        "“dance”",
        "no message by the bot",
        "no member “eve”",
        "“attic”",
        "can't be read",
    ):
        assert words in reasons


async def test_a_file_is_attached(stage: Stage, tmp_path: Path) -> None:
    source = tmp_path / "my source.png"
    source.write_bytes(PICTURE)
    (drawn,) = await stage.play(f"/draw prompt:deferred image:@{source}")
    assert text(drawn) == "late"
    data = stage.bot.heard[0]["data"]
    (attachment,) = data["resolved"]["attachments"].values()
    assert attachment["size"] == len(PICTURE)
    assert data["options"][1]["value"] == attachment["id"]


async def test_members_see_their_own_private_messages_and_share_the_rest(stage: Stage) -> None:
    results = await stage.play(
        "/draw prompt:a cat",
        "press ···",
        "as bob",
        "press Again",
        "menu png info",
        "in dm",
        "/draw prompt:a dog",
        "as ada",
        "press Again",
    )
    assert [result.reason for result in results[:-1]] == [None] * 8
    assert results[-1].reason == "There is no message by the bot in dm yet."
    assert "1180" not in text(results[3])
    private = [
        (message["content"][:8], message["seen_by"])
        for channel in stage.transcript()["channels"]
        for message in channel["messages"]
        if message["ephemeral"] or channel["type"] == 1
    ]
    assert private == [
        ("Only for", ["ada"]),
        ("Steps: 5", ["bob"]),
        ("**a dog*", ["bob"]),
    ]


async def test_a_player_that_comes_later_goes_on_where_the_bot_stopped(stage: Stage) -> None:
    await stage.play("/draw prompt:a cat")
    stage.said.clear()
    (again,) = await stage.play("press Again", out=None)
    assert text(again) == "once more"
    assert not any("a cat" in line for line in stage.said)


async def test_a_play_that_is_interrupted_still_leaves_its_transcript(stage: Stage) -> None:
    playing = asyncio.create_task(stage.play("/draw prompt:slow &", "/draw prompt:slow"))
    while len(stage.bot.heard) < 2:
        await stage.bot.asked.wait()
        stage.bot.asked.clear()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    found = stage.transcript()
    assert [line["reason"] for line in found["lines"]] == ["Interrupted.", "Interrupted."]
    assert found["ok"] is False


async def test_a_page_that_ends_fails_the_line(stage: Stage) -> None:
    playing = asyncio.create_task(stage.play("/draw prompt:slow", out=None))
    await stage.bot.asked.wait()
    await stage.discord.wait_for(lambda: bool(stage.discord.messages("easel")))
    await stage.discord.close()
    (ended,) = await playing
    assert (ended.reason or "").startswith(("The page closed", "No page answers"))


async def test_without_a_bot_the_player_says_what_is_missing() -> None:
    async with (
        DiscordStandIn(token="scripted") as discord,
        Player(discord.url, error_colour=ERROR_COLOUR) as player,
    ):
        with pytest.raises(PlayError, match=r"After 0.1 s the bot has not come online."):
            await player.ready(0.1)


async def test_without_a_page_the_player_says_so() -> None:
    with pytest.raises(PlayError, match="No page answers"):
        async with Player("http://127.0.0.1:9", error_colour=ERROR_COLOUR):
            pass
