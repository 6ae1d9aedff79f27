"""A copy of the database while the bot runs, and the way back.

SQLite's own backup makes both: a copy of the file alone would miss what still lies in its WAL.
A copy that is not whole is never left behind, and never put in place of what there is.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.database.migrate import inspect
from bot.errors import ConfigurationError, SchemaTooNew

STEP_PAGES = 1024
"""Pages of one step of a copy; an interrupt is heard between two."""
_SIDES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Copied:
    """What was made: the copy, its size in bytes, its schema; `before` is the old file, kept."""

    path: Path
    size: int
    schema: str
    before: Path | None = None


def backup(path: Path, target: Path) -> Copied:
    """Copies the database at `path` to the new file `target`, while a bot may write.

    The copy is the state of one moment; nobody waits for it. Raises ConfigurationError when
    `target` exists, either file can't be used, or the copy is damaged; then there is none.
    """
    if not path.is_file():
        raise ConfigurationError(f"DATABASE_URL: there is no database at {path}")
    schema = _schema(path)
    size = _copy(path, target)
    return Copied(target, size, schema)


def restore(source: Path, path: Path) -> Copied:
    """Puts a copy of `source` in place of the database at `path`; the old file is kept beside it.

    The caller holds the lock (`bot.database.engine.lock`). An older schema is fine: the next
    start migrates it. Raises ConfigurationError when `source` is missing, damaged, not Easel's
    or newer than this version; then nothing has changed.
    """
    if not source.is_file():
        raise ConfigurationError(f"there is no file {source}")
    if path.exists() and source.samefile(path):
        raise ConfigurationError(f"{source} is the database itself: name a backup of it")
    schema = _schema(source)
    fresh = path.with_name(f"{path.name}.restoring")
    _remove(fresh)  # of a restore that was cut off
    size = _copy(source, fresh)
    try:
        before = _keep_old(path)
        fresh.replace(path)
    except OSError as error:
        _remove(fresh)
        raise ConfigurationError(f"can't replace {path} ({error.strerror})") from error
    return Copied(path, size, schema, before)


def _schema(path: Path) -> str:
    try:
        found = inspect(path)
    except SchemaTooNew as error:
        raise SchemaTooNew(str(error).removeprefix("DATABASE_URL: ")) from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path} can't be read as a database of Easel") from error
    if found is None:
        raise ConfigurationError(f"{path} is not a database of Easel")
    return found


def _copy(source: Path, target: Path) -> int:
    """A whole and checked copy at `target`; its size in bytes. Nothing stays of a failed one."""
    try:
        # Made by us or not at all; what members wrote is for the operator's eyes.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        raise ConfigurationError(f"{target} exists: choose a new name") from error
    except OSError as error:
        raise ConfigurationError(f"can't write {target} ({error.strerror})") from error
    try:
        with closing(_connect(source)) as old, closing(_connect(target)) as new:
            # A reader's view of one moment: else each write of the bot would begin it anew.
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
            old.backup(new, pages=STEP_PAGES)
            old.execute("ROLLBACK")
            (verdict,) = new.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        _remove(target)
        raise ConfigurationError(f"can't copy {source} to {target} ({error})") from error
    except BaseException:
        _remove(target)
        raise
    if verdict != "ok":
        _remove(target)
        raise ConfigurationError(f"{source} is damaged ({verdict})")
    return target.stat().st_size


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw: never makes a file that is not there.
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, isolation_level=None
    )


def _keep_old(path: Path) -> Path | None:
    """A second name for the old file, and away with its WAL, which would spoil the new one."""
    if not path.exists():
        return None
    with suppress(sqlite3.Error), closing(_connect(path)) as old:
        # A file that is damaged is kept as it is, WAL and all.
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    before = _free_name(path.with_name(f"{path.name}.before-restore"))
    for side in _SIDES:
        beside = path.with_name(path.name + side)
        if beside.exists():
            beside.replace(before.with_name(before.name + side))
    try:
        before.hardlink_to(path)
    except OSError:  # not every file system knows hard links
        path.replace(before)
    return before


def _free_name(wanted: Path) -> Path:
    name, n = wanted, 1
    while name.exists():
        n += 1
        name = wanted.with_name(f"{wanted.name}-{n}")
    return name


def _remove(path: Path) -> None:
    for side in ("", *_SIDES):
        path.with_name(path.name + side).unlink(missing_ok=True)
