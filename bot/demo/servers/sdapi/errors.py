"""What a route may raise; each server says it in its own form (see ``error_forms``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class Refused(Exception):
    """An ``HTTPException`` of the server's own, with a status and a sentence."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class Raised(Exception):
    """Something raised while generating: the name of its class and its words."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


class Spoken(Exception):
    """A no whose JSON body stands in no relation to the server's usual form."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a body: where, what, and what was given instead.

    ``kind`` is one of the keys of ``problems.V1``. ``facts`` hold the limit of a range,
    the permitted values, or where the JSON broke.
    """

    loc: tuple[str | int, ...]
    kind: str
    given: Any = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Invalid(Exception):
    """The body does not fit the model; every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(str(problems))
        self.problems = list(problems)
