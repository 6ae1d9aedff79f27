"""The same walk on every server that says `/sdapi/v1`, played by the demo image server."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bot.images import pnginfo
from bot.images.infotext import Infotext
from tests.house import House, generating_calls, open_house, words

KINDS = ["a1111", "forge", "sdnext", "sdcpp", "koboldcpp", "drawthings"]
SENDS_NOTHING = "koboldcpp"
"""It answers 200 without a picture when its memory is full."""
SMALL = "width:64 height:64 steps:2"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_and_its_infotext_on_every_server(tmp_path: Path, kind: str) -> None:
    async with open_house(tmp_path, kind=kind) as house:
        message = await house.draw(f"/draw prompt:a lighthouse {SMALL} seed:41")
        data = await house.file(message)
        read = Infotext.parse(pnginfo.read(data) or "")
        assert (read.prompt, read.seed) == ("a lighthouse", 41)
        assert read.size is not None
        assert "seed 41 " in words(message)
        assert generating_calls(house.server) == 1

        two = await house.draw(f"/draw prompt:two gulls {SMALL} seed:50 count:2")
        names = [a["filename"] for a in two["attachments"]]
        assert names == ["two-gulls-50.png", "two-gulls-51.png"]
        house.server.faults.add("oom", route=r"/txt2img$")
        told = await house.refused(f"/draw prompt:a whale {SMALL}")
        assert ("whole picture" if kind == SENDS_NOTHING else "ran out of memory") in told
        assert "CUDA" not in told
        told = await house.refused("/draw prompt:x sampler:nothing like it")
        assert ("can't choose a sampler" if kind == "drawthings" else "no sampler called") in told


MASKED = "/img2img image:@{photo} mask:@{mask} prompt:a castle steps:2"
CAN = {
    "masked": (MASKED, {*KINDS}, ""),
    "lora": (
        f"/draw prompt:a cat lora:add_detail {SMALL}",
        {"a1111", "forge", "sdnext", "sdcpp"},
        "LoRA",
    ),
    "upscale": ("/upscale image:@{photo}", {"a1111", "forge", "sdnext"}, "can't upscale pictures"),
    "switch": (
        "/switch-model model:flux1-dev",
        {"a1111", "forge", "sdnext"},
        "Only the operator can change the model",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_all_else_works_or_is_kindly_refused(tmp_path: Path, kind: str) -> None:
    files = {"photo": tmp_path / "photo.png", "mask": tmp_path / "mask.png"}
    Image.new("RGB", (64, 64), "skyblue").save(files["photo"])
    Image.new("L", (64, 64), 255).save(files["mask"])
    async with open_house(tmp_path, kind=kind) as house:
        for name, (line, able, sentence) in CAN.items():
            (result,) = await house.say(line.format(**files))
            assert result.message is not None, (name, result.reason)
            if kind in able:
                assert result.ok, (name, words(result.message))
            else:
                assert not result.ok, name
                assert sentence in words(result.message), (name, words(result.message))
        await _cancelled(house)


async def _cancelled(house: House) -> None:
    """What is being drawn ends for the member at once."""
    house.server.faults.add("slow", route=r"/txt2img$", seconds=2.0)
    shown = await house.order(prompt="a slow snail", steps=3)
    await house.until(lambda: "drawing" in words(house.message(shown)))
    await house.press(shown, "cancel")
    await house.until(lambda: "Cancelled" in words(house.message(shown)))
