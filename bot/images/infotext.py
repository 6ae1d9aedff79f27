"""The grammar of infotext, the text that the web UI keeps inside its pictures.

A prompt, a negative prompt, and one last line of `key: value` pairs, as read and written by
AUTOMATIC1111's `parse_generation_parameters` and `create_infotext` (contract sdapi, section 8).
Both ways are linear in the length of the text: it comes from strangers' files.

What the format cannot carry: spaces at the ends of a prompt's lines, empty lines at its start, CR,
a prompt line that starts with `Negative prompt:`, and a text without a parameter line whose
last line looks like one. Of a parameter line this reader looks at 32 Ki characters.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

_NEGATIVE = "Negative prompt:"
# Fewer pairs than this and the last line belongs to the prompt.
_FEWEST_PAIRS = 3
# Real lines hold under a hundred pairs and a few thousand characters; more is not looked at, so
# that the line takes under 20 ms whatever a stranger's file holds.
_MOST_PAIRS = 1_000
_MOST_LINE_CHARACTERS = 32 * 1024
# stable-diffusion.cpp ends its line with `SDCPP: {json}`, unquoted, the prompt repeated inside.
_FOREIGN_TAIL = "SDCPP"

_KEY = re.compile(r"\w[\w \-/]+")
# Matched against reversed text: `re` cannot search backwards, and a forward search for
# `key:` is quadratic on a long line without a colon.
_KEY_BACKWARDS = re.compile(r"[\w \-/]*")
_FIRST_WORD = re.compile(r"\w")
_SPACES = re.compile(r"\s*")
_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"(?=,|$)')
_PLAIN = re.compile(r"[^,]*")
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
_INTEGER = re.compile(r"-?[0-9]{1,20}")

# The order in which web UI 1.10 writes its keys; others follow, then the two of `_LAST`.
KEY_ORDER = (
    "Steps",
    "Sampler",
    "Schedule type",
    "CFG scale",
    "Image CFG scale",
    "Seed",
    "Face restoration",
    "Size",
    "Model hash",
    "Model",
    "FP8 weight",
    "Cache FP16 weight for LoRA",
    "VAE hash",
    "VAE",
    "Variation seed",
    "Variation seed strength",
    "Seed resize from",
    "Denoising strength",
    "Conditional mask weight",
    "Clip skip",
    "ENSD",
    "Token merging ratio",
    "Token merging ratio hr",
    "Init image hash",
    "RNG",
    "Tiling",
)
_LAST = ("Version", "User")
_RANK = {key: rank for rank, key in enumerate(KEY_ORDER)} | {
    key: len(KEY_ORDER) + 1 + rank for rank, key in enumerate(_LAST)
}


@dataclass(frozen=True)
class Infotext:
    """One picture's infotext.

    `settings` keeps keys and values as they are written, in their order, values as strings
    (`"Size": "64x64"`, where the web UI makes `Size-1` and `Size-2` of it); no defaults are
    filled in. A key is two or more word characters, spaces, `-` or `/` and begins with a word
    character: anything else raises ValueError.
    """

    prompt: str
    negative_prompt: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.settings:
            if not _KEY.fullmatch(key):
                raise ValueError(f"not an infotext key: {key!r}")
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    @classmethod
    def parse(cls, text: str) -> Infotext:
        """Read an infotext the way the web UI does; any text is one, at worst all of it prompt.

        The first of two equal keys wins, and reading ends at `SDCPP:`, so nothing inside
        stable-diffusion.cpp's JSON can pass for a setting. A key without a value is left out.
        """
        *lines, last = text.strip().split("\n")
        pairs = list(islice(_pairs(last[:_MOST_LINE_CHARACTERS]), _MOST_PAIRS))
        if len(pairs) < _FEWEST_PAIRS:
            lines.append(last)
            pairs = []
        prompt, negative = _split_prompts(lines)
        return cls(prompt, negative, _settings(pairs))

    def render(self) -> str:
        """The text as it stands in a file: prompt, negative prompt, parameter line."""
        negative = f"\n{_NEGATIVE} {self.negative_prompt}" if self.negative_prompt else ""
        return f"{self.prompt}{negative}\n{_parameter_line(self.settings.items())}".strip()

    def shortened(self, limit: int) -> Infotext:
        """The same text in at most `limit` UTF-16 code units (what an EXIF comment counts).

        The prompts are cut at their ends, the longer one first; the parameter line stays whole
        unless it alone is too long, and then loses its last keys.
        """
        settings = dict(_fitting(self.settings, limit))
        room = limit - _units(_parameter_line(settings.items())) - len(f"\n{_NEGATIVE} \n")
        long, short = _units(self.prompt), _units(self.negative_prompt)
        kept = max(0, min(short, max(room // 2, room - long)))
        return Infotext(_cut(self.prompt, room - kept), _cut(self.negative_prompt, kept), settings)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels as asked for: with hires fix the picture is larger."""
        match = _SIZE.fullmatch(self.settings.get("Size", ""))
        return (int(match[1]), int(match[2])) if match else None

    @property
    def seed(self) -> int | None:
        return self._integer("Seed")

    @property
    def steps(self) -> int | None:
        return self._integer("Steps")

    @property
    def cfg_scale(self) -> float | None:
        try:
            scale = float(self.settings.get("CFG scale", ""))
        except ValueError:
            return None
        return scale if math.isfinite(scale) else None

    @property
    def sampler(self) -> str | None:
        return self.settings.get("Sampler")

    @property
    def scheduler(self) -> str | None:
        return self.settings.get("Schedule type")

    @property
    def model(self) -> str | None:
        """The checkpoint's name, without its hash."""
        return self.settings.get("Model")

    def _integer(self, key: str) -> int | None:
        value = self.settings.get(key, "")
        return int(value) if _INTEGER.fullmatch(value) else None


def build(prompt: str, negative_prompt: str, settings: Mapping[str, object]) -> str:
    """Our own infotext, for a picture whose server wrote none.

    Settings whose value is None are left out; the rest go in web UI 1.10's order, unknown keys
    after the known ones in the order given. Raises ValueError for an impossible key and for
    fewer than three settings: readers take a shorter line for a part of the prompt.
    """
    known = {key: str(value) for key, value in settings.items() if value is not None}
    if len(known) < _FEWEST_PAIRS:
        raise ValueError(f"an infotext needs {_FEWEST_PAIRS} settings, not {len(known)}")
    ordered = sorted(known, key=lambda key: _RANK.get(key, len(KEY_ORDER)))
    text = Infotext(
        prompt.replace("\r\n", "\n"),
        negative_prompt.replace("\r\n", "\n"),
        {key: known[key] for key in ordered},
    )
    return text.render()


def _split_prompts(lines: Iterable[str]) -> tuple[str, str]:
    """All lines above the parameter line, as prompt and negative prompt."""
    prompt: list[str] = []
    negative: list[str] = []
    current = prompt
    for raw in lines:
        line = raw.strip()
        if line.startswith(_NEGATIVE):
            current = negative
            line = line.removeprefix(_NEGATIVE).strip()
        if line or current:  # empty lines before the first word are not kept
            current.append(line)
    return "\n".join(prompt), "\n".join(negative)


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """The pairs of a line, values undecoded, each character looked at a bounded number of times.

    What the web UI's pattern `\\s*(\\w[\\w \\-/]+):\\s*("(?:\\\\.|[^\\\\"])+"|[^,]*)(?:,|$)` finds,
    without its quadratic search for a key.
    """
    position = 0
    while (colon := line.find(":", position)) >= 0:
        key = _key_before(line[position:colon])
        if key is None:
            position = colon + 1
            continue
        start = _end(_SPACES.match(line, colon + 1))
        quoted = _QUOTED.match(line, start)
        end = quoted.end() if quoted else _end(_PLAIN.match(line, start))
        yield key, line[start:end]
        position = end + 1


def _key_before(text: str) -> str | None:
    """The longest key that ends where `text` ends, just before a colon."""
    run = text[len(text) - _end(_KEY_BACKWARDS.match(text[::-1])) :]
    first = _FIRST_WORD.search(run)
    if first is None or first.start() > len(run) - 2:
        return None
    return run[first.start() :]


def _end(match: re.Match[str] | None) -> int:
    """Where a match ends; for patterns that match anything, if only the empty string."""
    return match.end() if match else 0


def _settings(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for key, raw in pairs:
        if key == _FOREIGN_TAIL:
            break
        if raw:
            settings.setdefault(key, _unquote(raw))
    return settings


def _unquote(raw: str) -> str:
    """A value in quotes is a JSON string; one that is not valid JSON stays as it is."""
    if not (raw.startswith('"') and raw.endswith('"')):
        return raw
    try:
        return str(json.loads(raw))
    except ValueError:
        return raw


def _parameter_line(settings: Iterable[tuple[str, str]]) -> str:
    # The web UI writes a bare `key` when the value equals it, and no reader finds it again;
    # `key: key` is as valid and comes back.
    return ", ".join(f"{key}: {_quote(value)}" for key, value in settings)


def _quote(value: str) -> str:
    """Quoted where the web UI's writer does, and where its reader would change a bare value."""
    needs_quotes = (
        any(mark in value for mark in ",\n:")
        or value != value.strip()
        or not value
        or value.startswith('"')
    )
    return json.dumps(value, ensure_ascii=False) if needs_quotes else value


def _fitting(settings: Mapping[str, str], limit: int) -> Iterator[tuple[str, str]]:
    """The first settings that together fit into a line of `limit` UTF-16 code units."""
    used = 0
    for key, value in settings.items():
        used += _units(f"{key}: {_quote(value)}, ")
        if used > limit:
            return
        yield key, value


def _units(text: str) -> int:
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


def _cut(text: str, units: int) -> str:
    """`text` itself or its first `units` UTF-16 code units, never half a character."""
    if _units(text) <= units:
        return text
    data = text.encode("utf-16-be", "surrogatepass")[: 2 * max(0, units)]
    return data.decode("utf-16-be", "ignore").rstrip()
