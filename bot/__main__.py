"""`python -m bot run | demo | check | …`: reads the words, calls the architect."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bot import log
from bot.demo import DEMO_TOKEN
from bot.errors import ConfigurationError, EaselError
from bot.settings import Settings, load


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 well, 1 failed, 2 configuration."""
    chosen = _parser().parse_args(arguments)
    if chosen.work is _demo:
        # The demo has a token of its own, whatever stands in `.env`.
        os.environ["DISCORD_TOKEN"] = DEMO_TOKEN
    try:
        settings = load()
        environment = settings.environment
        log.setup(environment.log_level, environment.log_format, settings.secrets())
        work: Coroutine[Any, Any, int] = chosen.work(chosen, settings)
        return asyncio.run(work)
    except ConfigurationError as error:
        sys.stderr.write(f"easel: {error}\n")
        return 2
    except EaselError as error:
        sys.stderr.write(f"easel: {error}\n")
        return 1
    except BrokenPipeError:
        return 1  # whoever read the output has gone
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"easel: {error.strerror or error}{where}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Easel, the drawing bot.")
    kinds = parser.add_subparsers(
        required=True, metavar="run | demo | check | migrate | backup | restore | commands"
    )
    kinds.add_parser("run", help="sign in to Discord and serve").set_defaults(work=_run)
    kinds.add_parser("migrate", help="bring the database up to date").set_defaults(work=_migrate)
    saved = kinds.add_parser("backup", help="copy the database, also while the bot runs")
    saved.add_argument(
        "file", type=Path, metavar="FILE", help="a new file, which its owner alone can read"
    )
    saved.set_defaults(work=_backup)
    restored = kinds.add_parser("restore", help="put a backup in place; the old file is kept")
    restored.add_argument(
        "file", type=Path, metavar="FILE", help="what backup made; it is only read"
    )
    restored.set_defaults(work=_restore)
    check = kinds.add_parser("check", help="look at every part, a line each")
    check.add_argument("--json", action="store_true", help="for scripts")
    check.add_argument(
        "--draw", action="store_true", help="also draw one small picture on each backend"
    )
    check.add_argument(
        "--out", type=Path, default=Path("out"), help="where --draw saves its pictures"
    )
    check.set_defaults(work=_check)
    listed = kinds.add_parser("commands", help="the commands as README lists them")
    listed.add_argument("--readme", action="store_true", help="put them into README.md")
    listed.set_defaults(work=_commands)
    _add_demo(
        kinds.add_parser(
            "demo",
            help="try it here, without Discord and without a GPU",
            epilog=_LINES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    return parser


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError("a port is 1 to 65535")
    return value


_LINES = """\
lines of --say:
  /command [sub] name:value …   a value runs until the next option, or is in "quotes";
                                image:@file.png attaches
  press LABEL[#n]               a button of the last message
  select VALUE                  an option of its select
  fill FIELD:VALUE              the form that a press or select opened
  post @FILE                    a message of your own with a picture
  menu NAME                     a message command on the last message
  as NAME                       go on as ada, bob or admin
  in CHANNEL                    go on in easel, gallery, sketches or dm
  wait SECONDS
A line that ends in & is not waited for."""


def _add_demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument(
        "--say", action="append", default=[], metavar="LINE", help="play a line; repeatable"
    )
    demo.add_argument("--out", type=Path, help="where --say saves pictures and transcript.json")
    demo.add_argument(
        "--timeout", type=float, default=120.0, help="seconds for one line (default 120)"
    )
    demo.add_argument("--only", choices=["discord", "server", "bot"], help="one part alone")
    demo.add_argument(
        "--as",
        dest="kind",
        metavar="KIND",
        help="which one exactly: a1111 (usual), forge, sdnext, sdcpp, koboldcpp, drawthings; of "
        "eks new (1.2.0, usual) or old (1.1.0); of sd-extension v1.7 (usual), v1.6, v1.5, v1.3",
    )
    demo.add_argument(
        "--backend",
        choices=["sdapi", "eks", "sd-extension"],
        default="sdapi",
        help="which image server is played (default sdapi); those of AWS need the extra aws-demo",
    )
    demo.add_argument("--s3-port", type=int, help=argparse.SUPPRESS)
    demo.add_argument("--port", type=_port, help="the page's port (default 8420)")
    demo.add_argument("--server-port", type=int, help=argparse.SUPPRESS)
    demo.add_argument(
        "--data",
        type=Path,
        help="keep the demo's database in this folder, which is made if it is missing",
    )
    demo.add_argument("--record", type=Path, metavar="FILE.jsonl", help="record all requests")
    demo.add_argument("--no-browser", action="store_true", help="do not open the page")
    demo.set_defaults(work=_demo)


async def _run(_: argparse.Namespace, settings: Settings) -> int:
    from bot import app

    return await app.run(settings)


async def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    from bot import app

    sys.stdout.write(await app.migrate_only(settings) + "\n")
    return 0


async def _backup(chosen: argparse.Namespace, settings: Settings) -> int:
    from bot.database.backup import backup

    made = await asyncio.to_thread(backup, settings.database_path, chosen.file)
    sys.stdout.write(f"{made.path}: {made.size / 2**20:.1f} MiB, schema {made.schema}\n")
    return 0


async def _restore(chosen: argparse.Namespace, settings: Settings) -> int:
    from bot.database.backup import restore
    from bot.database.engine import lock

    path = settings.database_path
    held = await asyncio.to_thread(lock, path)
    try:
        done = await asyncio.to_thread(restore, chosen.file, path)
    finally:
        held.release()
    old = f"; the old file is {done.before.name}" if done.before else ""
    size = f"{done.size / 2**20:.1f} MiB"
    sys.stdout.write(f"{path}: {size}, schema {done.schema}, from {chosen.file}{old}\n")
    return 0


async def _check(chosen: argparse.Namespace, settings: Settings) -> int:
    from bot.check import check

    folder = chosen.out if chosen.draw else None
    return await check(settings, as_json=chosen.json, draw_into=folder)


async def _commands(chosen: argparse.Namespace, _: Settings) -> int:
    from bot import handbook

    made = handbook.table(await handbook.commands())
    if not chosen.readme:
        sys.stdout.write(made)
        return 0
    old = handbook.README.read_text(encoding="utf-8")
    handbook.README.write_text(handbook.spliced(old, made), encoding="utf-8")
    return 0


async def _demo(chosen: argparse.Namespace, settings: Settings) -> int:
    from bot import theatre

    if chosen.data is not None:
        await asyncio.to_thread(_check_folder, chosen.data)
    return await theatre.demo(chosen, settings)


def _check_folder(folder: Path) -> None:
    """Makes the demo's own folder. Raises ConfigurationError where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"--data: can't write in {folder} ({error.strerror}): name a folder that can be "
            "written, or leave --data out and nothing is kept"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
