"""The database is slow, or away for a while: members hear of it, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.house import SMALL, House, generating_calls, open_house, words

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
