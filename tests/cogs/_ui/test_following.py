"""Cards that follow what takes minutes: until it is over, or Discord's 15 minutes nearly are."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.errors import BackendUnreachable
from cogs._ui import following
from cogs._ui.cards import Card
from cogs._ui.following import STOPS, Followers, View


class Answer:
    """A deferred interaction: what its message shows, edit by edit."""

    def __init__(self, age: float = 0.0) -> None:
        self.created_at = datetime.fromtimestamp(time.time() - age, UTC)
        self.shown: list[discord.Embed] = []
        self.trouble: list[int] = []

    async def edit_original_response(self, *, embed: discord.Embed, view: Any) -> Any:
        if len(self.shown) and self.trouble:
            code = self.trouble.pop(0)
            reply = SimpleNamespace(status=404, reason="no")
            raise discord.HTTPException(cast(Any, reply), {"code": code, "message": "no"})
        self.shown.append(embed)
        return SimpleNamespace(id=7)

    @property
    def texts(self) -> list[str | None]:
        return [embed.description for embed in self.shown]


class Work:
    """Something that goes through these states, one at each look."""

    def __init__(self, *states: str | Exception) -> None:
        self.states = list(states)

    async def __call__(self) -> View:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return View(Card(discord.Embed(description=state)), state != "done")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "EDIT_SECONDS", 0.01)


async def followed(answer: Answer, work: Work, seconds: float = 0.2) -> Followers:
    followers = Followers()
    await followers.show(cast(Any, answer), work)
    await asyncio.sleep(seconds)
    return followers


async def test_it_is_edited_when_something_has_changed_until_it_is_over() -> None:
    answer = Answer()
    followers = await followed(answer, Work("begun", "begun", "half", "half", "done", "late"))
    assert answer.texts == ["begun", "half", "done"]
    await followers.close()


async def test_what_can_not_be_seen_for_a_while_stays_as_it_was() -> None:
    answer = Answer()
    await followed(answer, Work("begun", BackendUnreachable("refused"), "done"))
    assert answer.texts == ["begun", "done"]


async def test_a_little_before_the_token_ends_it_says_that_it_stops() -> None:
    answer = Answer(age=following.WATCH_SECONDS - 0.05)
    await followed(answer, Work("begun"))
    assert answer.texts == ["begun", "begun"]
    assert answer.shown[-1].footer is not None
    assert answer.shown[-1].footer.text == STOPS
    assert following.WATCH_SECONDS < 15 * 60


async def test_a_message_that_was_dismissed_is_left_alone() -> None:
    answer = Answer()
    answer.trouble = [10008]
    await followed(answer, Work("begun", "half", "done"))
    assert answer.texts == ["begun"]


async def test_another_trouble_of_discord_is_passed_over() -> None:
    answer = Answer()
    answer.trouble = [0]
    await followed(answer, Work("begun", "half", "done"))
    assert answer.texts == ["begun", "done"]


async def test_another_card_on_the_message_ends_it() -> None:
    answer = Answer()
    followers = Followers()
    await followers.show(cast(Any, answer), Work("begun", "half", "done"))
    followers.leave(7)
    await asyncio.sleep(0.05)
    assert answer.texts == ["begun"]
