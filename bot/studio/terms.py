"""Terms: what an order meets when it is composed."""

from __future__ import annotations

from dataclasses import dataclass

from bot.settings import Limits
from bot.studio.families import Family
from bot.studio.library import Library
from bot.values.ability import Ability
from bot.values.request import Kind


@dataclass(frozen=True)
class Terms:
    """The checkpoint that will paint (`model`, its lasting name, already resolved) with what
    suits it, what its painter can do, and the caps that hold for this member here.
    """

    kind: Kind
    model: str | None
    family: Family
    ability: Ability
    limits: Limits
    library: Library
