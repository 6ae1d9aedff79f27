"""The image server comes back from a restart without --api: whoever waits keeps their place."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.house import open_house, words


async def test_a_server_without_its_drawing_interface_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_house(tmp_path) as house:
        faults = house.server.faults
        faults.add("html", status=404, route=r"^/(sdapi|internal|controlnet)/", times=-1)
        with caplog.at_level(logging.ERROR):
            message_id = await house.order(prompt="a patient heron", steps=2)
            await house.until(
                lambda: "no drawing interface just now" in words(house.message(message_id))
            )
        assert "Your place in line is kept." in words(house.message(message_id))
        assert "restarted without --api" in caplog.text, "the operator is told"
        faults.clear()
        await house.until(lambda: bool(house.message(message_id)["attachments"]), 20)
        await house.quiet()
        assert len(house.server.generated) == 1
