"""A calm stop: running jobs may still end, and whoever waits sees nothing of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.demo.discord.world import Change
from tests.house import House, open_house, words


def two_slots(house: House) -> None:
    """A server that does two jobs at once, and a stop that lets a short one end."""
    house.backend = {"concurrency": 2}


@contextmanager
def edits(house: House) -> Iterator[list[str]]:
    """The message of each edit that Discord takes meanwhile."""
    seen: list[str] = []

    def note(change: Change) -> None:
        if change.message is not None:
            seen.append(change.message.id)

    stop = house.standin.world.listen(note)
    try:
        yield seen
    finally:
        stop()


async def test_a_stop_touches_only_the_messages_of_running_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two slots ends during the stop, so that all who wait move up; and one of them has
    moved up just before it, which its card was to say a moment later."""
    async with open_house(tmp_path, step_seconds=0.4, before=two_slots) as house:
        monkeypatch.setattr(sys.modules["cogs.delivery"], "WAITING_SECONDS", 1.0)
        # A tenth of a second a step; the server draws one after the other.
        drawn = [await house.order(prompt="a picture", steps=steps) for steps in (20, 30)]
        await house.until(lambda: house.easel.queue.counts()[1] == 2)
        first, second, third = [await house.order(prompt="later", steps=2) for _ in range(3)]
        await house.press(first, "cancel")
        await house.until(lambda: "2nd in line" in words(house.message(third)))
        await house.press(second, "cancel")
        await house.until(lambda: "Cancelled." in words(house.message(second)))
        with edits(house) as seen:
            await house.stop()
        assert house.message(drawn[0])["attachments"], "it had the time to end"
        assert set(seen) <= set(drawn)
        await house.start()
        await house.quiet(20)
        assert all(house.message(m)["attachments"] for m in (*drawn, third))
