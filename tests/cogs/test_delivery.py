"""The courier's walk with one job: what it shows on the way, how often, and what it does not."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.queue.job import Job, JobEvent, Place, Status
from bot.values.guest import Address
from bot.values.picture import Progress
from cogs import delivery
from cogs._ui.cards import PREVIEW, Card
from cogs._ui.post import Outcome, Upload
from cogs._ui.turnstile import Turnstile
from cogs.delivery import Courier, Round
from tests.cogs.samples import job


class Bot:
    """Stands for the bot and its studio."""

    def __init__(self) -> None:
        self.studio = self
        self.given_up: list[int] = []
        self.untold: list[Job] = []
        self.reading: asyncio.Event | None = None

    def subscribe(self, _: object) -> None:
        """A courier listens; here the tests tell it all."""

    def in_line(self) -> list[Job]:
        return []

    async def uncalled(self) -> list[Job]:
        return []

    async def left_over(self) -> tuple[list[Job], list[Job]]:
        """What was untold when this was asked."""
        untold = list(self.untold)
        if self.reading is not None:
            await self.reading.wait()
        return untold, []

    def place(self, _: Job) -> Place:
        return Place(1, None)

    async def give_up(self, lost: Job) -> None:
        self.given_up.append(lost.id)


class Post:
    """Stands for the postman: notes what each edit shows, and says how it ended."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Upload]]] = []
        self.cards: list[str] = []
        self.times: list[float] = []
        self.outcomes: list[Outcome] = []
        self.hold: asyncio.Event | None = None

    def __call__(self, _: object) -> Post:
        return self

    async def edit(self, _: Address, card: Card, files: Sequence[Upload] = ()) -> Outcome:
        shown = card.embed.to_dict()
        self.sent.append((shown["footer"]["text"], list(files)))
        self.cards.append(shown["description"])
        self.times.append(time.monotonic())
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
        self.round = Round(cast(Any, self.bot), JobEvent(self.job), {}, Turnstile(200))

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


class Wait:
    """A round whose job stands in line; `shown` is the place that its card says at first."""

    def __init__(self, post: Post, turnstile: Turnstile, shown: int | None = None) -> None:
        self.post, self.job = post, job(created_at=9e9)
        there = None if shown is None else Place(shown, None)
        event = JobEvent(self.job, place=Place(shown or 3, None))
        self.round = Round(cast(Any, Bot()), event, {}, turnstile, there)

    def stands(self, position: int, trouble: str | None = None) -> None:
        """News of its place, and of why it does not move."""
        self.round.hear(JobEvent(self.job, place=Place(position, None), trouble=trouble))

    def claimed(self) -> None:
        """Its turn has come."""
        self.round.hear(JobEvent(replace(self.job, status=Status.RUNNING)))

    @property
    def footers(self) -> list[str]:
        return [words.removeprefix("dreamshaper_8 · ") for words, _ in self.post.sent]


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


# In line.


async def test_trouble_that_comes_and_goes_is_told_as_seldom_as_all_that_waits(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first word of trouble comes sooner."""
    monkeypatch.setattr(delivery, "WAITING_SECONDS", 0.3)
    wait = Wait(post, Turnstile(1000))
    await until(lambda: len(post.times) == 1)
    flips = itertools.cycle(["The image server is away.", None])
    until_then = time.monotonic() + 1.0
    while time.monotonic() < until_then:
        wait.stands(3, next(flips))
        await asyncio.sleep(0.01)
    await wait.round.close()
    gaps = [after - before for before, after in itertools.pairwise(post.times)]
    assert gaps[0] < 0.2, "the first word"
    assert gaps[1:], "the last word comes, too"
    assert min(gaps[1:]) >= 0.29


async def test_a_job_that_goes_to_and_fro_is_no_way_around_that(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claimed by a server that is busy after all, and back in line, again and again."""
    monkeypatch.setattr(delivery, "WAITING_SECONDS", 0.3)
    wait = Wait(post, Turnstile(1000))
    until_then = time.monotonic() + 0.8
    while time.monotonic() < until_then:
        wait.claimed()
        await asyncio.sleep(0.04)
        wait.stands(1)
        await asyncio.sleep(0.04)
    await wait.round.close()
    said = zip(wait.footers, post.times, strict=True)
    in_line = [at for words, at in said if words.endswith("in line")]
    gaps = [after - before for before, after in itertools.pairwise(in_line)]
    assert gaps
    assert min(gaps) >= 0.29


async def test_many_who_wait_are_no_more_than_twenty_edits_in_any_second(post: Post) -> None:
    courier = Courier(cast(Any, Bot()))
    for n in range(30):
        courier.hear(JobEvent(job(id=n, created_at=9e9), place=Place(n + 1, None)))
    await until(lambda: len(post.times) == 30)
    await courier.close()
    assert post.times[20] - post.times[0] >= 1.0
    assert post.times[29] - post.times[9] >= 1.0


async def test_a_card_that_waited_for_its_turn_says_what_is_true_then(post: Post) -> None:
    turnstile = Turnstile(5)
    await turnstile.passed()
    wait = Wait(post, turnstile)
    await asyncio.sleep(0.05)
    wait.stands(2)
    await until(lambda: bool(post.sent))
    await wait.round.close()
    assert wait.footers == ["2nd in line"]


async def test_a_claim_is_told_at_once_and_no_place_after_it(post: Post) -> None:
    turnstile = Turnstile(1)
    await turnstile.passed()
    wait = Wait(post, turnstile)
    await asyncio.sleep(0.05)
    wait.claimed()
    async with asyncio.timeout(0.5):
        await until(lambda: bool(post.sent))
    await asyncio.sleep(0.1)
    await wait.round.close()
    assert wait.footers == ["drawing"]


@pytest.mark.parametrize("shown", [2, None], ids=["a known card", "after a restart"])
async def test_a_place_never_worsens_without_a_word(post: Post, shown: int | None) -> None:
    """After a restart nobody knows what the card says; the first place comes nearest to it."""
    turnstile = Turnstile(20)
    await turnstile.passed()
    wait = Wait(post, turnstile, shown)
    wait.stands(4)
    await until(lambda: bool(post.sent))
    await wait.round.close()
    assert wait.footers == ["4th in line"]
    assert "came in between" in post.cards[0]


# The courier.


async def test_a_stop_touches_no_card_of_those_who_wait(post: Post) -> None:
    """Not even with news that were due in a moment."""
    courier = Courier(cast(Any, Bot()))
    still, running = job(id=1, created_at=9e9), job(id=2, created_at=9e9, status=Status.RUNNING)
    courier.hear(JobEvent(running))
    await until(lambda: len(post.sent) == 1)
    courier.hear(JobEvent(still, place=Place(2, None)))
    await courier.on_closing()
    courier.hear(JobEvent(still, place=Place(1, None)))
    courier.hear(JobEvent(running, progress=Progress(0.5)))
    await until(lambda: len(post.sent) == 2)
    await asyncio.sleep(0.1)
    await courier.close()
    assert [words for words, _ in post.sent] == [
        "dreamshaper_8 · drawing",
        "dreamshaper_8 · 50 percent",
    ]


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs whose ends were handed over."""
    found: list[int] = []

    async def hand_over(_: object, done: Job, *, straggler: bool) -> None:
        found.append(done.id)
        await asyncio.sleep(0.02)

    monkeypatch.setattr(delivery, "hand_over", hand_over)
    return found


async def test_what_found_no_way_is_tried_whenever_the_gateway_is_back(
    post: Post, brought: list[int]
) -> None:
    bot = Bot()
    bot.untold = [job(id=5, status=Status.PAINTED)]
    courier = Courier(cast(Any, bot))
    await courier.on_signed_in()
    await until(lambda: not courier.busy)
    await courier.on_ready()
    await until(lambda: not courier.busy)
    assert brought == [5], "the first READY belongs to the sign-in"
    for back in (courier.on_ready, courier.on_resumed, courier.on_ready):
        await back()
        await until(lambda: not courier.busy)
    assert brought == [5] * 4


async def test_what_is_under_way_when_the_gateway_is_back_is_brought_once(
    post: Post, brought: list[int]
) -> None:
    """The rows were read before its end was told, and are looked at after that."""
    bot = Bot()
    courier = Courier(cast(Any, bot))
    await courier.on_ready()
    bot.untold, bot.reading = [job(id=5, status=Status.PAINTED)], asyncio.Event()
    courier.hear(JobEvent(bot.untold[0]))
    both = [asyncio.create_task(back()) for back in (courier.on_ready, courier.on_resumed)]
    await until(lambda: not courier.busy)
    bot.untold = []
    bot.reading.set()
    await asyncio.gather(*both)
    await until(lambda: not courier.busy)
    assert brought == [5]
