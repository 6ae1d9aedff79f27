"""Who waited long is called once: again while Discord has trouble, and not when it is old news."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from bot.errors import DatabaseUnavailable
from bot.queue.job import Job, Status
from bot.values.guest import Address
from cogs._ui import calls
from cogs._ui.calls import FRESH_SECONDS, call, call_late
from cogs._ui.cards import Card
from cogs._ui.post import Outcome
from tests.cogs.samples import address, job


class Bot:
    """Stands for the bot and its studio: what is due, and a database that may be away."""

    def __init__(self) -> None:
        self.studio = self
        self.due = {7}
        self.failing = 0

    async def call_due(self, done: Job) -> bool:
        return done.id in self.due

    async def called(self, done: Job) -> None:
        if self.failing:
            self.failing -= 1
            raise DatabaseUnavailable("locked")
        self.due.discard(done.id)


class Way:
    """Stands for the postman: outcomes in order, the last for ever; what was sent."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[str] = []

    def __call__(self, _: object) -> Way:
        return self

    async def call(self, to: Address, user: int, words: str, nonce: str) -> Outcome:
        return self._next(f"{words} ({nonce})")

    async def post_dm(self, user: int, card: Card, files: Any, nonce: str) -> Outcome:
        return self._next(f"dm {user}: {card.embed.description} ({nonce})")

    def _next(self, said: str) -> Outcome:
        self.sent.append(said)
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited, in seconds."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waited


@pytest.fixture
def bot() -> Bot:
    return Bot()


def way(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome) -> Way:
    found = Way(*outcomes)
    monkeypatch.setattr(calls, "Postman", found)
    return found


def done(ago: float = 0.0, **to: Any) -> Job:
    """Painted so many seconds ago, after two minutes and ten seconds."""
    ended = time.time() - ago
    return job(
        status=Status.DELIVERED, created_at=ended - 130, ended_at=ended, address=address(**to)
    )


async def test_a_call_is_made_once(
    monkeypatch: pytest.MonkeyPatch, bot: Bot, pauses: list[float]
) -> None:
    post = way(monkeypatch, Outcome.DONE)
    for _ in range(2):
        await call(cast(Any, bot), done())
    assert post.sent == ["<@1001> ready after 2 min 10 s (easel-7-ready)"]
    assert (bot.due, pauses) == (set(), [])


async def test_trouble_is_waited_out_with_growing_pauses(
    monkeypatch: pytest.MonkeyPatch, bot: Bot, pauses: list[float]
) -> None:
    post = way(monkeypatch, *[Outcome.LATER] * 3, Outcome.DONE)
    await call(cast(Any, bot), done())
    assert len(post.sent) == 4
    assert pauses == sorted(set(pauses)), "each longer than the one before"
    assert len(pauses) == 3
    assert bot.due == set()


async def test_a_call_that_was_made_is_not_made_again_for_the_databases_sake(
    monkeypatch: pytest.MonkeyPatch, bot: Bot, pauses: list[float]
) -> None:
    post = way(monkeypatch, Outcome.DONE)
    bot.failing = 2
    await call(cast(Any, bot), done())
    assert (len(post.sent), len(pauses), bot.due) == (1, 2, set())


async def test_after_an_hour_nobody_is_called_any_more(
    monkeypatch: pytest.MonkeyPatch, bot: Bot, pauses: list[float]
) -> None:
    way(monkeypatch, Outcome.LATER)
    await call(cast(Any, bot), done())
    assert sum(pauses) == pytest.approx(FRESH_SECONDS, rel=0.1)
    assert bot.due == set(), "nor after a restart"


@pytest.mark.parametrize(("ago", "times"), [(FRESH_SECONDS - 60, 1), (FRESH_SECONDS + 60, 0)])
async def test_a_restart_calls_to_what_is_fresh_and_lets_the_rest_be(
    monkeypatch: pytest.MonkeyPatch, bot: Bot, ago: float, times: int
) -> None:
    post = way(monkeypatch, Outcome.DONE)
    await call_late(cast(Any, bot), done(ago, token=""))
    assert len(post.sent) == times
    assert bot.due == set()


async def test_a_private_picture_of_an_earlier_run_is_called_to_by_a_direct_message(
    monkeypatch: pytest.MonkeyPatch, bot: Bot
) -> None:
    """The token, the one way to its card, went when it was delivered."""
    post = way(monkeypatch, Outcome.DONE)
    await call_late(cast(Any, bot), done(5, token="", private=True))
    words = "Your picture in <#30> is ready after 2 min 10 s."
    assert post.sent == [f"dm 1001: {words} (easel-7-ready)"]
    assert bot.due == set()


async def test_a_picture_that_came_by_direct_message_is_not_called_to_by_another(
    monkeypatch: pytest.MonkeyPatch, bot: Bot
) -> None:
    """Its token had ended before it was finished."""
    post = way(monkeypatch, Outcome.DONE)
    expired = time.time() - 60
    await call_late(cast(Any, bot), done(5, token="", private=True, expires_at=expired))
    assert (post.sent, bot.due) == ([], set())
