"""The first answer of an interaction: exactly one, within three seconds, of a fitting kind."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import pytest

from tests.bot.demo.discord.raw_bot import (
    BUTTON,
    EPHEMERAL,
    V2,
    RawBot,
    Rest,
    png,
    press,
    row,
    slash,
)


async def test_a_reply_comes_back_with_ids_and_reaches_the_member(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    given = await asked.answer(4, {"content": "a fox"})
    told = await asked.waiting
    message = given.body["resource"]["message"]
    assert given.status == 200
    assert given.body["resource"]["type"] == 4
    assert given.body["interaction"] == {
        "id": asked.payload["id"],
        "type": 2,
        "response_message_id": message["id"],
        "response_message_loading": False,
        "response_message_ephemeral": False,
    }
    assert told == {
        "id": asked.payload["id"],
        "outcome": "message",
        "message_id": message["id"],
        "choices": None,
        "modal": None,
    }
    assert message["interaction_metadata"]["name"] == "ask"
    assert message["interaction_metadata"]["user"]["username"] == "ada"


async def test_without_with_response_the_answer_is_empty(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    path = f"/interactions/{asked.payload['id']}/{asked.payload['token']}/callback"
    given = await bot.rest.call("POST", path, {"type": 5}, token=None)
    assert (given.status, given.body) == (204, None)
    assert (await asked.waiting)["outcome"] == "deferred"


async def test_the_answer_may_come_as_a_form(bot: RawBot) -> None:
    """py-cord sends first answers as a urlencoded `payload_json`."""
    asked = await bot.asked(slash())
    path = f"/api/v10/interactions/{asked.payload['id']}/{asked.payload['token']}/callback"
    form = urlencode({"payload_json": '{"type": 4, "data": {"content": "from a form & more"}}'})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    url = bot.rest.stand_in.url + path
    async with bot.rest.session.post(url, data=form, headers=kind) as response:
        assert response.status == 204
    assert bot.rest.stand_in.messages("easel")[-1]["content"] == "from a form & more"
    assert bot.rest.stand_in.recorder.requests[-1]["payload_json"]["type"] == 4


async def test_a_file_may_come_with_the_first_answer(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    data = {"attachments": [{"id": 0, "description": "a fox"}]}
    given = await asked.answer(4, data, files={"files[0]": ("fox.png", png(64, 48))})
    (file,) = given.body["resource"]["message"]["attachments"]
    assert (file["filename"], file["width"], file["height"]) == ("fox.png", 64, 48)
    assert file["description"] == "a fox"


async def test_a_second_answer_is_refused(bot: RawBot) -> None:
    asked = await bot.answered()
    assert (await asked.answer(4, {"content": "again"})).refused == (400, 40060)


async def test_a_refused_answer_leaves_the_interaction_open(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    assert (await asked.answer(4, {"content": "x" * 2001})).faults() == {
        "data.content": "BASE_TYPE_MAX_LENGTH"
    }
    assert (await asked.answer(4, {"content": "shorter"})).status == 200


async def test_after_three_seconds_the_interaction_is_unknown(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    bot.rest.stand_in.advance(3.1)
    assert (await asked.waiting)["outcome"] == "failed"
    assert (await asked.answer(5)).refused == (404, 10062)
    assert (await asked.edit({"content": "late"})).refused == (404, 10015)


async def test_a_made_up_interaction_is_unknown(rest: Rest) -> None:
    given = await rest.call("POST", "/interactions/1/nope/callback", {"type": 5}, token=None)
    assert given.refused == (404, 10062)


async def test_a_deferral_takes_no_flag_but_ephemeral(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    assert "data.flags" in (await asked.answer(5, {"flags": V2})).faults()
    given = await asked.answer(5, {"flags": EPHEMERAL})
    assert given.body["interaction"]["response_message_loading"] is True
    assert given.body["interaction"]["response_message_ephemeral"] is True
    assert given.body["resource"]["message"]["flags"] == 128 | 64


@pytest.mark.parametrize("kind", [1, 6, 7, 8, 12, None, "4"])
async def test_a_command_is_not_answered_by_what_belongs_to_others(bot: RawBot, kind: int) -> None:
    asked = await bot.asked(slash())
    assert "type" in (await asked.answer(kind)).faults()


async def test_a_button_updates_its_own_message(bot: RawBot) -> None:
    first = await bot.answered(data={"content": "1", "components": [row(BUTTON)]})
    original = (await first.get()).body
    asked = await bot.asked(press(original["id"]))
    assert asked.payload["message"]["id"] == original["id"]
    given = await asked.answer(7, {"content": "2", "components": []})
    assert (await asked.waiting)["outcome"] == "update"
    assert given.body["resource"]["message"]["id"] == original["id"]
    assert (await first.get()).body["content"] == "2"
    assert (await first.get()).body["edited_timestamp"] is not None


async def test_a_deferred_update_leaves_the_message_for_later(bot: RawBot) -> None:
    first = await bot.answered(data={"content": "1", "components": [row(BUTTON)]})
    original = (await first.get()).body
    asked = await bot.answered(press(original["id"]), kind=6)
    assert (await first.get()).body["content"] == "1"
    await asked.edit({"content": "2"})
    assert (await first.get()).body["content"] == "2"
    extra = await asked.follow_up({"content": "and this"})
    assert extra.body["id"] != original["id"]


async def test_suggestions_are_told_to_the_member(bot: RawBot) -> None:
    request = slash()
    request["type"] = 4
    focused = {"name": "steps", "type": 4, "value": "2", "focused": True}
    request["data"]["options"].append(focused)
    asked = await bot.asked(request)
    assert asked.payload["data"]["options"][1]["focused"] is True
    many = [{"name": str(n), "value": n} for n in range(26)]
    assert "data.choices" in (await asked.answer(8, {"choices": many})).faults()
    wrong = [{"name": "x", "value": "text"}]
    assert "data.choices.0.value" in (await asked.answer(8, {"choices": wrong})).faults()
    assert (await asked.answer(8, {"choices": many[:25]})).status == 200
    told = await asked.waiting
    assert (told["outcome"], len(told["choices"])) == ("choices", 25)


async def test_two_answers_at_once_leave_one(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    both = await asyncio.gather(
        asked.answer(4, {"content": "one"}), asked.answer(4, {"content": "two"})
    )
    assert sorted(given.status for given in both) == [200, 400]
    assert len(bot.rest.stand_in.messages("easel")) == 1
