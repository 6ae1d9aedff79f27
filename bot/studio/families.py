"""What suits each family of models, and single models beside it (resources/models.yaml).

A checkpoint belongs to the first family whose pattern is found in its name. What the file says
of that very checkpoint lies over the family's figures, so that all who ask get the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from bot.errors import ConfigurationError
from bot.studio.catalogue import REMEMBERED, About, Index, Known, KnownModel, check_pattern
from bot.values.request import PROMPT_LIMIT, NetFamily

MODELS_FILE = Path(__file__).parents[2] / "resources" / "models.yaml"
Side = Annotated[int, Field(ge=64, le=4096, multiple_of=8)]
Sizes = dict[str, tuple[Side, Side]]


class Family(BaseModel):
    """One family. `sizes` maps an aspect's name to (width, height) in pixels.

    `clip_skip` (1 to 12) and `negative_prompt` are None where the painter's own will do.
    `control` is whose ControlNets fit, None where none do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    pattern: str
    sizes: Sizes
    steps: int = Field(ge=1, le=150)
    cfg_scale: float = Field(ge=0, le=50)
    sampler: str
    scheduler: str | None = None
    clip_skip: int | None = Field(None, ge=1, le=12)
    negative_prompt: str | None = Field(None, max_length=PROMPT_LIMIT)
    control: NetFamily | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        check_pattern(pattern)
        return pattern

    @field_validator("sizes")
    @classmethod
    def _has_a_square(cls, sizes: Sizes) -> Sizes:
        if "square" not in sizes:
            raise ValueError("needs a square")
        return sizes

    def suited(self, model: KnownModel) -> Family:
        """The family with a model's own figures laid over."""
        own = model.figures()
        if model.size is not None:
            own["sizes"] = _scaled(self.sizes, model.size)
        return self.model_copy(update=own)


class Families:
    """All of them, in the order in which they are tried; the last takes what is left."""

    def __init__(
        self,
        families: Iterable[Family],
        models: Iterable[KnownModel] = (),
        loras: Iterable[Known] = (),
    ) -> None:
        self.all = tuple(families)
        self._models = Index(models)
        self._loras = Index(loras)
        self._remembered = lru_cache(REMEMBERED)(self._suiting)

    def of(self, model: str | None) -> Family:
        """What suits a checkpoint's name; the last family when the name is not known."""
        return self.all[-1] if model is None else self._remembered(model)

    def about(self, model: str) -> About:
        """The label, trigger words and note of a checkpoint."""
        return self._models.about(model)

    def about_lora(self, lora: str) -> About:
        """The label, trigger words and note of a LoRA."""
        return self._loras.about(lora)

    def _suiting(self, model: str) -> Family:
        family = next(
            (f for f in self.all if re.search(f.pattern, model, re.IGNORECASE)), self.all[-1]
        )
        known = self._models.find(model)
        return family if known is None else family.suited(known)


def _listed(found: Any) -> Any:
    """A key whose entries were all taken out or commented away holds nothing."""
    return () if found is None else found


class _File(BaseModel):
    """The whole file. `sizes` is only where the anchors live that the families refer to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: Any = None
    families: tuple[Family, ...]
    models: Annotated[tuple[KnownModel, ...], BeforeValidator(_listed)] = ()
    loras: Annotated[tuple[Known, ...], BeforeValidator(_listed)] = ()


def read_families(path: Path = MODELS_FILE) -> Families:
    """Reads the file. Raises ConfigurationError that names the file and the key."""
    try:
        file = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        words = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{path}: {key}: {words}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not file.families or file.families[-1].pattern:
        raise ConfigurationError(f"{path}: families: the last family must have an empty pattern")
    return Families(file.families, file.models, file.loras)


def _scaled(sizes: Sizes, native: tuple[int, int]) -> Sizes:
    """The same shapes with as many pixels as `native`, each side a multiple of 8."""
    width, height = sizes["square"]
    factor = (native[0] * native[1] / (width * height)) ** 0.5
    return {
        aspect: (max(64, round(w * factor / 8) * 8), max(64, round(h * factor / 8) * 8))
        for aspect, (w, h) in sizes.items()
    }
