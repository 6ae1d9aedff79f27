"""The ceilings of a day: what counts, for whom, what is given back, and who is refused."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.database.engine import Database
from bot.database.migrate import migrate
from bot.errors import Refusal
from bot.queue.job import Job, JobEvent, NewJob, Status
from bot.queue.past import Past
from bot.queue.store import Store
from bot.settings.aws import Budget
from bot.studio.budget import DAY_SECONDS, Budgets
from bot.values.guest import Guest
from tests.bot.queue.props import address, order, picture

NOON = 20_000 * DAY_SECONDS + DAY_SECONDS / 2


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """It is noon, until a test says otherwise."""
    now = [NOON]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def budgets(pictures: int | None = 10, guild: int | None = None, **more: Budget) -> Budgets:
    return Budgets({"main": Budget(pictures_per_day=pictures, per_guild=guild), **more})


class Book:
    """Orders, as the studio makes them."""

    def __init__(self, held: Budgets) -> None:
        self.held = held
        self.last = 0

    def take(self, count: int = 1, **more: object) -> Job:
        return self.put(order(count=count, **more))  # type: ignore[arg-type]

    def put(self, new: NewJob) -> Job:
        self.last += 1
        with self.held.writing(new) as admitted:
            job = Job(
                id=self.last,
                request=admitted.request,
                guest=admitted.guest,
                address=admitted.address,
                route=admitted.route,
                status=Status.WAITING,
                attempt=0,
                failures=0,
                created_at=time.time(),
                routes=admitted.routes or frozenset({admitted.route}),
            )
            self.held.put(job)
        return job

    def end(self, job: Job, status: Status, route: str | None = None) -> None:
        self.held.hear(JobEvent(replace(job, status=status, route=route or job.route)))


def test_an_order_over_the_ceiling_is_refused_with_the_hour_of_the_next() -> None:
    book = Book(budgets(10))
    book.take(4)
    book.take(4)
    with pytest.raises(Refusal, match="Only 2 pictures are left for today here") as told:
        book.take(3)
    midnight = 20_001 * DAY_SECONDS
    assert told.value.sentence.endswith(f"New ones from 00:00 UTC: <t:{midnight}:R>.")
    book.take(2)
    with pytest.raises(Refusal, match="The pictures for today are used up here"):
        book.take(1)
    assert (book.held.used("main").pictures, book.held.used("main").most) == (10, 10)


@pytest.mark.parametrize("end", [Status.FAILED, Status.CANCELLED, Status.EXPIRED])
def test_what_came_to_nothing_is_given_back(end: Status) -> None:
    book = Book(budgets(4))
    job = book.take(4)
    book.end(job, Status.RUNNING)
    book.end(job, end)
    book.end(job, end)
    book.take(4)


def test_what_was_painted_stays_counted() -> None:
    book = Book(budgets(4))
    job = book.take(4)
    for status in (Status.RUNNING, Status.PAINTED, Status.DELIVERED):
        book.end(job, status)
    assert book.held.used("main").pictures == 4


def test_an_order_that_nobody_saw_is_given_back() -> None:
    book = Book(budgets(4))
    book.held.withdraw(book.take(4).id)
    book.take(4)


def test_a_row_that_is_not_written_takes_nothing() -> None:
    book = Book(budgets(4))
    with pytest.raises(OSError, match="disk"), book.held.writing(order(count=4)):
        raise OSError("disk")
    book.take(4)


def test_two_orders_at_once_do_not_pass_together() -> None:
    held = budgets(4)
    with (
        held.writing(order(count=3)),
        pytest.raises(Refusal, match="Only 1 picture is left"),
        held.writing(order(count=3)),
    ):
        pass


def test_a_server_has_its_own_share_and_direct_messages_are_one() -> None:
    book = Book(budgets(None, guild=2))
    book.take(2, guild=1)
    with pytest.raises(Refusal):
        book.take(1, guild=1)
    book.take(2, guild=2)
    book.take(1, user=1, guild=None)
    book.put(NewJob(order().request, Guest(2, "Bob", 3), address(reachable=False), "main"))
    with pytest.raises(Refusal):
        book.take(1, user=3, guild=None)


def test_words_and_loaded_models_are_no_pictures() -> None:
    book = Book(budgets(1))
    book.take(1)
    book.take(kind="describe")
    book.take(kind="load")
    with pytest.raises(Refusal):
        book.take(kind="upscale")


def test_a_new_day_begins_with_nothing(clock: list[float]) -> None:
    book = Book(budgets(4))
    old = book.take(4)
    clock[0] += DAY_SECONDS / 2
    book.end(old, Status.CANCELLED)
    book.take(4)
    with pytest.raises(Refusal):
        book.take(1)


def test_whoever_is_used_up_is_left_out_and_comes_last() -> None:
    book = Book(budgets(2, attic=Budget()))
    both = frozenset({"main", "attic"})
    first = book.take(2, routes=both)
    assert first.routes == both
    second = book.take(1, routes=both)
    assert (second.route, second.routes) == ("attic", frozenset({"attic"}))
    assert book.held.hopeful(["main", "attic"], 1) == ["attic", "main"]


def test_it_counts_where_it_is_painted() -> None:
    book = Book(budgets(2, attic=Budget(pictures_per_day=2)))
    job = book.take(2, routes=frozenset({"main", "attic"}))
    assert book.held.used("attic").pictures == 2, "either may paint it"
    book.end(job, Status.RUNNING, route="attic")
    assert book.held.used("main").pictures == 0
    assert book.held.used("attic").pictures == 2


def test_a_waiting_order_is_not_widened_to_whom_is_used_up() -> None:
    book = Book(budgets(2, attic=Budget(pictures_per_day=1), cellar=Budget()))
    job = book.take(2)
    every = frozenset({"main", "attic", "cellar"})
    assert book.held.widened(job, every) == {"main", "cellar"}


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows."""
    path = tmp_path_factory.mktemp("empty") / "easel.db"
    migrate(path)
    return path


@pytest.fixture
async def database(tmp_path: Path, empty_file: Path) -> AsyncIterator[Database]:
    opened = Database(Path(shutil.copy(empty_file, tmp_path / "easel.db")))
    yield opened
    await opened.close()


async def test_after_a_restart_the_rows_say_it(database: Database, clock: list[float]) -> None:
    store = Store(database)
    clock[0] -= DAY_SECONDS
    await store.add(order(count=3))
    clock[0] += DAY_SECONDS
    painted = await _claimed(store, order(count=2))
    await store.painted(painted, [picture()])
    waiting = await store.add(order(count=1, routes=frozenset({"main", "attic"})))
    gone = await store.add(order(count=4))
    assert waiting is not None
    assert gone is not None
    await store.cancel(gone.id)
    held = budgets(10, attic=Budget(pictures_per_day=5))
    await held.load(Past(database))
    assert held.used("main").pictures == 3
    assert held.used("attic").pictures == 1
    held.hear(JobEvent(replace(waiting, status=Status.CANCELLED)))
    assert held.used("main").pictures == 2


async def test_the_last_jobs_of_a_backend_are_those_it_worked_for(
    database: Database, clock: list[float]
) -> None:
    store, past = Store(database), Past(database)
    made = []
    for n in range(7):
        clock[0] += 10
        job = await _claimed(store, order())
        if n % 2:
            await store.fail(job, "BackendFailed", "It broke.", "4f2a")
        else:
            await store.painted(job, [picture()])
        made.append(job.id)
    never = await store.add(order())
    assert never is not None
    await store.cancel(never.id)
    await _claimed(store, order(), backend="attic")
    assert [job.id for job in await past.recent("main")] == made[:1:-1]
    assert await past.recent("attic") == []


async def _claimed(store: Store, new: NewJob, backend: str = "main") -> Job:
    job = await store.add(new)
    assert job is not None
    await store.accept(job.id, 1)
    claimed = await store.claim(job.id, backend)
    assert claimed is not None
    return claimed
