"""The page around the messages: presses, dialogs, menus, people, a connection that is lost."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import FilePayload, expect

from tests.demo_page.conftest import Scene
from tests.demo_page.scripted_bot import (
    MODAL,
    REPLY,
    UPDATE,
    Call,
    button,
    picture,
    row,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MODELS = ["animagineXL_v31", "dreamshaper_8", "juggernautXL_v9"]


DIALOG = {
    "title": "Edit the picture",
    "custom_id": "edit",
    "components": [
        {
            "type": 18,
            "label": "Prompt",
            "description": "What to draw",
            "component": {"type": 4, "custom_id": "prompt", "style": 2, "min_length": 3},
        },
        {
            "type": 18,
            "label": "Model",
            "component": {
                "type": 3,
                "custom_id": "model",
                "options": [{"label": one, "value": one} for one in MODELS],
            },
        },
        {
            "type": 18,
            "label": "Mask",
            "component": {"type": 19, "custom_id": "mask", "required": False},
        },
    ],
}


async def test_a_press_spins_until_it_is_answered_and_a_failed_one_says_so(scene: Scene) -> None:
    go = asyncio.Event()

    async def again(call: Call) -> None:
        await go.wait()
        await call.first(UPDATE, content="drawn again", components=[row(button("Fail", "none"))])

    scene.bot.on["button:again"] = again
    await scene.post(content="here", components=[row(button("Again", "again", 1))])
    page = scene.page
    await page.get_by_role("button", name="Again").click()
    await expect(page.get_by_role("button", name="Again")).to_have_attribute("aria-busy", "true")
    go.set()
    await expect(page.locator(".message").last).to_contain_text("drawn again")

    await page.get_by_role("button", name="Fail").click()
    await scene.bot.heard(lambda data: data["custom_id"] == "none")
    scene.stand_in.advance(4)
    await expect(page.locator(".failed-line")).to_have_text("This interaction failed")


async def test_a_dialog_is_filled_in(scene: Scene) -> None:
    async def open_dialog(call: Call) -> None:
        await call.first(MODAL, **DIALOG)

    async def take(call: Call) -> None:
        await call.first(REPLY, content="taken")

    scene.bot.on |= {"button:edit": open_dialog, "modal:edit": take}
    await scene.post(content="here", components=[row(button("Edit", "edit"))])
    page = scene.page
    await page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit the picture")
    await expect(dialog.get_by_label("Prompt")).to_be_focused()

    await dialog.get_by_role("button", name="Submit").click()
    await expect(dialog.get_by_text("This field is required.")).to_be_visible()
    await dialog.get_by_label("Prompt").fill("a cat")
    await dialog.get_by_label("Model").click()
    await page.get_by_role("option", name="dreamshaper_8").click()
    mask = FilePayload(name="mask.png", mimeType="image/png", buffer=picture("#ffffff"))
    await dialog.get_by_label("Mask").set_input_files(mask)
    await expect(dialog.get_by_role("button", name="Remove mask.png")).to_be_visible()
    await expect(dialog).not_to_contain_text("uploading")
    await dialog.get_by_role("button", name="Submit").click()

    await expect(dialog).to_have_count(0)
    await expect(page.locator(".message").last).to_contain_text("taken")
    prompt, model, file = (part["component"] for part in scene.bot.calls[-1]["data"]["components"])
    assert (prompt["value"], model["values"]) == ("a cat", ["dreamshaper_8"])
    resolved = scene.bot.calls[-1]["data"]["resolved"]["attachments"]
    assert resolved[file["values"][0]]["filename"] == "mask.png"


async def test_a_message_command_from_the_context_menu(scene: Scene) -> None:
    async def take(call: Call) -> None:
        await call.first(REPLY, content="taken as source")

    scene.bot.on["Use as source"] = take
    page = scene.page
    await page.locator("#box").fill("look at **this**")
    await page.keyboard.press("Enter")
    written = page.locator(".message").first
    await expect(written.locator("strong").last).to_have_text("this")
    await written.click(button="right")
    await page.get_by_role("menuitem", name="Use as source").click()
    await expect(page.locator(".message").last).to_contain_text("taken as source")
    await expect(page.locator(".above").last).to_have_text("Ada used Use as source")
    target = scene.bot.calls[-1]["data"]["target_id"]
    assert target == await written.get_attribute("data-message")

    await written.hover()
    await written.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Delete message").click()
    await expect(page.locator(f'[data-message="{target}"]')).to_have_count(0)


async def test_people_and_channels_can_be_changed(scene: Scene) -> None:
    page = scene.page
    await page.get_by_role("button", name="Switch person").click()
    await page.get_by_role("menuitemradio", name="Bob").click()
    await expect(page.get_by_role("button", name="You are Bob")).to_be_visible()
    await page.get_by_role("button", name="gallery").click()
    await page.locator("#box").fill("hello from bob")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message .name")).to_have_text("Bob")
    assert [one["content"] for one in scene.stand_in.messages("gallery")] == ["hello from bob"]


async def test_a_lost_connection_comes_back_with_what_was_missed(scene: Scene) -> None:
    await scene.stand_in.page_events.close()
    await expect(scene.page.locator("#banner")).to_contain_text("Reconnecting")
    scene.stand_in.post_message("bob", "easel", "said meanwhile")
    await expect(scene.page.locator(".message")).to_contain_text("said meanwhile")
    await expect(scene.page.locator("#banner")).to_be_empty()


async def test_the_bot_goes_and_the_page_says_so(scene: Scene) -> None:
    page = scene.page
    await expect(page.locator("#top-bot")).to_have_text("Easel is online")
    await scene.bot.leave()
    await expect(page.locator("#top-bot")).to_have_text("Easel is offline")
    await expect(page.locator(".notice")).to_contain_text("Easel is not online")


async def test_reading_above_is_not_disturbed_by_news(scene: Scene) -> None:
    for number in range(40):
        scene.stand_in.post_message("bob", "easel", f"line {number}")
    page = scene.page
    await expect(page.locator(".message").last).to_be_in_viewport()
    await page.locator("#scroll").evaluate("node => node.scrollTo(0, 0)")
    await page.wait_for_timeout(50)
    scene.stand_in.post_message("bob", "easel", "news")
    await expect(page.get_by_role("button", name="New messages below")).to_be_visible()
    assert await page.locator("#scroll").evaluate("node => node.scrollTop") == 0
    await page.get_by_role("button", name="New messages below").click()
    await expect(page.get_by_text("news", exact=True)).to_be_in_viewport()


async def test_a_narrow_screen_folds_the_side_wall(scene: Scene) -> None:
    page = await scene.open(viewport={"width": 380, "height": 700})
    assert await page.evaluate("document.documentElement.scrollWidth") == 380
    await expect(page.get_by_role("button", name="gallery")).to_be_hidden()
    await page.get_by_role("button", name="Channels and people").click()
    await page.get_by_role("button", name="gallery").click()
    await expect(page.locator("#top-name")).to_have_text("gallery")
    await expect(page.get_by_role("button", name="gallery")).to_be_hidden()
