"""The courier's walk with one job: what it shows on the way, how often, and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.queue.job import Job, JobEvent, Place, Status
from bot.throttle import Throttle
from bot.values.guest import Address
from bot.values.picture import Progress
from cogs import delivery
from cogs._ui.cards import PREVIEW, Card
from cogs._ui.post import Outcome, Upload
from cogs.delivery import Round
from tests.cogs.samples import job


class Bot:
    """Stands for the bot and its studio."""

    def __init__(self) -> None:
        self.studio = self
        self.given_up: list[int] = []

    def place(self, _: Job) -> Place:
        return Place(1, None)

    async def give_up(self, lost: Job) -> None:
        self.given_up.append(lost.id)


class Post:
    """Stands for the postman: notes what each edit shows, and says how it ended."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Upload]]] = []
        self.outcomes: list[Outcome] = []
        self.hold: asyncio.Event | None = None

    def __call__(self, _: object) -> Post:
        return self

    async def edit(self, _: Address, card: Card, files: Sequence[Upload] = ()) -> Outcome:
        shown = card.embed.to_dict()
        self.sent.append((shown["footer"]["text"], list(files)))
        assert ("image" in shown) == bool(files), "a card shows what is attached, and all of it"
        if self.hold is not None:
            await self.hold.wait()
        return self.outcomes.pop(0) if self.outcomes else Outcome.DONE

    @property
    def previews(self) -> list[list[bytes]]:
        return [[f.data for f in files] for _, files in self.sent]


class Walk:
    """A round under way, and the ends that were handed over."""

    def __init__(self, post: Post, ends: list[Job]) -> None:
        self.post, self.ends, self.bot = post, ends, Bot()
        self.job = job(status=Status.RUNNING, created_at=9e9)
        self.round = Round(cast(Any, self.bot), JobEvent(self.job), {}, Throttle(20, 20))

    def says(self, fraction: float, preview: bytes | None = None) -> None:
        """The painter is so far."""
        self.round.hear(JobEvent(self.job, progress=Progress(fraction, preview=preview)))

    async def shown(self, count: int) -> None:
        """Waits until so many edits were made."""
        await until(lambda: len(self.post.sent) >= count)

    async def ended(self, status: Status = Status.PAINTED) -> None:
        """The end is told, and handed over."""
        self.round.hear(JobEvent(replace(self.job, status=status)))
        await until(lambda: bool(self.ends))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    found = Post()
    monkeypatch.setattr(delivery, "Postman", found)
    monkeypatch.setattr(delivery, "PROGRESS_SECONDS", 0.02)
    return found


@pytest.fixture
async def walk(post: Post, monkeypatch: pytest.MonkeyPatch) -> Walk:
    ends: list[Job] = []

    async def hand_over(_: object, done: Job, *, straggler: bool) -> None:
        ends.append(done)

    monkeypatch.setattr(delivery, "hand_over", hand_over)
    return Walk(post, ends)


async def test_every_edit_after_the_first_preview_carries_one(walk: Walk) -> None:
    await walk.shown(1)
    for n, (fraction, preview) in enumerate([(0.2, b"one"), (0.4, b"one"), (0.6, b"two")], 2):
        walk.says(fraction, preview)
        await walk.shown(n)
    assert walk.post.previews == [[], [b"one"], [b"one"], [b"two"]]
    assert {f.name for _, files in walk.post.sent for f in files} == {PREVIEW}
    assert walk.post.sent[1][1][0].alt == "unfinished: a maltese puppy"
    await walk.ended()


async def test_a_newer_preview_alone_is_worth_an_edit_and_the_same_one_is_not(walk: Walk) -> None:
    await walk.shown(1)
    for n, preview in enumerate([b"one", b"two"], 2):
        walk.says(0.2, preview)
        await walk.shown(n)
    walk.says(0.2, b"two")
    await asyncio.sleep(0.1)
    assert len(walk.post.sent) == 3
    await walk.ended()


async def test_the_latest_wins_and_edits_keep_their_distance(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PROGRESS_SECONDS", 0.2)
    await walk.shown(1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n in range(50):
        walk.says(n / 100, b"%d" % n)
        await asyncio.sleep(0.002)
    await walk.shown(2)
    assert loop.time() - began > 0.15
    assert len(walk.post.sent) == 2
    assert walk.post.previews[1] == [b"49"]
    await walk.ended()


async def test_the_end_does_not_wait_for_a_preview_on_its_way(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LAST_WORD_SECONDS", 0.05)
    await walk.shown(1)
    walk.post.hold = asyncio.Event()
    walk.says(0.2, b"one")
    await walk.shown(2)
    walk.says(0.3, b"two")
    began = asyncio.get_running_loop().time()
    await walk.ended()
    assert asyncio.get_running_loop().time() - began < 0.5
    assert len(walk.post.sent) == 2, "nothing edits after the end"


@pytest.mark.parametrize("refusal", [Outcome.REFUSED, Outcome.TOO_LARGE])
async def test_where_no_file_can_be_attached_the_bar_goes_on(walk: Walk, refusal: Outcome) -> None:
    await walk.shown(1)
    walk.post.outcomes = [refusal]
    walk.says(0.2, b"one")
    await walk.shown(3)
    walk.says(0.4, b"two")
    await walk.shown(4)
    assert walk.post.previews == [[], [b"one"], [], []]
    assert [words for words, _ in walk.post.sent[1:]] == [
        f"dreamshaper_8 · {n} percent" for n in (20, 20, 40)
    ]
    await walk.ended()


async def test_a_deleted_message_gives_the_job_up(walk: Walk) -> None:
    await walk.shown(1)
    walk.post.outcomes = [Outcome.GONE]
    walk.says(0.2, b"one")
    await until(lambda: bool(walk.bot.given_up))
    await walk.ended(Status.CANCELLED)


async def test_stopping_is_only_said_when_it_takes_a_while(walk: Walk) -> None:
    await walk.shown(1)
    walk.round.hear(JobEvent(walk.job, stopping=True))
    assert len(walk.post.sent) == 1
    await walk.shown(2)
    assert walk.post.sent[1][0] == "dreamshaper_8 · stopping"
    await walk.ended(Status.CANCELLED)


async def test_a_quick_stop_is_one_edit_less(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PROGRESS_SECONDS", 0.2)
    await walk.shown(1)
    await asyncio.sleep(0.25)
    walk.round.hear(JobEvent(walk.job, stopping=True))
    await asyncio.sleep(0.05)
    await walk.ended(Status.CANCELLED)
    assert len(walk.post.sent) == 1
