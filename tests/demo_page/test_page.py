"""What a person does at the demo page, in a real browser, against the real stand-in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.demo_page.conftest import Scene
from tests.demo_page.scripted_bot import (
    CHOICES,
    DEFER,
    EPHEMERAL,
    MODAL,
    REPLY,
    UPDATE,
    Attached,
    Call,
    button,
    picture,
    row,
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
    late = asyncio.Event()

    async def slow_at_first(call: Call) -> None:
        if call.focused == "a":
            await late.wait()
        await offer_models(call)
        if call.focused == "a":
            late.clear()

    scene.bot.on["complete:draw"] = slow_at_first
    keys, page = scene.page.keyboard, scene.page
    await page.locator("#box").focus()
    await keys.type("/draw ")
    await keys.press("Tab")
    await keys.type("model:a")
    await scene.stand_in.wait_for(lambda: True)
    async with asyncio.timeout(5):
        while not any(call["data"]["options"][-1].get("value") == "a" for call in scene.bot.calls):
            await asyncio.sleep(0.02)
    await keys.type("nim")
    await expect(page.get_by_role("option")).to_have_text(["animagineXL_v31"])
    late.set()
    async with asyncio.timeout(5):
        while late.is_set():
            await asyncio.sleep(0.02)
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


async def test_the_card_becomes_the_picture_and_its_download_is_the_very_file(
    scene: Scene, tmp_path: Path
) -> None:
    painted = asyncio.Event()
    data = picture("#e0795b", 768, 512)

    async def draw(call: Call) -> None:
        await call.first(DEFER)
        await painted.wait()
        await call.edit(Attached("cat.png", data, "a cat in the rain"), content="**a cat**")

    scene.bot.on["draw"] = draw
    page = scene.page
    await page.locator(".welcome-hint").click()
    await page.keyboard.type("a cat")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message").last).to_contain_text("Easel is thinking…")
    painted.set()

    tile = page.get_by_role("button", name="a cat in the rain")
    await tile.click()
    viewer = page.get_by_role("dialog", name="Picture")
    await expect(viewer.get_by_role("img", name="a cat in the rain")).to_be_visible()
    await expect(viewer).to_contain_text("768×512")
    async with page.expect_download() as coming:
        await viewer.get_by_role("link", name="Download").click()
    kept = await coming.value
    await kept.save_as(tmp_path / "kept.png")
    assert kept.suggested_filename == "cat.png"
    assert (tmp_path / "kept.png").read_bytes() == data
    await page.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)
    await expect(tile).to_be_focused()


async def test_a_picture_has_its_place_before_it_is_loaded(scene: Scene) -> None:
    go = asyncio.Event()

    async def hold(route: object) -> None:
        await go.wait()
        await route.continue_()  # type: ignore[attr-defined]

    await scene.page.route("**/cdn/**", hold)
    await scene.post(Attached("wide.png", picture("#5ba8e0", 600, 300)), content="")
    tile = scene.page.locator(".tile")
    before = await tile.bounding_box()
    assert before is not None and (before["width"], before["height"]) == (550, 275)
    go.set()
    await expect(tile.locator("img")).to_have_js_property("complete", True)
    assert await tile.bounding_box() == before


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
    async with asyncio.timeout(5):
        while scene.bot.calls[-1]["data"]["custom_id"] != "none":
            await asyncio.sleep(0.02)
    scene.stand_in.advance(4)
    await expect(page.locator(".failed-line")).to_have_text("This interaction failed")


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


async def test_a_dialog_is_filled_in(scene: Scene) -> None:
    asked = {
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

    async def open_dialog(call: Call) -> None:
        await call.first(MODAL, **asked)

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
    mask = {"name": "mask.png", "mimeType": "image/png", "buffer": picture("#ffffff")}
    await dialog.get_by_label("Mask").set_input_files(mask)  # type: ignore[arg-type]
    await expect(dialog.get_by_role("button", name="Remove mask.png")).to_be_visible()
    await expect(dialog).not_to_contain_text("uploading")
    await dialog.get_by_role("button", name="Submit").click()

    await expect(dialog).to_have_count(0)
    await expect(page.locator(".message").last).to_contain_text("taken")
    prompt, model, file = (
        part["component"] for part in scene.bot.calls[-1]["data"]["components"]
    )
    assert (prompt["value"], model["values"]) == ("a cat", ["dreamshaper_8"])
    resolved = scene.bot.calls[-1]["data"]["resolved"]["attachments"]
    assert resolved[file["values"][0]]["filename"] == "mask.png"


async def test_a_private_answer_is_seen_by_one_person_and_dismissed(scene: Scene) -> None:
    async def privately(call: Call) -> None:
        await call.first(REPLY, content="only for you", flags=EPHEMERAL)

    scene.bot.on["queue"] = privately
    bobs = await scene.open("?user=bob")
    page = scene.page
    await page.locator("#box").focus()
    await page.keyboard.type("/queue ")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message")).to_contain_text("Only you can see this")
    await expect(bobs.locator(".message")).to_have_count(0)
    await page.get_by_role("button", name="Dismiss message").click()
    await expect(page.locator(".message")).to_have_count(0)
    assert scene.stand_in.messages("easel", "ada") == []


NASTY = [
    "<img src=x onerror=window.caught=1><script>window.caught=2</script>",
    "[click](javascript:window.caught=3) **<b onclick=window.caught=4>bold</b>**",
    '"><svg/onload=window.caught=5> `<i>code</i>` ||<u>hidden</u>||',
]


@pytest.mark.parametrize("prompt", NASTY)
async def test_what_people_write_is_only_ever_text(scene: Scene, prompt: str) -> None:
    async def echo(call: Call) -> None:
        said = call.options["prompt"]
        card = {"title": said, "description": said, "fields": [{"name": said, "value": said}]}
        card["footer"] = {"text": said}
        data = picture("#000000")
        await call.first(DEFER)
        await call.edit(Attached("x.png", data, said), content=said, embeds=[card])

    scene.bot.on["draw"] = echo
    page = scene.page
    await page.locator("#box").focus()
    await page.keyboard.type("/draw ")
    await page.keyboard.insert_text(prompt)
    await page.keyboard.press("Enter")
    answer = page.locator(".message").last
    await expect(answer.locator(".embed-foot")).to_have_text(prompt)
    await expect(answer.locator(".words")).to_contain_text(prompt[:4])
    await page.locator(".tile").click()
    assert await page.evaluate("window.caught") is None
    made = "script:not([src]), svg:not(.icon), b[onclick], img[onerror], a[href^=javascript]"
    assert await page.locator(made).count() == 0


async def test_a_picture_goes_in_with_a_command(scene: Scene) -> None:
    async def take(call: Call) -> None:
        await call.first(REPLY, content="got it")

    scene.bot.on["img2img"] = take
    page = scene.page
    await page.locator("#box").focus()
    await page.keyboard.type("/img2img ")
    source = {"name": "source.png", "mimeType": "image/png", "buffer": picture("#336699")}
    await page.locator(".pill input[type=file]").set_input_files(source)  # type: ignore[arg-type]
    await expect(page.locator('[data-option="image"]')).to_contain_text("source.png")
    await page.get_by_label("prompt").fill("a watercolour")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message").last).to_contain_text("got it")
    data = scene.bot.calls[-1]["data"]
    image = data["resolved"]["attachments"][data["options"][0]["value"]]
    assert (image["filename"], image["width"]) == ("source.png", 96)


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


async def test_a_hidden_picture_shows_itself_when_it_is_asked_to(scene: Scene) -> None:
    await scene.post(Attached("SPOILER_cat.png", picture("#c0ffee")), content="shh")
    page = scene.page
    await page.get_by_role("button", name="Spoiler").click()
    await expect(page.locator(".tile.veiled")).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.locator(".tile").click()
    await expect(page.get_by_role("dialog")).to_have_count(1)


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

