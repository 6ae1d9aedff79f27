"""The option `extra`: what is too rare for an option of its own, as `key: value` pairs.

The keys are infotext's, so a line copied from a picture's PNG info works as it is. Only what
stands in the list below is taken, each value with its type and bounds: nothing that a member
types reaches a server unseen. Names (an upscaler, a VAE …) are bounded here and found in the
server's own lists by whoever uses them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from bot.errors import BadOption, UnknownName
from bot.studio.search import nearest, same
from bot.values.request import PROMPT_LIMIT, SEED_LIMIT

ExtraValue = str | int | float | bool

OPTION = "extra"
LONGEST = 2 * PROMPT_LIMIT
"""Characters of the whole option."""
LONGEST_NAME = 200
"""Characters of an upscaler's, VAE's … name."""

_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_KEY = re.compile(r"[^,:\n]*")
_PLAIN = re.compile(r"[^,\n]*")
_SPACES = re.compile(r"\s*")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def parse_extra(text: str) -> dict[str, ExtraValue]:
    """`"hires steps: 10, VAE: \\"a, b\\""` as `{"Hires steps": 10, "VAE": "a, b"}`.

    Pairs are separated by commas or line breaks; a value with one of `, :` is quoted as infotext
    quotes (JSON), though a `:` alone is taken bare, too. Case and punctuation of keys do not
    matter; the keys of the result are spelt as in KEYS. Raises BadOption of "extra" for text
    that is no pair, an unknown key (with the nearest three), one that has an option of its own,
    one given twice, and a value of the wrong type or out of bounds.
    """
    if len(text) > LONGEST:
        raise BadOption(OPTION, f"`extra` has {len(text)} characters; at most {LONGEST} are read.")
    found: dict[str, ExtraValue] = {}
    for written, raw in _pairs(text):
        key = _key(written)
        if key in found:
            raise BadOption(OPTION, f"`{key}` stands there twice.")
        found[key] = _READERS[key](key, raw)
    return found


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Keys and values as written, values without their quotes. Raises BadOption."""
    at = 0
    while at < len(text):
        end = _end(_KEY.match(text, at))
        key = text[at:end].strip()
        if text[end : end + 1] == ":":
            value, at = _value(text, end + 1, key)
            yield key, value
        elif key:
            raise BadOption(OPTION, f"`{_short(key)}` has no value. Write `key: value`.")
        else:  # a comma too many
            at = end + 1


def _value(text: str, start: int, key: str) -> tuple[str, int]:
    """The value that begins near `start`, and where the next pair begins. Raises BadOption."""
    start = _end(_SPACES.match(text, start))
    if not text.startswith('"', start):
        end = _end(_PLAIN.match(text, start))
        value = text[start:end].strip()
    else:
        quoted = _QUOTED.match(text, start)
        end = _end(_SPACES.match(text, _end(quoted)))
        if quoted is None or text[end : end + 1] not in ("", ","):
            raise BadOption(OPTION, f"The quotes around the value of `{_short(key)}` are wrong.")
        try:
            # Typed line breaks are as good as escaped ones.
            value = str(json.loads(quoted[0], strict=False))
        except ValueError as error:
            raise BadOption(
                OPTION, f"The quotes around the value of `{_short(key)}` are wrong."
            ) from error
    if not value.strip():
        raise BadOption(OPTION, f"`{_short(key)}` has no value. Write `key: value`.")
    return value, end + 1


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _key(written: str) -> str:
    if not written:
        raise BadOption(OPTION, "A `:` stands there without a key. Write `key: value`.")
    key = same(written, _SPELLINGS)
    if key is not None:
        return key
    own = same(written, _OWN_OPTIONS)
    if own is not None:
        raise BadOption(OPTION, f"`{_short(written)}` has an option of its own: {own}.")
    raise UnknownName(OPTION, "setting", written, nearest(written[:100], KEYS, cutoff=0.0))


def _number(low: float, high: float, key: str, raw: str) -> float:
    match = _NUMBER.fullmatch(raw)
    if match is None or not low <= float(raw) <= high:
        raise BadOption(OPTION, f"`{key}` can be {low:g} to {high:g}, not `{_short(raw)}`.")
    return float(raw)


def _whole(low: int, high: int, key: str, raw: str) -> int:
    match = _NUMBER.fullmatch(raw)
    if match is None or not float(raw).is_integer() or not low <= float(raw) <= high:
        raise BadOption(
            OPTION, f"`{key}` can be a whole number from {low} to {high}, not `{_short(raw)}`."
        )
    return int(float(raw))


def _flag(key: str, raw: str) -> bool:
    if raw.casefold() not in _YES + _NO:
        raise BadOption(OPTION, f"`{key}` can be `true` or `false`, not `{_short(raw)}`.")
    return raw.casefold() in _YES


def _one_of(names: tuple[str, ...], key: str, raw: str) -> str:
    name = same(raw, {name: name for name in names})
    if name is None:
        listed = ", ".join(f"`{name}`" for name in names)
        raise BadOption(OPTION, f"`{key}` can be {listed}, not `{_short(raw)}`.")
    return name


def _name(key: str, raw: str) -> str:
    name = " ".join(_clean(raw).split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise BadOption(OPTION, f"`{key}` has {len(name)} characters; a name has 1 to 200.")
    return name


def _words(key: str, raw: str) -> str:
    words = _clean(raw).strip()
    if len(words) > PROMPT_LIMIT:
        raise BadOption(
            OPTION, f"`{key}` has {len(words)} characters; at most {PROMPT_LIMIT} are possible."
        )
    return words


def _clean(text: str) -> str:
    """Without NUL and half characters, which can be typed but neither kept nor sent."""
    return text.encode("utf-8", "ignore").decode("utf-8").replace("\0", "")


def _short(text: str) -> str:
    plain = " ".join(_clean(text).replace("`", "'").split())
    return plain if len(plain) <= 60 else plain[:59] + "…"


_UNIT = partial(_number, 0.0, 1.0)
_READERS: Mapping[str, Callable[[str, str], ExtraValue]] = {
    "Hires upscale": partial(_number, 1.0, 4.0),
    "Hires steps": partial(_whole, 0, 150),
    "Hires upscaler": _name,
    "Hires checkpoint": _name,
    "Hires sampler": _name,
    "Hires schedule type": _name,
    "Hires prompt": _words,
    "Hires negative prompt": _words,
    "Hires CFG Scale": partial(_number, 0.0, 30.0),
    "Denoising strength": _UNIT,
    "Variation seed": partial(_whole, -1, SEED_LIMIT - 1),
    "Variation seed strength": _UNIT,
    "Clip skip": partial(_whole, 1, 12),
    "VAE": _name,
    "Tiling": _flag,
    "Eta": _UNIT,
    "ENSD": partial(_whole, 0, SEED_LIMIT - 1),
    "Schedule type": _name,
    "Refiner": _name,
    "Refiner switch at": _UNIT,
    "RNG": partial(_one_of, ("GPU", "CPU", "NV")),
    "Face restoration": _name,
    "Distilled CFG Scale": partial(_number, 0.0, 30.0),
    "Token merging ratio": partial(_number, 0.0, 0.9),
}
KEYS = tuple(_READERS)
"""Every key that is taken, in infotext's spelling."""

# SD.Next's words for two of them stand in the PNG info that people copy from.
_SPELLINGS = {key: key for key in KEYS} | {
    "Variation strength": "Variation seed strength",
    "Hires scale": "Hires upscale",
}
_OWN_OPTIONS = {
    "Steps": "`steps`",
    "Sampler": "`sampler`",
    "CFG scale": "`cfg_scale`",
    "Seed": "`seed`",
    "Size": "`width` and `height`",
    "Model": "`model`",
    "Prompt": "`prompt`",
    "Negative prompt": "`negative_prompt`",
}
