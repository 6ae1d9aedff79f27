"""/backend, as the operator of the bot meets it: in their own server, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.studio.painters import DRAINED
from tests.house import SMALL, House, open_house, words

ADMIN = 1180000000000000013
"""Who owns the server of the stand-in."""


def owned(house: House) -> None:
    """The bot is the admin's."""
    house.environment = {"owner_ids": (ADMIN,)}


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose owner owns the server as well."""
    async with open_house(tmp_path, before=owned) as opened:
        await registered(opened)
        yield opened


async def registered(house: House) -> None:
    """Waits until the owner's server has its commands, and the bot has noted that."""
    bot, guild = house.easel.bot, house.standin.world.guild_id
    async with asyncio.timeout(10):
        while not bot.is_ready() or not await _noted(house, guild):
            await asyncio.sleep(0.01)
    assert "backend" in commands(house)


async def _noted(house: House, guild: str) -> bool:
    key = f"commands of {house.easel.bot.application_id} in {guild}"
    return await house.easel.facts.recall(key) is not None


def commands(house: House) -> list[str]:
    """The names that members of the server can pick."""
    world = house.standin.world
    return [c["name"] for c in world.commands.visible(world.guild_id)]


async def asked(house: House, *lines: str, user: str = "admin") -> dict[str, Any]:
    """The message that the last of some lines has led to."""
    result = (await house.say(*lines, user=user))[-1]
    assert result.message is not None, result.reason
    return result.message


async def test_only_the_owners_server_has_the_command(house: House) -> None:
    world = house.standin.world
    assert "backend" not in [c["name"] for c in world.commands.all(None)]
    (command,) = world.commands.all(world.guild_id)
    assert command["name"] == "backend"
    written = world.commands.written
    await house.restart()
    await registered(house)
    await asked(house, "/backend status")
    assert world.commands.written == written, "unchanged commands are not registered again"


async def test_another_owner_takes_the_command_away(house: House) -> None:
    await house.stop()
    house.environment = {"owner_ids": (7,)}
    await house.start()
    await house.until(lambda: "backend" not in commands(house))


async def test_chosen_servers_have_it_whoever_owns_them(tmp_path: Path) -> None:
    def chosen(house: House) -> None:
        guild = int(house.standin.world.guild_id)
        house.environment = {"owner_ids": (7,), "owner_guild_ids": (404, guild)}

    async with open_house(tmp_path, before=chosen) as house:
        await registered(house)
        told = await house.refused("/backend status", user="admin")
        assert "Only the operator of this bot" in told


async def test_status_tells_the_state_and_the_last_jobs(house: House) -> None:
    for n in range(6):
        await house.draw(f"/draw prompt:counted {n} {SMALL}")
    house.server.faults.add("oom", route=r"/txt2img$")
    await house.refused(f"/draw prompt:too large {SMALL}")
    await house.quiet()
    message = await asked(house, "/backend status")
    said = words(message)
    assert message["ephemeral"]
    assert "🟢 **main** (sdapi) up, since <t:" in said
    assert "0 running, 0 waiting" in said
    assert "no throttle" in said
    assert "0 refused as too many" in said
    jobs = [line for line in said.splitlines() if line[:1] in "✔✖"]
    assert len(jobs) == 5
    assert "BackendOutOfMemory" in jobs[0]
    assert "64×64" in jobs[1]
    assert "counted" not in said, "what members draw is theirs"


async def test_drained_is_kept_over_restarts_and_told_to_who_waits(house: House) -> None:
    card = await asked(house, "/backend drain state:on")
    assert "⏸️ **main** takes nothing new" in words(card)
    waiting = await house.order(prompt="a patient fox", steps=2)
    await house.until(lambda: DRAINED in words(house.message(waiting)))
    await house.restart()
    await registered(house)
    assert house.easel.painters["main"].drained
    await house.until(lambda: DRAINED in words(house.message(waiting)))
    assert not house.shown("dm", "admin"), "a drained backend is not one that is down"
    said = words(await asked(house, "/backend status"))
    assert "⏸️ drained" in said
    assert "0 running, 1 waiting" in said
    again = await asked(house, "/backend drain state:on", "press Take jobs again")
    assert "▶️ **main** takes jobs again." in words(again)
    await house.until(lambda: bool(house.message(waiting)["attachments"]))
    await house.restart()
    assert not house.easel.painters["main"].drained


async def test_who_did_what_is_in_the_history(house: House) -> None:
    await house.say("/backend drain state:on", "/backend drain state:off", user="admin")
    field = (await asked(house, "/server"))["embeds"][0]["fields"][0]["value"]
    assert f"<@{ADMIN}>: backend main — → take jobs again" in field
    assert "backend main — → drain" in field


async def test_refresh_finds_a_new_model(house: House) -> None:
    said = words(await asked(house, "/backend refresh"))
    assert "**main** has looked again" in said
    assert "as before" in said


@pytest.mark.parametrize(
    "line",
    [
        "/backend endpoints",
        "/backend checkpoint add url:https://example.com/x.safetensors",
        "/backend checkpoint disable name:x",
    ],
)
async def test_what_a_server_of_its_own_can_not_do_is_refused_kindly(
    house: House, line: str
) -> None:
    told = await house.refused(line, user="admin")
    assert "can't be done from here, because main is of the kind sdapi" in told


async def test_a_backend_that_there_is_not_is_refused_with_the_nearest(house: House) -> None:
    told = await house.refused("/backend refresh backend:mian", user="admin")
    assert "Did you mean `main`?" in told


async def test_a_ceiling_of_the_day_is_told_before_anything_waits(tmp_path: Path) -> None:
    def poor(house: House) -> None:
        owned(house)
        house.backend = {"budget": {"pictures_per_day": 3}}

    async with open_house(tmp_path, before=poor) as house:
        await house.draw(f"/draw prompt:two geese count:2 {SMALL}")
        told = await house.refused(f"/draw prompt:two hens count:2 {SMALL}")
        assert "Only 1 picture is left for today here. New ones from 00:00 UTC: <t:" in told
        house.server.faults.add("oom", route=r"/txt2img$")
        await house.refused(f"/draw prompt:a whale {SMALL}")
        await house.quiet()
        await house.draw(f"/draw prompt:a minnow {SMALL}")
        await house.quiet()
        await house.restart()
        (result,) = await house.say(f"/draw prompt:one more {SMALL}")
        assert result.message is not None
        assert result.message["ephemeral"], "a refusal is for the member alone"
        assert "The pictures for today are used up here." in words(result.message)
        await registered(house)
        assert "3 of today's 3 pictures are used" in words(await asked(house, "/backend status"))
