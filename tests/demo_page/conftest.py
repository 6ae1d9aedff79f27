"""A stand-in with a scripted bot behind it and one real Chromium in front of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.demo.discord import DiscordStandIn
from tests.demo_page.scripted_bot import Attached, ScriptedBot

TOKEN = "scripted"
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

expect.set_options(timeout=5_000)


@dataclass(frozen=True)
class Scene:
    """All that a story needs: the world, the bot, and ada's open page."""

    stand_in: DiscordStandIn
    bot: ScriptedBot
    browser: Browser
    page: Page

    async def open(self, query: str = "", **context: Any) -> Page:
        """Another page, as another person or in another window size."""
        page = await self.browser.new_page(**context)
        await page.goto(f"{self.stand_in.url}/{query}")
        await page.locator(".welcome").wait_for()
        return page

    @property
    def channel(self) -> str:
        """The id of #easel, where the page opens."""
        return self.stand_in.world.channel("easel").id

    async def post(self, *files: Attached, **message: Any) -> str:
        """The bot writes into #easel by itself; the id of its message."""
        return str((await self.bot.post(self.channel, *files, **message))["id"])


def chromium() -> str:
    """The path of an installed Chromium; skips the test when there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip(f"no Chromium found (looked for {', '.join(NAMES)})")


@pytest_asyncio.fixture(loop_scope="module")
async def stand_in() -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(token=TOKEN) as running:
        yield running
        assert running.crashes == []


@pytest_asyncio.fixture(loop_scope="module")
async def bot(stand_in: DiscordStandIn) -> AsyncIterator[ScriptedBot]:
    async with ScriptedBot(stand_in.api_url, TOKEN) as running:
        await stand_in.wait_for_bot()
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=QUIET)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def scene(
    stand_in: DiscordStandIn, bot: ScriptedBot, browser: Browser
) -> AsyncIterator[Scene]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(stand_in.url)
    await page.locator(".welcome").wait_for()
    yield Scene(stand_in, bot, browser, page)
    for opened in browser.contexts:
        await opened.close()
    assert faults == [], "the page's own code failed"
