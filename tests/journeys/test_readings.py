"""What is made of a picture that is there already: its PNG info, and the message menus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from bot.images import pnginfo
from bot.images.infotext import Infotext
from tests.house import SMALL, House, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 4321,
            "steps": 3,
            "cfg": 5.5,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "far/away.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a glass frog", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "mist", "clip": ["4", 1]}},
}


async def test_png_info_is_shown_and_drawn_again_as_it_was(house: House) -> None:
    async with house.player() as player:
        first = (await player.say(f"/draw prompt:a tin robot seed:11 {SMALL}")).message
        assert first is not None
        shown = (await player.say("menu PNG info")).message
        assert shown is not None
        assert shown["ephemeral"]
        assert "Seed: 11" in words(shown)
        again = (await player.say("press Draw this")).message
        assert again is not None
    assert await house.file(again) == await house.file(first), "the very same picture"


async def test_a_picture_of_another_program_is_read_and_drawn_as_far_as_it_goes(
    house: House, tmp_path: Path
) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", json.dumps(COMFY))
    path = tmp_path / "frog.png"
    Image.new("RGB", (64, 64), "green").save(path, pnginfo=info)
    async with house.player() as player:
        await player.say(f"post @{path}")
        shown = (await player.say("menu PNG info")).message
        assert shown is not None
        assert "ComfyUI" in words(shown)
        drawn = (await player.say("press Draw this")).message
    assert drawn is not None
    written = Infotext.parse(pnginfo.read(await house.file(drawn)) or "")
    assert (written.prompt, written.negative_prompt) == ("a glass frog", "mist")
    assert (written.seed, written.steps) == (4321, 3)


async def test_pasted_settings_are_offered_and_not_drawn_as_words(house: House) -> None:
    pasted = (
        "a clay jug Negative prompt: cracks Steps: 2, Sampler: Euler a, CFG scale: 5, "
        "Seed: 99999999999, Size: 64x64, Model: nowhere_v1"
    )
    async with house.player() as player:
        offer = (await player.say(f'/draw prompt:"{pasted}"')).message
        assert offer is not None
        assert offer["ephemeral"]
        drawn = (await player.say("press Draw this")).message
        assert drawn is not None
    told = next(m for m in reversed(house.shown()) if "Drawing without" in words(m))
    assert "nowhere" in words(told)
    assert "its seed" in words(told)
    written = Infotext.parse(pnginfo.read(await house.file(drawn)) or "")
    assert (written.prompt, written.negative_prompt) == ("a clay jug", "cracks")
    assert (written.steps, written.sampler) == (2, "Euler a")


async def test_only_the_words_are_drawn_with_what_is_usual_here(house: House) -> None:
    pasted = "a clay jug Steps: 2, Sampler: Euler a, CFG scale: 5, Seed: 9, Size: 64x64"
    async with house.player() as player:
        await player.say(f'/draw prompt:"{pasted}"')
        drawn = (await player.say("press Only its words")).message
    assert drawn is not None
    written = Infotext.parse(pnginfo.read(await house.file(drawn)) or "")
    assert written.prompt == "a clay jug"
    assert written.size == (512, 512)


async def test_a_picture_becomes_the_source_of_another(house: House) -> None:
    async with house.player() as player:
        await player.say(f"/draw prompt:a tin robot {SMALL}")
        await player.say("menu Use as source")
        drawn = (await player.say("fill prompt:a brass robot strength:0,3")).message
    assert drawn is not None
    assert "strength 0.3" in words(drawn)
    assert house.server.generated[-1]["kind"] == "img2img"


@pytest.mark.parametrize(("typed", "taken"), [("much", "0.6"), ("7", "1")])
async def test_nonsense_in_a_form_does_not_lose_the_words(
    house: House, typed: str, taken: str
) -> None:
    async with house.player() as player:
        await player.say(f"/draw prompt:a tin robot {SMALL}")
        await player.say("menu Use as source")
        drawn = (await player.say(f"fill prompt:a brass robot strength:{typed}")).message
    assert drawn is not None
    assert f"strength {taken}" in words(drawn)
    told = next(m for m in reversed(house.shown()) if "strength can be 0 to 1" in words(m))
    assert told["ephemeral"]


PASTED = "a clay jug Negative prompt: cracks Steps: 2, Sampler: Euler a, CFG scale: 5, Size: 64x64"


async def test_beside_pasted_settings_private_spoiler_count_and_model_hold(house: House) -> None:
    async with house.player() as player:
        offer = (
            await player.say(
                f'/draw prompt:"{PASTED}" private:True spoiler:True count:2 '
                "model:animagineXL_v31 steps:9"
            )
        ).message
        assert offer is not None
        assert "Not used beside pasted settings: steps." in words(offer)
        drawn = (await player.say("press Draw this")).message
    assert drawn is not None
    assert drawn["ephemeral"]
    names = [a["filename"] for a in drawn["attachments"]]
    assert len(names) == 2
    assert all(name.startswith("SPOILER_a-clay-jug") for name in names)
    assert "animagineXL_v31" in words(drawn)


async def test_what_was_hidden_stays_hidden(house: House) -> None:
    """Once more, by its PNG info, and as the source of another."""
    async with house.player() as player:
        await player.say(f"/draw prompt:a tin robot spoiler:True {SMALL}")
        again = (await player.say("press Again")).message
        await player.say("menu PNG info")
        drawn = (await player.say("press Draw this")).message
        await player.say("menu Use as source")
        over = (await player.say("fill prompt:a brass robot strength:0.3")).message
    for message in (again, drawn, over):
        assert message is not None
        assert message["attachments"][0]["filename"].startswith("SPOILER_")


async def test_of_settings_pasted_over_a_picture_only_the_words_are_taken(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "jug.png"
    Image.new("RGB", (64, 64), "brown").save(path)
    async with house.player() as player:
        drawn = (await player.say(f'/img2img image:@{path} prompt:"{PASTED}" steps:1')).message
    assert drawn is not None
    written = Infotext.parse(pnginfo.read(await house.file(drawn)) or "")
    assert (written.prompt, written.negative_prompt) == ("a clay jug", "cracks")
    assert written.steps == 1
    told = next(m for m in reversed(house.shown()) if "took the words" in words(m))
    assert told["ephemeral"]


@pytest.mark.parametrize(("menu", "told"), [("Upscale", "times larger"), ("Describe", "draw this")])
async def test_the_menus_make_it_larger_and_put_it_into_words(
    house: House, menu: str, told: str
) -> None:
    async with house.player() as player:
        await player.say(f"/draw prompt:a tin robot {SMALL}")
        done = (await player.say(f"menu {menu}")).message
    assert done is not None
    assert told in words(done)


async def test_a_message_without_a_picture_is_refused(house: House) -> None:
    async with house.player() as player:
        await player.say("/models")
        await player.say("/switch-model model:dreamshaper_8 where:for this channel")
        refused = await player.say("menu PNG info")
    assert not refused.ok
