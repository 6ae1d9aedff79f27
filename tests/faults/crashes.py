"""One crash: orders in all states, `kill -9` at a random moment, a restart, and what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import random
import signal
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.test_start import Process
from tests.house import House, words

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
    hashes: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)


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
    first = seen.orders
    ordered: dict[str, int] = {}
    patient = chance.random() < 0.5
    moment = chance.uniform(0.0, 0.5 + 0.1 * orders)
    dying = asyncio.create_task(asyncio.sleep(0) if patient else _kill(process, moment))
    for n in range(first, first + orders):
        try:
            message = await house.order(
                user=chance.choice(USERS), prompt=f"bird number {n}", steps=2, seed=1000 + n
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
    fresh = born(house)
    await house.until(lambda: all(_ended(house, m) for m in ordered), 60)
    for message_id, n in ordered.items():
        _judge(house, message_id, n, seen)
    return fresh


def _ended(house: House, message_id: str) -> bool:
    found = [m for m in house.shown() if m["id"] == message_id]
    return not found or bool(found[0]["attachments"])


def _judge(house: House, message_id: str, n: int, seen: Seen) -> None:
    mine = [m for m in house.shown() if f"bird number {n}**" in words(m)]
    if not mine:
        seen.lost.append(f"bird {n}")
        return
    files = [a for m in mine for a in m["attachments"]]
    if len(mine) > 1 or len(files) != 1:
        seen.doubled.append(f"bird {n}: {len(mine)} messages, {len(files)} files")
    if any(not a["filename"].endswith(f"-{1000 + n}.png") for a in files):
        seen.other_seeds.append(f"bird {n}: {[a['filename'] for a in files]}")


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
