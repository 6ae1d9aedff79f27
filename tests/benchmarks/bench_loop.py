"""How long the event loop stands still while pictures come in.

The image server is another process; this one asks it for four pictures of 1024×1024 and
measures the longest pause of its own loop. The reference is the widely read guide's way (open
with Pillow, save with PNG info) on the loop, for one picture of the same size.
"""

from __future__ import annotations

import asyncio
import base64
import io
import socket
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image, PngImagePlugin
from pydantic import SecretStr

from bot.backends.sdapi import SdApi
from bot.demo import DEMO_PASSWORD, DEMO_USER
from bot.settings import BackendSettings
from bot.settings.file import Auth
from bot.values.request import ImageRequest

ROOT = Path(__file__).parents[2]


async def _longest_pause(stop: asyncio.Event) -> float:
    longest = 0.0
    while not stop.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - began - 0.001)
    return longest * 1000


def _the_guides_way(data: bytes) -> float:
    encoded = base64.b64encode(data)
    began = time.perf_counter()
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "x")
    picture.save(io.BytesIO(), "PNG", pnginfo=info)
    return (time.perf_counter() - began) * 1000


async def test_four_large_pictures_hardly_hold_the_loop() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bot", "demo", "--only", "server", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    auth = Auth(username=DEMO_USER, password=SecretStr(DEMO_PASSWORD))
    backend = SdApi(BackendSettings(name="bench", url=f"http://127.0.0.1:{port}", auth=auth))
    request = ImageRequest(
        prompt="a maltese puppy", width=1024, height=1024, steps=2, cfg_scale=7, seed=1, count=4
    )
    try:
        for _ in range(100):
            try:
                await backend.probe()
                break
            except Exception:
                await asyncio.sleep(0.1)
        stop = asyncio.Event()
        watching = asyncio.create_task(_longest_pause(stop))
        pictures = await backend.paint(request, "easel-bench", lambda *_: None)
        stop.set()
        pause = await watching
    finally:
        await backend.close()
        server.terminate()
        server.wait(10)
    reference = _the_guides_way(pictures[0].data)
    size = sum(len(p.data) for p in pictures) / 1e6
    print(f"\n4 pictures, {size:.1f} MB: longest pause of the loop {pause:.1f} ms", end="")
    print(f"; the guide's way holds it {reference:.0f} ms for one; ratio 1/{reference / pause:.0f}")
    assert pause * 5 < reference
