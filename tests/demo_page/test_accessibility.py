"""axe-core finds no serious or critical fault in anything that the page can show."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.demo_page.conftest import Scene
from tests.demo_page.scripted_bot import (
    CHOICES,
    DEFER,
    EPHEMERAL,
    MODAL,
    REPLY,
    Attached,
    Call,
    button,
    picture,
    row,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

WORDS = """# Heading
-# small words
**bold** *italic* __under__ ~~strike~~ `code` ||hidden||
> a quote
- one
- two
```
a block
```
[a link](https://example.com) <t:1780000000:R> <#{channel}> <@{user}>"""
BUTTONS = [row(*[button(name, name, style) for style, name in enumerate("abcd", start=1)])]
SELECT = row(
    {
        "type": 3,
        "custom_id": "pick",
        "placeholder": "Choose a model",
        "options": [{"label": "one", "value": "1"}, {"label": "two", "value": "2"}],
    }
)
NEWER = [
    {
        "type": 17,
        "accent_color": 0x5BA8E0,
        "components": [
            {
                "type": 9,
                "components": [{"type": 10, "content": "### In force"}],
                "accessory": button("Change", "change"),
            },
            {"type": 14},
            row(button("Close", "close")),
        ],
    }
]
DIALOG = {
    "title": "Edit",
    "custom_id": "edit",
    "components": [
        {"type": 18, "label": "Prompt", "component": {"type": 4, "custom_id": "p", "style": 2}},
        {"type": 18, "label": "Kind", "component": {**SELECT["components"][0], "custom_id": "k"}},
        {"type": 18, "label": "Mask", "component": {"type": 19, "custom_id": "f"}},
    ],
}
SIZES = [pytest.param((1280, 800), id="wide"), pytest.param((420, 800), id="narrow")]


async def check(page: Page) -> None:
    """No serious or critical fault in what is on the page now."""
    found = await Axe().run(page)
    bad = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    told = [(one["id"], [node["target"] for node in one["nodes"]]) for one in bad]
    assert told == []


async def furnish(scene: Scene) -> None:
    """A channel in which every kind of thing stands."""
    world = scene.stand_in.world
    words = WORDS.format(channel=world.channel("gallery").id, user=world.user("bob").id)
    cat = Attached("cat.png", picture("#e0795b"), "a cat")
    hidden = Attached("SPOILER_dog.png", picture("#5ba8e0"), "a dog")
    card = {"title": "Card", "description": "words", "color": 0xFFB673, "footer": {"text": "end"}}
    card["fields"] = [{"name": "Family", "value": "SDXL", "inline": True}]
    await scene.post(content=words, embeds=[card], components=[*BUTTONS, SELECT])
    await scene.post(cat, hidden, Attached("notes.txt", b"words"), content="pictures")
    await scene.post(components=NEWER, flags=1 << 15)
    scene.stand_in.post_message("ada", "easel", "hello **there**")

    async def think(call: Call) -> None:
        await call.first(DEFER)

    async def privately(call: Call) -> None:
        await call.first(REPLY, content="for you", flags=EPHEMERAL)

    for script in (think, privately):
        scene.bot.on["queue"] = script
        sent = {"name": "queue", "type": 1, "options": []}
        where = {"user": "ada", "channel": "easel"}
        await scene.stand_in.interact({**where, "type": 2, "data": sent})


@pytest.mark.parametrize("size", SIZES)
async def test_a_full_channel(scene: Scene, size: tuple[int, int]) -> None:
    await furnish(scene)
    width, height = size
    page = await scene.open(viewport={"width": width, "height": height})
    await expect(page.locator(".message")).to_have_count(6)
    await check(page)
    await page.locator(".message").first.hover()
    await page.locator(".message").first.get_by_role("button", name="More").click()
    await check(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("combobox", name="Choose a model").click()
    await check(page)
    await page.keyboard.press("Escape")
    await page.locator(".tile").first.click()
    await check(page)


@pytest.mark.parametrize("size", SIZES)
async def test_the_composer_in_all_its_states(scene: Scene, size: tuple[int, int]) -> None:
    async def offer(call: Call) -> None:
        await call.first(CHOICES, choices=[{"name": "dreamshaper_8", "value": "d"}])

    scene.bot.on["complete:draw"] = offer
    page = scene.page
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.locator("#box").focus()
    await page.keyboard.type("/")
    await check(page)
    await page.keyboard.type("draw ")
    await page.keyboard.press("Enter")
    await check(page)
    await page.keyboard.type("a cat")
    await page.keyboard.press("Tab")
    await check(page)
    await page.keyboard.type("model:")
    await expect(page.get_by_role("option")).to_have_count(1)
    await check(page)


async def test_a_dialog(scene: Scene) -> None:
    async def ask(call: Call) -> None:
        await call.first(MODAL, **DIALOG)

    scene.bot.on["button:edit"] = ask
    await scene.post(content="here", components=[row(button("Edit", "edit"))])
    page = scene.page
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("button", name="Submit").click()
    await check(page)
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('dialog') !== null")


async def test_the_page_before_the_bot_is_there(scene: Scene) -> None:
    await scene.bot.leave()
    await expect(scene.page.locator(".notice")).to_contain_text("is not online")
    await check(scene.page)
