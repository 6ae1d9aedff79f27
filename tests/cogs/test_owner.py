"""Owners are told by direct message that a backend is down and that it is back, and no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from cogs import owner as room
from cogs._ui.cards import Card
from cogs._ui.post import Outcome
from cogs.owner import QUIET_SECONDS, Owner

ADA, BOB = 11, 12


class Letters:
    """Stands for the postman: who was sent what, and with which luck."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str, str]] = []
        self.luck: list[Outcome] = []

    def __call__(self, _: object) -> Letters:
        return self

    async def post_dm(self, user: int, card: Card, files: Any, nonce: str) -> Outcome:
        await asyncio.sleep(0)
        outcome = self.luck.pop(0) if self.luck else Outcome.DONE
        self.sent.append((user, str(card.embed.description), nonce))
        return outcome

    @property
    def signs(self) -> str:
        """The first sign of each letter to ada: red for down, green for back."""
        return "".join(text[0] for user, text, _ in self.sent if user == ADA)


class Time:
    """A clock that runs only while somebody waits for it."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        """Everybody's turn, and so many seconds are over."""
        due = self.now + seconds
        while self.now < due:
            await TURN(0)
        await TURN(0)

    async def forward(self, seconds: float) -> None:
        """So much later, after everybody had turns before and afterwards."""
        for step in (0.0, seconds):
            self.now += step
            for _ in range(20):
                await TURN(0)


TURN = asyncio.sleep


class Bot:
    """Stands for the bot: it knows its owners."""

    def __init__(self) -> None:
        self.owner_ids: frozenset[int] = frozenset({ADA})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Time passes when the test says so."""
    made = Time()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    monkeypatch.setattr(asyncio, "sleep", made.sleep)
    return made


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    """What the owners get."""
    made = Letters()
    monkeypatch.setattr(room, "Postman", made)
    return made


@pytest.fixture
async def desk(letters: Letters, clock: Time) -> AsyncIterator[Owner]:
    """The room, whose one owner is ada."""
    opened = Owner(cast(Any, Bot()))
    yield opened
    await opened.close()


async def changes(desk: Owner, clock: Time, *states: bool, name: str = "main") -> None:
    """A backend goes through these states, a second in each."""
    for usable in states:
        await desk.on_backend_changed(name, usable, "" if usable else "BackendUnreachable")
        await clock.forward(1)


async def test_a_good_start_is_no_news(desk: Owner, clock: Time, letters: Letters) -> None:
    await changes(desk, clock, True)
    assert letters.sent == []


async def test_down_and_back_are_one_letter_each(
    desk: Owner, clock: Time, letters: Letters
) -> None:
    await changes(desk, clock, False)
    await clock.forward(240)
    await changes(desk, clock, True)
    down, back = (text for _, text, _ in letters.sent)
    assert down.startswith("🔴 **main** can't be reached. What waits for it")
    assert "keeps its place" in down
    assert back.startswith("🟢 **main** is back after 4 min 1 s")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("BackendRejectedCredentials", "doesn't accept its user name, password or key"),
        ("BackendTimeout", "doesn't answer"),
        ("BackendBadAnswer", "doesn't answer as an image server does"),
    ],
)
async def test_the_reason_is_said_in_words(
    desk: Owner, clock: Time, letters: Letters, why: str, said: str
) -> None:
    await desk.on_backend_changed("main", False, why)
    await clock.forward(1)
    assert letters.sent[0][1].startswith(f"🔴 **main** {said}. What waits")


async def test_another_reason_is_not_another_letter(
    desk: Owner, clock: Time, letters: Letters
) -> None:
    await changes(desk, clock, False)
    await desk.on_backend_changed("main", False, "BackendRejectedCredentials")
    await clock.forward(QUIET_SECONDS * 2)
    assert letters.signs == "🔴"


async def test_one_that_comes_and_goes_is_told_twice_in_ten_minutes(
    desk: Owner, clock: Time, letters: Letters
) -> None:
    await changes(desk, clock, *[False, True] * 50)
    assert letters.signs == "🔴🟢"
    await clock.forward(QUIET_SECONDS)
    assert letters.signs == "🔴🟢", "it is up, as the owner thinks"


async def test_what_was_held_back_is_told_when_it_is_still_true(
    desk: Owner, clock: Time, letters: Letters
) -> None:
    await changes(desk, clock, False, True, False)
    assert letters.signs == "🔴🟢"
    await clock.forward(QUIET_SECONDS)
    assert letters.signs == "🔴🟢🔴", "ten minutes after the first"


async def test_every_backend_has_its_own_peace(desk: Owner, clock: Time, letters: Letters) -> None:
    await changes(desk, clock, False, name="attic")
    await changes(desk, clock, False, name="cl*ud")
    assert [text.split("**")[1] for _, text, _ in letters.sent] == ["attic", "cl\\*ud"]


async def test_all_owners_are_told_and_one_whose_door_is_closed_disturbs_nobody(
    desk: Owner, clock: Time, letters: Letters, caplog: pytest.LogCaptureFixture
) -> None:
    cast(Any, desk)._bot.owner_ids = frozenset({ADA, BOB})
    letters.luck = [Outcome.NO_WAY]
    await changes(desk, clock, False, True)
    assert sorted(user for user, _, _ in letters.sent) == [ADA, ADA, BOB, BOB]
    assert caplog.text.count("an owner can't be told") == 1


async def test_discords_own_trouble_is_waited_out_with_the_same_nonce(
    desk: Owner, clock: Time, letters: Letters
) -> None:
    letters.luck = [Outcome.LATER, Outcome.LATER]
    await changes(desk, clock, False)
    await clock.forward(2)
    await clock.forward(10)
    assert len(letters.sent) == 3
    assert len({nonce for _, _, nonce in letters.sent}) == 1
    assert len(letters.sent[0][2]) <= 25, "Discord's limit"


async def test_discord_that_stays_away_is_given_up(
    desk: Owner, clock: Time, letters: Letters, caplog: pytest.LogCaptureFixture
) -> None:
    letters.luck = [Outcome.LATER] * 10
    await changes(desk, clock, False)
    for _ in range(6):
        await clock.forward(60)
    assert len(letters.sent) == 4
    assert "an owner can't be told" in caplog.text


async def test_a_bot_without_owners_tells_nobody(
    desk: Owner, clock: Time, letters: Letters
) -> None:
    cast(Any, desk)._bot.owner_ids = frozenset()
    await changes(desk, clock, False, True)
    assert letters.sent == []


async def test_a_stop_ends_what_was_held_back(desk: Owner, clock: Time, letters: Letters) -> None:
    await changes(desk, clock, False, True, False)
    await desk.close()
    await clock.forward(QUIET_SECONDS)
    assert letters.signs == "🔴🟢"
