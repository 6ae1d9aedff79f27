"""`python -m bot …`: the words it takes, its exit codes, and migrate."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import app, theatre
from bot import check as check_room
from bot.__main__ import main
from bot.database.engine import lock
from bot.errors import DatabaseUnavailable
from bot.settings import Environment, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, none of Easel's variables, and the logs as before afterwards."""
    known = {name.upper() for name in Environment.model_fields}
    for name in list(os.environ):
        if name.upper().removesuffix("_FILE") in known:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    root, configuration = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield tmp_path
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the architect was asked for, instead of doing it."""
    calls: list[tuple[str, Any]] = []

    async def run(settings: Settings) -> int:
        calls.append(("run", settings))
        return 0

    async def check(_: Settings, *, as_json: bool, draw_into: Path | None) -> int:
        calls.append(("check", (as_json, draw_into)))
        return 1

    async def demo(chosen: Namespace, _: Settings) -> int:
        calls.append(("demo", chosen))
        return 0

    monkeypatch.setattr(app, "run", run)
    monkeypatch.setattr(check_room, "check", check)
    monkeypatch.setattr(theatre, "demo", demo)
    return calls


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["paint"],
        ["run", "--fast"],
        ["demo", "--only", "everything"],
        ["demo", "--port", "x"],
        ["check", "--out"],
    ],
)
def test_words_it_does_not_know_end_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["check", "--help"]])
def test_help_is_given(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0
    assert "python -m bot" in capsys.readouterr().out


def test_the_help_names_all_four_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert all(kind in told for kind in ("run", "demo", "check", "migrate"))


def test_run_hands_the_settings_to_the_architect(
    asked: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "tok.en")
    assert main(["run"]) == 0
    ((kind, settings),) = asked
    assert (kind, settings.token) == ("run", "tok.en")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (False, None)),
        (["--json"], (True, None)),
        (["--draw"], (False, Path("out"))),
        (["--draw", "--out", "here", "--json"], (True, Path("here"))),
        (["--out", "here"], (False, None)),
    ],
)
def test_check_draws_only_when_asked(
    words: list[str], expected: object, asked: list[tuple[str, Any]]
) -> None:
    assert main(["check", *words]) == 1
    assert asked == [("check", expected)]


def test_demo_takes_several_lines_and_folders(asked: list[tuple[str, Any]]) -> None:
    main(["demo", "--say", "/draw prompt:a", "--say", "press Again", "--out", "o", "--data", "d"])
    ((_, chosen),) = asked
    assert chosen.say == ["/draw prompt:a", "press Again"]
    assert (chosen.out, chosen.data, chosen.timeout) == (Path("o"), Path("d"), 120)
    assert (chosen.only, chosen.port, chosen.record) == (None, None, None)
    assert not chosen.no_browser


def test_a_demo_that_cannot_write_its_folder_says_what_to_do(
    asked: list[tuple[str, Any]], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "taken").write_text("no folder")
    for place in ("taken", "taken/deeper", "/proc/easel"):
        assert main(["demo", "--data", place]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"easel: --data: can't write in {place} (")
        assert line.endswith(
            "a folder that can be written, or leave --data out and nothing is kept"
        )
    assert asked == []


def test_a_wrong_setting_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEB_PORT", "eighty")
    assert main(["run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("easel: WEB_PORT:")


def test_a_database_that_is_away_is_one_line_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def locked(_: Settings) -> str:
        raise DatabaseUnavailable("easel.db: database is locked")

    monkeypatch.setattr(app, "migrate_only", locked)
    assert main(["migrate"]) == 1
    assert capsys.readouterr().err == "easel: easel.db: database is locked\n"


def test_ctrl_c_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupted(_: Settings) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", interrupted)
    assert main(["run"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "DISCORD_TOKEN is not set"),
        ({"DISCORD_TOKEN": "tok.en"}, "no image server is configured: set BACKEND_URL"),
    ],
)
def test_run_without_a_token_or_a_server_says_so_and_ends_with_2(
    variables: dict[str, str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert "tok.en" not in line


def test_migrate_twice(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert main(["migrate"]) == 0
    first = capsys.readouterr().out
    assert main(["migrate"]) == 0
    second = capsys.readouterr().out
    assert first.startswith("data/easel.db: schema none → ")
    assert second == f"data/easel.db: schema {first.split()[-1]}, nothing to do\n"
    with closing(sqlite3.connect(folder / "data" / "easel.db")) as file:
        assert file.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_migrate_makes_way_for_a_running_bot(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lock(folder / "data" / "easel.db"):
        assert main(["migrate"]) == 2
    assert "another Easel is running" in capsys.readouterr().err
    assert not (folder / "data" / "easel.db").exists()


def test_migrate_refuses_a_newer_schema_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["migrate"])
    with closing(sqlite3.connect(folder / "data" / "easel.db")) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
        file.commit()
    capsys.readouterr()
    assert main(["migrate"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "newer Easel (schema 9999" in line


def test_migrate_where_a_file_is_in_the_way(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "data").write_text("not a folder")
    assert main(["migrate"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("easel: DATABASE_URL: can't write in data (")


@pytest.mark.slow
def test_as_a_process_it_speaks_json_and_ends_with_its_code(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "check", "--json"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    findings = {f["part"]: f for f in json.loads(done.stdout)}
    assert not findings["discord"]["ok"]
    assert findings["database"]["ok"]
