"""Registering commands: ids that stay, limits, and what a member may then use."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.discord.people import APPLICATION_ID, GUILD_ID
from tests.bot.demo.discord.raw_bot import ASK, LOOK, Json, RawBot, Rest

BASE = f"/applications/{APPLICATION_ID}/commands"


def command(name: str = "draw", **more: Any) -> Json:
    return {"name": name, "description": "d", **more}


def option(name: str = "o", **more: Any) -> Json:
    return {"type": 3, "name": name, "description": "d", **more}


async def test_overwriting_keeps_the_ids_of_the_names_that_stay(rest: Rest) -> None:
    first = (await rest.register(ASK, LOOK)).body
    second = (await rest.register(command(), LOOK)).body
    assert second[1]["id"] == first[1]["id"]
    assert second[1]["version"] != first[1]["version"]
    assert [c["name"] for c in (await rest.call("GET", BASE)).body] == ["draw", "Look closer"]
    assert "name_localizations" not in (await rest.call("GET", BASE)).body[0]
    assert "name_localizations" in (await rest.call("GET", BASE + "?with_localizations=1")).body[0]


async def test_single_commands_come_change_and_go(rest: Rest) -> None:
    made = await rest.call("POST", BASE, command())
    assert made.status == 201
    assert (await rest.call("POST", BASE, command(description="e"))).status == 200
    path = f"{BASE}/{made.body['id']}"
    changed = await rest.call("PATCH", path, {"description": "f", "default_member_permissions": 32})
    assert (changed.body["description"], changed.body["default_member_permissions"]) == ("f", "32")
    assert (await rest.call("GET", path)).body == changed.body
    assert (await rest.call("DELETE", path)).status == 204
    assert (await rest.call("GET", path)).refused == (404, 10063)


async def test_the_guild_has_commands_of_its_own(rest: Rest) -> None:
    path = f"/applications/{APPLICATION_ID}/guilds/{GUILD_ID}/commands"
    (made,) = (await rest.call("PUT", path, [command()])).body
    assert made["guild_id"] == GUILD_ID
    assert (await rest.call("GET", BASE)).body == []
    assert len(rest.stand_in.world.commands.visible(GUILD_ID)) == 1


BAD: list[tuple[list[Json], dict[str, str]]] = [
    ([command("Draw")], {"0.name": "APPLICATION_COMMAND_INVALID_NAME"}),
    ([command("a b")], {"0.name": "APPLICATION_COMMAND_INVALID_NAME"}),
    ([command("x" * 33)], {"0.name": "BASE_TYPE_BAD_LENGTH"}),
    ([command(description="")], {"0.description": "BASE_TYPE_REQUIRED"}),
    ([command(description="x" * 101)], {"0.description": "BASE_TYPE_BAD_LENGTH"}),
    ([command(), command()], {"1.name": "APPLICATION_COMMANDS_DUPLICATE_NAME"}),
    (
        [{**LOOK, "description": "d"}],
        {"0.description": "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION"},
    ),
    (
        [command(options=[option(f"o{n}") for n in range(26)])],
        {"0.options": "BASE_TYPE_MAX_LENGTH"},
    ),
    (
        [command(options=[option("a"), option("b", required=True)])],
        {"0.options.1": "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"},
    ),
    (
        [command(options=[option("a"), option("a")])],
        {"0.options.1.name": "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"},
    ),
    (
        [command(options=[option(choices=[{"name": "n", "value": "v"}] * 26)])],
        {"0.options.0.choices": "BASE_TYPE_MAX_LENGTH"},
    ),
    (
        [command(options=[option(autocomplete=True, choices=[{"name": "n", "value": "v"}])])],
        {"0.options.0": "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES"},
    ),
    (
        [command(options=[option(type=4, min_value=5, max_value=1)])],
        {"0.options.0.min_value": "APPLICATION_COMMAND_OPTIONS_RANGE_INVALID"},
    ),
    (
        [command(options=[option(type=1), option("p")])],
        {"0.options": "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"},
    ),
    (
        [
            command(
                options=[
                    option(
                        f"o{n}",
                        choices=[{"name": "x" * 90, "value": f"{i:090}"} for i in range(25)],
                    )
                    for n in range(2)
                ]
            )
        ],
        {"0": "APPLICATION_COMMAND_TOO_LARGE"},
    ),
]


@pytest.mark.parametrize(("commands", "faults"), BAD)
async def test_bad_commands_are_refused(
    rest: Rest, commands: list[Json], faults: dict[str, str]
) -> None:
    assert (await rest.register(*commands)).faults() == faults


async def test_there_is_a_number_of_each_type_and_a_number_a_day(rest: Rest) -> None:
    menus = [{"name": f"m{n}", "type": 3} for n in range(16)]
    assert (await rest.register(*menus)).refused == (400, 30032)
    hundred = [command(f"c{n}") for n in range(100)]
    assert (await rest.register(*hundred)).status == 200
    assert (await rest.register(*hundred)).status == 200, "the same names cost nothing"
    assert (await rest.register(*(command(f"d{n}") for n in range(100)))).status == 200
    assert (await rest.register(command("one-more"))).refused == (429, 30034)
    rest.stand_in.advance(24 * 3600 + 1)
    assert (await rest.register(command("one-more"))).status == 200


async def test_subcommands_are_asked_for_as_discord_nests_them(bot: RawBot) -> None:
    group = option("group", type=2, options=[option("sub", type=1, options=[option("text")])])
    await bot.rest.register(command("deep", options=[group]))
    inner = {"name": "text", "type": 3, "value": "x"}
    nested = {"name": "sub", "type": 1, "options": [inner]}
    data = {"name": "deep", "options": [{"name": "group", "type": 2, "options": [nested]}]}
    asked = await bot.asked({"user": "ada", "channel": "easel", "type": 2, "data": data})
    sent = asked.payload["data"]["options"][0]
    assert sent["options"][0]["options"] == [inner]
    await asked.answer(4, {"content": "x"})
