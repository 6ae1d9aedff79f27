"""Starting up when something is wrong, and starting again after the worst."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app import Easel
from bot.database.engine import lock
from bot.errors import ConfigurationError
from bot.settings.file import Auth
from tests.house import SMALL, TOKEN, House, generating_calls, logged, open_house, words

ROOT = Path(__file__).parents[2]


async def test_a_backend_down_at_the_start_does_not_keep_the_bot_offline(tmp_path: Path) -> None:
    async with open_house(tmp_path, start=False) as house:
        await house.server.stop_listening()
        await house.start()
        try:
            assert house.standin.world.bot_online
            async with house.player() as player:
                await player.say(f"/draw prompt:an early bird {SMALL} &")
                await house.until(lambda: "can't be reached" in words(house.shown()[-1]))
                await house.server.start_listening()
                (result,) = await player.finish()
            assert result.ok, result.reason
        finally:
            await house.stop()


async def test_a_wrong_password_is_said_at_once_to_member_and_operator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(house: House) -> None:
        house.backend = {"auth": Auth(username="demo", password=SecretStr("not-this-one"))}

    with logged(caplog) as log:
        async with open_house(tmp_path, before=wrong) as house:
            told = await house.refused(f"/draw prompt:a locked door {SMALL}")
            assert "doesn't accept this bot's password" in told
            assert house.shown()[-1]["ephemeral"]
            assert [*house.easel.queue.waiting()] == []
    assert "BACKEND_PASSWORD" in log()
    assert "not-this-one" not in log()


async def test_a_wrong_token_is_one_line_that_says_where_to_mend_it(tmp_path: Path) -> None:
    def wrong(house: House) -> None:
        house.environment = {"discord_token": SecretStr("somebody.else.s")}

    async with open_house(tmp_path, before=wrong, start=False) as house:
        told = await _start_fails(house)
    assert "DISCORD_TOKEN" in told
    assert "Developer Portal" in told
    assert "somebody" not in told


async def test_a_second_bot_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path, start=False) as house:
        with lock(tmp_path / "easel.db"):
            assert "another Easel is running" in await _start_fails(house)


async def test_a_database_of_a_newer_easel_is_refused_and_untouched(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.draw(f"/draw prompt:before {SMALL}")
    with closing(sqlite3.connect(tmp_path / "easel.db")) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
        file.commit()
    async with open_house(tmp_path, start=False) as house:
        told = await _start_fails(house)
    assert "newer Easel" in told
    assert "9999" in told
    with closing(sqlite3.connect(tmp_path / "easel.db")) as file:
        assert file.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
async def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    async with open_house(tmp_path, start=False) as house:
        assert "make the folder writable" in await _start_fails(house)


async def test_a_data_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    async with open_house(tmp_path, start=False) as house:
        house.environment = {"database_url": f"sqlite:///{tmp_path}/data/easel.db"}
        assert "DATABASE_URL: can't write in" in await _start_fails(house)


async def _start_fails(house: House) -> str:
    easel = Easel(house.settings())
    with pytest.raises(ConfigurationError) as failure:
        await easel.start()
    await easel.close()
    assert "\n" not in str(failure.value)
    return str(failure.value)


class Process:
    """`python -m bot run` as its own process, against a house's stand-in and image server.

    `code` is run instead of `-m bot`, to begin the same with another constant.
    """

    def __init__(self, house: House, code: str | None = None, **environment: str) -> None:
        own = {k: v for k, v in os.environ.items() if not k.startswith(("BACKEND_", "DISCORD_"))}
        own |= {
            "DISCORD_TOKEN": TOKEN,
            "DISCORD_API_URL": house.standin.api_url,
            "DATABASE_URL": f"sqlite:///{house.folder / 'easel.db'}",
            "BACKEND_URL": house.server.url,
            "BACKEND_USERNAME": "demo",
            "BACKEND_PASSWORD": "demo",
            "WEB_PORT": "0",
            "LOG_FORMAT": "json",
            "PYTHONPATH": str(ROOT),
        } | environment
        self.log = house.folder / "bot.log"
        begin = ("-m", "bot") if code is None else ("-c", code)
        with self.log.open("ab") as sink:
            self.popen = subprocess.Popen(
                [sys.executable, *begin, "run"], cwd=house.folder, env=own, stderr=sink
            )

    def lines(self) -> list[dict[str, object]]:
        """What it logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    async def end(self, how: int, seconds: float = 10.0) -> int:
        """Sends a signal and waits for the end, while the stand-ins go on."""
        self.popen.send_signal(how)
        return await asyncio.to_thread(self.popen.wait, seconds)


@pytest.mark.slow
async def test_kill_9_while_drawing_and_the_same_message_gets_its_picture_once(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path, step_seconds=0.25, start=False) as house:
        first = Process(house)
        await house.standin.wait_for_bot(30)
        message_id = await house.order(prompt="a phoenix", steps=40, seed=77)
        await house.until(lambda: house.painting)
        await first.end(signal.SIGKILL)
        assert not house.message(message_id)["attachments"]

        second = Process(house)
        await house.until(lambda: bool(house.message(message_id)["attachments"]), 30)
        message = house.message(message_id)
        assert [a["filename"] for a in message["attachments"]] == ["a-phoenix-77.png"]
        assert len([m for m in house.shown() if "phoenix" in words(m)]) == 1
        # The first attempt is stopped on the server rather than painted for nobody.
        assert generating_calls(house.server) == 2
        assert await second.end(signal.SIGTERM) == 0
        assert {"job ended", "stopped"} <= {str(x["event"]) for x in second.lines()}


@pytest.mark.slow
async def test_sigterm_stops_calmly_within_its_time(tmp_path: Path) -> None:
    async with open_house(tmp_path, step_seconds=0.5, start=False) as house:
        process = Process(house, SHUTDOWN_SECONDS="3")
        await house.standin.wait_for_bot(30)
        await house.order(prompt="a long story", steps=100)
        await house.until(lambda: house.painting)
        began = time.monotonic()
        assert await process.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 3 + 3, "SHUTDOWN_SECONDS, and a slow machine"
        await house.until(lambda: not house.painting, 3)
