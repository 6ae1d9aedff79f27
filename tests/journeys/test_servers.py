"""The same walk on every server that says `/sdapi/v1`, played by the demo image server."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.demo.servers.sdapi import DemoImageServer
from bot.images import pnginfo
from bot.images.infotext import Infotext
from tests.house import House, generating_calls, open_house, words

KINDS = ["a1111", "forge", "sdnext", "sdcpp", "koboldcpp", "drawthings"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_picture_and_its_infotext_on_every_server(tmp_path: Path, kind: str) -> None:
    async with open_house(tmp_path, kind=kind) as house:
        message = await house.draw("/draw prompt:a lighthouse width:64 height:64 steps:2 seed:41")
        data = await house.file(message)
        read = Infotext.parse(pnginfo.read(data) or "")
        assert (read.prompt, read.seed) == ("a lighthouse", 41)
        assert read.size is not None
        assert "seed 41 " in words(message)
        assert generating_calls(house.server) == 1

        two = await house.draw("/draw prompt:two gulls width:64 height:64 steps:2 seed:50 count:2")
        names = [a["filename"] for a in two["attachments"]]
        assert names == ["two-gulls-50.png", "two-gulls-51.png"]
        await _troubles(house, house.server)
        if kind != "drawthings":  # it lists no names, so none can be checked
            told = await house.refused("/draw prompt:x sampler:nothing like it")
            assert "sampler called" in told


async def _troubles(house: House, server: DemoImageServer) -> None:
    """Out of memory is told in the same words, whatever the server's own form."""
    server.faults.add("oom", route=r"/txt2img$")
    told = await house.refused("/draw prompt:a whale width:64 height:64 steps:2")
    assert "ran out of memory" in told or "broke down" in told or "whole picture" in told
    assert "CUDA" not in told
