"""Finds names as people type them: parts of words, any case, a slip of the finger."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping

from bot.errors import UnknownName

LONGEST_VALUE = 100
"""Characters of a choice's value (contracts: discord 8)."""
_DIGEST = re.compile(r"~([0-9a-f]{16})$")


def find(typed: str, names: Iterable[str], most: int = 25) -> list[str]:
    """The names that hold every typed word, best first: "anim xl" finds "animagineXL_v31".

    Names that begin with the typed text come first; otherwise the list's own order is kept.
    """
    whole = typed.casefold().strip()
    words = whole.split()
    hits = [n for n in names if all(w in n.casefold() for w in words)]
    hits.sort(key=lambda n: not n.casefold().startswith(whole))
    return hits[:most]


def resolve(option: str, kind: str, typed: str, names: Mapping[str, str]) -> str:
    """The exact name that was meant. `names` maps everything that may be typed to exact names.

    Takes an exact match, then one that differs in case or punctuation only, then the only one
    that holds all typed words. Raises UnknownName with the three nearest.
    """
    if typed in names:
        return names[typed]
    if _DIGEST.search(typed):
        typed = whole(typed, names.values())
        if typed in names:
            return names[typed]
    plain = _plain(typed)
    same = {exact for other, exact in names.items() if _plain(other) == plain}
    if len(same) == 1:
        return same.pop()
    held = {names[n] for n in find(typed, names, most=len(names))} if typed.strip() else set()
    if len(held) == 1:
        return held.pop()
    close = nearest(typed, held or names.values(), cutoff=0.0)
    raise UnknownName(option, kind, typed, close, several=bool(held))


def shortened(name: str, most: int = LONGEST_VALUE) -> str:
    """A name as the value of a choice, at most `most` characters: two may begin alike."""
    if len(name) <= most:
        return name
    return f"{name[: most - 17]}~{_digest(name)}"


def whole(value: str, names: Iterable[str]) -> str:
    """The name that such a value stands for; the value itself when it is gone."""
    digest = _DIGEST.search(value)
    if digest is None:
        return value
    beginning = value[: digest.start()]
    alike = (name for name in names if name.startswith(beginning))
    return next((name for name in alike if _digest(name) == digest[1]), value)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def same(wanted: str, names: Mapping[str, str]) -> str | None:
    """The exact name that differs from `wanted` in case or punctuation at the most."""
    plain = _plain(wanted)
    return next((exact for other, exact in names.items() if _plain(other) == plain), None)


def nearest(typed: str, names: Iterable[str], cutoff: float = 0.4) -> list[str]:
    """Up to three names that look most like the typed text, at least `cutoff` (0 to 1) alike."""
    plain = {n: _plain(n) for n in dict.fromkeys(names)}
    wanted = _plain(typed)
    close = difflib.get_close_matches(wanted, plain.values(), n=3, cutoff=cutoff)
    return [n for c in dict.fromkeys(close) for n, p in plain.items() if p == c][:3]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold()) or name.casefold()
