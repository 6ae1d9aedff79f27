"""The image server misbehaves: a kind sentence, a log line, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.house import SMALL, House, generating_calls, labels, logged, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAINTING = r"/txt2img$"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house that gives up on a picture after three seconds."""
    folder: Path = tmp_path_factory.mktemp("hasty")

    def impatient(house: House) -> None:
        house.backend = {"timeout_seconds": 3.0}

    async with open_house(folder, before=impatient) as opened:
        yield opened


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"do": "oom"}, "ran out of memory at 64×64. Try a smaller size or fewer pictures."),
    ({"do": "html", "status": 200}, "isn't a whole picture"),
    ({"do": "no_images"}, "isn't a whole picture"),
    ({"do": "bad_base64"}, "isn't a whole picture"),
    ({"do": "cut_png"}, "isn't a whole picture"),
    ({"do": "flood", "size": 300 << 20}, "isn't a whole picture"),
    ({"do": "hang"}, "took too long"),
]


@pytest.mark.parametrize(("fault", "sentence"), FAILURES, ids=[str(f["do"]) for f, _ in FAILURES])
async def test_a_failed_picture_is_told_kindly_and_can_be_tried_again(
    hasty: House, caplog: pytest.LogCaptureFixture, fault: dict[str, Any], sentence: str
) -> None:
    hasty.server.faults.add(route=PAINTING, **fault)
    with logged(caplog) as log:
        async with hasty.player() as player:
            failed = await player.say(f"/draw prompt:a brave knight {SMALL} seed:11")
            assert not failed.ok
            assert failed.message is not None
            told = words(failed.message)
            # The same member, the same press, the same seed: now it works.
            again = await player.say("press Try again")
            assert again.ok, again.reason
            assert again.message is not None
    assert sentence in told
    assert "a brave knight" in told
    assert labels(failed.message) == ["Try again", "Delete"]
    number = told.rsplit("error ", 1)[1]
    assert number in log(), "the number of the card stands in the operator's log"
    for secret in ("Traceback", "CUDA", "/sdapi", "127.0.0.1", "{", "nginx"):
        assert secret not in told
    assert "seed 11 " in words(again.message)
    hasty.server.faults.clear()


async def test_a_reset_connection_is_tried_again_by_itself_with_the_same_seed(
    hasty: House,
) -> None:
    hasty.server.faults.add("reset", route=PAINTING)
    before = generating_calls(hasty.server)
    message = await hasty.draw(f"/draw prompt:a kite {SMALL} seed:12")
    assert "seed 12 " in words(message)
    assert generating_calls(hasty.server) - before == 2


async def test_three_broken_tries_are_the_end(hasty: House) -> None:
    hasty.server.faults.add("reset", route=PAINTING, times=3)
    before = generating_calls(hasty.server)
    told = await hasty.refused(f"/draw prompt:a kite {SMALL}")
    assert "can't be reached right now" in told
    assert generating_calls(hasty.server) - before == 3


async def test_a_proxy_page_with_502_is_tried_again(hasty: House) -> None:
    hasty.server.faults.add("html", route=PAINTING, status=502)
    message = await hasty.draw(f"/draw prompt:a kite {SMALL}")
    assert len(message["attachments"]) == 1


async def test_a_backend_that_goes_down_keeps_every_place(
    hasty: House, caplog: pytest.LogCaptureFixture
) -> None:
    with logged(caplog) as log:
        await hasty.server.stop_listening()
        async with hasty.player() as player:
            await player.say(f"/draw prompt:a patient cat {SMALL} seed:13 &")
            await hasty.until(lambda: "can't be reached right now" in words(hasty.shown()[-1]))
            waiting = hasty.shown()[-1]
            assert "Your place in line is kept." in words(waiting)
            assert labels(waiting) == ["Cancel"]
            assert not waiting["attachments"]
            await hasty.server.start_listening()
            (result,) = await player.finish()
    assert result.ok, result.reason
    assert result.message is not None
    assert result.message["id"] == waiting["id"]
    assert "seed 13 " in words(result.message)
    assert "backend not usable" in log()
    assert "BACKEND_URL" in log(), "the log says where to mend it"


async def test_a_password_changed_meanwhile_fails_the_running_job_with_its_reason(
    hasty: House,
) -> None:
    hasty.server.faults.add("unauthorized", route=PAINTING)
    told = await hasty.refused(f"/draw prompt:a locked door {SMALL}")
    assert "doesn't accept this bot's password" in told
    # The next probe finds that all is well again.
    await hasty.until(lambda: all(h.usable for h in hasty.easel.painters.values()))
    await hasty.draw(f"/draw prompt:an open door {SMALL}")
