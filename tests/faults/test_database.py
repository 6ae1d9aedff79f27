"""The database is slow, or away for a while: members hear of it, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, Engine, event

from bot.app import Easel
from bot.errors import ConfigurationError
from tests.faults.test_start import Process, _start_fails
from tests.house import SMALL, House, generating_calls, labels, logged, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("database"), step_seconds=0.1) as opened:
        yield opened


@asynccontextmanager
async def locked(house: House) -> AsyncIterator[None]:
    """Another program holds the file, as a backup tool may."""
    other = sqlite3.connect(
        house.folder / "easel.db", isolation_level=None, check_same_thread=False
    )
    # In a thread: the bot may be inside a step of its own, which has to go on to its end.
    await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_a_slow_row_is_bridged_by_thinking(house: House) -> None:
    async with locked(house):
        asking = asyncio.create_task(
            house.standin.interact(
                {
                    "user": "ada",
                    "channel": "easel",
                    "type": 2,
                    "data": {
                        "name": "draw",
                        "type": 1,
                        "options": [
                            {"name": "prompt", "type": 3, "value": "a slow scribe"},
                            {"name": "width", "type": 4, "value": 64},
                            {"name": "height", "type": 4, "value": 64},
                            {"name": "steps", "type": 4, "value": 2},
                        ],
                    },
                }
            )
        )
        outcome = await asking
        assert outcome["outcome"] == "deferred"
        assert house.shown()[-1]["loading"]
    await house.until(lambda: bool(house.shown()[-1]["attachments"]))
    assert "a slow scribe" in words(house.shown()[-1])


async def test_a_row_that_cannot_be_written_is_a_kind_word_and_no_job(house: House) -> None:
    before = generating_calls(house.server)
    async with locked(house):
        told = await house.refused(f"/draw prompt:a lost page {SMALL}")
    assert "can't save anything right now" in told
    assert generating_calls(house.server) == before
    assert [*house.easel.queue.waiting()] == []


async def test_a_picture_in_hand_waits_for_the_database(house: House) -> None:
    message_id = await house.order(prompt="a patient hand", steps=20, seed=4)
    await house.until(lambda: house.painting)
    async with locked(house):
        await house.until(lambda: not house.painting)
        await asyncio.sleep(5.5)
        assert not house.message(message_id)["attachments"]
    await house.until(lambda: bool(house.message(message_id)["attachments"]))
    assert house.message(message_id)["attachments"][0]["filename"] == "a-patient-hand-4.png"


# -- read-only -------------------------------------------------------------------------------------


@asynccontextmanager
async def read_only(house: House) -> AsyncIterator[None]:
    """The file can be read and not written, as on a disk that was remounted after an error."""
    reading = "ON"

    def obey(connection: Connection) -> None:
        if connection.engine.url.database == str(house.folder / "easel.db"):
            connection.exec_driver_sql(f"PRAGMA query_only={reading}")

    # Ahead of the BEGIN of each step: the pragma cannot be taken back by a step that begins.
    event.listen(Engine, "begin", obey)
    try:
        yield
    finally:
        reading = "OFF"
        await house.easel.database.ping()
        event.remove(Engine, "begin", obey)


async def test_a_read_only_file_refuses_orders_in_private_and_takes_them_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = generating_calls(house.server)
    async with read_only(house):
        with logged(caplog) as log:
            told = await house.refused(f"/draw prompt:a sealed book {SMALL}")
        assert house.shown()[-1]["ephemeral"]
    assert "Easel can't save anything right now. Please try again in a minute." in told
    number = told.rsplit("error ", 1)[1]
    assert number in log()
    assert "readonly database" in log(), "the operator reads the cause"
    assert "readonly" not in told
    assert generating_calls(house.server) == before
    assert (await house.draw(f"/draw prompt:an open book {SMALL}"))["attachments"]


async def test_a_setting_that_cannot_be_saved_stays_as_it_was(house: House) -> None:
    await house.draw("/server setting:steps value:3", user="admin")
    async with read_only(house):
        told = await house.refused("/server setting:steps value:9", user="admin")
        assert "can't save anything right now" in told
        mine = await house.refused("/switch-model model:flux", user="bob")
        assert "can't save anything right now" in mine
    drawn = await house.draw("/draw prompt:a scale width:64 height:64", user="bob")
    assert "3 steps" in words(drawn)
    assert "dreamshaper_8 ·" in words(drawn)
    changed = await house.draw("/server setting:steps value:9", user="admin")
    assert "steps 3 → 9" in changed["embeds"][0]["fields"][0]["value"]
    assert "steps — → 3" in changed["embeds"][0]["fields"][0]["value"]
    await house.draw("/server setting:steps", user="admin")


async def test_those_in_line_keep_their_places_while_nothing_can_be_written(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = generating_calls(house.server)
    running = await house.order(prompt="a slow snail", steps=30, seed=41)
    await house.until(lambda: house.painting)
    waiting = await house.order(prompt="a calm toad", steps=2, seed=42)
    await house.until(lambda: len([*house.easel.queue.waiting()]) == 2)
    with logged(caplog) as log:
        async with read_only(house):
            await house.press(waiting, "cancel")
            await house.until(lambda: "can't save anything" in words(house.shown()[-1]))
            assert house.shown()[-1]["ephemeral"]
            await house.until(lambda: "can't save an outcome yet" in log())
            assert labels(house.message(waiting)) == ["Cancel"]
            assert not house.message(running)["attachments"]
        await house.quiet()
    names = [house.message(m)["attachments"][0]["filename"] for m in (running, waiting)]
    assert names == ["a-slow-snail-41.png", "a-calm-toad-42.png"]
    assert generating_calls(house.server) - before == 2, "nothing is painted twice"


# -- full ------------------------------------------------------------------------------------------


BRUSHES = (("shy", 52), ("dry", 51), ("wet", 53), ("new", 54))
FRUITLESS = 4
"""So many times it could not be noted that one of two pictures is delivered."""


@contextmanager
def full_disk(process: Process, path: Path) -> Iterator[None]:
    """Not a byte more is taken by the WAL of a running bot's database."""
    _, most = resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE)
    size = path.with_name(f"{path.name}-wal").stat().st_size
    resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (most, most))


def statuses(path: Path) -> list[str]:
    """Where the orders stand, oldest first."""
    with closing(sqlite3.connect(path)) as file:
        return [row[0] for row in file.execute("SELECT status FROM jobs ORDER BY id")]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits another process, as Linux can")
async def test_a_full_disk_loses_no_picture_and_posts_none_twice(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    async with open_house(tmp_path, step_seconds=0.1, start=False) as house:
        process = Process(house)
        await house.standin.wait_for_bot(30)

        def said(event: str, *facts: str) -> int:
            return sum(
                line["event"] == event and line.keys() >= {*facts} for line in process.lines()
            )

        # Two pictures are painted and can't be brought yet, one is still being painted.
        house.standin.faults.fail(r"/messages", status="reset", times=1000)
        dry = await house.order(prompt="a dry brush", steps=2, seed=51)
        await house.order(prompt="a shy brush", steps=2, seed=52, private=True)
        wet = await house.order(prompt="a wet brush", steps=100, seed=53)
        await house.until(lambda: statuses(path) == ["painted", "painted", "running"])
        house.standin.advance(16 * 60)  # the private one can come as a direct message only
        with full_disk(process, path):
            house.standin.faults.clear()
            await house.until(lambda: bool(house.message(dry)["attachments"]))
            await house.until(lambda: house.shown("dm") != [])
            # Discord drops the second of two equal letters for five minutes only.
            house.standin.advance(6 * 60)
            told = await house.refused(f"/draw prompt:a new brush {SMALL}")
            assert "can't save anything right now" in told
            assert house.shown()[-1]["ephemeral"]
            await house.until(lambda: said("can't save an outcome yet") > 0)
            await house.until(lambda: said("delivery has to wait", "error") >= FRUITLESS)
            assert statuses(path) == ["painted", "painted", "running"]
        await house.until(lambda: statuses(path) == ["delivered"] * 3)
        again = await house.draw(f"/draw prompt:a new brush {SMALL} seed:54")
        shown = [m for m in house.shown() if m["attachments"]]
        assert [m["id"] for m in shown] == [dry, wet, again["id"]]
        names = [m["attachments"][0]["filename"] for m in (*house.shown("dm"), *shown)]
        assert names == [f"a-{n}-brush-{s}.png" for n, s in BRUSHES]
        assert generating_calls(house.server) == 4
        await house.until(lambda: said("job ended") == 4)
        assert await process.end(signal.SIGTERM) == 0


# -- at the start ----------------------------------------------------------------------------------


async def test_a_second_bot_is_refused_and_the_first_goes_on(house: House) -> None:
    second = Easel(house.settings())
    with pytest.raises(ConfigurationError, match=r"another Easel is running on .*: stop it"):
        await second.start()
    await second.close()
    assert (await house.draw(f"/draw prompt:an only child {SMALL}"))["attachments"]


async def test_a_file_that_is_locked_at_the_start_is_one_line_and_a_later_start_works(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path) as house:
        await house.draw(f"/draw prompt:before {SMALL}")
        await house.stop()
        async with locked(house):
            assert "(database is locked)" in await _start_fails(house)
        await house.start()
        assert (await house.draw(f"/draw prompt:after {SMALL}"))["attachments"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write to any file")
async def test_a_file_that_is_read_only_at_the_start_is_one_line_and_untouched(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path) as house:
        await house.draw(f"/draw prompt:before {SMALL}")
        await house.stop()
        file = tmp_path / "easel.db"
        kept = file.read_bytes()
        file.chmod(0o444)
        told = await _start_fails(house)
        assert "(it can only be read): check that" in told
        assert file.read_bytes() == kept
        file.chmod(0o644)
        await house.start()
        assert (await house.draw(f"/draw prompt:after {SMALL}"))["attachments"]
