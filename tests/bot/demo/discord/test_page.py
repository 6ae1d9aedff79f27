"""The page API over HTTP, as a browser page and a player use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.demo.discord import DiscordStandIn
from tests.bot.demo.discord.raw_bot import (
    BUTTON,
    EPHEMERAL,
    TOKEN,
    Json,
    RawBot,
    png,
    row,
    slash,
)


class Browser:
    """A member's page: JSON in, JSON out."""

    def __init__(self, bot: RawBot) -> None:
        self.bot = bot
        self.url = bot.rest.stand_in.url
        self.session = bot.rest.session

    async def get(self, path: str) -> Any:
        async with self.session.get(self.url + path) as response:
            assert response.headers["Content-Type"] == "application/json"
            return await response.json()

    async def post(self, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        async with self.session.post(self.url + path, json=body, headers=headers) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def control(self, do: str, **more: Any) -> Any:
        return await self.post("/page/control", {"do": do, **more})


@pytest.fixture
async def browser(bot: RawBot) -> AsyncIterator[Browser]:
    yield Browser(bot)


async def news(ws: aiohttp.ClientWebSocketResponse) -> Json:
    heard: Json = await ws.receive_json(timeout=2)
    return heard


async def test_the_state_tells_all_that_a_page_shows(browser: Browser) -> None:
    browser.bot.rest.stand_in.post_message("bob", "gallery", "hello")
    state = await browser.get("/page/state?user=bob")
    assert state["me"]["username"] == "bob"
    assert [user["username"] for user in state["users"]] == ["ada", "bob", "admin"]
    assert [user["admin"] for user in state["users"]] == [False, False, True]
    assert state["me"]["avatar_color"].startswith("#")
    assert state["bot"]["online"] is True
    assert state["bot"]["bot"] is True
    assert state["guild"]["name"] == "Easel Studio"
    named = [(channel["name"], channel["type"]) for channel in state["channels"]]
    assert named == [("easel", 0), ("gallery", 0), ("sketches", 0), ("Easel", 1)]
    assert [command["name"] for command in state["commands"]] == ["ask", "Look closer"]
    gallery = state["channels"][1]["id"]
    assert [m["content"] for m in state["messages"][gallery]] == ["hello"]
    assert (await browser.get("/page/state"))["me"]["username"] == "ada"


async def test_an_interaction_over_http(browser: Browser) -> None:
    asking = asyncio.create_task(browser.post("/page/interactions", slash()))
    payload = await browser.bot.socket.until("INTERACTION_CREATE")
    path = f"/interactions/{payload['id']}/{payload['token']}/callback"
    await browser.bot.rest.call("POST", path, {"type": 5}, token=None)
    told = await asking
    assert (told["id"], told["outcome"]) == (payload["id"], "deferred")
    (message,) = (await browser.get("/page/messages?user=ada&channel=easel"))["messages"]
    assert message["id"] == told["message_id"]
    assert (message["loading"], message["ephemeral"], message["version"]) == (True, False, 1)


async def test_what_cannot_be_done_is_told_in_a_sentence(browser: Browser) -> None:
    refused = await browser.post("/page/interactions", {**slash(), "user": "nobody"}, 400)
    assert refused == {"error": "Unknown User."}
    assert await browser.post("/page/interactions", [], 400) == {"error": "Send a JSON object."}
    url = browser.url + "/page/interactions"
    async with browser.session.post(url, data="{}") as response:
        assert response.status == 400
    headers = {"Content-Type": "application/json"}
    async with browser.session.post(url, data="{", headers=headers) as response:
        assert await response.json() == {"error": "That is not JSON."}


async def test_foreign_pages_are_kept_out(browser: Browser) -> None:
    body = {"user": "ada", "channel": "easel", "content": "spam"}
    await browser.post("/page/messages", body, 403, Origin="http://evil.example")
    await browser.post("/page/messages", body, 200, Origin=browser.url)


async def test_an_upload_is_kept_and_can_be_sent(browser: Browser) -> None:
    form = aiohttp.FormData()
    form.add_field("file", png(), filename="a.png", content_type="image/png")
    async with browser.session.post(browser.url + "/page/uploads", data=form) as response:
        upload = await response.json()
    assert (upload["filename"], upload["width"]) == ("a.png", 40)
    body = {"user": "ada", "channel": "easel", "content": "", "attachments": [upload["id"]]}
    message = await browser.post("/page/messages", body)
    assert message["attachments"][0]["id"] == upload["id"]
    url = f"{browser.url}/page/messages/{message['channel_id']}/{message['id']}"
    async with browser.session.delete(url + "?user=bob") as response:
        assert response.status == 400
    async with browser.session.delete(url + "?user=ada") as response:
        assert response.status == 204
    assert (await browser.get("/page/messages?user=ada&channel=easel"))["messages"] == []


async def test_pages_hear_what_their_member_may_see(browser: Browser) -> None:
    events = f"{browser.url}/page/events?user="
    async with (
        browser.session.ws_connect(events + "ada") as ada,
        browser.session.ws_connect(events + "bob") as bob,
    ):
        whispered = {"content": "for ada", "flags": EPHEMERAL, "components": [row(BUTTON)]}
        asked = await browser.bot.answered(data=whispered)
        heard = await news(ada)
        assert (heard["t"], heard["message"]["content"]) == ("message_create", "for ada")
        await asked.edit({"content": "still for ada"})
        heard = await news(ada)
        assert (heard["t"], heard["message"]["version"]) == ("message_update", 2)
        browser.bot.rest.stand_in.delete_message("ada", "easel", heard["message"]["id"])
        gone = await news(ada)
        assert gone == {
            "t": "message_delete",
            "channel_id": heard["message"]["channel_id"],
            "id": heard["message"]["id"],
        }
        await browser.bot.rest.register()
        assert await news(ada) == {"t": "commands", "commands": []}
        assert (await news(bob))["t"] == "commands", "bob heard nothing of the whisper"
        await browser.bot.socket.ws.close()
        assert await news(bob) == {"t": "bot", "online": False}


async def test_the_switches(browser: Browser) -> None:
    bot, stand_in = browser.bot, browser.bot.rest.stand_in
    asked = await bot.answered(kind=5)
    assert await browser.control("set_upload_limit", bytes=123) == {"ok": True}
    assert (await bot.answered()).payload["attachment_size_limit"] == 123
    await browser.control("replay_last_interaction")
    await bot.socket.until("INTERACTION_CREATE")
    await browser.control(
        "fail", method="PATCH", path="@original", status=500, message="broken on purpose"
    )
    broken = await asked.edit({"content": "x"})
    assert (broken.status, broken.body["message"]) == (500, "broken on purpose")
    await browser.control("advance", seconds=900)
    assert (await asked.edit({"content": "x"})).refused == (401, 50027)
    await browser.control("invalidate_session")
    await browser.control("drop_gateway", code=4000)
    assert await bot.socket.closed_with() == 4000
    for nonsense in (
        {"do": "dance"},
        {"do": "advance", "seconds": -1},
        {"do": "advance"},
        {"do": "fail", "path": "(", "status": 500},
        {"do": "fail", "status": 500},
        {"do": "fail", "path": "x", "status": "explode"},
        {"do": "set_upload_limit", "bytes": "many"},
    ):
        refused = await browser.post("/page/control", nonsense, 400)
        assert refused["error"], nonsense
    assert stand_in.faults.take("GET", "/x") is None


async def test_the_page_and_its_files_come_from_a_folder(tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / "deep").mkdir(parents=True)
    (page / "index.html").write_text("<h1>studio</h1>")
    (page / "deep" / "app.js").write_text("let x")
    (tmp_path / "secret").write_text("secret")
    async with (
        DiscordStandIn(token=TOKEN, page_dir=page) as stand_in,
        aiohttp.ClientSession() as session,
    ):

        async def fetch(path: str) -> tuple[int, str, str]:
            async with session.get(stand_in.url + path) as response:
                return response.status, response.content_type, await response.text()

        assert await fetch("/") == (200, "text/html", "<h1>studio</h1>")
        assert (await fetch("/static/deep/app.js"))[2] == "let x"
        assert (await fetch("/static/..%2Fsecret"))[0] == 404
        assert (await fetch("/static/none.js"))[0] == 404


async def test_an_unanswered_interaction_fails_after_three_seconds(browser: Browser) -> None:
    asking = asyncio.create_task(browser.post("/page/interactions", slash()))
    await browser.bot.socket.until("INTERACTION_CREATE")
    await browser.control("advance", seconds=3.5)
    assert (await asking)["outcome"] == "failed"
