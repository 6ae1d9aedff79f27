"""Reading: what one picture says about how it was made, in the web UI's words.

Whatever program wrote it, a Reading has infotext's key names (contract sdapi, section 8), so
that one card can show it and one parser can draw it again. The small helpers here keep foreign
values harmless: strings whole, numbers finite, JSON never deeper than Python's reader.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bot.images.infotext import Infotext
from bot.images.webui_names import sampler_of, scheduler_of

LONGEST_VALUE = 500
"""Characters of one setting; names of models and samplers are far shorter."""

_MODEL_FILE = re.compile(r"\.(safetensors|ckpt|pth?|sft|gguf|bin)$", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What a picture tells. `origin` is the program's own name ("A1111", "ComfyUI" …).

    `settings` has infotext's keys ("Steps", "Sampler", "Schedule type", "CFG scale", "Seed",
    "Size", "Model", "Denoising strength" …) and string values; what the picture does not say is
    missing. `raw` is the text as it stood in the file, at most 1 MiB.
    """

    origin: str
    prompt: str = ""
    negative_prompt: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    @property
    def infotext(self) -> Infotext:
        """The same as Infotext, whose `seed`, `size`, `steps` … are typed."""
        return Infotext(self.prompt, self.negative_prompt, self.settings)


def json_object(text: object) -> dict[str, Any]:
    """The JSON object in `text`; empty for anything else, however broken or deep."""
    if not isinstance(text, str) or text.lstrip()[:1] != "{":
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """A string without NUL, CR, half characters and outer spaces; empty for other types."""
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-8", "ignore").decode("utf-8")
    return whole.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").strip()


def word_of(value: object) -> str:
    """A setting's value in one line: numbers as people write them, empty for what is none."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        # Python refuses to print integers of more than 4,300 digits.
        return str(value) if abs(value) < 10**30 else ""
    if isinstance(value, float):
        return _number(value) if math.isfinite(value) else ""
    return " ".join(text_of(value).split())[:LONGEST_VALUE]


def size_of(width: object, height: object) -> str:
    """`WxH`, or empty unless both are whole numbers of one to six digits."""
    sides = [word_of(side) for side in (width, height)]
    if all(re.fullmatch(r"[1-9][0-9]{0,5}", side) for side in sides):
        return "x".join(sides)
    return ""


def model_of(value: object) -> str:
    """A checkpoint's name without folders and the file's ending."""
    return _MODEL_FILE.sub("", re.split(r"[\\/]", word_of(value))[-1])


def settings_of(
    pairs: Iterable[tuple[str, object]], *, sampler: object = None, scheduler: object = None
) -> dict[str, str]:
    """Settings in infotext's order, unknown values left out, names in the web UI's spelling."""
    name, schedule = sampler_of(word_of(sampler))
    known = {key: word_of(value) for key, value in pairs}
    named = {
        "Steps": known.pop("Steps", ""),
        "Sampler": name,
        "Schedule type": scheduler_of(word_of(scheduler)) or schedule,
    }
    return {key: value for key, value in (named | known).items() if value}


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 10**15 else f"{value:.6g}"
