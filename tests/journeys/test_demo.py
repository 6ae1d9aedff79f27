"""The two commands of README, as processes: the page's demo and `--say`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def _demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("BACKEND_", "DISCORD_"))}
    # A `.env` of a real bot lies about: the demo has its own token and database all the same.
    (folder / ".env").write_text("DISCORD_TOKEN=a.real.token\nALLOWED_GUILD_IDS=1\n")
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", *arguments],
        cwd=folder,
        env=own | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _draw(line: str) -> None:
    """A picture is being drawn on the page that `line` names."""
    url = line.split("at ")[1].split(maxsplit=1)[0]
    options = [
        {"name": "prompt", "type": 3, "value": "a slow tree"},
        {"name": "steps", "type": 4, "value": 100},
    ]
    data = {"name": "draw", "type": 1, "options": options}
    asked = {"user": "ada", "channel": "easel", "type": 2, "data": data}
    body = json.dumps(asked).encode()
    request = urllib.request.Request(
        f"{url}page/interactions", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["outcome"] == "message"
    time.sleep(1)


def test_say_plays_the_lines_saves_the_pictures_and_tells_how_it_went(tmp_path: Path) -> None:
    lines = ["/draw prompt:a maltese puppy steps:5 seed:7 width:128 height:128", "press Again"]
    say = [word for line in lines for word in ("--say", line)]
    record = tmp_path / "session.jsonl"
    demo = _demo(tmp_path, *say, "--out", "out", "--record", str(record))
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, output
    assert "a maltese puppy" in output
    saved = sorted((tmp_path / "out").glob("*.png"))
    assert len(saved) == 2
    assert "Seed: 7," in Image.open(saved[0]).text["parameters"]  # type: ignore[attr-defined]
    transcript = json.loads((tmp_path / "out" / "transcript.json").read_text())
    assert [line["ok"] for line in transcript["lines"]] == [True, True]
    assert any('"INTERACTION_CREATE"' in line for line in record.read_text().splitlines())


def test_a_line_that_fails_is_exit_code_1(tmp_path: Path) -> None:
    demo = _demo(tmp_path, "--say", "/draw prompt:x sampler:nothing like it")
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "There is no sampler called" in output


def test_ctrl_c_stops_all_parts_within_five_seconds(tmp_path: Path) -> None:
    demo = _demo(tmp_path, "--no-browser", "--data", "kept")
    assert demo.stdout is not None
    with demo.stdout as told:
        while "http://127.0.0.1:" not in (line := told.readline()):
            assert line, "the demo ended before it told its URL"
    parts = psutil.Process(demo.pid).children(recursive=True)
    assert len([p for p in parts if "--only" in p.cmdline()]) == 3
    _draw(line)
    began = time.monotonic()
    demo.send_signal(signal.SIGINT)
    demo.wait(10)
    assert time.monotonic() - began < 5
    assert demo.returncode == 0
    gone, alive = psutil.wait_procs(parts, timeout=3)
    assert not alive, f"left behind: {alive}; gone: {gone}"
    assert (tmp_path / "kept" / "easel.db").is_file()
