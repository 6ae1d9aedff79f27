"""Discord misbehaves, or the member does: the picture still arrives, once, or nobody misses it."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image

from bot.images import pnginfo
from tests.house import SMALL, House, generating_calls, labels, logged, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORIGINAL = r"/webhooks/.*/messages/@original"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An image server of 20 ms a step at 64×64: long enough to break something meanwhile."""
    async with open_house(tmp_path_factory.mktemp("discord"), step_seconds=0.1) as opened:
        yield opened


async def test_a_file_over_the_limit_is_made_smaller_beforehand_and_said(house: House) -> None:
    house.standin.set_upload_limit(40_000)
    refusals = house.standin.faults.used
    message = await house.draw("/draw prompt:a wide sea width:512 height:512 steps:1 seed:3")
    attachment = message["attachments"][0]
    assert attachment["size"] <= 40_000
    assert "smaller form" in words(message)
    assert house.standin.faults.used == refusals
    data = await house.file(message)
    assert Image.open(io.BytesIO(data)).format == "WEBP"
    assert "Seed: 3" in (pnginfo.read(data) or ""), "the infotext came along"
    house.standin.set_upload_limit(10 << 20)


async def test_413_from_discord_all_the_same_is_answered_by_a_smaller_file(house: House) -> None:
    house.standin.faults.fail(ORIGINAL, method="PATCH", status=413, code=40005, times=2)
    message = await house.draw(f"/draw prompt:a heavy stone {SMALL}")
    assert len(message["attachments"]) == 1


async def test_a_reset_while_delivering_is_repeated_and_shows_one_picture(house: House) -> None:
    async with house.player() as player:
        await player.say("/draw prompt:a bridge width:64 height:64 steps:60 &")
        await house.until(lambda: "drawing" in words(house.shown()[-1]))
        house.standin.faults.fail(ORIGINAL, method="PATCH", status="reset", after_apply=True)
        house.standin.faults.fail(ORIGINAL, method="PATCH", status="reset")
        used = house.standin.faults.used
        (result,) = await player.finish()
    assert result.ok, result.reason
    await house.until(lambda: house.standin.faults.used == used + 2)
    await house.quiet()
    assert result.message is not None
    assert len(house.message(result.message["id"])["attachments"]) == 1


@pytest.mark.parametrize("via", [True, False], ids=["with Via", "without Via"])
async def test_a_429_while_delivering_delays_it_only(house: House, via: bool) -> None:
    async with house.player() as player:
        await player.say("/draw prompt:a queue width:64 height:64 steps:60 &")
        await house.until(lambda: "drawing" in words(house.shown()[-1]))
        house.standin.faults.fail(
            ORIGINAL, method="PATCH", status=429, retry_after=0.3, via=via, times=2
        )
        (result,) = await player.finish()
    assert result.ok, result.reason
    assert result.message is not None
    assert len(result.message["attachments"]) == 1


async def test_a_dropped_gateway_socket_loses_nothing(house: House) -> None:
    async with house.player() as player:
        await player.say("/draw prompt:a lost line width:64 height:64 steps:60 &")
        await house.standin.drop_gateway(4000)
        (result,) = await player.finish()
        assert result.ok, result.reason
    await house.standin.wait_for_bot()
    assert (await house.draw(f"/draw prompt:found again {SMALL}"))["attachments"]


async def test_a_replayed_interaction_draws_once(house: House) -> None:
    before = generating_calls(house.server)
    first = await house.draw(f"/draw prompt:only once {SMALL}")
    shown = len(house.shown())
    house.standin.replay_last_interaction()
    second = await house.draw(f"/draw prompt:the next one {SMALL}")
    assert first["id"] != second["id"]
    assert generating_calls(house.server) - before == 2
    assert len(house.shown()) - shown == 1


async def test_an_expired_token_is_replaced_by_the_channels_own_way(house: House) -> None:
    async with house.player() as player:
        await player.say("/draw prompt:a long night width:64 height:64 steps:80 &")
        await house.until(lambda: "drawing" in words(house.shown()[-1]))
        house.standin.advance(16 * 60)
        (result,) = await player.finish()
    assert result.ok, result.reason
    assert result.message is not None
    assert len(result.message["attachments"]) == 1


async def test_a_private_picture_whose_token_ended_comes_as_a_direct_message(house: House) -> None:
    await house.order(prompt="a hidden path", steps=60, seed=21, private=True)
    await house.until(lambda: house.painting)
    house.standin.advance(16 * 60)
    await house.until(lambda: any("hidden" in words(m) for m in house.shown("dm")))
    letter = [m for m in house.shown("dm") if "hidden" in words(m)]
    assert len(letter) == 1
    assert letter[0]["attachments"][0]["filename"] == "a-hidden-path-21.png"
    public = [m for m in house.shown(user="bob") if "hidden" in words(m)]
    assert public == [], "never in the public channel"


async def test_what_found_no_way_is_written_once_and_tried_again_at_a_fresh_ready(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Not every lost connection can be resumed."""
    world = house.standin.world
    world.close_dms("ada")
    with logged(caplog) as log:
        await house.order(prompt="a sealed letter", steps=60, seed=22, private=True)
        await house.until(lambda: house.painting)
        house.standin.advance(16 * 60)
        await house.until(lambda: "undelivered" in log())
        resumed = house.standin.gateway.resumed
        await house.standin.drop_gateway(4000)
        await house.standin.wait_for_bot()
        await house.until(lambda: house.standin.gateway.resumed == resumed + 1)
        await house.until(lambda: log().count("no way to the member") == 2)
        assert log().count("'undelivered'") == 1
    world.close_dms("ada", closed=False)
    house.standin.invalidate_session()
    await house.standin.drop_gateway(4000)
    await house.until(lambda: any("sealed" in words(m) for m in house.shown("dm")), 15)
    assert house.standin.gateway.resumed == resumed + 1, "it was a fresh READY"
    await house.standin.wait_for_bot()


async def test_a_deleted_message_withdraws_its_job(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(house.shown())
    with caplog.at_level(logging.INFO):
        async with house.player() as player:
            await player.say("/draw prompt:a regret width:64 height:64 steps:60 &")
            await house.until(lambda: house.painting)
            house.standin.delete_message("admin", "easel", house.shown()[-1]["id"])
            await player.finish()
        await house.until(lambda: not [*house.easel.queue.waiting()])
        await house.until(lambda: "deleted" in caplog.text)
    assert len(house.shown()) == before, "nothing was posted in its place"


async def test_a_first_answer_that_discord_never_took_leaves_no_job(house: House) -> None:
    before = generating_calls(house.server)
    house.standin.faults.fail(r"/callback", status=404, code=10062)
    (result,) = await house.say(f"/draw prompt:too late {SMALL}", timeout=5)
    assert not result.ok
    await house.draw(f"/draw prompt:in time {SMALL}")
    assert generating_calls(house.server) - before == 1
    assert [*house.easel.queue.waiting()] == []


async def test_a_first_answer_that_broke_off_after_it_landed_is_an_accepted_job(
    house: House,
) -> None:
    house.standin.faults.fail(r"/callback", status="reset", after_apply=True)
    message = await house.draw(f"/draw prompt:a close call {SMALL}")
    assert len(message["attachments"]) == 1


async def test_a_channel_that_closed_to_the_bot_sends_the_picture_as_a_direct_message(
    house: House,
) -> None:
    await house.order(channel="sketches", prompt="a closed gate", steps=60)
    await house.until(lambda: house.painting)
    house.standin.world.deny("sketches", "SEND_MESSAGES")
    house.standin.world.deny("sketches", "VIEW_CHANNEL")
    house.standin.advance(16 * 60)
    await house.until(lambda: any("closed gate" in words(m) for m in house.shown("dm")))
    house.standin.world.allow("sketches", "SEND_MESSAGES")
    house.standin.world.allow("sketches", "VIEW_CHANNEL")
    assert labels(house.shown("dm")[-1]) == ["Again", "Delete"]
