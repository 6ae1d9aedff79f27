"""A copy made while others write is whole; the way back loses nothing and trusts nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bot import __main__ as program
from bot.database.backup import backup, restore
from bot.database.engine import lock
from bot.database.migrate import migrate
from bot.errors import ConfigurationError, SchemaTooNew


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one fact in it."""
    where = tmp_path / "easel.db"
    migrate(where)
    write(where, "first")
    return where


def write(path: Path, name: str) -> None:
    """One fact, as the bot writes it."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("INSERT INTO facts VALUES (?, 'x')", (name,))
        file.commit()


def names(path: Path) -> list[str]:
    """The names of all facts."""
    with closing(sqlite3.connect(path)) as file:
        return [name for (name,) in file.execute("SELECT name FROM facts ORDER BY name")]


def files(path: Path) -> set[str]:
    """What lies in the folder."""
    return {found.name for found in path.parent.iterdir()}


def test_a_backup_holds_what_still_lies_in_the_wal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as bot:
        bot.execute("PRAGMA journal_mode=WAL")
        bot.execute("PRAGMA wal_autocheckpoint=0")
        bot.execute("INSERT INTO facts VALUES ('second', 'x')")
        bot.commit()
        made = backup(path, path.with_name("copy.db"))
    assert names(made.path) == ["first", "second"]
    assert made.size == made.path.stat().st_size
    assert made.schema == migrate(path).after
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600


def test_a_backup_ends_while_the_bot_writes_all_the_time_and_blocks_no_write(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("INSERT INTO facts VALUES ('large', zeroblob(50000000))")
        file.commit()
    enough = threading.Event()

    def bot() -> None:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as own:
            n = 0
            while not enough.is_set():
                n += 1
                own.execute("INSERT INTO facts VALUES (?, 'x')", (f"n{n}",))  # never locked

    failures: list[BaseException] = []
    writer = threading.Thread(target=lambda: _caught(bot, failures))
    writer.start()
    try:
        made = backup(path, path.with_name("copy.db"))
    finally:
        enough.set()
        writer.join()
    assert failures == []
    assert "large" in names(made.path)


def _caught(work: object, failures: list[BaseException]) -> None:
    try:
        work()  # type: ignore[operator]
    except BaseException as error:
        failures.append(error)


def test_a_backup_overwrites_nothing(path: Path) -> None:
    target = path.with_name("copy.db")
    target.write_text("precious")
    with pytest.raises(ConfigurationError, match="exists: choose a new name"):
        backup(path, target)
    assert target.read_text() == "precious"


def test_a_backup_of_nothing_or_into_nowhere_is_a_clear_word(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no database at"):
        backup(path.with_name("none.db"), path.with_name("copy.db"))
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        backup(path, path.parent / "nowhere" / "copy.db")


def test_a_restore_brings_the_backup_and_keeps_the_old_file(path: Path) -> None:
    made = backup(path, path.with_name("copy.db"))
    write(path, "later")
    done = restore(made.path, path)
    assert names(path) == ["first"]
    assert done.before is not None
    assert done.before.name == "easel.db.before-restore"
    assert names(done.before) == ["first", "later"]
    again = restore(made.path, path)
    assert again.before is not None
    assert again.before.name == "easel.db.before-restore-2"
    assert names(done.before) == ["first", "later"]


def test_a_crashed_bots_wal_does_not_leak_into_what_is_restored(path: Path) -> None:
    made = backup(path, path.with_name("copy.db"))
    with closing(sqlite3.connect(path)) as bot:
        bot.execute("PRAGMA wal_autocheckpoint=0")
        bot.execute("INSERT INTO facts VALUES ('late', 'x')")
        bot.commit()
        crashed = {s: path.with_name(path.name + s).read_bytes() for s in ("-wal", "-shm")}
        main = path.read_bytes()
    path.write_bytes(main)
    for side, data in crashed.items():
        path.with_name(path.name + side).write_bytes(data)
    done = restore(made.path, path)
    assert names(path) == ["first"]
    assert done.before is not None
    assert names(done.before) == ["first", "late"]


def test_a_restore_mends_a_damaged_file_and_one_that_is_gone(path: Path) -> None:
    made = backup(path, path.with_name("copy.db"))
    path.write_bytes(b"not a database" * 1000)
    assert restore(made.path, path).before is not None
    assert names(path) == ["first"]
    path.unlink()
    assert restore(made.path, path).before is None
    assert names(path) == ["first"]


def test_what_is_not_whole_or_not_ours_is_not_restored(path: Path, tmp_path: Path) -> None:
    made = backup(path, path.with_name("copy.db"))
    data = bytearray(made.path.read_bytes())
    data[2 * 4096 : 9 * 4096] = b"\xff" * (7 * 4096)
    bad = tmp_path / "bad.db"
    for content in (bytes(data), b"junk" * 5000, b""):
        bad.write_bytes(content)
        before = files(path)
        with pytest.raises(ConfigurationError, match=r"bad\.db"):
            restore(bad, path)
        assert names(path) == ["first"]
        read = {"bad.db-wal", "bad.db-shm"}  # a reader of a file in WAL mode makes them
        assert files(path) - read == before - read
    with pytest.raises(ConfigurationError, match="there is no file"):
        restore(tmp_path / "none.db", path)
    with pytest.raises(ConfigurationError, match="the database itself"):
        restore(path, path)


def test_a_backup_is_one_file_that_needs_none_beside_it(path: Path) -> None:
    """In WAL mode it could not be read where nothing can be written, as on a read-only volume."""
    made = backup(path, path.with_name("copy.db"))
    header = made.path.read_bytes()[:20]
    assert header[18:20] == b"\x01\x01", "sqlite.org/fileformat2.html#file_format_version_numbers"
    assert files(path) == {"easel.db", "copy.db"}


def in_wal_mode(path: Path) -> Path:
    """A backup as it once was, where SQLite can make no file beside it.

    A link to nowhere in the place of one stands for a read-only volume: root is refused, too.
    """
    old = backup(path, path.with_name("copy.db")).path
    with closing(sqlite3.connect(old)) as file:
        file.execute("PRAGMA journal_mode=WAL")
    path.with_name("copy.db-shm").symlink_to("nowhere/copy.db-shm")
    return old


def test_an_older_backup_on_a_read_only_volume_is_restored(path: Path) -> None:
    old = in_wal_mode(path)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        names(old)
    write(path, "later")
    restore(old, path)
    assert names(path) == ["first"]


def test_what_would_be_missed_on_a_read_only_volume_is_not_restored(path: Path) -> None:
    old = in_wal_mode(path)
    path.with_name("copy.db-wal").write_bytes(b"pages that are not in the file")
    with pytest.raises(ConfigurationError) as refusal:
        restore(old, path)
    assert "a part of it lies in copy.db-wal" in str(refusal.value)
    assert "copy both into a folder that can be written" in str(refusal.value)
    assert names(path) == ["first"]


def test_why_a_file_cannot_be_read_is_said(path: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"junk" * 5000)
    with pytest.raises(ConfigurationError, match=r"bad\.db can't be read .* \(file is not a data"):
        restore(bad, path)


def test_a_restore_keeps_the_mode_of_the_file(path: Path) -> None:
    made = backup(path, path.with_name("copy.db"))
    for mode in (0o640, 0o600):
        path.chmod(mode)
        done = restore(made.path, path)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert done.before is not None
        assert stat.S_IMODE(done.before.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_restores_still_belongs_to_whom_it_did(path: Path) -> None:
    made = backup(path, path.with_name("copy.db"))
    os.chown(path, 12345, 12346)
    restore(made.path, path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_a_newer_schema_is_not_restored(path: Path) -> None:
    made = backup(path, path.with_name("copy.db"))
    with closing(sqlite3.connect(made.path)) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
        file.commit()
    with pytest.raises(SchemaTooNew, match=r"copy\.db was written by a newer Easel"):
        restore(made.path, path)
    assert names(path) == ["first"]


def test_the_commands(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    held = lock(path)
    assert program.main(["backup", "copy.db"]) == 0  # a bot that runs does not matter
    assert "copy.db: 0.1 MiB, schema 00" in capsys.readouterr().out
    write(path, "later")
    assert program.main(["restore", "copy.db"]) == 2
    assert "another Easel is running" in capsys.readouterr().err
    held.release()
    assert program.main(["restore", "copy.db"]) == 0
    assert "the old file is easel.db.before-restore" in capsys.readouterr().out
    assert names(path) == ["first"]
    assert program.main(["backup", "copy.db"]) == 2
    assert capsys.readouterr().err == "easel: copy.db exists: choose a new name\n"
