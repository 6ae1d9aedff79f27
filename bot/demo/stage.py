"""Starts the parts of the demo as processes, waits until they play together, stops them all.

Each part is `python -m bot demo --only …`; the parent only watches. A part whose parent is
gone ends by itself, so that nothing is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.demo import DEMO_TOKEN, DISCORD_PORT, S3_PORT, SERVER_PORT
from bot.demo.backends import playing
from bot.demo.discord import DiscordStandIn
from bot.demo.player import Player, exit_code
from bot.errors import ConfigurationError

START_SECONDS = 60.0
STOP_SECONDS = 4.0


@dataclass(frozen=True)
class Play:
    """What `python -m bot demo` was asked for."""

    say: Sequence[str] = ()
    out: Path | None = None
    timeout: float = 120.0
    port: int | None = None
    data: Path | None = None
    record: Path | None = None
    browser: bool = True
    own_server: bool = True
    backend: str = "sdapi"
    kind: str = "a1111"


class Part:
    """One process of the play; its output goes to a file and, if `loud`, to the terminal."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @classmethod
    async def start(cls, name: str, folder: Path, *arguments: str, loud: bool = False) -> Part:
        """Starts `python -m bot demo --only name …`."""
        log = folder / f"{name}.log"
        command = [sys.executable, "-m", "bot", "demo", "--only", name, *arguments]
        with log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=None if loud else sink,
                stderr=None if loud else sink,
                # Ctrl-C reaches the parent alone, which stops the parts in order.
                start_new_session=True,
            )
        return cls(name, process, log)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for what has not ended in time."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    def last_words(self) -> str:
        """The end of its output, for a part that stopped by itself."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-12:])
        return ""


async def perform(play: Play, error_colour: int) -> int:
    """The whole play. Returns the exit code: 0, or 1 when a line or a part failed."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    with contextlib.ExitStack() as stack:
        if play.data is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-demo-")))
        else:
            folder = play.data
            folder.mkdir(parents=True, exist_ok=True)
        parts: list[Part] = []
        try:
            return await _perform(play, folder, parts, stop, error_colour)
        finally:
            # The bot first: it says goodbye to the other two.
            await asyncio.gather(*(p.stop() for p in parts[2:]))
            await asyncio.gather(*(p.stop() for p in parts[:2]))


async def _perform(
    play: Play, folder: Path, parts: list[Part], stop: asyncio.Event, error_colour: int
) -> int:
    # Two plays at once must not meet: only a page that a person opens has a usual port.
    usual = 0 if play.say else DISCORD_PORT
    port = free_port(usual if play.port is None else play.port, exact=play.port is not None)
    server_port, s3_port = free_port(0), free_port(0)
    ports = ("--s3-port", str(s3_port), "--backend", play.backend)
    record = ["--record", str(play.record)] if play.record else []
    parts.append(await Part.start("discord", folder, "--port", str(port), *record))
    if play.own_server:
        server = ("--port", str(server_port), "--as", play.kind, *ports)
        parts.append(await Part.start("server", folder, *server))
    parts.append(
        await Part.start(
            "bot",
            folder,
            *("--port", str(port), "--server-port", str(server_port), "--data", str(folder)),
            *ports,
            loud=not play.say,
        )
    )
    url = f"http://127.0.0.1:{port}/"
    watch = asyncio.create_task(_first_end(parts))
    halted = asyncio.create_task(stop.wait())
    show = asyncio.create_task(_say(play, url, error_colour) if play.say else _browse(play, url))
    done, _ = await asyncio.wait({watch, halted, show}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watch, halted, show):
        task.cancel()
    await asyncio.gather(watch, halted, show, return_exceptions=True)
    if show in done:
        return show.result()
    if watch in done and halted not in done:
        part = watch.result()
        _tell(f"The {part.name} part stopped by itself.\n{part.last_words()}")
        return part.process.returncode or 1
    return 0


async def _first_end(parts: Sequence[Part]) -> Part:
    ends = {asyncio.create_task(p.process.wait()): p for p in parts}
    done, rest = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    return ends[done.pop()]


async def _browse(play: Play, url: str) -> int:
    await ready(url)
    _tell(f"\nEasel's demo is at {url}  (Ctrl-C stops it)\n")
    if play.browser and sys.stdout.isatty():
        await asyncio.to_thread(webbrowser.open, url)
    await asyncio.Event().wait()
    return 0


async def _say(play: Play, url: str, error_colour: int) -> int:
    player = Player(url, error_colour=error_colour, timeout=play.timeout, out=play.out, echo=_tell)
    await ready(url)
    async with player:
        results = await player.say_all(play.say)
    for result in results:
        if not result.ok:
            _tell(f"✗ {result.line}: {result.reason}")
    return exit_code(results)


async def answering(url: str, seconds: float = START_SECONDS) -> None:
    """Waits until the stand-in's page answers; goes on without it after `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{url}page/state"):
                        return
                await asyncio.sleep(0.05)


async def ready(url: str, seconds: float = START_SECONDS) -> None:
    """Waits until the page says that the bot is online and its commands are there."""
    async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}page/state") as answer:
                    state = await answer.json()
                    if state["bot"]["online"] and state["commands"]:
                        return
            await asyncio.sleep(0.1)


async def only_discord(port: int | None, record: Path | None) -> None:
    """`--only discord`: the stand-in alone, until it is stopped."""
    standin = DiscordStandIn(token=DEMO_TOKEN, port=port or DISCORD_PORT, record=record)
    await standin.start()
    _tell(f"Discord's stand-in: {standin.url}  (REST at {standin.api_url})")
    await _until_stopped(standin.close)


async def only_server(backend: str, kind: str, port: int | None, s3_port: int | None) -> None:
    """`--only server`: the demo image server alone, playing one `kind`, until it is stopped."""
    async with playing(backend, kind, port or SERVER_PORT, s3_port or S3_PORT) as where:
        _tell(f"Demo image server: {where}")
        await _until_stopped(lambda: None)


async def _until_stopped(close: Callable[[], object]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await asyncio.wait(
        {asyncio.create_task(stop.wait()), asyncio.create_task(orphaned())},
        return_when=asyncio.FIRST_COMPLETED,
    )
    closing = close()
    if asyncio.iscoroutine(closing):
        await closing


async def orphaned() -> None:
    """Returns when the process that started this one is gone."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the system sends no event for it
        await asyncio.sleep(1)


def free_port(wanted: int, *, exact: bool = False) -> int:
    """The wanted port, or any free one when it is taken and need not be exact."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            if exact:
                raise ConfigurationError(f"--port: {wanted} is taken: choose another") from error
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
