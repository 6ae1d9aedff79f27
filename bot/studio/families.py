"""Families of models and what suits them (resources/models.yaml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import ConfigurationError

MODELS_FILE = Path(__file__).parents[2] / "resources" / "models.yaml"


class Family(BaseModel):
    """One family. `sizes` maps an aspect's name to (width, height) in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    pattern: str
    sizes: dict[str, tuple[int, int]]
    steps: int = Field(ge=1, le=150)
    cfg_scale: float = Field(ge=0, le=50)
    sampler: str
    scheduler: str | None = None


@dataclass(frozen=True)
class Families:
    """All of them, in the order in which they are tried; the last takes what is left."""

    all: tuple[Family, ...]

    def of(self, model: str | None) -> Family:
        """The family of a checkpoint's name; the last one when the name is not known."""
        if model is not None:
            for family in self.all:
                if re.search(family.pattern, model, re.IGNORECASE):
                    return family
        return self.all[-1]


def read_families(path: Path = MODELS_FILE) -> Families:
    """Reads the file. Raises ConfigurationError that names the file and the key."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        families = tuple(Family.model_validate(item) for item in data["families"])
        for family in families:
            re.compile(family.pattern)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(p) for p in first["loc"])
        raise ConfigurationError(f"{path}: {key}: {first['msg']}") from error
    except (OSError, yaml.YAMLError, KeyError, TypeError, re.error) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not families or families[-1].pattern:
        raise ConfigurationError(f"{path}: the last family must have an empty pattern")
    return Families(families)
