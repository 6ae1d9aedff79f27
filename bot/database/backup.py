"""A copy of the database while the bot runs, and the way back.

SQLite's own backup makes both: a copy of the file alone would miss what still lies in its WAL.
A copy that is not whole is never left behind, and never put in place of what there is.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.exc import DBAPIError

from bot.database.migrate import inspect, new_file
from bot.errors import ConfigurationError, SchemaTooNew

STEP_PAGES = 1024
"""Pages of one step of a copy; an interrupt is heard between two."""
_SIDES = ("-wal", "-shm", "-journal")
_CLOSED_FOLDER = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""SQLite's codes where it can't make a file beside the database (sqlite.org/rescode.html)."""


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
    start migrates it. The new file has the mode and owner of the old one. Raises
    ConfigurationError when `source` is missing, damaged, not Easel's or newer than this version;
    then nothing has changed.
    """
    if not source.is_file():
        raise ConfigurationError(f"there is no file {source}")
    if path.exists() and source.samefile(path):
        raise ConfigurationError(f"{source} is the database itself: name a backup of it")
    still = _still(source)
    schema = _schema(source, still=still)
    fresh = path.with_name(f"{path.name}.restoring")
    _remove(fresh)  # of a restore that was cut off
    size = _copy(source, fresh, still=still)
    try:
        _lend_mode(path, fresh)
        before = _keep_old(path)
        fresh.replace(path)
    except OSError as error:
        _remove(fresh)
        raise ConfigurationError(f"can't replace {path} ({error.strerror})") from error
    return Copied(path, size, schema, before)


def _still(path: Path) -> bool:
    """Whether `path` can only be read as a file that nobody changes: where it lies is read-only.

    A file in WAL mode, as backups once were, wants a WAL beside it even to be read
    (sqlite.org/wal.html#readonly). Raises ConfigurationError when it can't be read at all, or
    when a part of it lies in a file beside, which would be missed.
    """
    try:
        path.open("rb").close()
        with closing(_connect(path)) as file:
            file.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except OSError as error:
        raise ConfigurationError(f"can't read {path} ({error.strerror})") from error
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF not in _CLOSED_FOLDER:
            return False  # what it is instead is told by whoever reads it next
        for side in ("-wal", "-journal"):
            beside = path.with_name(path.name + side)
            if beside.is_file() and beside.stat().st_size:
                raise ConfigurationError(
                    f"can't read {path} ({error}): a part of it lies in {beside.name}, and where "
                    "they lie is read-only: copy both into a folder that can be written"
                ) from error
        return True
    return False


def _schema(path: Path, *, still: bool = False) -> str:
    try:
        found = inspect(path, immutable=still)
    except SchemaTooNew as error:
        raise SchemaTooNew(str(error).removeprefix("DATABASE_URL: ")) from error
    except ConfigurationError as error:
        cause = error.__cause__
        reason = cause.orig if isinstance(cause, DBAPIError) else cause
        raise ConfigurationError(
            f"{path} can't be read as a database of Easel ({reason})"
        ) from error
    if found is None:
        raise ConfigurationError(f"{path} is not a database of Easel")
    return found


def _copy(source: Path, target: Path, *, still: bool = False) -> int:
    """A whole and checked copy at `target`; its size in bytes. Nothing stays of a failed one."""
    try:
        new_file(target)  # made by us or not at all
    except FileExistsError as error:
        raise ConfigurationError(f"{target} exists: choose a new name") from error
    except OSError as error:
        raise ConfigurationError(f"can't write {target} ({error.strerror})") from error
    try:
        with closing(_connect(source, still=still)) as old, closing(_connect(target)) as new:
            # A reader's view of one moment: else each write of the bot would begin it anew.
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
            old.backup(new, pages=STEP_PAGES)
            old.execute("ROLLBACK")
            (verdict,) = new.execute("PRAGMA integrity_check(1)").fetchone()
            # One file that needs none beside it, so that it can be read where nothing is written.
            new.execute("PRAGMA journal_mode=DELETE").fetchone()
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


def _connect(path: Path, *, still: bool = False) -> sqlite3.Connection:
    # mode=rw: never makes a file that is not there.
    mode = "mode=ro&immutable=1" if still else "mode=rw"
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{mode}", uri=True, isolation_level=None
    )


def _lend_mode(path: Path, fresh: Path) -> None:
    """Who could read and write the old file can do so with the new one."""
    if not path.exists():
        return
    old = path.stat()
    with suppress(OSError):  # only root gives files away
        os.chown(fresh, old.st_uid, old.st_gid)
    with suppress(OSError):  # not every file system knows modes
        fresh.chmod(stat.S_IMODE(old.st_mode))


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
