"""Styles: words around a prompt that give it a look (resources/styles.yaml)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.errors import BadOption, ConfigurationError
from bot.studio.search import resolve
from bot.values.request import PROMPT_LIMIT

STYLES_FILE = Path(__file__).parents[2] / "resources" / "styles.yaml"
PLACEHOLDER = "{prompt}"


class Style(BaseModel):
    """One style. `prompt` holds PLACEHOLDER once, where the member's words go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    prompt: str = Field(max_length=1_000)
    negative_prompt: str = Field("", max_length=1_000)

    @field_validator("prompt")
    @classmethod
    def _has_one_place(cls, prompt: str) -> str:
        if prompt.count(PLACEHOLDER) != 1:
            raise ValueError(f"must hold {PLACEHOLDER} once")
        return prompt

    def apply(self, prompt: str, negative_prompt: str = "") -> tuple[str, str]:
        """Prompt and negative prompt in this style; the member's own negative words come first.

        Raises BadOption of "style" when that makes one of them longer than PROMPT_LIMIT.
        """
        styled = self.prompt.replace(PLACEHOLDER, prompt)
        negative = ", ".join(filter(None, (negative_prompt, self.negative_prompt)))
        longest = max(len(styled), len(negative))
        if longest > PROMPT_LIMIT:
            raise BadOption(
                "style",
                f"With the style {self.name} the prompt has {longest} characters; "
                f"at most {PROMPT_LIMIT} are possible.",
            )
        return styled, negative


@dataclass(frozen=True)
class Styles:
    """All of them, in the file's order."""

    all: tuple[Style, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(style.name for style in self.all)

    def find(self, typed: str) -> Style:
        """The style that was meant (`search.resolve`). Raises UnknownName with the nearest."""
        name = resolve("style", "style", typed, {name: name for name in self.names})
        return next(style for style in self.all if style.name == name)


def read_styles(path: Path = STYLES_FILE) -> Styles:
    """Reads the file. Raises ConfigurationError that names the file and the key."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        styles = tuple(Style.model_validate(item) for item in data["styles"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(p) for p in first["loc"])
        raise ConfigurationError(f"{path}: {key}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    twice = [
        name for name, times in Counter(s.name.casefold() for s in styles).items() if times > 1
    ]
    if twice:
        raise ConfigurationError(f"{path}: the name {twice[0]!r} stands there twice")
    return Styles(styles)
