"""The page with the real bot behind it, as a person sees it in a real browser.

`EASEL_SCREENSHOT=FILE.png` keeps the picture of the page that README shows.
"""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.images.infotext import Infotext
from tests.demo_page.conftest import QUIET, chromium
from tests.house import House, open_house

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A painter slow enough that the progress can be watched."""
    chromium()
    async with open_house(tmp_path_factory.mktemp("page"), step_seconds=0.15) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=QUIET)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(house: House, browser: Browser) -> AsyncIterator[Page]:
    opened = await browser.new_page(viewport={"width": 1280, "height": 860})
    await opened.goto(house.standin.url)
    await opened.locator("#box").wait_for()
    yield opened
    await opened.close()


async def test_a_person_draws_watches_looks_and_keeps_the_picture(
    house: House, page: Page, tmp_path: Path
) -> None:
    keys = page.keyboard
    await page.locator("#box").focus()
    await keys.type("/dr")
    await keys.press("Enter")
    await keys.type("a maltese puppy, studio light")
    await keys.press("Tab")
    await keys.type("model:")
    await keys.type("dream")
    await expect(page.get_by_role("option")).to_have_text(["dreamshaper_8"])
    await keys.press("Enter")
    await keys.press("Enter")

    card = page.locator(".message").last
    await expect(card).to_contain_text("a maltese puppy, studio light")
    await expect(card.get_by_role("button", name="Cancel")).to_be_visible()
    await expect(card).to_contain_text("/ 20", timeout=8_000)
    await expect(card).to_contain_text("percent")

    tile = card.get_by_role("button", name="a maltese puppy, studio light")
    await expect(tile).to_be_visible(timeout=10_000)
    await expect(card).to_contain_text("20 steps DPM++ 2M Karras · CFG 7")
    await expect(card.get_by_role("button", name="Again")).to_be_visible()
    await page.mouse.move(640, 20)
    if target := os.environ.get("EASEL_SCREENSHOT"):
        await page.wait_for_timeout(400)
        await page.screenshot(path=target)

    await tile.click()
    viewer = page.get_by_role("dialog", name="Picture")
    async with page.expect_download() as coming:
        await viewer.get_by_role("link", name="Download").click()
    await (await coming.value).save_as(tmp_path / "kept.png")
    await keys.press("Escape")
    kept = (tmp_path / "kept.png").read_bytes()
    assert kept == await house.file(house.shown()[-1]), "the very bytes that the bot posted"
    read = Infotext.parse(Image.open(io.BytesIO(kept)).text["parameters"])  # type: ignore[attr-defined]
    assert read.prompt == "a maltese puppy, studio light"
    assert read.model == "dreamshaper_8"


async def test_a_refusal_is_private_and_can_be_dismissed(page: Page) -> None:
    keys = page.keyboard
    await page.locator("#box").focus()
    await keys.type("/draw")
    await keys.press("Enter")
    await keys.type("a cat")
    await keys.press("Tab")
    await keys.type("sampler:")
    await keys.type("nothing like it")
    await keys.press("Enter")
    await keys.press("Enter")
    answer = page.locator(".message").last
    await expect(answer).to_contain_text("There is no sampler called")
    await expect(answer).to_contain_text("Only you can see this")
    before = await page.locator(".message").count()
    await answer.get_by_text("Dismiss message").click()
    await expect(page.locator(".message")).to_have_count(before - 1)


async def test_the_page_with_a_real_picture_has_no_serious_fault(page: Page) -> None:
    found = await Axe().run(page)
    serious = [
        f"{v['id']}: {v['help']}"
        for v in found.response["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
