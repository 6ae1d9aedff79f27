"""Commands are typed, completed, checked and sent as a person does it, in a real browser."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import FilePayload, expect

from tests.demo_page.conftest import Scene
from tests.demo_page.scripted_bot import (
    CHOICES,
    REPLY,
    Call,
    picture,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MODELS = ["animagineXL_v31", "dreamshaper_8", "juggernautXL_v9"]


async def offer_models(call: Call) -> None:
    words = call.focused.lower().split()
    fitting = [one for one in MODELS if all(word in one.lower() for word in words)]
    await call.first(CHOICES, choices=[{"name": one, "value": one} for one in fitting])


async def wait_in_line(call: Call) -> None:
    await call.first(REPLY, content=f"🎨 **{call.options['prompt']}** · next in line")


async def test_a_member_types_a_command_with_the_keyboard_alone(scene: Scene) -> None:
    scene.bot.on |= {"complete:draw": offer_models, "draw": wait_in_line}
    keys, page = scene.page.keyboard, scene.page
    await page.locator("#box").focus()

    await keys.type("/dr")
    await expect(page.get_by_role("option").first).to_have_text(
        "/drawDraw a picture from wordsEasel"
    )
    await keys.press("Enter")
    await expect(page.get_by_label("prompt")).to_be_focused()
    await keys.type("a maltese puppy")
    await keys.press("Tab")
    await keys.type("model:")
    await expect(page.get_by_role("combobox", name="model")).to_be_focused()
    await expect(page.get_by_role("option")).to_have_text(MODELS)
    await keys.type("anim xl")
    await expect(page.get_by_role("option")).to_have_text(["animagineXL_v31"])
    await keys.press("Enter")
    await keys.type("siz")
    await keys.press("Tab")
    await keys.press("ArrowDown")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await keys.press("Enter")

    answer = page.locator(".message").last
    await expect(answer).to_contain_text("a maltese puppy · next in line")
    await expect(answer.locator(".above")).to_have_text("Ada used /draw")
    assert scene.bot.calls[-1]["data"]["options"] == [
        {"name": "prompt", "type": 3, "value": "a maltese puppy"},
        {"name": "model", "type": 3, "value": "animagineXL_v31"},
        {"name": "size", "type": 3, "value": "16:9"},
    ]
    await expect(page.locator("#box")).to_be_focused()


async def test_escape_leaves_and_the_up_arrow_brings_the_command_back(scene: Scene) -> None:
    keys, page = scene.page.keyboard, scene.page
    await page.locator("#box").fill("/draw prompt: a cat steps: 12")
    await expect(page.get_by_role("textbox", name="steps")).to_have_value("12")
    await keys.press("Escape")
    await expect(page.locator("#box")).to_be_focused()
    await keys.press("ArrowUp")
    await expect(page.get_by_label("prompt")).to_have_value("a cat")
    await expect(page.get_by_role("textbox", name="steps")).to_have_value("12")


async def test_an_answer_to_an_older_question_is_ignored(scene: Scene) -> None:
    late, answered = asyncio.Event(), asyncio.Event()

    async def slow_at_first(call: Call) -> None:
        if call.focused == "a":
            await late.wait()
        await offer_models(call)
        if call.focused == "a":
            answered.set()

    scene.bot.on["complete:draw"] = slow_at_first
    keys, page = scene.page.keyboard, scene.page
    await page.locator("#box").focus()
    await keys.type("/draw ")
    await keys.press("Tab")
    await keys.type("model:a")
    await scene.bot.heard(lambda data: data["options"][-1]["value"] == "a")
    await keys.type("nim")
    await expect(page.get_by_role("option")).to_have_text(["animagineXL_v31"])
    late.set()
    await answered.wait()
    await page.wait_for_timeout(100)
    await expect(page.get_by_role("option")).to_have_text(["animagineXL_v31"])


async def test_wrong_values_are_told_beside_their_field_before_anything_is_sent(
    scene: Scene,
) -> None:
    scene.bot.on["draw"] = wait_in_line
    keys, page = scene.page.keyboard, scene.page
    await page.locator("#box").focus()
    await keys.type("/draw ")
    await keys.press("Enter")
    await expect(page.locator('[data-option="prompt"] .pill-error')).to_have_text(
        "This option is required."
    )
    await keys.type("a cat")
    await expect(page.locator('[data-option="prompt"] .pill-error')).to_have_text("")
    await keys.press("Tab")
    await keys.type("steps:400")
    await keys.press("Enter")
    await expect(page.locator('[data-option="steps"] .pill-error')).to_have_text(
        "This must be from 1 to 150."
    )
    assert scene.bot.calls == []
    await page.get_by_role("textbox", name="steps").fill("40")
    await keys.press("Enter")
    await expect(page.locator(".message").last).to_contain_text("next in line")
    assert scene.bot.calls[-1]["data"]["options"][1]["value"] == 40


async def test_a_command_without_an_answer_says_so_and_can_be_dismissed(scene: Scene) -> None:
    page = scene.page
    await page.locator("#box").focus()
    await page.keyboard.type("/queue ")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message").last).to_contain_text("Sending command…")
    scene.stand_in.advance(4)
    await expect(page.locator(".message").last).to_contain_text("The application did not respond")
    await page.get_by_role("button", name="Dismiss message").click()
    await expect(page.locator(".message")).to_have_count(0)


async def test_a_picture_goes_in_with_a_command(scene: Scene) -> None:
    async def take(call: Call) -> None:
        await call.first(REPLY, content="got it")

    scene.bot.on["img2img"] = take
    page = scene.page
    await page.locator("#box").focus()
    await page.keyboard.type("/img2img ")
    source = FilePayload(name="source.png", mimeType="image/png", buffer=picture("#336699"))
    await page.locator(".pill input[type=file]").set_input_files(source)
    await expect(page.locator('[data-option="image"]')).to_contain_text("source.png")
    await page.get_by_label("prompt").fill("a watercolour")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message").last).to_contain_text("got it")
    data = scene.bot.calls[-1]["data"]
    image = data["resolved"]["attachments"][data["options"][0]["value"]]
    assert (image["filename"], image["width"]) == ("source.png", 96)
