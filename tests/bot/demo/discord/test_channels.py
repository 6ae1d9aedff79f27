"""Channels by the bot's own token: sending, reading, permissions, DMs, mentions."""

from __future__ import annotations

from bot.demo.discord.people import APPLICATION_ID, GUILD_ID
from tests.bot.demo.discord.raw_bot import Json, RawBot, Rest, png


async def test_a_message_is_sent_read_edited_and_deleted(bot: RawBot) -> None:
    sent = (await bot.rest.send("gallery", {"content": "look"})).body
    path = f"/channels/{sent['channel_id']}/messages/{sent['id']}"
    assert (await bot.rest.call("GET", path)).body == sent
    edited = (await bot.rest.call("PATCH", path, {"content": "look closer"})).body
    assert edited["content"] == "look closer"
    assert edited["edited_timestamp"] is not None
    assert (await bot.rest.call("DELETE", path)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        body: Json | None = {"content": "x"} if method == "PATCH" else None
        assert (await bot.rest.call(method, path, body)).refused == (404, 10008)


async def test_history_comes_newest_first_and_in_pages(bot: RawBot) -> None:
    ids = [(await bot.rest.send("easel", {"content": str(n)})).body["id"] for n in range(5)]
    room = bot.rest.stand_in.world.channel("easel").id

    async def page(query: str) -> list[str]:
        answer = await bot.rest.call("GET", f"/channels/{room}/messages?{query}")
        return [message["content"] for message in answer.body]

    assert await page("limit=2") == ["4", "3"]
    assert await page(f"before={ids[2]}&limit=10") == ["1", "0"]
    assert await page(f"after={ids[2]}&limit=1") == ["3"]
    assert await page(f"around={ids[2]}&limit=3") == ["3", "2", "1"]
    refused = await bot.rest.call("GET", f"/channels/{room}/messages?limit=101")
    assert "limit" in refused.faults()


async def test_the_wrong_token_opens_nothing(rest: Rest) -> None:
    for token in (None, "wrong"):
        answer = await rest.call("GET", "/users/@me", token=token)
        assert (answer.status, answer.body) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_unknown_places_have_their_codes(rest: Rest) -> None:
    for path, refused in (
        ("/channels/1", (404, 10003)),
        ("/channels/1/messages", (404, 10003)),
        ("/guilds/1", (404, 10004)),
        ("/users/1", (404, 10013)),
        (f"/guilds/{GUILD_ID}/members/1", (404, 10007)),
        ("/applications/1/commands", (404, 10002)),
        (f"/applications/{APPLICATION_ID}/guilds/1/commands", (403, 50001)),
        ("/no/such/path", (404, 0)),
    ):
        assert (await rest.call("GET", path)).refused == refused, path
    assert (await rest.call("DELETE", "/users/@me")).refused == (405, 0)


async def test_missing_permissions_have_their_codes(bot: RawBot) -> None:
    world = bot.rest.stand_in.world
    world.deny("gallery", "SEND_MESSAGES")
    assert (await bot.rest.send("gallery", {"content": "x"})).refused == (403, 50013)
    world.allow("gallery", "SEND_MESSAGES")
    world.deny("gallery", "ATTACH_FILES")
    files = {"files[0]": ("a.png", png())}
    assert (await bot.rest.send("gallery", {}, files=files)).refused == (403, 50013)
    assert (await bot.rest.send("gallery", {"content": "x"})).status == 200
    world.deny("gallery", "VIEW_CHANNEL")
    assert (await bot.rest.send("gallery", {"content": "x"})).refused == (403, 50001)


async def test_the_bot_hears_what_it_may_no_longer_do(bot: RawBot) -> None:
    bot.rest.stand_in.world.deny("gallery", "SEND_MESSAGES")
    channel = await bot.socket.until("CHANNEL_UPDATE")
    assert channel["permission_overwrites"][0]["deny"] == str(1 << 11)


async def test_a_channel_may_vanish(bot: RawBot) -> None:
    room = bot.rest.stand_in.world.channel("sketches").id
    bot.rest.stand_in.world.delete_channel("sketches")
    assert (await bot.socket.until("CHANNEL_DELETE"))["id"] == room
    answer = await bot.rest.call("POST", f"/channels/{room}/messages", {"content": "x"})
    assert answer.refused == (404, 10003)


async def test_another_authors_message_is_not_the_bots_to_edit(bot: RawBot) -> None:
    world = bot.rest.stand_in.world
    theirs = bot.rest.stand_in.post_message("ada", "easel", "mine")
    path = f"/channels/{theirs['channel_id']}/messages/{theirs['id']}"
    assert (await bot.rest.call("PATCH", path, {"content": "x"})).refused == (403, 50005)
    world.deny("easel", "MANAGE_MESSAGES")
    assert (await bot.rest.call("DELETE", path)).refused == (403, 50013)
    world.allow("easel", "MANAGE_MESSAGES")
    assert (await bot.rest.call("DELETE", path)).status == 204


async def test_the_bot_writes_to_a_member_unless_they_closed_their_dms(bot: RawBot) -> None:
    ada = bot.rest.stand_in.world.user("ada")
    opened = await bot.rest.call("POST", "/users/@me/channels", {"recipient_id": ada.id})
    path = f"/channels/{opened.body['id']}/messages"
    assert (opened.body["type"], opened.body["recipients"][0]["id"]) == (1, ada.id)
    assert (await bot.rest.call("POST", path, {"content": "psst"})).status == 200
    assert [m["content"] for m in bot.rest.stand_in.messages("dm", "ada")] == ["psst"]
    bot.rest.stand_in.world.close_dms("ada")
    assert (await bot.rest.call("POST", path, {"content": "psst"})).refused == (403, 50007)
    nobody = await bot.rest.call("POST", "/users/@me/channels", {"recipient_id": "1"})
    assert "recipient_id" in nobody.faults()


async def test_an_enforced_nonce_makes_one_message(bot: RawBot) -> None:
    body = {"content": "ready", "nonce": "job-7", "enforce_nonce": True}
    first = (await bot.rest.send("easel", body)).body
    again = (await bot.rest.send("easel", body)).body
    assert again["id"] == first["id"]
    assert first["nonce"] == "job-7"
    assert len(bot.rest.stand_in.messages("easel")) == 1
    loose = (await bot.rest.send("easel", {**body, "enforce_nonce": False})).body
    assert loose["id"] != first["id"]
    bot.rest.stand_in.advance(301)
    assert (await bot.rest.send("easel", body)).body["id"] != first["id"]
    assert "nonce" in (await bot.rest.send("easel", {**body, "nonce": "x" * 26})).faults()


async def test_a_reply_shows_what_it_replies_to(bot: RawBot) -> None:
    first = (await bot.rest.send("easel", {"content": "done"})).body
    reference: Json = {"message_id": first["id"], "fail_if_not_exists": False}
    reply = await bot.rest.send("easel", {"content": "x", "message_reference": reference})
    assert reply.body["type"] == 19
    assert reply.body["referenced_message"]["content"] == "done"
    gone: Json = {"message_id": "1"}
    refused = await bot.rest.send("easel", {"content": "x", "message_reference": gone})
    assert refused.faults() == {"message_reference": "REPLIES_UNKNOWN_MESSAGE"}
    gone = {"message_id": "1", "fail_if_not_exists": False}
    plain = await bot.rest.send("easel", {"content": "x", "message_reference": gone})
    assert plain.body["type"] == 0


async def test_mentions_are_those_who_are_really_pinged(bot: RawBot) -> None:
    world = bot.rest.stand_in.world
    ada, bob = world.user("ada").id, world.user("bob").id
    words = f"<@{ada}> <@!{bob}> @everyone"

    async def pinged(allowed: Json | None) -> tuple[list[str], bool]:
        body: Json = {"content": words}
        if allowed is not None:
            body["allowed_mentions"] = allowed
        message = (await bot.rest.send("easel", body)).body
        return [user["username"] for user in message["mentions"]], message["mention_everyone"]

    assert await pinged(None) == (["ada", "bob"], True)
    assert await pinged({"parse": []}) == ([], False)
    assert await pinged({"parse": ["everyone"], "users": [bob]}) == (["bob"], True)


async def test_an_interactions_answer_pings_users_unless_told_otherwise(bot: RawBot) -> None:
    ada = bot.rest.stand_in.world.user("ada").id
    asked = await bot.answered(data={"content": f"<@{ada}> @everyone"})
    message = (await asked.get()).body
    assert [user["username"] for user in message["mentions"]] == ["ada"]
    assert message["mention_everyone"] is False
    assert len((await asked.edit({"embeds": [{"title": "t"}]})).body["mentions"]) == 1
    quiet = await asked.edit({"content": f"<@{ada}>", "allowed_mentions": {"parse": []}})
    assert quiet.body["mentions"] == []


async def test_the_small_routes_have_their_shapes(rest: Rest) -> None:
    room = rest.stand_in.world.channel("easel").id
    gateway = (await rest.call("GET", "/gateway", token=None)).body
    assert gateway == {"url": rest.stand_in.gateway.url}
    for path, keys in (
        ("/users/@me", {"id", "username", "bot"}),
        ("/gateway/bot", {"url", "shards", "session_start_limit"}),
        ("/applications/@me", {"id", "owner", "flags"}),
        ("/oauth2/applications/@me", {"id", "owner", "flags"}),
        (f"/channels/{room}", {"id", "type", "name", "guild_id"}),
        (f"/guilds/{GUILD_ID}", {"id", "name", "roles", "owner_id"}),
        (f"/guilds/{GUILD_ID}/members/{APPLICATION_ID}", {"user", "roles"}),
        (f"/users/{APPLICATION_ID}", {"id", "username"}),
    ):
        answer = await rest.call("GET", path)
        assert answer.status == 200, path
        assert keys <= set(answer.body), path
    assert (await rest.call("GET", "/soundboard-default-sounds")).body == []
    assert len((await rest.call("GET", f"/guilds/{GUILD_ID}/channels")).body) == 3
    assert len((await rest.call("GET", f"/guilds/{GUILD_ID}/roles")).body) == 3
    assert (await rest.call("POST", f"/channels/{room}/typing")).status == 204
