"""The stand-in answers as the real servers were recorded: same status, same shape.

A folder of ``tests/recordings`` is one version of one server: ``server.json`` says which kind
plays it, every other file holds exchanges and says where they are from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.demo.servers.sdapi import KINDS
from tests.bot.demo.servers.replay import load, replay
from tests.bot.demo.servers.shapes import differences

RECORDINGS = Path(__file__).parents[3] / "recordings"


def _files() -> list[Path]:
    """Recordings that a kind of ours plays; an operator's own of another server are passed over."""
    return [
        path
        for server in sorted(RECORDINGS.glob("*/*/server.json"))
        if load(server).get("kind") in KINDS
        for path in sorted(server.parent.glob("*.json"))
        if path != server
    ]


def _name(path: Path) -> str:
    return "-".join((*path.parts[-3:-1], path.stem))


def test_there_are_recordings_and_each_says_where_it_is_from() -> None:
    assert {path.parts[-3] for path in _files()} >= {"a1111", "forge", "sdcpp", "sdnext"}
    for path in _files():
        recording = load(path)
        assert recording["source"], path
        assert recording["exchanges"], path


@pytest.mark.parametrize("path", _files(), ids=_name)
async def test_the_stand_in_answers_as_it_was_recorded(path: Path) -> None:
    assert await replay(path) == []


@pytest.mark.parametrize(
    ("recorded", "actual", "wrong"),
    [
        ({"a": 1, "b": None}, {"a": 2.5, "b": "x"}, 0),
        ({"a": 1}, {"a": True}, 1),
        ({"a": 1}, {"a": 1, "b": 2}, 1),
        ({"a": 1, "…": "…"}, {"a": 1, "b": 2}, 0),
        ({"a": 1, "b": 2}, {"a": 1}, 1),
        ({"info": {"<json>": {"seed": 1}}}, {"info": '{"seed": "1"}'}, 1),
        ([{"a": 1}, {"b": 1}], [{"b": 2}, {"a": 2}, {"c": 2}], 2),
        ({"images": ["<b64 12>"]}, {"images": ["not base64!"]}, 1),
        (None, {}, 1),
    ],
)
def test_shapes_are_told_apart(recorded: Any, actual: Any, wrong: int) -> None:
    assert len(differences(recorded, actual)) == wrong
