"""A thousand large pictures through the bot as a process of its own: memory and file stay small.

The image server is a double that answers with one prepared PNG, whose text differs each time:
what is measured is the bot, and neither painter nor stand-in count.
"""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import os
import signal
import struct
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web
from PIL import Image

from tests.faults.test_start import Process
from tests.house import House, open_house

PICTURES = int(os.environ.get("PICTURES", "1000"))
WARM = 50
AT_ONCE = 8
SIDE = 1024
MOST_GROWTH = 64 << 20
MOST_FILE = 512 << 20
"""Twice the cap of undelivered bytes (`limits.undelivered_mb`, 256 by default)."""
USERS = ("ada", "bob", "admin")
SETTINGS = """\
backends:
  - {name: main, url: "%s"}
limits: {waiting_per_member: 100, waiting_per_guild: 500}
"""


class Double:
    """The least that passes for a `/sdapi/v1` server (contracts, sdapi 2 and 11.1)."""

    def __init__(self) -> None:
        self._head, self._tail = _halves(_grainy(SIDE))
        self._seeds = itertools.count(1)
        self.size = 0

    async def __aenter__(self) -> Double:
        app = web.Application(client_max_size=1 << 20)
        listings: dict[str, Any] = {
            "options": {"sd_model_checkpoint": "plain"},
            "sd-models": [{"title": "plain", "model_name": "plain", "filename": "plain.ckpt"}],
            "samplers": [{"name": "Euler a", "aliases": [], "options": {}}],
            "schedulers": [{"name": "automatic", "label": "Automatic"}],
            "progress": {"progress": 0.0, "eta_relative": 0.0, "state": {"job_count": 0}},
        }
        for name, value in listings.items():
            app.router.add_get(f"/sdapi/v1/{name}", _always(value))
        app.router.add_post("/sdapi/v1/txt2img", self._paint)
        app.router.add_post("/sdapi/v1/interrupt", _always({}))
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _paint(self, request: web.Request) -> web.Response:
        await request.read()
        seed = next(self._seeds)
        text = f"a grain of sand\nSteps: 1, Sampler: Euler a, Seed: {seed}, Size: {SIDE}x{SIDE}"
        data = self._head + _chunk(b"tEXt", b"parameters\0" + text.encode()) + self._tail
        self.size = len(data)
        info = json.dumps({"all_seeds": [seed], "infotexts": [text], "index_of_first_image": 0})
        picture = base64.b64encode(data).decode()
        return web.json_response({"images": [picture], "parameters": {}, "info": info})


def _always(value: Any) -> Any:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(value)

    return answer


def _grainy(side: int) -> bytes:
    """A PNG of about 1.5 MB: a wash of colour with a fine grain, as painted pictures have."""
    grain = Image.effect_noise((side, side), 6.0)
    wash = Image.linear_gradient("L").resize((side, side))
    bands = [Image.blend(wash.rotate(90 * n), grain, 0.5) for n in range(3)]
    sink = io.BytesIO()
    Image.merge("RGB", bands).save(sink, "PNG", compress_level=1)
    return sink.getvalue()


def _halves(png: bytes) -> tuple[bytes, bytes]:
    """Before and behind the place for a text: the signature and IHDR, then all else."""
    end = 8 + 12 + struct.unpack(">I", png[8:12])[0]
    return png[:end], png[end:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@dataclass
class Watch:
    """Looks a hundred times a second, in a thread of its own, at a process and its database."""

    pid: int
    database: Path
    rss: int = 0
    file: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        process = psutil.Process(self.pid)
        while not self._stop.wait(0.01):
            self.rss = max(self.rss, process.memory_info().rss)
            self.file = max(self.file, _size(self.database))


def _size(database: Path) -> int:
    sides = (database, database.with_name(f"{database.name}-wal"))
    return sum(one.stat().st_size for one in sides if one.exists())


async def _ordered(house: House, numbers: range) -> None:
    """So many orders, a few at once; each message is looked at and thrown away."""
    turn = iter(numbers)

    async def member(user: str) -> None:
        for n in turn:
            message_id = await house.order(
                user=user, prompt=f"grain {n}", width=SIDE, height=SIDE, steps=1
            )
            await house.until(lambda one=message_id: _arrived(house, one), 60)  # type: ignore[misc]
            house.standin.delete_message("admin", "easel", message_id)

    await asyncio.gather(*(member(USERS[n % len(USERS)]) for n in range(AT_ONCE)))


def _arrived(house: House, message_id: str) -> bool:
    return bool(house.message(message_id)["attachments"])


@pytest.mark.timeout(600)
async def test_a_thousand_pictures_leave_memory_and_file_as_they_were(tmp_path: Path) -> None:
    async with Double() as double, open_house(tmp_path, start=False, rate_limits=False) as house:
        config = tmp_path / "easel.yaml"
        config.write_text(SETTINGS % double.url)
        nothing = dict.fromkeys(("BACKEND_URL", "BACKEND_USERNAME", "BACKEND_PASSWORD"), "")
        process = Process(house, EASEL_CONFIG=str(config), **nothing)
        try:
            await house.standin.wait_for_bot(30)
            pid, database = process.popen.pid, tmp_path / "easel.db"
            with Watch(pid, database) as warm:
                await _ordered(house, range(WARM))
            began = time.perf_counter()
            with Watch(pid, database) as after:
                await _ordered(house, range(WARM, PICTURES))
            took = time.perf_counter() - began
            left = psutil.Process(pid).memory_info().rss
        finally:
            assert await process.end(signal.SIGTERM) == 0
    growth = after.rss - warm.rss
    print(
        f"\n{PICTURES} pictures of {SIDE}×{SIDE} ({double.size / 1e6:.2f} MB each): peak RSS "
        f"{warm.rss >> 20} MiB in the first {WARM}, {after.rss >> 20} MiB afterwards "
        f"(+{growth / (1 << 20):.1f} MiB), {left >> 20} MiB at the end; database "
        f"{after.file >> 20} MiB at most; {(PICTURES - WARM) / took:.1f} pictures a second"
    )
    assert growth < MOST_GROWTH
    assert max(warm.file, after.file) < MOST_FILE
