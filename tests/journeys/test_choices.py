"""What is chosen here: /models, /switch-model and /server, and how /draw follows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.demo.discord.people import ADMIN_ROLE_ID
from tests.house import SMALL, House, words

pytestmark = pytest.mark.asyncio(loop_scope="module")


def select_of(message: dict[str, Any]) -> dict[str, Any]:
    """The message's one select."""
    return next(c for row in message["components"] for c in row["components"] if c["type"] == 3)


async def test_models_shows_what_there_is_and_what_is_loaded(house: House) -> None:
    message = await house.draw("/models")
    assert message["ephemeral"]
    shown = "\n".join(e["description"] for e in message["embeds"])
    assert "**DreamShaper 8** · dreamshaper\\_8" in shown
    assert "*loaded*" in shown
    assert "SDXL, 1024×1024, 28 steps" in shown


async def test_a_search_and_a_tab_narrow_the_list(house: House) -> None:
    message = await house.draw("/models search:anim xl")
    assert [o["value"] for o in select_of(message)["options"]] == ["animagineXL_v31"]
    async with house.player() as player:
        await player.say("/models")
        turned = await player.say("press Samplers")
    assert turned.message is not None
    assert "DPM++ 2M" in words(turned.message)


async def test_the_select_chooses_for_oneself_and_draw_follows(house: House) -> None:
    async with house.player(user="bob") as player:
        await player.say("/models")
        chosen = await player.say("select sdxl_turbo")
        assert chosen.ok, chosen.reason
        assert chosen.message is not None
        assert "You now draw with" in words(chosen.message)
        drawn = await player.say(f"/draw prompt:a heron {SMALL}")
        assert drawn.message is not None
        assert "sdxl_turbo ·" in words(drawn.message)
        back = await player.say("/switch-model")
        assert back.ok
        again = await player.say(f"/draw prompt:a heron {SMALL}")
    assert again.message is not None
    assert "dreamshaper_8 ·" in words(again.message)


async def test_only_those_who_manage_the_server_switch_it_for_all(house: House) -> None:
    line = "/switch-model model:flux where:for this server"
    assert "may manage this server" in await house.refused(line)
    message = await house.draw(line, user="admin")
    assert "This server now draws with **flux1-dev**" in words(message)
    assert "flux1-dev is loaded (" in words(message)
    assert house.server.engine.shelf.loaded.name == "flux1-dev"
    assert not message["ephemeral"]
    drawn = await house.draw(f"/draw prompt:a heron {SMALL}")
    assert "flux1-dev ·" in words(drawn)
    assert "CFG 1" in words(drawn), "the family follows the model"
    await house.draw("/switch-model where:for this server", user="admin")


async def test_server_shows_where_each_value_comes_from(house: House) -> None:
    async with house.player(user="admin") as player:
        shown = await player.say("/server")
        assert shown.message is not None
        assert shown.message["ephemeral"]
        assert "**max_steps**: 150 · *the operator's*" in words(shown.message)
        await player.say("select steps")
        changed = await player.say("fill value:9")
        assert changed.ok, changed.reason
        capped = await player.say("/server setting:max_steps value:12")
        assert capped.message is not None
        assert "**steps**: 9 · *this server's*" in words(capped.message)
        assert "**max_steps**: 12 · *this server's*" in words(capped.message)
    fields = capped.message["embeds"][0]["fields"]
    assert "max_steps — → 12" in fields[0]["value"]
    drawn = await house.draw("/draw prompt:a heron width:64 height:64")
    assert "9 steps" in words(drawn)
    assert "1 to 12 here" in await house.refused("/draw prompt:a heron steps:20")


async def test_a_channel_may_differ_from_its_server(house: House) -> None:
    await house.draw("/server setting:steps value:3 channel_only:true", user="admin")
    here = await house.draw("/draw prompt:a heron width:64 height:64")
    there = await house.draw("/draw prompt:a heron width:64 height:64", channel="gallery")
    assert "3 steps" in words(here)
    assert "9 steps" in words(there)
    await house.draw("/server setting:steps channel_only:true", user="admin")


async def test_what_was_chosen_survives_a_restart(house: House) -> None:
    await house.restart()
    drawn = await house.draw("/draw prompt:a heron width:64 height:64")
    assert "9 steps" in words(drawn)
    for setting in ("steps", "max_steps"):
        await house.draw(f"/server setting:{setting}", user="admin")


async def test_a_bad_value_says_what_is_possible(house: House) -> None:
    told = await house.refused("/server setting:max_count value:many", user="admin")
    assert "`max_count` can be a whole number from 1 to 10." in told
    told = await house.refused("/server setting:model value:nosuchmodel", user="admin")
    assert "There is no model called" in told


async def test_a_priority_role_is_named_mentioned_or_given_by_its_id(house: House) -> None:
    for typed in ("Studio keeper", f"<@&{ADMIN_ROLE_ID}>", ADMIN_ROLE_ID):
        line = f'/server setting:priority_role value:"{typed}"'
        shown = await house.draw(line, user="admin")
        assert f"**priority_role**: <@&{ADMIN_ROLE_ID}> ·" in words(shown)
        (history,) = shown["embeds"][0]["fields"]
        assert f"priority_role — → <@&{ADMIN_ROLE_ID}>" in history["value"]
        await house.draw("/server setting:priority_role", user="admin")
    line = "/server setting:priority_role value:Nobody"
    told = await house.refused(line, user="admin")
    assert "No role is called that here: mention it with @" in told


async def test_pictures_can_be_private_by_default(house: House) -> None:
    await house.draw("/server setting:private value:yes", user="admin")
    assert (await house.draw(f"/draw prompt:a heron {SMALL}"))["ephemeral"]
    assert not (await house.draw(f"/draw prompt:a heron {SMALL} private:false"))["ephemeral"]
    await house.draw("/server setting:private", user="admin")


@pytest.fixture
def for_all(house: House) -> Iterator[None]:
    """An admin has granted /server to everybody, on Discord's integration page."""
    known = house.standin.world.commands.visible(None)
    server = next(c for c in known if c["name"] == "server")
    needed, server["default_member_permissions"] = server["default_member_permissions"], None
    yield
    server["default_member_permissions"] = needed


@pytest.mark.usefixtures("for_all")
async def test_whom_discord_lets_into_server_may_change_it(house: House) -> None:
    async with house.player(user="bob") as player:
        shown = await player.say("/server setting:steps value:4")
        assert shown.ok, shown.reason
        await player.say("select cfg_scale")
        changed = await player.say("fill value:3")
        assert changed.ok, changed.reason
        assert changed.message is not None
        assert "**cfg_scale**: 3 · *this server's*" in words(changed.message)
        assert "**size**: square · *the model's own*" in words(changed.message)
        assert "**private**: — · *default*" in words(changed.message)
        for setting in ("steps", "cfg_scale"):
            await player.say(f"/server setting:{setting}")
    told = await house.refused("/switch-model model:flux where:for this server", user="bob")
    assert "may manage this server" in told


async def test_a_cap_above_the_operators_is_stored_and_told(house: House) -> None:
    message = await house.draw("/server setting:max_count value:10", user="admin")
    assert "`max_count` is stored, but the operator's 4 holds." in words(message)
    await house.draw("/server setting:max_count", user="admin")
