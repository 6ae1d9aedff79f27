"""What the operator keeps in resources/: families of models, styles, wildcards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.studio.families import Families, read_families
from bot.studio.styles import Styles, read_styles
from bot.studio.words import read_wildcards


@dataclass(frozen=True)
class Library:
    """All of it, read once at the start. `wildcards` maps lower-case names to entries."""

    families: Families
    styles: Styles
    wildcards: Mapping[str, tuple[str, ...]]


def read_library() -> Library:
    """Reads the files. Raises ConfigurationError that names the file and the key."""
    return Library(read_families(), read_styles(), read_wildcards())
