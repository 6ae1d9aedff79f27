"""A member draws: from the slash to the posted picture, and what can be done with it then."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from bot.images.infotext import Infotext
from tests.house import SMALL, House, generating_calls, labels, words

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_words_become_one_posted_picture_with_its_infotext(house: House) -> None:
    before = generating_calls(house.server)
    message = await house.draw(f"/draw prompt:a maltese puppy {SMALL} seed:7")

    assert generating_calls(house.server) - before == 1
    assert len(message["attachments"]) == 1
    assert message["attachments"][0]["filename"] == "a-maltese-puppy-7.png"
    assert message["attachments"][0]["description"] == "a maltese puppy"
    assert "**a maltese puppy** — <@" in words(message)
    assert "dreamshaper_8 · 64×64 · seed 7 · 2 steps DPM++ 2M Karras · CFG 7" in words(message)
    assert labels(message) == ["Again", "Delete"]

    # The webui reads what stands in the file; Pillow is the independent witness.
    picture = Image.open(io.BytesIO(await house.file(message)))
    read = Infotext.parse(picture.text["parameters"])  # type: ignore[attr-defined]
    assert read.prompt == "a maltese puppy"
    assert {"Steps", "Sampler", "CFG scale", "Seed", "Size", "Model"} <= set(read.settings)
    assert (read.seed, read.size, read.model) == (7, (64, 64), "dreamshaper_8")


async def test_the_first_answer_is_the_waiting_card_itself(house: House) -> None:
    async with house.player() as player:
        result = await player.say(f"/draw prompt:a fox {SMALL}")
        assert result.message is not None
    message = house.message(result.message["id"])
    # One message, never "thinking": created by the first answer, edited from then on.
    assert message["interaction_metadata"]["id"]
    assert not message["loading"]
    assert message["version"] >= 2


async def test_defaults_follow_the_family_of_the_model(house: House) -> None:
    message = await house.draw(
        "/draw prompt:a heron model:animagineXL_v31 steps:1 size:Portrait 2:3"
    )
    text = words(message)
    assert "832×1216" in text
    assert "CFG 6" in text


async def test_a_model_is_found_by_parts_of_its_name(house: House) -> None:
    message = await house.draw(f"/draw prompt:a heron model:turbo {SMALL}")
    assert words(message).splitlines()[-1].startswith("sdxl_turbo")


async def test_several_pictures_have_consecutive_seeds(house: House) -> None:
    before = generating_calls(house.server)
    message = await house.draw(f"/draw prompt:a heron {SMALL} seed:100 count:3")
    assert generating_calls(house.server) - before == 1
    names = [a["filename"] for a in message["attachments"]]
    assert names == ["a-heron-100.png", "a-heron-101.png", "a-heron-102.png"]


async def test_again_draws_beside_it_with_another_seed(house: House) -> None:
    async with house.player() as player:
        first = await player.say(f"/draw prompt:an owl {SMALL} seed:5")
        second = await player.say("press Again")
    assert first.message is not None
    assert second.message is not None
    assert second.message["id"] != first.message["id"]
    assert "seed 5 " not in words(second.message)
    assert f"/{first.message['id']})" in words(second.message), "it links to where it came from"
    assert len(house.message(first.message["id"])["attachments"]) == 1


async def test_anybody_may_press_again_and_gets_their_own(house: House) -> None:
    async with house.player() as player:
        await player.say(f"/draw prompt:an owl {SMALL}")
        await player.say("as bob")
        result = await player.say("press Again")
    assert result.ok, result.reason
    assert result.message is not None
    bob = house.standin.world.user("bob")
    assert f"<@{bob.id}>" in words(result.message)


async def test_delete_takes_the_message_away(house: House) -> None:
    async with house.player() as player:
        first = await player.say(f"/draw prompt:an owl {SMALL}")
        gone = await player.say("press Delete")
    assert gone.ok, gone.reason
    assert first.message is not None
    assert first.message["id"] not in [m["id"] for m in house.shown()]


async def test_only_its_member_or_a_moderator_deletes(house: House) -> None:
    async with house.player() as player:
        first = await player.say(f"/draw prompt:an owl {SMALL}")
        await player.say("as bob")
        refused = await player.say("press Delete")
        assert not refused.ok
        assert refused.message is not None
        assert refused.message["ephemeral"]
        assert "or a moderator can do that." in words(refused.message)
    assert first.message is not None
    message_id = first.message["id"]
    await house.press(message_id, "delete", user="admin")
    await house.until(lambda: message_id not in [m["id"] for m in house.shown()])


async def test_a_private_picture_is_for_its_member_alone(house: House) -> None:
    message = await house.draw(f"/draw prompt:a secret garden {SMALL} private:true")
    assert message["ephemeral"]
    assert len(message["attachments"]) == 1
    assert message["id"] not in [m["id"] for m in house.shown(user="bob")]


async def test_it_draws_in_direct_messages(house: House) -> None:
    message = await house.draw(f"/draw prompt:a letter {SMALL}", channel="dm")
    assert len(message["attachments"]) == 1


async def test_markdown_and_mentions_in_a_prompt_stay_words(house: House) -> None:
    bob = house.standin.world.user("bob")
    message = await house.draw(
        f"/draw prompt:**loud** <@{bob.id}> @everyone [x](http://y.z) {SMALL}"
    )
    assert message["mentions"] == []
    assert not message["mention_everyone"]
    shown = words(message)
    assert r"\*\*loud\*\*" in shown
    assert r"\<\@" in shown
    assert r"\[x\]" in shown


async def test_two_members_complete_at_once_and_both_are_answered(house: House) -> None:
    def typing(user: str, typed: str) -> dict[str, object]:
        option = {"name": "model", "type": 3, "value": typed, "focused": True}
        data = {"name": "draw", "type": 1, "options": [option]}
        return {"user": user, "channel": "easel", "type": 4, "data": data}

    ada, bob = await asyncio.gather(
        house.standin.interact(typing("ada", "anim xl")),
        house.standin.interact(typing("bob", "flux")),
    )
    assert [c["value"] for c in ada["choices"]] == ["animagineXL_v31"]
    assert [c["value"] for c in bob["choices"]] == ["flux1-dev"]


async def test_buttons_work_after_a_restart(house: House) -> None:
    message = await house.draw(f"/draw prompt:an old lamp {SMALL}")
    await house.restart()
    before = generating_calls(house.server)
    outcome = await house.press(message["id"], "again")
    assert outcome["outcome"] == "message"
    new = outcome["message_id"]
    await house.until(lambda: bool(house.message(new)["attachments"]))
    assert generating_calls(house.server) - before == 1


async def test_commands_are_registered_once_and_not_again_at_each_start(house: House) -> None:
    records = (house.folder / "session.jsonl").read_text().splitlines()
    puts = [line for line in records if '"PUT"' in line and "/commands" in line]
    assert len(puts) == 1, "the restart of the test before registered nothing anew"
