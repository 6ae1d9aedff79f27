"""An empty folder and an environment without any of Easel's variables: this machine's stay out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.settings import Environment


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a test; nothing is set in it."""
    known = {name.upper() for name in Environment.model_fields}
    for name in list(os.environ):
        if name.upper().removesuffix("_FILE") in known:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
