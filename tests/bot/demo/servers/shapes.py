"""Compares an answer with a recorded one by its shape: keys and types, not values.

In a recording "…" stands for anything (as a key: for more keys), "<text>" for any string,
"<b64 N>" for N characters of base64, and ``{"<json>": …}`` for a string that holds JSON.
A null inside an answer says nothing of its type, and an empty list nothing of its items.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

MORE = "…"
JSON = "<json>"
_BASE64 = re.compile(r"^<b64 \d+>$")


def differences(recorded: Any, actual: Any, where: str = "") -> list[str]:
    """What is otherwise, one line each with the path that leads to it."""
    if recorded == MORE or (where and (recorded is None or actual is None)):
        return []
    if isinstance(recorded, dict):
        return _objects(recorded, actual, where)
    if isinstance(recorded, list):
        return _lists(recorded, actual, where)
    if isinstance(recorded, str) and _BASE64.match(recorded):
        return [] if _is_base64(actual) else [f"{where}: no base64"]
    if _type(recorded) != _type(actual):
        return [f"{where}: {_type(actual)} instead of {_type(recorded)}"]
    return []


def _objects(recorded: dict[str, Any], actual: Any, where: str) -> list[str]:
    if set(recorded) == {JSON}:
        if not isinstance(actual, str):
            return [f"{where}: {_type(actual)} instead of a JSON string"]
        return differences(recorded[JSON], json.loads(actual), f"{where}.{JSON}")
    if not isinstance(actual, dict):
        return [f"{where}: {_type(actual)} instead of an object"]
    found = [f"{where}.{key}: is missing" for key in recorded if key not in (*actual, MORE)]
    if MORE not in recorded:
        found += [f"{where}.{key}: was not recorded" for key in actual if key not in recorded]
    for key in recorded.keys() & actual.keys():
        found += differences(recorded[key], actual[key], f"{where}.{key}")
    return found


def _lists(recorded: list[Any], actual: Any, where: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{where}: {_type(actual)} instead of a list"]
    found: list[str] = []
    for index, item in enumerate(actual if recorded else ()):
        tries = [differences(row, item, f"{where}[{index}]") for row in recorded]
        nearest: list[str] = min(tries, key=len)
        found += nearest
    return found


def _type(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def _is_base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(base64.b64decode(value, validate=True)) > 0
    except binascii.Error:
        return False
