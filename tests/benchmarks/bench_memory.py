"""Large pictures through the bot as a process of its own: memory and file stay small.

A thousand that Discord takes at once; then some that it refuses for a while, until as many wait on
disk as `limits.undelivered_mb` allows. The image server is a double that answers with one prepared
PNG, whose text differs each time: what is measured is the bot, and neither painter nor stand-in
count.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import signal
import sqlite3
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web
from PIL import Image

from bot.settings import Limits
from tests.faults.test_start import Process
from tests.house import House, Message, open_house

PICTURES = int(os.environ.get("PICTURES", "1000"))
WARM = 50
AT_ONCE = 8
SIDE = 1024
MOST_GROWTH = 64 << 20
USERS = ("ada", "bob", "admin")
SETTINGS = """\
backends:
  - {name: main, url: "%s", concurrency: %d}
limits: {waiting_per_member: 100, waiting_per_guild: 500, undelivered_mb: %d}
"""
CAP_MIB = Limits().undelivered_mb

SMALL_CAP_MIB = 16
"""About ten pictures."""
SMALL_CAP = SMALL_CAP_MIB << 20
SLOTS = 4
"""Pictures that are begun before the cap is reached may end after it."""
UNPOSTED = 40
STILL_SECONDS = 2.0
FULL = "pictures pile up unposted"
"""What the log says when nothing new is begun."""


class Double:
    """The least that passes for a `/sdapi/v1` server (contracts, sdapi 2 and 11.1)."""

    def __init__(self) -> None:
        self._head, self._tail = _halves(_grainy(SIDE))
        self.size = self.painted = 0
        self.open = asyncio.Event()
        """Nothing is painted while it is not set."""
        self.open.set()

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
        await self.open.wait()
        self.painted += 1
        seed = self.painted
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


@asynccontextmanager
async def living(house: House, *settings: object) -> AsyncIterator[Process]:
    """The bot as a process, signed in; its stop must be a calm one."""
    config = house.folder / "easel.yaml"
    config.write_text(SETTINGS % settings)
    nothing = dict.fromkeys(("BACKEND_URL", "BACKEND_USERNAME", "BACKEND_PASSWORD"), "")
    process = Process(house, EASEL_CONFIG=str(config), **nothing)
    try:
        await house.standin.wait_for_bot(30)
        yield process
    finally:
        assert await process.end(signal.SIGTERM) == 0


@pytest.mark.timeout(600)
async def test_a_thousand_pictures_leave_memory_and_file_as_they_were(tmp_path: Path) -> None:
    async with (
        Double() as double,
        open_house(tmp_path, start=False, rate_limits=False) as house,
        living(house, double.url, 1, CAP_MIB) as process,
    ):
        pid, database = process.popen.pid, tmp_path / "easel.db"
        with Watch(pid, database) as warm:
            await _ordered(house, range(WARM))
        began = time.perf_counter()
        with Watch(pid, database) as after:
            await _ordered(house, range(WARM, PICTURES))
        took = time.perf_counter() - began
        left = psutil.Process(pid).memory_info().rss
    growth = after.rss - warm.rss
    print(
        f"\n{PICTURES} pictures of {SIDE}×{SIDE} ({double.size / 1e6:.2f} MB each): peak RSS "
        f"{warm.rss >> 20} MiB in the first {WARM}, {after.rss >> 20} MiB afterwards "
        f"(+{growth / (1 << 20):.1f} MiB), {left >> 20} MiB at the end; database "
        f"{after.file >> 20} MiB at most; {(PICTURES - WARM) / took:.1f} pictures a second"
    )
    assert growth < MOST_GROWTH
    assert max(warm.file, after.file) < 2 * CAP_MIB << 20


@dataclass(frozen=True)
class Stillness:
    """When nothing new was begun: pictures painted, bytes of them on disk, orders in line."""

    painted: int
    held: int
    waiting: int


@pytest.mark.timeout(300)
async def test_what_discord_refuses_stays_under_the_cap_until_it_is_posted(tmp_path: Path) -> None:
    async with (
        Double() as double,
        open_house(tmp_path, start=False, rate_limits=False) as house,
        living(house, double.url, SLOTS, SMALL_CAP_MIB) as process,
    ):
        with Watch(process.popen.pid, tmp_path / "easel.db") as watch:
            messages = await _ordered_and_refused(house, double)
            still = await _standstill(house, process, double)
            house.standin.faults.clear()
            await house.until(lambda: all(_arrived(house, m) for m in messages), 150)
            await house.until(lambda: _held(house) == 0, 30)
        delivered = _rows(house, "WHERE status = 'delivered' AND told")
        shown = [house.message(message) for message in messages]
        files = Counter([await house.file(m, n) for m in shown for n in _each(m)])
    print(
        f"\nDiscord refuses all edits and posts: painting stood still after {still.painted} "
        f"pictures, {still.held / (1 << 20):.1f} MiB of {SMALL_CAP_MIB}; {still.waiting} orders "
        f"kept their places; database {watch.file / (1 << 20):.1f} MiB at most. Then {delivered} "
        f"of {UNPOSTED} were posted, {double.painted - UNPOSTED} painted twice"
    )
    begun = SLOTS * double.size
    assert SMALL_CAP <= still.held < SMALL_CAP + begun
    assert still.waiting == UNPOSTED - still.painted
    assert watch.file < 2 * SMALL_CAP + begun
    assert delivered == double.painted == _rows(house) == UNPOSTED
    assert len(files) == files.total() == UNPOSTED


async def _ordered_and_refused(house: House, double: Double) -> list[str]:
    """Orders that wait for the painter; then Discord refuses what would change or make a message,
    and the painter begins. Their messages."""
    double.open.clear()
    messages = [
        await house.order(user=user, prompt=f"grain {n}", width=SIDE, height=SIDE, steps=1)
        for n, user in zip(range(UNPOSTED), cycle(USERS), strict=False)
    ]
    for method in ("PATCH", "POST"):
        house.standin.faults.fail("/messages", method=method, status=503, times=10**6)
    double.open.set()
    return messages


async def _standstill(house: House, process: Process, double: Double) -> Stillness:
    """Waits until nothing new is begun."""
    await house.until(lambda: FULL in process.log.read_text(), 60)
    painted = -1
    while painted != double.painted:
        painted = double.painted
        await asyncio.sleep(STILL_SECONDS)
    return Stillness(painted, _held(house), _rows(house, "WHERE status = 'waiting'"))


def _rows(house: House, where: str = "") -> int:
    """How many jobs are in the database."""
    return _read(house, f"SELECT count(*) FROM jobs {where}")


def _held(house: House) -> int:
    """Bytes of the pictures in the database."""
    return _read(house, "SELECT coalesce(sum(length(data)), 0) FROM pictures")


def _read(house: House, question: str) -> int:
    path = f"{(house.folder / 'easel.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as file:
        return int(file.execute(question).fetchone()[0])


def _each(message: Message) -> range:
    return range(len(message["attachments"]))
