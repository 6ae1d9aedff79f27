"""What is known of single checkpoints and LoRAs: `models` and `loras` in resources/models.yaml.

People know them by a label, some want trigger words in the prompt, and a checkpoint may have
figures of its own where its family's do not suit it. An entry is found by `name`, whatever its
case, punctuation, folder and file ending, or else by `pattern`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from bot.values.request import PROMPT_LIMIT

REMEMBERED = 8192
"""Names whose entries are remembered: a search over all names asks for each at every key."""
_AROUND = re.compile(r"^.*[\\/]|\.(?:safetensors|ckpt|gguf|pth?|bin|sft)$", re.IGNORECASE)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Side = Annotated[int, Field(ge=128, le=2048, multiple_of=8)]


@dataclass(frozen=True)
class About:
    """What people should know of a checkpoint or LoRA beside its name; all of it may be missing.

    `trigger_words` belong into the prompt. `note` is one sentence of at most 200 characters.
    """

    label: str | None = None
    trigger_words: tuple[str, ...] = ()
    note: str | None = None


NOTHING_KNOWN = About()


class Known(BaseModel):
    """One entry, with exactly one of `name` and `pattern` (a regular expression)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    pattern: str | None = Field(None, min_length=1)
    label: Label | None = None
    trigger_words: tuple[Label, ...] = Field((), max_length=20)
    note: Note | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            check_pattern(pattern)
        return pattern

    @model_validator(mode="after")
    def _found_in_one_way(self) -> Self:
        if (self.name is None) == (self.pattern is None):
            raise ValueError("needs either a name or a pattern")
        return self

    def about(self) -> About:
        """The words of the entry."""
        return About(self.label, self.trigger_words, self.note)


class KnownModel(Known):
    """A checkpoint. What is None is its family's; `size` is (width, height) in pixels."""

    size: tuple[Side, Side] | None = None
    steps: int | None = Field(None, ge=1, le=150)
    cfg_scale: float | None = Field(None, ge=0, le=30)
    sampler: Name | None = None
    scheduler: Name | None = None
    clip_skip: int | None = Field(None, ge=1, le=12)
    negative_prompt: str | None = Field(None, max_length=PROMPT_LIMIT)

    def figures(self) -> dict[str, Any]:
        """What lies over the family's own, by the family's names; `size` is not among it."""
        names = {"steps", "cfg_scale", "sampler", "scheduler", "clip_skip", "negative_prompt"}
        return self.model_dump(include=names, exclude_none=True)


Entry = TypeVar("Entry", bound=Known)


class Index(Generic[Entry]):
    """Finds the entry of a listed name; of several that fit, names before patterns, then order."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        listed = list(entries)
        self._named = {_letters(e.name): e for e in reversed(listed) if e.name is not None}
        self._patterns = [
            (re.compile(e.pattern, re.IGNORECASE), e) for e in listed if e.pattern is not None
        ]
        self._remembered = lru_cache(REMEMBERED)(self._look_up)

    def find(self, name: str) -> Entry | None:
        """The entry of a name as a painter lists it; None when nothing is known of it."""
        return self._remembered(name)

    def about(self, name: str) -> About:
        """The words of that entry; empty ones when nothing is known."""
        entry = self.find(name)
        return entry.about() if entry is not None else NOTHING_KNOWN

    def _look_up(self, name: str) -> Entry | None:
        bare = _AROUND.sub("", name)
        named = self._named.get(_letters(bare))
        if named is not None:
            return named
        return next((entry for pattern, entry in self._patterns if pattern.search(bare)), None)


def check_pattern(pattern: str) -> None:
    """Raises ValueError for what is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error


def _letters(name: str) -> str:
    """What `search.same` compares; made once for each entry, since a list has hundreds of names."""
    return re.sub(r"[\W_]+", "", name.casefold()) or name.casefold()
