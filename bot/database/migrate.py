"""Brings a database file to this version's schema, with a copy of it made first.

Runs before the bot's own connection is opened, in a thread (Alembic is not asynchronous).
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bot.errors import ConfigurationError, SchemaTooNew

_SCRIPTS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Migrated:
    """What happened: the revisions before and after, and the copy, if one was made."""

    before: str | None
    after: str
    copy: Path | None


def migrate(path: Path) -> Migrated:
    """Upgrades the SQLite file at `path`; makes it, and its folder, when they are missing.

    A new file can be read by its owner alone, and so can what SQLite makes beside it. The caller
    holds the lock (`bot.database.engine.lock`). Raises SchemaTooNew when a newer Easel wrote the
    file, ConfigurationError when the file or folder cannot be written.
    """
    config, head = _config()
    if path.exists() and not os.access(path, os.W_OK):
        # Before SQLite opens it: the files that it makes beside would be as read-only.
        raise _unusable(path, PermissionError("it can only be read"))
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            new_file(path)
        if not path.stat().st_size:
            event.listen(engine, "connect", _on_first_connect)
        with engine.connect() as connection:
            before = _revision(connection, path)
            if before == head:
                return Migrated(before, head, None)
            copy = _copy(path, before) if before is not None else None
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            return Migrated(before, head, copy)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error
    finally:
        engine.dispose()


def inspect(path: Path, *, immutable: bool = False) -> str | None:
    """The schema of an existing file, which is only read. Raises what `migrate` would.

    `immutable`: nobody changes it meanwhile and nothing lies beside it, so that it can be read
    where no file can be made.
    """
    how = "mode=ro&immutable=1" if immutable else "mode=ro"
    engine = create_engine(f"sqlite:///file:{quote(str(path))}?{how}&uri=true", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return _revision(connection, path)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error
    finally:
        engine.dispose()


def new_file(path: Path, mode: int = 0o600) -> None:
    """Makes an empty file for its owner alone: what members wrote is nobody else's to read.

    Raises FileExistsError, or another OSError when it can't be made.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))


def _config() -> tuple[Config, str]:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    head = ScriptDirectory.from_config(config).get_current_head()
    if head is None:
        raise ConfigurationError("the migrations folder is empty: the installation is broken")
    return config, head


def _revision(connection: Connection, path: Path) -> str | None:
    """The file's revision. Raises SchemaTooNew when this version does not know it."""
    found = MigrationContext.configure(connection).get_current_revision()
    config, head = _config()
    known = {s.revision for s in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaTooNew(
            f"DATABASE_URL: {path} was written by a newer Easel (schema {found}, "
            f"this one knows {head}): update Easel, or restore the copy made before"
        )
    return found


def _unusable(path: Path, error: Exception) -> ConfigurationError:
    reason = error.orig if isinstance(error, DBAPIError) else error
    return ConfigurationError(
        f"DATABASE_URL: can't use {path} ({reason}): check that the folder exists, "
        "can be written, and has space"
    )


def _on_connect(connection: sqlite3.Connection, _: object) -> None:
    # The driver would commit each statement of a migration by itself.
    connection.isolation_level = None


def _on_first_connect(connection: sqlite3.Connection, _: object) -> None:
    # Only before the first table: delivered pictures shall be able to give their space back.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _copy(path: Path, before: str) -> Path:
    """A copy made by SQLite's own backup, which is whole even with a WAL beside the file."""
    target = path.with_name(f"{path.name}.before-{before}")
    if not target.exists():  # of a migration that failed
        new_file(target, stat.S_IMODE(path.stat().st_mode))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as sink:
        source.backup(sink)
    return target
