"""A database file of any age becomes this version's, or is left exactly as it was."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bot.database import migrate as room
from bot.database.migrate import migrate
from bot.database.tables import metadata
from bot.errors import ConfigurationError, SchemaTooNew

FOLLOWING = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("extra", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("INSERT INTO facts (name, value) VALUES ('moved', 'in')")
    {rest}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "easel.db"


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What another program reads in the file."""
    with closing(sqlite3.connect(path)) as file:
        return list(file.execute(query))


def change(path: Path, statement: str) -> None:
    """What another program writes into the file."""
    with closing(sqlite3.connect(path)) as file:
        file.execute(statement)
        file.commit()


def tables(path: Path) -> set[object]:
    """The tables of a file."""
    return {name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def copies(path: Path) -> list[Path]:
    """The copies beside a file."""
    return sorted(path.parent.glob("*.before-*"))


def next_version(path: Path, monkeypatch: pytest.MonkeyPatch, rest: str = "") -> str:
    """Plays an Easel that is one migration ahead; returns the schema before it."""
    head = migrate(path).after
    folder = path.parent / "migrations"
    shutil.copytree(room._SCRIPTS, folder)
    (folder / "versions" / "9000_next.py").write_text(FOLLOWING.format(head=head, rest=rest))
    monkeypatch.setattr(room, "_SCRIPTS", folder)
    return head


def test_a_new_file_gets_all_tables_and_no_copy(path: Path) -> None:
    done = migrate(path)
    assert (done.before, done.copy) == (None, None)
    assert tables(path) >= {"jobs", "pictures", "facts"}
    assert rows(path, "SELECT version_num FROM alembic_version") == [(done.after,)]


def test_a_second_time_there_is_nothing_to_do(path: Path) -> None:
    first = migrate(path)
    change(path, "INSERT INTO facts VALUES ('kept', 'yes')")
    second = migrate(path)
    assert (second.before, second.after, second.copy) == (first.after, first.after, None)
    assert rows(path, "SELECT * FROM facts") == [("kept", "yes")]
    assert copies(path) == []


def test_the_migrations_lead_to_the_tables_of_the_code(path: Path) -> None:
    migrate(path)
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == [], "bot/database/tables.py has moved on"
    engine.dispose()


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_those_beside_it_are_for_their_owners_eyes_alone(path: Path) -> None:
    migrate(path)
    with closing(sqlite3.connect(path)) as bot:
        bot.execute("PRAGMA journal_mode=WAL")
        bot.execute("INSERT INTO facts VALUES ('in', 'the WAL')")
        bot.commit()
        beside = sorted(path.parent.glob("easel.db*"))
        assert [file.name for file in beside] == ["easel.db", "easel.db-shm", "easel.db-wal"]
        assert [mode(file) for file in beside] == [0o600] * 3


def test_a_file_of_the_operators_own_mode_keeps_it_and_lends_it_to_its_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_version(path, monkeypatch)
    path.chmod(0o640)
    done = migrate(path)
    assert done.copy is not None
    assert (mode(path), mode(done.copy)) == (0o640, 0o640)


def test_a_start_that_broke_off_before_the_first_table_is_no_matter(path: Path) -> None:
    path.touch()
    migrate(path)
    (vacuum,) = rows(path, "PRAGMA auto_vacuum")
    assert vacuum == (2,), "delivered pictures give their space back"


def test_an_interaction_has_one_row_and_a_job_takes_its_pictures_along(path: Path) -> None:
    migrate(path)
    (unique,) = rows(path, "SELECT sql FROM sqlite_master WHERE name = 'jobs'")
    assert "UNIQUE (interaction_id)" in str(unique[0])
    (link,) = rows(path, "PRAGMA foreign_key_list(pictures)")
    assert (link[2], link[6]) == ("jobs", "CASCADE")


def test_an_older_file_is_copied_first_and_keeps_its_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = next_version(path, monkeypatch)
    change(path, "INSERT INTO facts VALUES ('kept', 'yes')")
    done = migrate(path)
    assert (done.before, done.after) == (head, "9000")
    assert rows(path, "SELECT * FROM facts") == [("kept", "yes"), ("moved", "in")]
    assert done.copy is not None
    assert "extra" not in tables(done.copy)
    assert rows(done.copy, "SELECT * FROM facts") == [("kept", "yes")]
    assert rows(done.copy, "SELECT version_num FROM alembic_version") == [(head,)]


def test_the_copy_is_whole_while_pages_still_wait_beside_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_version(path, monkeypatch)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("INSERT INTO facts VALUES ('only', 'in the WAL')")
        writer.commit()
        done = migrate(path)
    assert done.copy is not None
    assert rows(done.copy, "SELECT * FROM facts") == [("only", "in the WAL")]


def test_a_newer_file_is_refused_in_one_line_and_not_touched(path: Path) -> None:
    migrate(path)
    change(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew) as refusal:
        migrate(path)
    told = str(refusal.value)
    assert told.startswith(f"DATABASE_URL: {path} was written by a newer Easel (schema 9999")
    assert "\n" not in told
    assert path.read_bytes() == before
    assert copies(path) == []


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = next_version(path, monkeypatch, 'op.execute("SELECT * FROM nowhere")')
    with pytest.raises(ConfigurationError):
        migrate(path)
    assert rows(path, "SELECT version_num FROM alembic_version") == [(head,)]
    assert "extra" not in tables(path)


def test_the_copy_survives_a_restart_after_a_migration_that_failed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_version(path, monkeypatch, 'op.execute("SELECT * FROM nowhere")')
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            migrate(path)
    assert any("extra" not in tables(copy) for copy in copies(path))


def test_a_copy_that_cannot_be_made_is_one_line_and_nothing_is_migrated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = next_version(path, monkeypatch)
    path.with_name(f"{path.name}.before-{head}").mkdir()
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        migrate(path)
    assert rows(path, "SELECT version_num FROM alembic_version") == [(head,)]


def test_the_folder_is_made_when_it_is_missing(tmp_path: Path) -> None:
    assert migrate(tmp_path / "data" / "easel.db").before is None


def test_a_file_that_is_no_database_is_one_line(path: Path) -> None:
    path.write_bytes(b"these are not the pages of a database" * 100)
    with pytest.raises(ConfigurationError) as refusal:
        migrate(path)
    assert str(refusal.value).startswith(f"DATABASE_URL: can't use {path} (")
    assert "\n" not in str(refusal.value)


def test_a_folder_in_the_files_place_is_one_line(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ConfigurationError, match="DATABASE_URL: can't use"):
        migrate(path)
