"""What there is to draw with, as `/models` shows it: by tab, searched, with what is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.guilds import Guilds, Scope
from bot.queue.health import Health
from bot.studio.families import Families
from bot.studio.search import find
from bot.values.ability import Ability
from bot.values.guest import Guest


class Tab(StrEnum):
    """The lists that a painter may have."""

    MODELS = "models"
    LORAS = "loras"
    EMBEDDINGS = "embeddings"
    VAES = "vaes"
    SAMPLERS = "samplers"
    UPSCALERS = "upscalers"


@dataclass(frozen=True)
class Entry:
    """One name on the shelf. `note` says what suits it; `marks` who has chosen it."""

    name: str
    hash: str | None = None
    note: str | None = None
    marks: tuple[str, ...] = ()


class Shelf:
    """Reads from memory: hundreds of names cost no request."""

    def __init__(self, painters: Mapping[str, Health], families: Families, guilds: Guilds) -> None:
        self._painters = painters
        self._families = families
        self._guilds = guilds

    def tabs(self) -> list[Tab]:
        """The tabs that hold anything; the models' always."""
        return [tab for tab in Tab if tab is Tab.MODELS or self._names(tab)]

    def entries(self, tab: Tab, guest: Guest, query: str = "") -> list[Entry]:
        """All names of a tab that hold every word of the query, in the painters' own order."""
        if tab is not Tab.MODELS:
            names = self._names(tab)
            return [Entry(name) for name in find(query, names, most=len(names))]
        models = {m.name: m for a in self._abilities() for m in a.models}
        marks = self._marks(guest)
        return [
            Entry(
                name,
                models[name].hash,
                self._note(name),
                tuple(mark for mark, held in marks if held == name),
            )
            for name in find(query, models, most=len(models))
        ]

    def _marks(self, guest: Guest) -> list[tuple[str, str | None]]:
        """Words for what is loaded and chosen, with the name that each stands at."""
        loaded = [("loaded", a.current_model) for a in self._abilities()]
        places = (
            ("yours", Scope.MEMBER, guest.user_id),
            ("this channel's", Scope.CHANNEL, guest.channel_id),
            ("this server's", Scope.SERVER, guest.guild_id),
        )
        chosen = [(word, self._guilds.chosen(s, i).get("model")) for word, s, i in places]
        return [*loaded, *((w, m if isinstance(m, str) else None) for w, m in chosen)]

    def _note(self, model: str) -> str:
        family = self._families.of(model)
        width, height = family.sizes["square"]
        return f"{family.name}, {width}×{height}, {family.steps} steps"

    def _names(self, tab: Tab) -> list[str]:
        return list(dict.fromkeys(n for a in self._abilities() for n in _listed(a, tab)))

    def _abilities(self) -> list[Ability]:
        return [h.backend.ability for h in self._painters.values() if h.backend.ability]


def _listed(ability: Ability, tab: Tab) -> Iterable[str]:
    if tab is Tab.SAMPLERS:
        return (s.name for s in ability.samplers)
    lists: dict[Tab, tuple[str, ...]] = {
        Tab.LORAS: ability.loras,
        Tab.EMBEDDINGS: ability.embeddings,
        Tab.VAES: ability.vaes,
        Tab.UPSCALERS: ability.upscalers,
    }
    return lists.get(tab, ())
