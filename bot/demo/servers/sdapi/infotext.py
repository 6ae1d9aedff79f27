"""The demo server's own writer and reader of the webui's infotext (contract, section 8).

Nothing here is shared with the bot, so that a picture made here is an independent witness.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_PAIR: Final = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE: Final = re.compile(r"^(\d+)x(\d+)$")
_NEGATIVE: Final = "Negative prompt:"
_FILLED_IN: Final[Mapping[str, Any]] = {
    "Clip skip": "1",
    "Hires resize-1": 0,
    "Hires resize-2": 0,
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Emphasis": "Original",
}


def write(prompt: str, negative: str, parameters: Mapping[str, Any]) -> str:
    """The text of the ``parameters`` chunk. None values are left out."""
    pairs = [
        key if key == value else f"{key}: {_quoted(value)}"
        for key, value in parameters.items()
        if value is not None
    ]
    lines = [prompt]
    if negative:
        lines.append(f"{_NEGATIVE} {negative}")
    lines.append(", ".join(pairs))
    return "\n".join(lines).strip()


def read(text: str) -> dict[str, Any]:
    """What the web UI's "PNG info" tab makes of a text; values stay strings.

    "Prompt" and "Negative prompt" are always there, defaults are filled in.
    """
    *lines, last = text.strip().split("\n")
    pairs = _PAIR.findall(last)
    if len(pairs) < 3:
        lines.append(last)
        pairs = []
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.update(_unpacked(key, value))
    found["Prompt"], found["Negative prompt"] = _prompts(lines)
    for key, default in _FILLED_IN.items():
        found.setdefault(key, default)
    return found


def _prompts(lines: list[str]) -> tuple[str, str]:
    sides = ["", ""]
    side = 0
    for raw in lines:
        line = raw.strip()
        if line.startswith(_NEGATIVE):
            side = 1
            line = line[len(_NEGATIVE) :].strip()
        sides[side] += line if not sides[side] else f"\n{line}"
    return sides[0], sides[1]


def _unpacked(key: str, value: str) -> dict[str, str]:
    if value.startswith('"') and value.endswith('"'):
        try:
            value = str(json.loads(value))
        except json.JSONDecodeError:
            return {key: value}
    size = _SIZE.match(value)
    if size:
        return {f"{key}-1": size[1], f"{key}-2": size[2]}
    return {key: value}


def _quoted(value: Any) -> str:
    text = str(value)
    if any(mark in text for mark in ",\n:"):
        return json.dumps(text, ensure_ascii=False)
    return text
