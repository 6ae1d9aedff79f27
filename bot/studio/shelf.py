"""What there is to draw with, as `/models` shows it: by tab, searched, with what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.guilds import Guilds, Scope
from bot.queue.health import Health
from bot.studio.catalogue import NOTHING_KNOWN, About
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
    HYPERNETWORKS = "hypernetworks"
    CONTROL_MODELS = "control_models"
    SAMPLERS = "samplers"
    UPSCALERS = "upscalers"


YOURS = "yours"
"""The mark of what the guest has chosen for themselves."""


@dataclass(frozen=True)
class Entry:
    """One name on the shelf, exactly as painters list it, and what people should know of it.

    `suits` says what it is best drawn with; `marks` where it is loaded and who has chosen it.
    """

    name: str
    about: About = NOTHING_KNOWN
    hash: str | None = None
    suits: str | None = None
    marks: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """The label, or the name where there is none."""
        return self.about.label or self.name


class Shelf:
    """Reads from memory: hundreds of names cost no request."""

    def __init__(self, painters: Mapping[str, Health], families: Families, guilds: Guilds) -> None:
        self._painters = painters
        self._families = families
        self._guilds = guilds

    def tabs(self) -> list[Tab]:
        """The tabs that hold anything; the models' always."""
        return [tab for tab in Tab if tab is Tab.MODELS or self.names(tab)]

    def names(self, tab: Tab) -> list[str]:
        """All exact names of a tab, each once, in the painters' own order."""
        return list(dict.fromkeys(n for a in self._abilities() for n in _listed(a, tab)))

    def entries(self, tab: Tab, guest: Guest, query: str = "") -> list[Entry]:
        """All entries of a tab whose name, label and trigger words hold every word of the query.

        In the painters' own order, what begins with the query first.
        """
        held = {_text(e): e for e in self._all(tab, guest)}
        return [held[text] for text in find(query, held, most=len(held))]

    def _all(self, tab: Tab, guest: Guest) -> list[Entry]:
        names = self.names(tab)
        if tab is Tab.LORAS:
            return [Entry(name, self._families.about_lora(name)) for name in names]
        if tab is not Tab.MODELS:
            return [Entry(name) for name in names]
        hashes = {m.name: m.hash for a in self._abilities() for m in a.models if m.hash}
        marks = self._marks(guest)
        return [
            Entry(
                name,
                self._families.about(name),
                hashes.get(name),
                self._suits(name),
                tuple(marks.get(name, ())),
            )
            for name in names
        ]

    def _marks(self, guest: Guest) -> dict[str, list[str]]:
        """What is said of each name: where it is loaded, then who has chosen it."""
        marks: dict[str, list[str]] = {}
        for name, backends in self._loaded().items():
            several = len(self._painters) > 1
            marks[name] = [f"loaded on {', '.join(backends)}" if several else "loaded"]
        for word, scope, place in (
            (YOURS, Scope.MEMBER, guest.user_id),
            ("this channel's", Scope.CHANNEL, guest.channel_id),
            ("this server's", Scope.SERVER, guest.guild_id),
        ):
            model = self._guilds.chosen(scope, place).get("model")
            if isinstance(model, str):
                marks.setdefault(model, []).append(word)
        return marks

    def _loaded(self) -> dict[str, list[str]]:
        """The names that are loaded somewhere, and the painters where they are."""
        loaded: dict[str, list[str]] = {}
        for painter, health in self._painters.items():
            ability = health.backend.ability
            name = health.backend.loaded or (ability.current_model if ability else None)
            if name is not None:
                loaded.setdefault(name, []).append(painter)
        return loaded

    def _suits(self, model: str) -> str:
        family = self._families.of(model)
        width, height = family.sizes["square"]
        return f"{family.name}, {width}×{height}, {family.steps} steps"

    def _abilities(self) -> list[Ability]:
        return [h.backend.ability for h in self._painters.values() if h.backend.ability]


def _text(entry: Entry) -> str:
    """What is searched: the exact name first, then the words that people use for it."""
    about = entry.about
    return "\n".join((entry.name, about.label or "", *about.trigger_words))


_LISTS: Mapping[Tab, Callable[[Ability], Iterable[str]]] = {
    Tab.MODELS: lambda a: (m.name for m in a.models),
    Tab.LORAS: lambda a: (lora.name for lora in a.loras),
    Tab.EMBEDDINGS: lambda a: a.embeddings,
    Tab.VAES: lambda a: a.vaes,
    Tab.HYPERNETWORKS: lambda a: a.hypernetworks,
    Tab.CONTROL_MODELS: lambda a: a.control_models,
    Tab.SAMPLERS: lambda a: (s.name for s in a.samplers),
    Tab.UPSCALERS: lambda a: a.upscalers,
}


def _listed(ability: Ability, tab: Tab) -> Iterable[str]:
    return _LISTS[tab](ability)
