"""Faults on purpose, rate limits, signed links, and the recording of it all."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.demo.discord import DiscordStandIn
from tests.bot.demo.discord.raw_bot import (
    BUTTON,
    EPHEMERAL,
    TOKEN,
    RawBot,
    Rest,
    png,
    press,
    row,
    signed_in,
    slash,
)

ROOT = Path(__file__).parents[4]
SHARED = ROOT.parent / "shared"


# -- faults
async def test_a_fault_breaks_as_often_as_it_was_told(bot: RawBot) -> None:
    faults = bot.rest.stand_in.faults
    asked = await bot.answered()
    faults.fail("@original", method="PATCH", times=2, status=502)
    assert [(await asked.edit({"content": str(n)})).status for n in range(3)] == [502, 502, 200]
    assert faults.used == 2
    faults.fail("@original", method="PATCH", status=500)
    assert (await asked.get()).body["content"] == "2", "another method is not meant"
    faults.clear()
    assert (await asked.edit({"content": "3"})).status == 200


async def test_a_429_comes_with_or_without_via(bot: RawBot) -> None:
    faults = bot.rest.stand_in.faults
    faults.fail("/users/@me", status=429, retry_after=0.7)
    faults.fail("/users/@me", status=429, via=False)
    limited = await bot.rest.call("GET", "/users/@me")
    assert limited.refused == (429, 0)
    assert (limited.body["retry_after"], limited.body["global"]) == (0.7, False)
    assert (limited.headers["Retry-After"], limited.headers["Via"]) == ("1", "1.1 google")
    assert "Via" not in (await bot.rest.call("GET", "/users/@me")).headers


async def test_a_reset_cuts_the_line_before_or_after_the_change(bot: RawBot) -> None:
    faults = bot.rest.stand_in.faults
    asked = await bot.answered(data={"content": "0"})
    faults.fail("@original", status="reset")
    with pytest.raises(aiohttp.ClientOSError):
        await asked.edit({"content": "1"})
    assert (await asked.get()).body["content"] == "0"
    faults.fail("@original", status="reset", after_apply=True)
    with pytest.raises(aiohttp.ClientOSError):
        await asked.edit({"content": "2"})
    assert (await asked.get()).body["content"] == "2"


async def test_an_error_may_hide_that_the_change_was_made(bot: RawBot) -> None:
    asked = await bot.answered()
    bot.rest.stand_in.faults.fail("@original", method="PATCH", status=500, after_apply=True)
    assert (await asked.edit({"content": "done"})).status == 500
    assert (await asked.get()).body["content"] == "done"


async def test_a_delay_only_slows_down(bot: RawBot) -> None:
    bot.rest.stand_in.faults.fail("/users/@me", delay=0.05)
    began = asyncio.get_running_loop().time()
    assert (await bot.rest.call("GET", "/users/@me")).status == 200
    assert asyncio.get_running_loop().time() - began >= 0.05


async def test_a_hanging_call_ends_with_the_stand_in() -> None:
    async with aiohttp.ClientSession() as session:
        async with DiscordStandIn(token=TOKEN) as stand_in:
            stand_in.faults.fail("/users/@me", status="hang")
            hanging = asyncio.create_task(Rest(stand_in, session).call("GET", "/users/@me"))
            await stand_in.wait_for(lambda: stand_in.faults.used == 1)
            assert not hanging.done()
        with pytest.raises(aiohttp.ClientError):
            await hanging


# -- rate limits
@pytest.fixture
async def limited() -> AsyncIterator[RawBot]:
    async with (
        DiscordStandIn(token=TOKEN) as stand_in,
        aiohttp.ClientSession() as session,
        signed_in(Rest(stand_in, session)) as bot,
    ):
        yield bot
        assert stand_in.crashes == []


async def test_an_interaction_token_takes_five_calls_in_two_seconds(limited: RawBot) -> None:
    asked = await limited.answered()
    calls = [await asked.edit({"content": str(n)}) for n in range(6)]
    assert [call.status for call in calls] == [200] * 5 + [429]
    left = [call.headers["X-RateLimit-Remaining"] for call in calls]
    assert left == ["4", "3", "2", "1", "0", "0"]
    headers = calls[0].headers
    assert headers["X-RateLimit-Limit"] == "5"
    assert 0 < float(headers["X-RateLimit-Reset-After"]) <= 2
    assert float(headers["X-RateLimit-Reset"]) > 1_700_000_000
    assert len(headers["X-RateLimit-Bucket"]) == 32
    refused = calls[5]
    assert 0 < refused.body["retry_after"] <= 2
    assert refused.body["message"] == "You are being rate limited."
    assert refused.headers["X-RateLimit-Scope"] == "user"
    other = await limited.answered()
    assert (await other.edit({"content": "x"})).status == 200, "each token has its own"
    limited.rest.stand_in.advance(2)
    assert (await asked.edit({"content": "x"})).status == 200


async def test_a_channel_takes_five_messages_in_five_seconds(limited: RawBot) -> None:
    sent = [await limited.rest.send("easel", {"content": str(n)}) for n in range(6)]
    assert [answer.status for answer in sent] == [200] * 5 + [429]
    assert (await limited.rest.send("gallery", {"content": "x"})).status == 200
    limited.rest.stand_in.advance(5)
    assert (await limited.rest.send("easel", {"content": "x"})).status == 200


async def test_the_token_has_fifty_calls_a_second_and_interactions_are_free(
    limited: RawBot,
) -> None:
    limited.rest.stand_in.advance(2)
    answers = await asyncio.gather(*(limited.rest.call("GET", "/users/@me") for _ in range(60)))
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert refused[0].body["global"] is True
    assert refused[0].headers["X-RateLimit-Global"] == "true"
    assert (await limited.answered()).payload, "a first answer does not count"


# -- links
async def test_a_link_serves_the_exact_bytes_for_a_day(bot: RawBot) -> None:
    raw = png(64, 64)
    files = {"files[0]": ("späte fox.png", raw), "files[1]": ("note.html", b"<b>hi</b>")}
    picture, page = (await bot.rest.send("easel", {}, files=files)).body["attachments"]
    assert (picture["filename"], picture["title"]) == ("sp_te_fox.png", "späte fox")
    assert (picture["content_type"], picture["size"]) == ("image/png", len(raw))
    assert "width" not in page

    async def fetch(url: str) -> tuple[int, str, str, bytes]:
        async with bot.rest.session.get(url) as response:
            shown = response.headers.get("Content-Disposition", "")
            return response.status, response.content_type, shown, await response.read()

    assert await fetch(picture["url"]) == (
        200,
        "image/png",
        'inline; filename="sp_te_fox.png"',
        raw,
    )
    assert (await fetch(picture["url"] + "download=1"))[2].startswith("attachment")
    assert (await fetch(page["url"]))[2].startswith("attachment"), "no page runs from the CDN"
    again = bot.rest.stand_in.messages("easel")[-1]["attachments"][0]["url"]
    assert again == picture["url"], "shown again, a browser need not load it again"
    bare = picture["url"].split("?")[0]
    assert (await fetch(bare))[0] == 404
    assert (await fetch(picture["url"].replace("&hm=", "&hm=0")))[0] == 404
    assert (await fetch(picture["url"].replace("ex=", "ex=f")))[0] == 404
    bot.rest.stand_in.advance(24 * 3600 + 1)
    assert (await fetch(picture["url"]))[0] == 404
    fresh = bot.rest.stand_in.messages("easel")[-1]["attachments"][0]["url"]
    assert (await fetch(fresh))[0] == 200, "a message shown later has a fresh link"


# -- the recording
async def test_the_recording_tells_what_was_asked_and_keeps_the_token(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "recording.jsonl"
    async with (
        DiscordStandIn(token=TOKEN, record=path) as stand_in,
        aiohttp.ClientSession() as session,
        signed_in(Rest(stand_in, session)) as bot,
    ):
        asked = await bot.answered(kind=5)
        await asked.edit({"attachments": [{"id": 0}]}, files={"files[0]": ("a.png", png())})
        await bot.rest.call("GET", "/users/1")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert TOKEN not in path.read_text()
    event = next(line for line in lines if line.get("event") == "INTERACTION_CREATE")
    assert event["token"] == asked.payload["token"]
    assert event["attachment_size_limit"] == 10 << 20
    requests = [line for line in lines if "method" in line]
    assert [line["method"] for line in requests] == ["PUT", "POST", "PATCH", "GET"]
    assert requests[0]["headers"]["authorization"] == "Bot ***"
    assert requests[1]["query"] == {"with_response": "true"}
    assert requests[1]["json"]["type"] == 5
    assert requests[2]["payload_json"] == {"attachments": [{"id": 0}]}
    assert requests[2]["files"] == [
        {
            "field": "files[0]",
            "name": "a.png",
            "size": len(png()),
            "content_type": "application/octet-stream",
        }
    ]
    times = [line["t"] for line in lines]
    assert times == sorted(times)
    last = [line for line in lines if line.get("event") == "RESPONSE"][-1]
    assert (last["n"], last["status"], last["code"]) == (requests[3]["n"], 404, 10013)
    assert stand_in.recorder.requests == requests


@pytest.mark.skipif(
    not (SHARED / "tools" / "check_discord_requests.py").is_file(),
    reason="the checker of recordings (shared/tools) is not beside this checkout",
)
async def test_a_recording_passes_the_checker(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    async with (
        DiscordStandIn(token=TOKEN, record=path, rate_limits=False) as stand_in,
        aiohttp.ClientSession() as session,
        signed_in(Rest(stand_in, session)) as bot,
    ):
        asked = await bot.answered(kind=5, data={"flags": EPHEMERAL})
        picture = {
            "embeds": [{"title": "a fox", "image": {"url": "attachment://a.png"}}],
            "attachments": [{"id": 0, "filename": "a.png"}],
            "components": [row(BUTTON)],
        }
        edited = await asked.edit(picture, files={"files[0]": ("a.png", png())})
        await bot.answered(press(edited.body["id"]), kind=6)
        await bot.answered(slash(), data={"content": "plain"})
        await bot.rest.send("gallery", {"content": "hi", "nonce": "1", "enforce_nonce": True})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SHARED / "tools" / "check_discord_requests.py"),
        str(path),
        *("--ignore", "User-Agent", "--warnings-fail", "--all"),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    assert b"6 requests checked, 0 errors, 0 warnings" in told
