"""What stands in the channel: pictures and their files, private answers, hostile text."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.demo_page.conftest import Scene
from tests.demo_page.scripted_bot import (
    DEFER,
    EPHEMERAL,
    REPLY,
    Attached,
    Call,
    button,
    picture,
    row,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


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

    async def hold(route: Route) -> None:
        await go.wait()
        await route.continue_()

    await scene.page.route("**/cdn/**", hold)
    await scene.post(Attached("wide.png", picture("#5ba8e0", 600, 300)), content="")
    tile = scene.page.locator(".tile")
    before = await tile.bounding_box()
    assert before is not None and (before["width"], before["height"]) == (550, 275)
    go.set()
    await expect(tile.locator("img")).to_have_js_property("complete", True)
    assert await tile.bounding_box() == before


async def test_an_edit_keeps_the_picture_and_the_keyboard_where_they_are(scene: Scene) -> None:
    buttons = [row(button("Again", "again"), button("Vary", "vary"))]
    cat = Attached("cat.png", picture("#e0795b"))
    posted = await scene.post(cat, content="one", components=buttons)
    page = scene.page
    await page.get_by_role("button", name="Vary").focus()
    before = await page.locator(".tile img").element_handle()
    await scene.bot.call(
        "PATCH", f"/channels/{scene.channel}/messages/{posted}", {"content": "two"}
    )
    await expect(page.locator(".message")).to_contain_text("two")
    await expect(page.get_by_role("button", name="Vary")).to_be_focused()
    after = await page.locator(".tile img").element_handle()
    assert await page.evaluate("([one, other]) => one === other", [before, after])


async def test_a_hidden_picture_shows_itself_when_it_is_asked_to(scene: Scene) -> None:
    await scene.post(Attached("SPOILER_cat.png", picture("#c0ffee")), content="shh")
    page = scene.page
    await page.get_by_role("button", name="Spoiler").click()
    await expect(page.locator(".tile.veiled")).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.locator(".tile").click()
    await expect(page.get_by_role("dialog")).to_have_count(1)


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


async def test_a_link_to_a_message_leads_there_and_not_out_of_the_page(scene: Scene) -> None:
    first = await scene.post(content="the first one")
    for number in range(30):
        scene.stand_in.post_message("bob", "easel", f"line {number}")
    place = f"https://discord.com/channels/{scene.stand_in.world.guild_id}/{scene.channel}/{first}"
    await scene.post(content=f"it came from [this one]({place})")
    page = scene.page
    await page.get_by_role("button", name="this one").click()
    await expect(page.locator(f'[data-message="{first}"]')).to_be_focused()
    await expect(page.locator(f'[data-message="{first}"]')).to_be_in_viewport()
    assert page.url.startswith(scene.stand_in.url)
