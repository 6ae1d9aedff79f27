"""Orders that are taken before the image server has told what it has."""

from __future__ import annotations

from pathlib import Path

from bot.images import pnginfo
from tests.house import House, open_house, words


async def test_what_was_ordered_blindly_is_drawn_as_it_was_meant(tmp_path: Path) -> None:
    async with open_house(tmp_path, start=False) as house:
        await house.server.stop_listening()
        await house.start()
        try:
            await _orders(house)
        finally:
            await house.stop()


async def _orders(house: House) -> None:
    plain = await house.order(prompt="a plain day", width=64, height=64, steps=1)
    named = await house.order(prompt="a named day", model="anim xl", width=64, height=64)
    wrong = await house.order(prompt="a wrong day", model="nonsense", sampler="bogus")
    await house.server.start_listening()

    for message_id in (plain, named):

        def arrived(shown: str = message_id) -> bool:
            return bool(house.message(shown)["attachments"])

        await house.until(arrived, 20)
    assert "1 step DPM++ 2M Karras" in words(house.message(plain))
    assert "animagineXL_v31 ·" in words(house.message(named))
    assert "28 steps Euler a Automatic" in words(house.message(named))
    text = pnginfo.read(await house.file(house.message(named))) or ""
    assert "Model: animagineXL_v31" in text

    await house.until(lambda: "no model called" in words(house.message(wrong)))
    assert not house.message(wrong)["attachments"]
