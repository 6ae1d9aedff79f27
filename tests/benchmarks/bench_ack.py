"""How fast the first answer is: our waiting card, its row on disk first, beside an empty handler.

The reference is py-cord itself, in the same process and run, answering "ok" from a handler that
does nothing else. Times run from sending the interaction to receiving its first answer.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path

import discord
import psutil
import pytest

from bot.demo.discord import DiscordStandIn
from bot.settings import Limits
from tests.house import House, open_house

ROUNDS = 300
MOST_TIMES_THE_REFERENCE = 12.0
"""Three messages' worth of work and a synced write stand in ours, none in the reference."""


async def _measure(standin: DiscordStandIn, name: str, rounds: int) -> list[float]:
    option = {"name": "prompt", "type": 3, "value": "a maltese puppy"}
    options = [option] if name == "draw" else []
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        data = {"name": name, "type": 1, "options": options}
        outcome = await standin.interact(
            {"user": "ada", "channel": "easel", "type": 2, "data": data}
        )
        times.append((time.perf_counter() - began) * 1000)
        assert outcome["outcome"] == "message", outcome
        # What follows an answer (its second write) is not part of it.
        await asyncio.sleep(0.005)
    return times


async def _reference() -> list[float]:
    async with DiscordStandIn(token="reference", rate_limits=False) as standin:
        discord.http.Route.API_BASE_URL = f"{standin.api_url}/v{{API_VERSION}}"
        bot = discord.Bot(
            intents=discord.Intents(guilds=True),
            cache_default_sounds=False,
            guild_ready_timeout=0.05,
        )

        @bot.slash_command(name="empty", description="Answers and does nothing else.")
        async def empty(ctx: discord.ApplicationContext) -> None:
            await ctx.respond("ok")

        await bot.login("reference")
        serving = asyncio.create_task(bot.connect())
        await standin.wait_for_bot()
        await _measure(standin, "empty", 20)
        times = await _measure(standin, "empty", ROUNDS)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await bot.close()
    return times


async def _ours(folder: Path) -> list[float]:
    def roomy(house: House) -> None:
        house.limits = Limits(
            waiting_per_member=10_000, waiting_per_guild=10_000, waiting_total=10_000
        )

    async with open_house(folder, before=roomy, rate_limits=False) as house:
        house.server.faults.add("hang", times=-1)
        await _measure(house.standin, "draw", 20)
        times = await _measure(house.standin, "draw", ROUNDS)
        house.server.faults.clear()
    return times


async def test_the_first_answer_beside_an_empty_handler(tmp_path: Path) -> None:
    reference, ours = await _reference(), await _ours(tmp_path)
    for name, times in (("empty handler", reference), ("/draw", ours)):
        p99 = statistics.quantiles(times, n=100)[98]
        print(f"\n{name}: median {statistics.median(times):.2f} ms, p99 {p99:.2f} ms", end="")
    ratio = statistics.median(ours) / statistics.median(reference)
    print(f"\nratio of the medians: {ratio:.1f}")
    assert ratio < MOST_TIMES_THE_REFERENCE


@pytest.mark.slow
async def test_memory_of_an_idle_bot_beside_a_bare_interpreter_with_py_cord(tmp_path: Path) -> None:
    bare = subprocess.Popen(
        [sys.executable, "-c", "import discord, sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert bare.stdout is not None
    bare.stdout.readline()
    reference = psutil.Process(bare.pid).memory_info().rss
    bare.kill()
    bare.communicate()
    async with open_house(tmp_path, start=False) as house:
        from tests.faults.test_start import Process

        process = Process(house)
        await house.standin.wait_for_bot(30)
        await asyncio.sleep(1)
        ours = psutil.Process(process.popen.pid).memory_info().rss
        await process.end(15)
    print(
        f"\nidle RSS: {ours >> 20} MiB; python with py-cord imported: {reference >> 20} MiB", end=""
    )
    print(f"; ratio {ours / reference:.2f}")
    assert ours < 3 * reference
