"""Tried until the guest has it: by edit, in a new message, by direct message, or kept."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from bot.errors import DatabaseUnavailable
from bot.queue.job import Job, Status
from bot.values.picture import Picture
from cogs._ui import calls, handover
from cogs._ui.cards import Card
from cogs._ui.handover import SMALLEST_LIMIT, hand_over
from cogs._ui.post import Outcome, Upload
from tests.bot.images import pictures
from tests.bot.images.test_codec import noise
from tests.cogs.samples import address, job, picture, request

GRAINY = pictures.encoded(noise(220, 220), "PNG")
"""About 145 kB that no encoder makes much smaller."""


class Bot:
    """Stands for the bot: a studio that knows the pictures, and what was told."""

    def __init__(self, pictures: list[Picture]) -> None:
        self.studio = self
        self._pictures = pictures
        self.told_jobs: list[int] = []
        self.failing = 0
        self.due: set[int] = set()
        self.dispatched: list[tuple[str, int, int]] = []

    async def pictures(self, job: Job) -> list[Picture]:
        if self.failing:
            self.failing -= 1
            raise DatabaseUnavailable("locked")
        return self._pictures

    async def call_due(self, job: Job) -> bool:
        return job.id in self.due

    async def called(self, job: Job) -> None:
        self.due.discard(job.id)

    async def told(self, job: Job) -> None:
        """Each waited long enough to be called."""
        self.told_jobs.append(job.id)
        if job.status is Status.PAINTED:
            self.due.add(job.id)

    def dispatch(self, event: str, job: Job, pictures: int) -> None:
        self.dispatched.append((event, job.id, pictures))

    async def find(self, job_id: int) -> Job | None:
        return job("the parent", id=job_id) if job_id == 1 else None


class Way:
    """Stands for the postman: outcomes in order, the last for ever; what was sent."""

    def __init__(self, *outcomes: Outcome, dm: Outcome = Outcome.DONE) -> None:
        self.outcomes = list(outcomes)
        self.dm = dm
        self.sent: list[tuple[str, Card, list[Upload]]] = []
        self.called: list[str] = []

    def __call__(self, _: object) -> Way:
        return self

    async def edit(self, address: object, card: Card, files: Any = ()) -> Outcome:
        self.sent.append(("edit", card, list(files)))
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]

    async def post_dm(self, user: int, card: Card, files: Any, nonce: str) -> Outcome:
        self.sent.append((f"dm {user} {nonce}", card, list(files)))
        return self.dm

    async def post_channel(self, channel: int, card: Card, files: Any, nonce: str) -> Outcome:
        self.sent.append((f"channel {channel} {nonce}", card, list(files)))
        return Outcome.DONE

    async def call(self, address: object, user: int, words: str, nonce: str) -> Outcome:
        self.called.append(words)
        return Outcome.DONE

    @property
    def ways(self) -> list[str]:
        return [how for how, _, _ in self.sent]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited, in seconds."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waited


async def delivered(
    monkeypatch: pytest.MonkeyPatch, way: Way, done: Job | None = None, failing: int = 0
) -> Bot:
    bot = Bot([picture(data=GRAINY)])
    bot.failing = failing
    monkeypatch.setattr(handover, "Postman", way)
    monkeypatch.setattr(calls, "Postman", way)
    await hand_over(cast(Any, bot), done or job(status=Status.PAINTED))
    return bot


@pytest.mark.usefixtures("pauses")
async def test_an_edit_that_is_taken_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way(Outcome.DONE)
    bot = await delivered(monkeypatch, way)
    assert way.ways == ["edit"]
    assert bot.told_jobs == [7]
    assert way.sent[0][2][0].data == GRAINY
    assert len(way.called) == 1
    assert bot.dispatched == []


async def test_trouble_is_waited_out_with_growing_pauses(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    bot = await delivered(monkeypatch, Way(*[Outcome.LATER] * 4, Outcome.DONE))
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    assert bot.told_jobs == [7]


async def test_a_locked_database_is_waited_out_as_well(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    bot = await delivered(monkeypatch, Way(Outcome.DONE), failing=2)
    assert pauses == [0.5, 1.0]
    assert bot.told_jobs == [7]


async def test_after_an_hour_it_is_kept_for_the_next_start(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    bot = await delivered(monkeypatch, Way(Outcome.LATER))
    assert 3000 < sum(pauses) < 5000
    assert bot.told_jobs == []


async def test_a_file_that_discord_finds_too_large_is_halved(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    way = Way(*[Outcome.TOO_LARGE] * 8, Outcome.DONE)
    bot = await delivered(monkeypatch, way)
    assert len(way.sent[0][2][0].data) == len(GRAINY)
    assert len(way.sent[-1][2][0].data) <= SMALLEST_LIMIT
    assert "smaller form" in (way.sent[-1][1].embed.description or "")
    assert pauses == []
    assert bot.told_jobs == [7]


@pytest.mark.usefixtures("pauses")
async def test_a_deleted_message_gets_nothing_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anybody called to it, now or after a restart."""
    way = Way(Outcome.GONE)
    bot = await delivered(monkeypatch, way)
    assert way.ways == ["edit"]
    assert bot.told_jobs == [7]
    assert (way.called, bot.due) == ([], set())


@pytest.mark.usefixtures("pauses")
async def test_without_a_way_to_the_message_it_comes_as_a_direct_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = Way(Outcome.NO_WAY)
    bot = await delivered(monkeypatch, way)
    assert way.ways == ["edit", "dm 1001 easel-7-end"]
    assert bot.told_jobs == [7]


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("outcome", [Outcome.NO_WAY, Outcome.REFUSED])
async def test_without_any_way_it_is_kept_and_the_book_hears_of_it(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    way = Way(outcome, dm=Outcome.NO_WAY)
    bot = await delivered(monkeypatch, way)
    assert bot.told_jobs == []
    assert bot.dispatched == [("job_undelivered", 7, 1)]
    assert way.called == []


@pytest.mark.usefixtures("pauses")
async def test_a_cancelled_order_is_not_worth_a_direct_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = Way(Outcome.NO_WAY)
    bot = await delivered(monkeypatch, way, job(status=Status.CANCELLED))
    assert way.ways == ["edit"]
    assert bot.told_jobs == [7]


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("private", [False, True])
async def test_a_message_edited_too_often_gets_a_new_one_beside_it_unless_it_is_private(
    monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    way = Way(Outcome.TOO_OFTEN)
    await delivered(monkeypatch, way, job(status=Status.PAINTED, address=address(private=private)))
    assert ("channel 30 easel-7-end" in way.ways) is not private


@pytest.mark.usefixtures("pauses")
async def test_a_failed_job_says_its_sentence_without_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = Way(Outcome.DONE)
    await delivered(monkeypatch, way, job(status=Status.FAILED, error_sentence="It broke."))
    (_, card, files) = way.sent[0]
    assert "It broke." in (card.embed.description or "")
    assert files == []


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("end", [Status.CANCELLED, Status.FAILED])
async def test_what_was_finished_of_a_batch_comes_with_its_bad_end(
    monkeypatch: pytest.MonkeyPatch, end: Status
) -> None:
    way = Way(Outcome.DONE)
    broke = "It broke." if end is Status.FAILED else None
    batch = job(order=request(count=4), status=end, error_sentence=broke)
    bot = await delivered(monkeypatch, way, batch)
    (_, card, files) = way.sent[0]
    told = card.embed.description or ""
    assert "1 of 4 was finished." in told
    assert ("It broke." in told) is (end is Status.FAILED)
    assert [f.data for f in files] == [GRAINY]
    assert bot.told_jobs == [7]


@pytest.mark.usefixtures("pauses")
async def test_finished_pictures_are_worth_a_direct_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = Way(Outcome.NO_WAY)
    await delivered(monkeypatch, way, job(order=request(count=4), status=Status.CANCELLED))
    assert way.ways == ["edit", "dm 1001 easel-7-end"]


@pytest.mark.usefixtures("pauses")
async def test_a_loaded_model_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Way(Outcome.DONE)
    loaded = job(
        order=request(kind="load"), status=Status.PAINTED, outcome="tiny_A is loaded (8 s)"
    )
    await delivered(monkeypatch, way, loaded)
    (_, card, files) = way.sent[0]
    assert "tiny\\_A is loaded (8 s)" in (card.embed.description or "")
    assert files == []


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize(("parent", "linked"), [(1, True), (2, False), (None, False)])
async def test_a_picture_links_to_the_one_it_came_from_if_that_is_known(
    monkeypatch: pytest.MonkeyPatch, parent: int | None, linked: bool
) -> None:
    way = Way(Outcome.DONE)
    await delivered(monkeypatch, way, job(status=Status.PAINTED, parent_id=parent))
    told = way.sent[0][1].embed.description or ""
    assert ("https://discord.com/channels/2001/30/40" in told) is linked


@pytest.mark.usefixtures("pauses")
async def test_after_the_token_has_ended_the_limit_is_the_channels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The interaction's limit may have been the member's own; a channel takes 10 MiB."""
    asked: list[int] = []

    async def packed(job: Job, pictures: object, limit: int) -> tuple[list[Upload], str | None]:
        asked.append(limit)
        return [], None

    monkeypatch.setattr(handover, "pack", packed)
    for expires_at in (9e9, 0.0):
        there = address(expires_at=expires_at, upload_limit=100 << 20)
        await delivered(monkeypatch, Way(Outcome.DONE), job(status=Status.PAINTED, address=there))
    assert asked == [100 << 20, 10 << 20]
