"""One crash: orders in all states, `kill -9` at a random moment, a restart, and what came of it.

Every other order names its seed; the others are given one by Easel, which only the database knows
before the picture is there. So its rows are read between the kill and the restart, and again when
all has ended: the seed of both and of the file that was posted must be one and the same, and a
picture that was finished before the kill must be the very file that is shown after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.images import pnginfo
from bot.images.infotext import Infotext
from tests.faults.test_start import Process
from tests.house import House, Message, words

USERS = ("ada", "bob", "admin")
CALLED_SOON = """\
import sys
from bot.queue import store
store.CALL_SECONDS = 3
from bot.__main__ import main
sys.exit(main())
"""
"""The bot, but who waited for three seconds already is called to the picture."""
LIMITS = """\
backends:
  - {name: main, url: "%s", auth: {username: demo, password: demo}}
limits: {waiting_per_member: 100, waiting_per_guild: 500}
"""


@dataclass
class Seen:
    """What a round has brought about, summed over rounds."""

    orders: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    other_seeds: list[str] = field(default_factory=list)
    drawn_seeds: set[int] = field(default_factory=set)
    """Those that Easel chose itself."""
    hashes: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Known:
    """What was certain while no bot ran: the seed of each order's row, by its number, and the
    SHA-256 of each picture that was finished, on disk or posted."""

    seeds: dict[int, int]
    finished: dict[int, str]


def born(house: House) -> Process:
    """A bot with room for many orders."""
    config = house.folder / "easel.yaml"
    config.write_text(LIMITS % house.server.url)
    nothing = dict.fromkeys(("BACKEND_URL", "BACKEND_USERNAME", "BACKEND_PASSWORD"), "")
    return Process(house, CALLED_SOON, EASEL_CONFIG=str(config), **nothing)


async def crash(
    house: House, process: Process, orders: int, seen: Seen, chance: random.Random
) -> Process:
    """Orders, a kill in the midst of them, a new process; waits until all have ended.

    Every other kill waits until all were accepted: then some are waiting, some painted, some
    on their way to Discord.
    """
    await house.standin.wait_for_bot(30)
    numbers = range(seen.orders, seen.orders + orders)
    ordered: dict[str, int] = {}
    patient = chance.random() < 0.5
    moment = chance.uniform(0.0, 0.5 + 0.1 * orders)
    dying = asyncio.create_task(asyncio.sleep(0) if patient else _kill(process, moment))
    for n in numbers:
        try:
            message = await house.order(
                user=chance.choice(USERS), prompt=f"bird number {n}", steps=2, **_named(n)
            )
        except AssertionError:
            break  # nobody was there to answer: this order was never accepted
        ordered[message] = n
        await asyncio.sleep(chance.uniform(0, min(0.1, 2 / orders)))
    await dying
    if patient:
        await _kill(process, moment / 2)
    seen.orders += orders
    await house.standin.wait_for(lambda: not house.standin.world.bot_online)
    known = await _known(house, numbers)
    fresh = born(house)
    await house.until(lambda: all(_ended(house, m) for m in ordered), 60)
    seeds = _rows(house, numbers)
    for n in ordered.values():
        await _judge(house, n, known, seeds.get(n), seen)
    return fresh


def _named(n: int) -> dict[str, Any]:
    """The seed that an order names, if it does."""
    return {"seed": 1000 + n} if n % 2 else {}


async def _known(house: House, numbers: range) -> Known:
    with closing(_opened(house)) as file:
        found = file.execute(
            "SELECT json_extract(request, '$.prompt'), data FROM jobs JOIN pictures ON job_id = id"
        ).fetchall()
    finished = {_number(prompt): _sha(data) for prompt, data in found}
    for message in _recent(house):
        n = _number(words(message))
        if n in numbers and message["attachments"]:
            finished[n] = _sha(await house.file(message))
    return Known(_rows(house, numbers), finished)


def _rows(house: House, numbers: range) -> dict[int, int]:
    """The seeds in the rows of these orders."""
    with closing(_opened(house)) as file:
        found = file.execute(
            "SELECT json_extract(request, '$.prompt'), json_extract(request, '$.seed') FROM jobs "
            "ORDER BY id DESC LIMIT ?",
            (2 * len(numbers),),
        ).fetchall()
    seeds = {_number(prompt): int(seed) for prompt, seed in found}
    return {n: seed for n, seed in seeds.items() if n in numbers}


def _opened(house: House) -> sqlite3.Connection:
    """The database, for reading only: the bot's own file and its WAL stay as they are."""
    return sqlite3.connect(f"{(house.folder / 'easel.db').as_uri()}?mode=ro", uri=True)


def _recent(house: House) -> list[Message]:
    """All messages of a round, and the calls to its pictures."""
    return house.shown(most=400)


def _number(text: str) -> int:
    """The number of the bird that a text is about; -1 when it is about none."""
    found = re.search(r"bird number (\d+)", text)
    return int(found[1]) if found else -1


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _ended(house: House, message_id: str) -> bool:
    found = [m for m in _recent(house) if m["id"] == message_id]
    return not found or bool(found[0]["attachments"])


async def _judge(house: House, n: int, known: Known, seed: int | None, seen: Seen) -> None:
    """One order after a crash; `seed` is that of its row now."""
    mine = [m for m in _recent(house) if f"bird number {n}**" in words(m)]
    files = [(m, k) for m in mine for k in range(len(m["attachments"]))]
    if not mine or n not in known.seeds:
        seen.lost.append(f"bird {n}: {len(mine)} messages, row: {n in known.seeds}")
        return
    if len(mine) > 1 or len(files) != 1:
        seen.doubled.append(f"bird {n}: {len(mine)} messages, {len(files)} files")
    promised = known.seeds[n]
    named = _named(n).get("seed", promised)
    if named != promised or seed != promised:
        seen.other_seeds.append(f"bird {n}: named {named}, row {promised}, row now {seed}")
    if not _named(n):
        seen.drawn_seeds.add(promised)
    for message, k in files:
        data = await house.file(message, k)
        if _told(message, k, data) != (promised, promised):
            seen.other_seeds.append(f"bird {n}: row {promised}, file {_told(message, k, data)}")
        if known.finished.get(n, _sha(data)) != _sha(data):
            seen.doubled.append(f"bird {n}: another file than before the crash")


def _told(message: Message, n: int, data: bytes) -> tuple[int | None, int | None]:
    """The seeds that a file's name and its PNG info tell."""
    name = re.fullmatch(r".*-(\d+)", Path(message["attachments"][n]["filename"]).stem)
    return int(name[1]) if name else None, Infotext.parse(pnginfo.read(data) or "").seed


async def _kill(process: Process, after: float) -> None:
    await asyncio.sleep(after)
    await process.end(signal.SIGKILL)


async def digest(house: House, seen: Seen) -> None:
    """The pictures of all messages, by their bytes: no two are alike; and who was called."""
    for message in house.shown(most=100_000):
        if "ready after" in words(message):
            seen.calls[message["message_reference"]["message_id"]] += 1
        for n, _ in enumerate(message["attachments"]):
            found = hashlib.sha256(await house.file(message, n)).hexdigest()
            if found in seen.hashes:
                seen.doubled.append(f"{message['id']}: a file that was there before")
            seen.hashes.add(found)
    seen.doubled += [f"{m}: called {n} times" for m, n in seen.calls.items() if n > 1]
