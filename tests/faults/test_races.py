"""What happens at the wrong moment: late edits, presses after the end, crashes in a row."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.errors import Gone
from bot.queue.job import Status
from bot.values.guest import Guest
from tests.house import SMALL, House, generating_calls, labels, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORIGINAL = r"/messages/@original"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("races"), step_seconds=0.25) as opened:
        yield opened


async def test_a_progress_edit_that_lands_after_the_end_does_not_stay(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["cogs._ui.handover"], "STRAGGLER_SECONDS", 3.0)
    message_id = await house.order(prompt="a late bell", steps=60, seed=31)
    await house.until(lambda: "drawing" in words(house.message(message_id)))
    # The next edit, at 2.5 s, reaches Discord but takes longer than the picture.
    house.standin.faults.fail(ORIGINAL, method="PATCH", delay=2.5)
    await house.until(lambda: bool(house.message(message_id)["attachments"]))
    await house.quiet(15)
    message = house.message(message_id)
    assert [a["filename"] for a in message["attachments"]] == ["a-late-bell-31.png"]
    assert labels(message) == ["Again", "Delete"]


async def test_discord_is_asked_again_until_it_says_whether_the_card_landed(house: House) -> None:
    house.standin.faults.fail(r"/callback", status="reset", after_apply=True)
    house.standin.faults.fail(ORIGINAL, method="GET", status="reset", times=2)
    message = await house.draw(f"/draw prompt:a close call {SMALL}")
    assert len(message["attachments"]) == 1


async def test_keep_waiting_after_the_end_is_told_kindly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["cogs.delivery"], "PARK_SECONDS", 15 * 60)
    message_id = await house.order(prompt="a quick dusk", steps=20, private=True)
    await house.until(lambda: "Keep waiting" in labels(house.message(message_id)))
    parked = house.message(message_id)
    await house.until(lambda: bool(house.message(message_id)["attachments"]))
    await house.quiet()
    custom_id = parked["components"][0]["components"][0]["custom_id"]
    job_id = int(custom_id.split(":")[1])
    job = await house.easel.store.get(job_id)
    assert job is not None
    with pytest.raises(Gone, match="delivered already"):
        guest = Guest(job.guest.user_id, "Ada", job.guest.guild_id)
        await house.easel.studio.keep_waiting(job_id, guest, job.address)


async def test_keep_waiting_while_it_is_drawn_goes_on_with_the_progress(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["cogs.delivery"], "PARK_SECONDS", 15 * 60)
    message_id = await house.order(prompt="a long dusk", steps=100, private=True)
    await house.until(lambda: house.painting)
    await house.until(lambda: "Keep waiting" in labels(house.message(message_id)))
    monkeypatch.undo()
    assert (await house.press(message_id, "keep"))["outcome"] == "deferred_update"
    await house.until(lambda: " / 100" in words(house.message(message_id)))
    await house.until(lambda: bool(house.message(message_id)["attachments"]))


async def test_delete_pressed_twice_is_no_error(house: House) -> None:
    message = await house.draw(f"/draw prompt:a mayfly {SMALL}")
    shown = len(house.shown())
    house.standin.faults.fail(ORIGINAL, method="DELETE", status=404, code=10008)
    await house.press(message["id"], "delete")
    await house.press(message["id"], "delete")
    await house.until(lambda: len(house.shown()) == shown - 1)
    assert not any("went wrong" in words(m) for m in house.shown())


async def test_a_renamed_backend_takes_over_the_line_of_its_old_name(house: House) -> None:
    await house.server.stop_listening()
    message_id = await house.order(prompt="a moved house", steps=2)
    await house.stop()
    await house.server.start_listening()
    house.backend = {"name": "attic"}
    await house.start()
    await house.until(lambda: bool(house.message(message_id)["attachments"]))


async def test_a_job_that_was_running_at_three_crashes_is_the_last_time_ended(
    house: House,
) -> None:
    store = house.easel.store
    message_id = await house.order(prompt="a heavy stone", steps=100)
    await house.until(lambda: house.painting)
    (job,) = house.easel.queue.waiting()
    before = generating_calls(house.server)
    for worker in house.easel._workers:
        await worker.stop(0)
    await house.until(lambda: house.easel.queue.waits(job.id))
    for _ in range(3):
        await store.claim(job.id, job.route)
        await store.rescue()
    ended = await store.get(job.id)
    assert ended is not None
    assert ended.status is Status.FAILED
    await house.restart()
    await house.until(lambda: "interrupted three times" in words(house.message(message_id)))
    assert labels(house.message(message_id)) == ["Try again", "Delete"]
    assert generating_calls(house.server) == before
