"""Bodies as the lambdas read them: every key is an argument of one constructor.

So an unknown key is as bad as a missing one, and both are told in Python's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """A constructor by its name, what it must get, and what it may get."""

    name: str
    required: tuple[str, ...]
    optional: Mapping[str, Any]

    def read(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with their defaults; raises ``TypeError`` in Python's words."""
        call = f"{self.name}.__init__()"
        for key in body:
            if key not in self.required and key not in self.optional:
                raise TypeError(f"{call} got an unexpected keyword argument '{key}'")
        missing = [repr(key) for key in self.required if key not in body]
        if missing:
            plural = "s" if len(missing) > 1 else ""
            words = _together(missing)
            count = len(missing)
            raise TypeError(f"{call} missing {count} required positional argument{plural}: {words}")
        return {**self.optional, **body}


def _together(words: Sequence[str]) -> str:
    """``'a'``, ``'a' and 'b'``, ``'a', 'b', and 'c'``."""
    if len(words) < 3:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"
