"""README's table of what can be done on which image server is what a probe finds there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.backends.sdapi import SdApi
from bot.demo.servers.sdapi import DemoImageServer
from bot.settings import BackendSettings
from bot.settings.file import Auth

README = Path(__file__).parents[3] / "README.md"
KINDS = ["a1111", "forge", "sdnext", "sdcpp", "koboldcpp", "drawthings"]
ROWS = {
    "model chosen": lambda a: a.switches_models,
    "`hires`": lambda a: a.second_pass,
    "`clip_skip`": lambda a: a.clip_skip,
    "`lora`": lambda a: not a.drops_loras,
    "`face_restoration`": lambda a: bool(a.faces),
    "`control`": lambda a: bool(a.controls),
    "progress": lambda a: a.progress and a.interrupt,
    "`/upscale`": lambda a: a.upscale,
    "`/describe`": lambda a: a.describe,
}


def told(row: str, column: int) -> bool:
    """Whether README has a ✓ for a row and a server."""
    text = README.read_text(encoding="utf-8").partition("### On which image server")[2]
    (line,) = re.findall(rf"^\| {re.escape(row)}.*$", text, re.MULTILINE)
    return str(line).split("|")[column + 2].strip() == "✓"


@pytest.mark.parametrize("kind", KINDS)
async def test_readme_says_what_a_server_can_do(kind: str) -> None:
    server = DemoImageServer(kind=kind, workers=0)
    await server.start()
    auth = Auth(username="demo", password=SecretStr("demo"))
    backend = SdApi(BackendSettings(name="here", url=server.url, auth=auth))
    try:
        ability = await backend.probe()
    finally:
        await backend.close()
        await server.close()
    found = {row: able(ability) for row, able in ROWS.items()}
    assert found == {row: told(row, KINDS.index(kind)) for row in ROWS}
