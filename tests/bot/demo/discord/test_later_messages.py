"""What a token still does after the first answer: edits, followups, deletes, for 15 minutes."""

from __future__ import annotations

from bot.demo.discord.people import APPLICATION_ID
from tests.bot.demo.discord.raw_bot import BUTTON, EPHEMERAL, V2, RawBot, png, press, row, slash

PICTURE = {"files[0]": ("a.png", png())}
TEXT = {"type": 10, "content": "in a container"}


async def test_the_first_followup_of_a_deferral_finishes_the_loading_message(bot: RawBot) -> None:
    asked = await bot.answered(kind=5, data={"flags": EPHEMERAL})
    loading = (await asked.get()).body
    finished = (await asked.follow_up({"content": "done", "flags": 0})).body
    assert finished["id"] == loading["id"]
    assert finished["flags"] == EPHEMERAL, "the flag is the one given at defer time"
    second = (await asked.follow_up({"content": "more"})).body
    assert second["id"] != loading["id"]
    assert second["flags"] == 0
    assert second["message_reference"]["message_id"] == loading["id"]


async def test_finishing_a_deferral_is_not_an_edit_but_the_next_change_is(bot: RawBot) -> None:
    asked = await bot.answered(kind=5)
    assert (await asked.edit({"content": "10 %"})).body["edited_timestamp"] is None
    assert (await asked.edit({"content": "20 %"})).body["edited_timestamp"] is not None


async def test_ephemeral_is_decided_by_the_first_answer(bot: RawBot) -> None:
    stand_in = bot.rest.stand_in
    asked = await bot.answered(data={"content": "for you", "flags": EPHEMERAL})
    await asked.edit({"content": "still for you", "flags": 0})
    assert [m["content"] for m in stand_in.messages("easel", "ada")] == ["still for you"]
    assert stand_in.messages("easel", "ada")[0]["ephemeral"] is True
    assert stand_in.messages("easel", "bob") == []


async def test_channel_routes_do_not_know_ephemeral_messages(bot: RawBot) -> None:
    asked = await bot.answered(data={"content": "for you", "flags": EPHEMERAL})
    message = (await asked.get()).body
    path = f"/channels/{message['channel_id']}/messages/{message['id']}"
    for method, body in (("GET", None), ("PATCH", {"content": "x"}), ("DELETE", None)):
        assert (await bot.rest.call(method, path, body)).refused == (404, 10008)
    history = await bot.rest.call("GET", f"/channels/{message['channel_id']}/messages")
    assert history.body == []


async def test_after_fifteen_minutes_the_token_is_void(bot: RawBot) -> None:
    asked = await bot.answered()
    message = (await asked.get()).body
    bot.rest.stand_in.advance(899)
    assert (await asked.edit({"content": "just in time"})).status == 200
    bot.rest.stand_in.advance(2)
    assert (await asked.edit({"content": "too late"})).refused == (401, 50027)
    assert (await asked.follow_up({"content": "too late"})).refused == (401, 50027)
    path = f"/channels/{message['channel_id']}/messages/{message['id']}"
    given = await bot.rest.call("PATCH", path, {"content": "through the channel"})
    assert given.body["content"] == "through the channel"


async def test_the_token_knows_only_its_own_messages(bot: RawBot) -> None:
    mine, other = await bot.answered(), await bot.answered()
    foreign = (await other.get()).body["id"]
    assert (await mine.edit({"content": "x"}, foreign)).refused == (404, 10008)
    assert (await mine.edit({"content": "x"}, "123")).refused == (404, 10008)
    wrong = f"/webhooks/123/{mine.payload['token']}/messages/@original"
    assert (await bot.rest.call("GET", wrong, token=None)).refused == (404, 10015)
    nobody = f"/webhooks/{APPLICATION_ID}/nope/messages/@original"
    assert (await bot.rest.call("GET", nobody, token=None)).refused == (404, 10015)


async def test_nothing_may_be_edited_before_the_first_answer(bot: RawBot) -> None:
    asked = await bot.asked(slash())
    assert (await asked.edit({"content": "x"})).refused == (404, 10015)


async def test_a_deleted_message_is_unknown(bot: RawBot) -> None:
    asked = await bot.answered()
    assert (await asked.delete()).status == 204
    assert (await asked.edit({"content": "x"})).refused == (404, 10008)
    assert (await asked.get()).refused == (404, 10008)
    assert (await asked.delete()).refused == (404, 10008)
    assert (await asked.follow_up({"content": "anew"})).status == 200


async def test_an_admin_deletes_the_message_under_the_bots_hands(bot: RawBot) -> None:
    asked = await bot.answered(kind=5)
    message = (await asked.get()).body["id"]
    bot.rest.stand_in.delete_message("admin", "easel", message)
    assert (await asked.edit({"content": "x"})).refused == (404, 10008)


async def test_a_dismissed_answer_still_exists_for_the_bot(bot: RawBot) -> None:
    asked = await bot.answered(data={"content": "for you", "flags": EPHEMERAL})
    message = (await asked.get()).body["id"]
    bot.rest.stand_in.delete_message("ada", "easel", message)
    assert bot.rest.stand_in.messages("easel", "ada") == []
    assert (await asked.edit({"content": "nobody reads this"})).status == 200
    assert bot.rest.stand_in.messages("easel", "ada") == []


async def test_a_user_installed_app_has_five_followups(bot: RawBot) -> None:
    asked = await bot.answered({**slash(), "user_install": True})
    assert set(asked.payload["authorizing_integration_owners"]) == {"1"}
    for n in range(5):
        assert (await asked.follow_up({"content": str(n)})).status == 200
    assert (await asked.follow_up({"content": "6"})).refused == (400, 40094)


async def test_an_installed_app_has_as_many_as_it_likes(bot: RawBot) -> None:
    asked = await bot.answered()
    given = [await asked.follow_up({"content": str(n)}) for n in range(7)]
    assert {answer.status for answer in given} == {200}


# -- files in edits
async def test_an_edit_without_attachments_keeps_the_files(bot: RawBot) -> None:
    asked = await bot.answered(data={"content": "1"}, files=PICTURE)
    (file,) = (await asked.edit({"content": "2"})).body["attachments"]
    assert file["filename"] == "a.png"


async def test_exactly_the_listed_attachments_remain(bot: RawBot) -> None:
    files = {"files[0]": ("a.png", png()), "files[1]": ("b.png", png())}
    asked = await bot.answered(data={"content": "1"}, files=files)
    first, second = (await asked.get()).body["attachments"]
    body = {"attachments": [{"id": second["id"]}, {"id": 7, "description": "new"}]}
    edited = await asked.edit(body, files={"files[7]": ("c.png", png(colour="red"))})
    kept, new = edited.body["attachments"]
    assert (kept["id"], kept["filename"]) == (second["id"], "b.png")
    assert (new["filename"], new["description"]) == ("c.png", "new")
    assert first["id"] not in (kept["id"], new["id"])
    assert (await asked.edit({"attachments": []})).body["attachments"] == []


async def test_files_without_a_list_are_added(bot: RawBot) -> None:
    asked = await bot.answered(data={"content": "1"}, files=PICTURE)
    edited = await asked.edit({}, files={"files[0]": ("b.png", png())})
    assert [f["filename"] for f in edited.body["attachments"]] == ["a.png", "b.png"]


async def test_a_file_that_the_list_does_not_name_is_dropped(bot: RawBot) -> None:
    asked = await bot.answered(data={"content": "1"})
    edited = await asked.edit({"attachments": []}, files=PICTURE)
    assert edited.body["attachments"] == []


async def test_a_listed_file_that_was_not_sent_is_refused(bot: RawBot) -> None:
    asked = await bot.answered()
    assert (await asked.edit({"attachments": [{"id": 0}]})).refused == (400, 50146)


async def test_a_file_inside_an_embed_is_not_listed(bot: RawBot) -> None:
    asked = await bot.answered(kind=5)
    body = {
        "embeds": [{"title": "a fox", "image": {"url": "attachment://a.png"}}],
        "attachments": [{"id": 0, "filename": "a.png"}],
    }
    edited = (await asked.edit(body, files=PICTURE)).body
    assert edited["attachments"] == []
    image = edited["embeds"][0]["image"]
    assert (image["width"], image["height"], image["content_type"]) == (40, 30, "image/png")
    async with bot.rest.session.get(image["url"]) as response:
        assert await response.read() == PICTURE["files[0]"][1]
    again = (await asked.edit({"content": "words only"})).body
    assert again["attachments"] == []
    assert again["embeds"][0]["image"]["url"].startswith(bot.rest.stand_in.url)
    bare = (await asked.edit({"embeds": []})).body
    assert [f["filename"] for f in bare["attachments"]] == ["a.png"]


async def test_an_embed_that_names_no_file_is_refused(bot: RawBot) -> None:
    asked = await bot.answered(kind=5)
    body = {"embeds": [{"image": {"url": "attachment://b.png"}}]}
    assert "embeds" in (await asked.edit(body, files=PICTURE)).faults()


# -- Components V2
async def test_an_edit_to_components_v2_nulls_content_and_embeds(bot: RawBot) -> None:
    asked = await bot.answered(data={"content": "10 %", "embeds": [{"title": "t"}]})
    body = {"flags": V2, "components": [{"type": 17, "components": [TEXT]}]}
    code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    assert (await asked.edit(body)).faults() == {"content": code, "embeds": code}
    switched = await asked.edit({**body, "content": None, "embeds": []})
    assert switched.body["flags"] == V2
    assert switched.body["content"] == ""


async def test_the_v2_flag_cannot_be_taken_away(bot: RawBot) -> None:
    asked = await bot.answered(data={"flags": V2, "components": [TEXT]})
    assert "content" in (await asked.edit({"flags": 0, "content": "x"})).faults()
    kept = await asked.edit({"flags": 0, "components": [TEXT]})
    assert kept.body["flags"] == V2


async def test_a_gallery_shows_a_new_file(bot: RawBot) -> None:
    asked = await bot.answered(kind=5)
    gallery = {"type": 12, "items": [{"media": {"url": "attachment://a.png"}}]}
    body = {"flags": V2, "components": [gallery], "attachments": [{"id": 0}]}
    edited = (await asked.edit(body, files=PICTURE)).body
    assert edited["attachments"] == []
    media = edited["components"][0]["items"][0]["media"]
    assert (media["width"], media["height"]) == (40, 30)
    assert media["url"].startswith(f"{bot.rest.stand_in.url}/cdn/attachments/")


async def test_a_file_component_tells_name_and_size(bot: RawBot) -> None:
    asked = await bot.answered(kind=5)
    component = {"type": 13, "file": {"url": "attachment://a.png"}}
    body = {"flags": V2, "components": [component], "attachments": [{"id": 0}]}
    (shown,) = (await asked.edit(body, files=PICTURE)).body["components"]
    assert (shown["name"], shown["size"]) == ("a.png", len(PICTURE["files[0]"][1]))


# -- old messages
async def test_an_old_message_takes_only_so_many_edits(bot: RawBot) -> None:
    first = await bot.answered(data={"content": "old", "components": [row(BUTTON)]})
    message = (await first.get()).body["id"]
    bot.rest.stand_in.advance(3601)
    asked = await bot.answered(press(message), kind=6)
    for n in range(30):
        assert (await asked.edit({"content": str(n)})).status == 200
    refused = await asked.edit({"content": "one too many"})
    assert refused.refused == (429, 30046)
    assert refused.body["retry_after"] > 0
    assert "Via" in refused.headers


async def test_components_get_ids_and_unknown_fields_are_ignored(bot: RawBot) -> None:
    button = {**BUTTON, "colour": "red", "emoji": None}
    asked = await bot.answered(data={"content": "x", "nonsense": 1, "components": [row(button)]})
    message = (await asked.get()).body
    assert "nonsense" not in message
    assert message["components"] == [{"type": 1, "id": 1, "components": [{**BUTTON, "id": 2}]}]
