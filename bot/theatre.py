"""The demo: the real bot on a stage where Discord and the image server are played."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path

from bot import app
from bot.demo import DEMO_TOKEN, DISCORD_PORT, SERVER_PORT, backends, stage
from bot.settings import Settings
from bot.values.look import ERROR_COLOUR


async def demo(chosen: argparse.Namespace, settings: Settings) -> int:
    """`python -m bot demo`: the whole play, or with `--only` one part of it."""
    if chosen.only == "discord":
        await stage.only_discord(chosen.port, chosen.record)
        return 0
    if chosen.only == "server":
        kind = backends.kind_of(chosen.backend, chosen.kind)
        await stage.only_server(chosen.backend, kind, chosen.port, chosen.s3_port)
        return 0
    if chosen.only == "bot":
        return await _demo_bot(chosen, settings)
    play = stage.Play(
        say=chosen.say,
        out=chosen.out,
        timeout=chosen.timeout,
        port=chosen.port,
        data=chosen.data,
        record=chosen.record,
        browser=not chosen.no_browser,
        own_server=not settings.backends,
        backend=chosen.backend,
        kind=backends.kind_of(chosen.backend, chosen.kind),
    )
    return await stage.perform(play, ERROR_COLOUR)


async def _demo_bot(chosen: argparse.Namespace, settings: Settings) -> int:
    port, server_port = chosen.port or DISCORD_PORT, chosen.server_port or SERVER_PORT
    with contextlib.ExitStack() as stack:
        data = chosen.data
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-demo-")))
        await stage.answering(f"http://127.0.0.1:{port}/")
        if not settings.backends:
            await stage.answering(f"http://127.0.0.1:{server_port}/")
        on_stage = settings.on_stage(
            token=DEMO_TOKEN,
            api_url=f"http://127.0.0.1:{port}/api",
            database=data.resolve() / "easel.db",
            backend=backends.settings(chosen.backend, server_port, chosen.s3_port or 0),
        )
        return await app.run(on_stage, ready_timeout=0.2, until=stage.orphaned)
