"""A fresh server keeps what one member changed (sdapi trap 5): no other member must see it."""

from __future__ import annotations

from pathlib import Path

from bot.images import pnginfo
from bot.images.infotext import Infotext
from tests.house import SMALL, House, Message, open_house


async def clip_skip(house: House, message: Message) -> str:
    """What the picture was drawn with; infotext leaves a 1 out."""
    text = pnginfo.read(await house.file(message))
    return Infotext.parse(text or "").settings.get("Clip skip", "1")


async def test_what_leaked_before_a_restart_of_the_bot_stays_behind(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        fancy = await house.draw(f"/draw prompt:a fox clip_skip:2 vae:None {SMALL}")
        assert await clip_skip(house, fancy) == "2"
        assert house.server.engine.options["CLIP_stop_at_last_layers"] == 2, "it leaked"
        for _ in range(2):
            await house.restart()
            assert await clip_skip(house, await house.draw(f"/draw prompt:a fox {SMALL}")) == "1"
