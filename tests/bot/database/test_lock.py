"""One bot on one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.database.engine import lock
from bot.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
SECOND = """
import sys
from pathlib import Path
from bot.database.engine import lock
from bot.errors import ConfigurationError
try:
    lock(Path(sys.argv[1]))
except ConfigurationError as error:
    sys.exit(str(error))
"""


def test_the_lock_makes_the_folder_and_not_the_database(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data" / "easel.db"
    held = lock(path)
    assert held.is_locked
    assert path.parent.is_dir()
    assert not path.exists()
    held.release()


def test_a_second_bot_is_told_which_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    with lock(path), pytest.raises(ConfigurationError) as refusal:
        lock(path)
    told = str(refusal.value)
    assert told.startswith(f"DATABASE_URL: another Easel is running on {path}")
    assert "\n" not in told


def test_a_second_process_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    with lock(path):
        second = subprocess.run(
            [sys.executable, "-c", SECOND, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert "another Easel is running" in second.stderr


def test_released_it_can_be_taken_again(tmp_path: Path) -> None:
    lock(tmp_path / "easel.db").release()
    lock(tmp_path / "easel.db").release()


def test_two_files_in_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    with lock(tmp_path / "one.db"), lock(tmp_path / "two.db"):
        pass


def test_a_file_where_the_folder_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(ConfigurationError) as refusal:
        lock(tmp_path / "data" / "easel.db")
    told = str(refusal.value)
    assert told.startswith(f"DATABASE_URL: can't write in {tmp_path / 'data'} (")
    assert "make the folder writable" in told
    assert "\n" not in told
