"""What Discord's client does for members: fills in, checks, and refuses before the bot hears."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.discord.member_options import MemberError
from bot.demo.discord.people import GUILD_ID
from tests.bot.demo.discord.raw_bot import BUTTON, EPHEMERAL, Json, RawBot, png, press, row, slash


async def test_an_interaction_from_the_guild_carries_all_that_discord_sends(bot: RawBot) -> None:
    asked = await bot.answered(slash(steps=20))
    sent = asked.payload
    assert {"id", "application_id", "token", "version", "entitlements", "locale"} <= set(sent)
    assert sent["guild_id"] == sent["guild"]["id"] == GUILD_ID
    assert sent["member"]["user"]["username"] == "ada"
    assert int(sent["member"]["permissions"]) & (1 << 11)
    assert int(sent["app_permissions"]) & (1 << 15)
    assert (sent["context"], sent["channel"]["type"]) == (0, 0)
    assert sent["authorizing_integration_owners"] == {"0": GUILD_ID}
    assert sent["attachment_size_limit"] == 10 << 20
    assert isinstance(sent["data"]["id"], str)
    assert sent["data"]["options"] == [
        {"type": 3, "name": "what", "value": "a fox"},
        {"type": 4, "name": "steps", "value": 20},
    ]


async def test_an_interaction_from_a_dm_has_a_user_and_no_member(bot: RawBot) -> None:
    asked = await bot.answered(slash(channel="dm"))
    sent = asked.payload
    assert sent["user"]["username"] == "ada"
    assert not {"member", "guild_id", "guild"} & set(sent)
    assert (sent["context"], sent["channel"]["type"]) == (1, 1)


async def test_an_upload_becomes_a_resolved_attachment(bot: RawBot) -> None:
    upload = await bot.rest.stand_in.upload("my fox.png", png(20, 10))
    asked = await bot.answered(slash(source=upload["id"]))
    resolved = asked.payload["data"]["resolved"]["attachments"][upload["id"]]
    assert (resolved["filename"], resolved["width"], resolved["height"]) == ("my_fox.png", 20, 10)
    async with bot.rest.session.get(resolved["url"]) as response:
        assert await response.read() == png(20, 10)


async def test_options_name_users_channels_and_roles(bot: RawBot) -> None:
    kinds = {"who": (6, "bob"), "where": (7, "gallery"), "role": (8, "Easel"), "any": (9, "ada")}
    options = [{"type": t, "name": n, "description": "d"} for n, (t, _) in kinds.items()]
    await bot.rest.register({"name": "pick", "description": "d", "options": options})
    given = [{"name": n, "type": t, "value": value} for n, (t, value) in kinds.items()]
    data = {"name": "pick", "options": given}
    asked = await bot.answered({"user": "ada", "channel": "easel", "type": 2, "data": data})
    resolved = asked.payload["data"]["resolved"]
    sent = [option["value"] for option in asked.payload["data"]["options"]]
    assert resolved["users"][sent[0]]["username"] == "bob"
    assert "permissions" in resolved["members"][sent[0]]
    assert resolved["channels"][sent[1]]["name"] == "gallery"
    assert resolved["roles"][sent[2]]["name"] == "Easel"
    assert resolved["users"][sent[3]]["username"] == "ada"


async def test_a_message_menu_brings_the_message(bot: RawBot) -> None:
    message = bot.rest.stand_in.post_message("bob", "easel", "a drawing of mine")
    data = {"name": "Look closer", "type": 3, "target_id": message["id"]}
    asked = await bot.answered({"user": "ada", "channel": "easel", "type": 2, "data": data})
    sent = asked.payload["data"]
    assert sent["resolved"]["messages"][sent["target_id"]]["content"] == "a drawing of mine"
    answer = (await asked.get()).body
    assert answer["type"] == 23
    assert answer["interaction_metadata"]["target_message_id"] == message["id"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"what": None}, "takes text"),
        ({"what": ""}, None),
        ({"what": "x" * 51}, "at most 50 characters"),
        ({"steps": 0}, "at least 1"),
        ({"steps": 151}, "at most 150"),
        ({"steps": "20"}, "takes a whole number"),
        ({"steps": True}, "takes a whole number"),
        ({"size": "xl"}, "not among the choices"),
        ({"source": "123"}, "upload does not exist"),
    ],
)
async def test_options_are_checked_before_they_are_sent(
    bot: RawBot, change: Json, words: str | None
) -> None:
    request = slash(**change)
    if words is None:
        request["data"]["options"] = []
        words = "“what” is required"
    with pytest.raises(MemberError, match=words):
        await bot.rest.stand_in.interact(request)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({**slash(), "user": "nobody"}, "Unknown User"),
        ({**slash(), "channel": "nowhere"}, "Unknown Channel"),
        ({**slash(), "type": 9}, "type 2, 3, 4 or 5"),
        ({**slash(), "data": None}, "needs its data"),
        ({**slash(), "data": {"name": "draw"}}, "no command"),
        (press("1"), "Unknown Message"),
    ],
)
async def test_what_is_not_there_cannot_be_used(bot: RawBot, request_: Json, words: str) -> None:
    with pytest.raises(MemberError, match=words):
        await bot.rest.stand_in.interact(request_)


async def test_commands_have_places_and_people_they_are_for(bot: RawBot) -> None:
    in_guild = {"name": "ask", "description": "d", "contexts": [0]}
    for_admins = {"name": "server", "description": "d", "default_member_permissions": 1 << 5}
    await bot.rest.register(in_guild, for_admins)
    stand_in = bot.rest.stand_in
    with pytest.raises(MemberError, match="cannot be used here"):
        await stand_in.interact(
            {"user": "ada", "channel": "dm", "type": 2, "data": {"name": "ask"}}
        )
    asking = {"channel": "easel", "type": 2, "data": {"name": "server"}}
    with pytest.raises(MemberError, match="not for you"):
        await stand_in.interact({"user": "ada", **asking})
    await bot.answered({"user": "admin", **asking})


async def test_buttons_are_pressed_only_where_they_are_and_work(bot: RawBot) -> None:
    off = {**BUTTON, "custom_id": "off", "disabled": True}
    shown = {"content": "x", "flags": EPHEMERAL, "components": [row(BUTTON, off)]}
    message = (await (await bot.answered(data=shown)).get()).body["id"]
    stand_in = bot.rest.stand_in
    with pytest.raises(MemberError, match="no such button"):
        await stand_in.interact(press(message, "gone"))
    with pytest.raises(MemberError, match="disabled"):
        await stand_in.interact(press(message, "off"))
    with pytest.raises(MemberError, match="not here"):
        await stand_in.interact(press(message, user="bob"))
    asked = await bot.answered(press(message), kind=6)
    assert asked.payload["data"]["component_type"] == 2
    assert asked.payload["message"]["flags"] == EPHEMERAL


async def test_a_select_offers_what_it_offers(bot: RawBot) -> None:
    options = [{"label": v, "value": v} for v in "abc"]
    select = {"type": 3, "custom_id": "s", "options": options, "max_values": 2}
    people, roles = {"type": 5, "custom_id": "p"}, {"type": 6, "custom_id": "r"}
    shown = {"content": "x", "components": [row(select), row(people), row(roles)]}
    message = (await (await bot.answered(data=shown)).get()).body["id"]
    stand_in = bot.rest.stand_in
    for values in ([], ["a", "b", "c"], ["a", "a"]):
        with pytest.raises(MemberError, match="Pick 1 to 2"):
            await stand_in.interact(press(message, "s", component_type=3, values=values))
    with pytest.raises(MemberError, match="does not offer"):
        await stand_in.interact(press(message, "s", component_type=3, values=["d"]))
    asked = await bot.answered(press(message, "s", component_type=3, values=["b"]), kind=6)
    assert asked.payload["data"]["values"] == ["b"]
    picked = await bot.answered(press(message, "p", component_type=5, values=["bob"]), kind=6)
    (bob,) = picked.payload["data"]["resolved"]["users"].values()
    assert bob["username"] == "bob"
    keepers = press(message, "r", component_type=6, values=["Studio keeper"])
    (role,) = (await bot.answered(keepers, kind=6)).payload["data"]["resolved"]["roles"].values()
    assert role["name"] == "Studio keeper"
    with pytest.raises(MemberError, match="no role"):
        await stand_in.interact(press(message, "r", component_type=6, values=["kings"]))
    with pytest.raises(MemberError, match="Unknown User"):
        await stand_in.interact(press(message, "p", component_type=5, values=["nobody"]))


def label(component: Json, **more: Any) -> Json:
    return {"type": 18, "label": "L", "component": component, **more}


async def test_a_modal_is_shown_filled_in_and_sent(bot: RawBot) -> None:
    fields = [
        label({"type": 4, "custom_id": "prompt", "style": 2, "min_length": 3, "max_length": 10}),
        label({"type": 4, "custom_id": "note", "style": 1, "required": False}),
        label({"type": 19, "custom_id": "picture", "required": False}),
        label({"type": 23, "custom_id": "private", "default": True}),
        label(
            {
                "type": 21,
                "custom_id": "size",
                "options": [{"label": v, "value": v} for v in ("s", "l")],
            }
        ),
    ]
    asked = await bot.asked(slash())
    modal = {"custom_id": "edit:7", "title": "Edit", "components": fields}
    given = await asked.answer(9, modal)
    assert given.body == {"interaction": {"id": asked.payload["id"], "type": 2}}
    told = await asked.waiting
    assert (told["outcome"], told["modal"]["custom_id"]) == ("modal", "edit:7")
    assert told["modal"]["components"][0]["component"]["id"] > 0

    stand_in = bot.rest.stand_in
    upload = await stand_in.upload("a.png", png())

    def submit(prompt: str) -> Json:
        values = [
            {"type": 18, "component": {"type": 4, "custom_id": "prompt", "value": prompt}},
            {"type": 18, "component": {"custom_id": "picture", "values": [upload["id"]]}},
            {"type": 18, "component": {"custom_id": "size", "value": "l"}},
        ]
        data = {"custom_id": "edit:7", "components": values}
        return {"user": "ada", "channel": "easel", "type": 5, "message": None, "data": data}

    for words, text in (("too short", "ab"), ("too long", "x" * 11)):
        with pytest.raises(MemberError, match=words):
            await stand_in.interact(submit(text))
    sent = await bot.answered(submit("a fox"))
    components = sent.payload["data"]["components"]
    assert [c["component"].get("value") for c in components] == ["a fox", "", None, True, "l"]
    assert components[2]["component"]["values"] == [upload["id"]]
    assert upload["id"] in sent.payload["data"]["resolved"]["attachments"]
    with pytest.raises(MemberError, match="not open"):
        await stand_in.interact(submit("again"))


async def test_a_modal_opened_by_a_button_may_update_its_message(bot: RawBot) -> None:
    first = await bot.answered(data={"content": "1", "components": [row(BUTTON)]})
    message = (await first.get()).body["id"]
    asked = await bot.asked(press(message))
    text = {"type": 4, "custom_id": "t", "style": 1, "label": "T"}
    await asked.answer(9, {"custom_id": "m", "title": "T", "components": [row(text)]})
    await asked.waiting
    filled = {"custom_id": "m", "components": [row({"type": 4, "custom_id": "t", "value": "2"})]}
    submitted = await bot.answered(
        {"user": "ada", "channel": "easel", "type": 5, "data": filled},
        kind=7,
        data={"content": "2"},
    )
    assert submitted.payload["message"]["id"] == message
    assert submitted.payload["data"]["components"][0]["components"][0]["value"] == "2"
    assert (await first.get()).body["content"] == "2"


async def test_members_write_and_delete_their_own_messages(bot: RawBot) -> None:
    stand_in = bot.rest.stand_in
    upload = await stand_in.upload("a.png", png())
    mine = stand_in.post_message("ada", "gallery", "mine", [upload["id"]])
    assert mine["attachments"][0]["id"] == upload["id"]
    with pytest.raises(MemberError, match="author or an admin"):
        stand_in.delete_message("bob", "gallery", mine["id"])
    stand_in.delete_message("ada", "gallery", mine["id"])
    assert stand_in.messages("gallery") == []
    for content in ("", "x" * 2001):
        with pytest.raises(MemberError):
            stand_in.post_message("ada", "gallery", content)
    stand_in.set_upload_limit(10)
    with pytest.raises(MemberError, match="too powerful"):
        await stand_in.upload("a.png", png())
