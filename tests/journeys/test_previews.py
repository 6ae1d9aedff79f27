"""A picture can be watched while it comes into being, on the one message, and goes with the end."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image

from bot.backends import sdapi_watch
from tests.house import House, Message, open_house, words

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An image server of 60 ms a step at 64×64."""
    async with open_house(tmp_path_factory.mktemp("previews"), step_seconds=0.3) as opened:
        yield opened


def preview(message: Message) -> str | None:
    """The address of the picture on the card itself."""
    embeds: list[dict[str, Any]] = message["embeds"]
    return next((str(e["image"]["url"]) for e in embeds if "image" in e), None)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes 2.5 s takes half a second."""
    monkeypatch.setattr(sys.modules["cogs.delivery"], "PROGRESS_SECONDS", 0.5)
    monkeypatch.setattr(sdapi_watch, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(sdapi_watch, "PREVIEW_SECONDS", 0.3)


async def test_a_preview_is_shown_renewed_and_gone_with_the_end(house: House) -> None:
    message_id = await house.order(prompt="a slow dawn", steps=40, seed=5)
    seen: list[str] = []
    sizes: list[tuple[int, int]] = []
    while not house.message(message_id)["attachments"]:
        url = preview(house.message(message_id))
        if url is not None and (not seen or seen[-1] != url):
            seen.append(url)
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                with Image.open(io.BytesIO(await answer.read())) as opened:
                    assert opened.format == "JPEG"
                    sizes.append(opened.size)
        await asyncio.sleep(0.02)
    await house.quiet()
    assert len(seen) >= 2, "it was renewed"
    assert all("preview.jpg" in url for url in seen)
    assert set(sizes) == {(64, 64)}
    message = house.message(message_id)
    assert preview(message) is None
    assert [a["filename"] for a in message["attachments"]] == ["a-slow-dawn-5.png"]


async def test_a_private_pictures_preview_is_private_like_everything_else(house: House) -> None:
    message_id = await house.order(prompt="a hidden dawn", steps=60, private=True)
    await house.until(lambda: preview(house.message(message_id)) is not None)
    assert house.message(message_id)["ephemeral"]
    assert not any("hidden" in words(m) for m in house.shown(user="bob"))
    await house.press(message_id, "cancel")
    await house.quiet()
    assert preview(house.message(message_id)) is None


async def test_a_spoiler_has_no_preview_and_stays_hidden(house: House) -> None:
    before = len(house.server.requests)
    message_id = await house.order(prompt="the last page", steps=40, seed=6, spoiler=True)
    while not house.message(message_id)["attachments"]:
        assert preview(house.message(message_id)) is None
        await asyncio.sleep(0.02)
    names = [a["filename"] for a in house.message(message_id)["attachments"]]
    assert names == ["SPOILER_the-last-page-6.png"]
    asked = [path for _, path, _ in house.server.requests[before:]]
    assert any("progress" in path for path in asked)
