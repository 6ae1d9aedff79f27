"""What operators see while people draw: measures, the log, a word when a backend is down."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.demo.stage import free_port
from bot.metrics import (
    BACKEND_UP,
    DISCORD_FAILED,
    ENDED,
    LOOP_LAG,
    PAINT,
    PERMITS,
    POST,
    RUNNING,
    WAIT,
    WAITING,
)
from bot.queue import health
from tests.house import SMALL, House, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORIGINAL = r"/webhooks/.*/messages/@original"
BOB = 1180000000000000012


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house with a page for operators, whose owner is bob; an idle backend is asked often.

    A step takes 20 ms at 64×64.
    """

    def owned(house: House) -> None:
        house.environment = {"owner_ids": (BOB,), "web_port": free_port(0)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "CALM_SECONDS", 0.1)
        patch.setattr(health, "FIRST_PAUSE", 0.05)
        folder = tmp_path_factory.mktemp("owned")
        async with open_house(folder, before=owned, step_seconds=0.1) as opened:
            yield opened


class Page:
    """What /metrics said at one moment."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getitem__(self, name: str) -> float:
        """The sum of all series of a name."""
        found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", self._text, re.MULTILINE)
        return sum(float(value) for value in found)


async def asked(house: House, path: str) -> Any:
    url = f"http://127.0.0.1:{house.environment['web_port']}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        json = answer.content_type == "application/json"
        return await (answer.json() if json else answer.text())


async def measured(house: House) -> Page:
    return Page(await asked(house, "/metrics"))


async def shows(house: House, condition: Callable[[Page], bool]) -> None:
    """Waits until /metrics says so."""
    async with asyncio.timeout(5):
        while not condition(await measured(house)):
            await asyncio.sleep(0.02)


def ended(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The last lines of jobs."""
    said = [r.msg for r in caplog.records if isinstance(r.msg, dict)]
    return [facts for facts in said if facts["event"] == "job ended"]


async def test_a_picture_moves_every_clock_and_is_one_line(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = await measured(house)
    await house.draw(f"/draw prompt:a counted fox {SMALL}")
    await house.quiet()
    await house.until(lambda: bool(ended(caplog)))
    after = await measured(house)
    moved = [f"{clock.name}_count" for clock in (WAIT, PAINT, POST)]
    assert {name: after[name] - before[name] for name in (*moved, ENDED.name)} == dict.fromkeys(
        (*moved, ENDED.name), 1
    )
    assert after[PERMITS.name] > before[PERMITS.name]
    (line,) = ended(caplog)
    assert (line["outcome"], line["size"], line["pictures"]) == ("delivered", "64x64", 1)
    mine = [r.msg for r in caplog.records if isinstance(r.msg, dict) and "job" in r.msg]
    assert [facts["event"] for facts in mine] == ["job accepted", "job ended"]


async def test_the_line_is_seen_while_it_stands(house: House) -> None:
    await house.order(prompt="a slow tortoise", steps=50)
    await house.until(lambda: house.painting)
    await house.order(prompt="a patient hare", steps=1)
    await shows(house, lambda page: (page[WAITING.name], page[RUNNING.name]) == (1, 1))
    await house.quiet()
    await shows(house, lambda page: (page[WAITING.name], page[RUNNING.name]) == (0, 0))


async def test_the_loop_is_watched(house: House) -> None:
    name = f"{LOOP_LAG.name}_count"
    before = (await measured(house))[name]
    await shows(house, lambda page: page[name] > before)


async def test_what_discord_refuses_is_counted_by_its_status(house: House) -> None:
    before = await measured(house)
    house.standin.faults.fail(ORIGINAL, method="PATCH", status=500)
    await house.draw(f"/draw prompt:a bumpy road {SMALL}")
    house.standin.faults.fail(ORIGINAL, method="PATCH", status="reset")
    await house.draw(f"/draw prompt:a broken bridge {SMALL}")
    await house.quiet(30)  # an edit that broke off may land late, and is waited for
    after = await measured(house)
    for status in ("500", "none"):
        name = rf"{DISCORD_FAILED.name}\{{status=\"{status}\"\}}"
        assert after[name] == before[name] + 1


def letters(house: House) -> list[str]:
    """What bob was told in private."""
    return [words(message) for message in house.shown("dm", "bob")]


async def test_a_backend_that_goes_and_comes_is_told_to_the_owner_once_each(house: House) -> None:
    """It is noticed while nobody draws; and those who draw meanwhile cause no more letters."""
    house.server.faults.add("reset", route=".*", times=10_000)
    await house.until(lambda: len(letters(house)) == 1)
    assert "🔴 **main** can't be reached. What waits" in letters(house)[0]
    assert (await measured(house))[BACKEND_UP.name] == 0
    told = await asked(house, "/readyz")
    assert (told["backend"], told["backends"]) == (False, {"main": "down"})
    for n in range(3):
        await house.order(prompt=f"waiting {n}")
    house.server.faults.clear()
    await house.until(lambda: len(letters(house)) == 2)
    assert letters(house)[1].startswith("🟢 **main** is back after ")
    assert (await measured(house))[BACKEND_UP.name] == 1
    assert (await asked(house, "/readyz"))["backends"] == {"main": "up"}
    await house.quiet()
    assert len(letters(house)) == 2


async def test_it_comes_and_goes_again_and_the_owner_has_peace(house: House) -> None:
    """Both were told just now."""
    (painter,) = house.easel.painters.values()
    house.server.faults.add("reset", route=".*", times=10_000)
    await house.until(lambda: not painter.usable)
    house.server.faults.clear()
    await house.until(lambda: painter.usable)
    assert len(letters(house)) == 2
