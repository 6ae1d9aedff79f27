"""What an always-on script adds to a job, and what it is told of it.

A script that raises is never an error to the client: the web UI's script runner writes a line
to its console and goes on without it (``ScriptRunner.process`` in A1111's modules/scripts.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.demo.servers.sdapi.detection import Guide


class Trouble(Exception):
    """Raised inside a script; never leaves it."""


@dataclass(frozen=True)
class Job:
    """``source`` is the first init image of an img2img, encoded; ``checkpoint`` a model's name."""

    source: bytes | None
    fit: str
    checkpoint: str


@dataclass(frozen=True)
class Staged:
    """``extra`` goes into the infotext, ``guides`` and ``faces`` to the painter.

    ``maps`` are appended to the pictures, with hires in both sizes, the large one first if
    ``large_first``.
    """

    extra: dict[str, Any] = field(default_factory=dict)
    guides: tuple[Guide, ...] = ()
    maps: tuple[Guide, ...] = ()
    faces: tuple[str, ...] = ()
    large_first: bool = False


Run = Callable[[Sequence[Any], Job], Staged]


@dataclass(frozen=True)
class Script:
    """``room``: so many arguments its page has, and the API drops what is beyond them."""

    run: Run
    room: int
