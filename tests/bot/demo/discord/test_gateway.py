"""The gateway on the bare wire: signing in, the zlib stream, RESUME, close codes."""

from __future__ import annotations

import aiohttp
import pytest

from bot.demo.discord import DiscordStandIn
from bot.demo.discord.people import APPLICATION_ID, GUILD_ID
from tests.bot.demo.discord.raw_bot import (
    TOKEN,
    RawBot,
    Rest,
    connect,
    signed_in,
    slash,
)


@pytest.mark.parametrize("compressed", [True, False])
async def test_signing_in_heartbeats_first(rest: Rest, compressed: bool) -> None:
    """py-cord's first frame is a heartbeat, before IDENTIFY."""
    async with connect(rest.stand_in, rest.session, compressed=compressed) as socket:
        await socket.send(1, None)
        assert (await socket.receive())["op"] == 11
        await socket.identify()
        ready = await socket.until("READY")
        assert (ready["user"]["id"], ready["application"]["id"]) == (APPLICATION_ID,) * 2
        assert ready["guilds"] == [{"id": GUILD_ID, "unavailable": True}]
        assert ready["resume_gateway_url"] == rest.stand_in.gateway.url
        guild = await socket.until("GUILD_CREATE")
        assert [c["name"] for c in guild["channels"]] == ["easel", "gallery", "sketches"]
        assert APPLICATION_ID in {m["user"]["id"] for m in guild["members"]}
        assert socket.seq == 2
        assert rest.stand_in.world.bot_online
    await rest.stand_in.wait_for(lambda: not rest.stand_in.world.bot_online)


async def test_hello_tells_the_interval_in_milliseconds() -> None:
    async with (
        DiscordStandIn(token=TOKEN, heartbeat_interval=0.05) as stand_in,
        aiohttp.ClientSession() as session,
        session.ws_connect(stand_in.gateway.url) as ws,
    ):
        assert (await ws.receive_json())["d"]["heartbeat_interval"] == 50
        message = await ws.receive(timeout=1)
        assert message.data == 4009, "no heartbeat: the session timed out"


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (2, {"token": "wrong", "intents": 1}, 4004),
        (6, {"token": "wrong", "session_id": "x", "seq": 1}, 4004),
        (2, {"token": TOKEN}, 4013),
        (2, {"token": TOKEN, "intents": 1 << 40}, 4013),
        (2, {"token": TOKEN, "intents": 1 << 15}, 4014),
        (2, "no object", 4002),
        (3, {}, 4003),
        (99, {}, 4001),
        (1, "x" * 5000, 4002),
    ],
)
async def test_mistakes_end_the_socket_with_their_code(
    rest: Rest, op: int, data: object, code: int
) -> None:
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.send(op, data)
        assert await socket.closed_with() == code


async def test_identifying_twice_ends_the_socket(bot: RawBot) -> None:
    await bot.socket.identify()
    assert await bot.socket.closed_with() == 4005


async def test_broken_json_ends_the_socket(rest: Rest) -> None:
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.ws.send_str("{")
        assert await socket.closed_with() == 4002


async def test_more_than_120_sends_a_minute_end_the_socket(bot: RawBot) -> None:
    for _ in range(119):
        await bot.socket.send(1, None)
    for _ in range(119):
        assert (await bot.socket.receive())["op"] == 11
    bot.rest.stand_in.advance(61)
    for _ in range(121):
        await bot.socket.send(1, None)
    assert await bot.socket.closed_with() == 4008


async def test_resume_replays_what_was_missed(rest: Rest) -> None:
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.identify()
        session = (await socket.until("READY"))["session_id"]
        await socket.until("GUILD_CREATE")
        await rest.stand_in.drop_gateway(4000)
        assert await socket.closed_with() == 4000
        seen = socket.seq
    rest.stand_in.world.deny("easel", "SEND_MESSAGES")
    rest.stand_in.world.deny("gallery", "SEND_MESSAGES")
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.send(6, {"token": TOKEN, "session_id": session, "seq": seen})
        events = [await socket.receive() for _ in range(3)]
    assert [e["t"] for e in events] == ["CHANNEL_UPDATE", "CHANNEL_UPDATE", "RESUMED"]
    assert [e["s"] for e in events] == [3, 4, 5]


async def test_an_interaction_sent_while_the_socket_was_lost_arrives_after_resume(
    rest: Rest,
) -> None:
    async with signed_in(rest) as bot:
        await rest.stand_in.drop_gateway()
        await bot.socket.closed_with()
        async with connect(rest.stand_in, rest.session) as again:
            asked = RawBot(rest, again).asked(slash())
            lost = {"session_id": bot.socket.session_id, "seq": bot.socket.seq}
            await again.send(6, {"token": TOKEN, **lost})
            assert (await (await asked).answer(4, {"content": "x"})).status == 200


async def test_a_number_from_the_future_ends_the_socket(rest: Rest) -> None:
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.identify()
        session = (await socket.until("READY"))["session_id"]
        await rest.stand_in.drop_gateway()
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.send(6, {"token": TOKEN, "session_id": session, "seq": 999})
        assert await socket.closed_with() == 4007


async def test_an_invalid_session_must_identify_anew(rest: Rest) -> None:
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.identify()
        session = (await socket.until("READY"))["session_id"]
        await rest.stand_in.drop_gateway()
    rest.stand_in.invalidate_session()
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.send(6, {"token": TOKEN, "session_id": session, "seq": 1})
        assert await socket.receive() == {"op": 9, "d": False, "s": None, "t": None}
        await socket.identify()
        assert (await socket.until("READY"))["session_id"] != session


async def test_a_client_that_says_goodbye_ends_its_session(rest: Rest) -> None:
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.identify()
        session = (await socket.until("READY"))["session_id"]
        await socket.ws.close(code=1000)
    await rest.stand_in.wait_for(lambda: not rest.stand_in.world.bot_online)
    async with connect(rest.stand_in, rest.session) as socket:
        await socket.send(6, {"token": TOKEN, "session_id": session, "seq": 1})
        assert (await socket.receive())["op"] == 9


async def test_op_7_asks_to_reconnect(bot: RawBot) -> None:
    await bot.rest.stand_in.gateway.ask_reconnect()
    assert (await bot.socket.receive())["op"] == 7


async def test_a_replayed_interaction_comes_twice(bot: RawBot) -> None:
    asked = await bot.answered()
    bot.rest.stand_in.replay_last_interaction()
    again = await bot.socket.until("INTERACTION_CREATE")
    assert again == asked.payload


async def test_messages_are_heard_only_by_those_who_asked_for_them(rest: Rest) -> None:
    guild_messages, direct = 1 << 9, 1 << 12
    async with signed_in(rest, intents=1 | guild_messages | direct) as bot:
        rest.stand_in.post_message("ada", "easel", "not for bots")
        heard = await bot.socket.until("MESSAGE_CREATE")
        assert (heard["content"], heard["guild_id"]) == ("", GUILD_ID)
        rest.stand_in.post_message("ada", "dm", "for the bot")
        heard = await bot.socket.until("MESSAGE_CREATE")
        assert heard["content"] == "for the bot"
        assert "guild_id" not in heard
        rest.stand_in.delete_message("ada", "dm", heard["id"])
        gone = await bot.socket.until("MESSAGE_DELETE")
        assert gone == {"id": heard["id"], "channel_id": heard["channel_id"]}
