"""The recorder sees what there is, keeps secrets to itself, and hardly ever draws."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.demo.servers.sdapi import DemoImageServer
from tests import record
from tests.bot.demo.servers.replay import replay
from tests.bot.demo.servers.sdapi_client import opened

PASSWORD = "gr8-secret"


async def recorded(server: DemoImageServer, out: Path, *more: str) -> int:
    """The recorder's exit code."""
    account = ["--user", "operator", "--password", PASSWORD]
    return await asyncio.to_thread(record.main, [server.url, *account, "--out", str(out), *more])


def exchanges(folder: Path, name: str) -> dict[str, Any]:
    """The answers of one file by the names of their exchanges."""
    rows = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["exchanges"]
    return {row["name"]: row["answer"] for row in rows}


@pytest.mark.parametrize("kind", ["a1111", "forge", "sdnext", "sdcpp", "koboldcpp", "drawthings"])
async def test_what_it_records_can_be_played_back(kind: str, tmp_path: Path) -> None:
    async with opened(kind=kind, username="operator", password=PASSWORD) as client:
        assert await recorded(client.server, tmp_path, "--kind", kind, "--draw") == 0
        (made,) = client.server.generated
        assert (made["size"], made["pictures"]) == ((64, 64), 1)
    for path in tmp_path.glob("*.json"):
        if path.name != "server.json":
            assert await replay(path) == [], path


async def test_it_draws_nothing_and_asks_for_no_secrets_unless_told() -> None:
    paths = [probe.path for rows in record.probes(True, False).values() for probe in rows]
    assert not any("img2img" in path or "cmd-flags" in path for path in paths)
    posts = [p for rows in record.probes(True, False).values() for p in rows if p.method == "POST"]
    assert [probe.path for probe in posts] == ["/internal/progress"]


async def test_nothing_private_is_written(tmp_path: Path) -> None:
    async with opened(username="operator", password=PASSWORD) as client:
        options = client.server.engine.options
        options["outdir_samples"] = "/home/joe doe/pictures"
        options["samples_filename_pattern"] = f"{PASSWORD}-[seed]"
        assert await recorded(client.server, tmp_path, "--draw") == 0
        assert len(client.server.generated) == 1
        host = client.server.url.removeprefix("http://")
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.json"))
    for secret in (PASSWORD, "operator", "joe doe", "/srv/webui", "oil painting", host, "iVBOR"):
        assert secret not in written, secret
    lists = exchanges(tmp_path, "lists")
    assert lists["options"]["json"]["sd_model_checkpoint"].startswith("dreamshaper_8")
    row = lists["sd-models"]["json"][0]
    assert row["filename"] == "<path>/dreamshaper_8.safetensors"
    assert exchanges(tmp_path, "txt2img")["one picture"]["json"]["images"][0].startswith("<b64 ")
    refused = exchanges(tmp_path, "authentication")["a wrong password"]
    assert (refused["status"], refused["headers"]) == (401, {"WWW-Authenticate": None})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/joe/models/x.ckpt", "<path>/x.ckpt"),
        ("C:\\Users\\Joe Doe\\x.ckpt", "<path>/x.ckpt"),
        ("No such file: '/home/joe/x.png'", "No such file: '<path>/x.png'"),
        ("https://github.com/xinntao/x.pth", "https://github.com/xinntao/x.pth"),
        ("image/png", "image/png"),
        ("<p>done</p>", "<p>done</p>"),
        (f"my {PASSWORD}!", "my <secret>!"),
        ("a tab", "a tab"),
        ("A" * 300, "<b64 300>"),
        ("data:image/png;base64," + "A" * 400, "data:image/png;base64,<b64 400>"),
    ],
)
def test_masks(text: str, shown: str) -> None:
    assert record.Mask((PASSWORD, "b")).text(text) == shown


def test_values_under_telling_keys_are_hidden() -> None:
    mask = record.Mask(())
    found = mask.value({"civitai_api_key": "abc", "nested": {"Password": ["x", "", 3]}, "a": "b"})
    assert found == {
        "civitai_api_key": "<text>",
        "nested": {"Password": ["<text>", "", 3]},
        "a": "b",
    }


async def test_a_server_that_is_not_there(tmp_path: Path, unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    assert await asyncio.to_thread(record.main, [url, "--out", str(tmp_path / "x")]) == 1
    assert not (tmp_path / "x").exists()
    assert record.main(["host:7860", "--out", str(tmp_path)]) == 2
