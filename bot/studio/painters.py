"""All painters together: what they list, how names are spelt, who can paint what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from bot.errors import BackendRejectedCredentials, EaselError, Refusal, UnknownName
from bot.queue.health import Health, State
from bot.studio.compose import model_names, unchecked
from bot.studio.fitness import can_choose, can_paint, check_names
from bot.studio.search import find, resolve, same
from bot.values.ability import UNKNOWN, Ability
from bot.values.request import ImageRequest

AWAY_SECONDS = 600.0
"""A painter that has been away for longer takes no new orders."""


LISTS: Mapping[str, Callable[[Ability], Iterable[str]]] = {
    "samplers": lambda a: (s.name for s in a.samplers),
    "schedulers": lambda a: (s.label for s in a.schedulers),
    "upscalers": lambda a: _real(a.upscalers),
    "hires_upscalers": lambda a: (*a.latent_upscalers, *_real(a.upscalers)),
    "vaes": lambda a: a.vaes,
    "faces": lambda a: a.faces,
}
"""What can be chosen by name from a painter's lists, in its order."""


class Painters:
    """All configured backends by name, in the operator's order; everything from memory."""

    def __init__(self, all_of_them: Mapping[str, Health]) -> None:
        self._painters = dict(all_of_them)

    def __contains__(self, route: str) -> bool:
        return route in self._painters

    def ability(self, route: str) -> Ability:
        """What a painter listed; nothing before its first probe."""
        return self._painters[route].backend.ability or UNKNOWN

    def known(self, route: str) -> bool:
        """Whether a painter has told its lists."""
        return self._painters[route].backend.ability is not None

    def listed(self, what: str, typed: str = "") -> list[str]:
        """At most 25 names of all painters that hold all typed words; `what` is one of LISTS."""
        return find(typed, dict.fromkeys(n for a in self.abilities() for n in LISTS[what](a)))

    def models(self, typed: str = "") -> list[str]:
        """At most 25 of the checkpoints that can be chosen."""
        return find(typed, self.choosable())

    def loras(self, typed: str = "") -> list[str]:
        """At most 25 LoRAs, found by name and alias."""
        all_of_them = {lora.name: lora for a in self.abilities() for lora in a.loras}
        shown = {f"{name} {lora.alias or ''}": name for name, lora in all_of_them.items()}
        return [shown[key] for key in find(typed, shown)]

    def abilities(self) -> list[Ability]:
        """Of all painters that have been probed."""
        return [h.backend.ability for h in self._painters.values() if h.backend.ability]

    def all_models(self) -> dict[str, str]:
        """Everything that may be typed for a model, and its lasting name."""
        names: dict[str, str] = {}
        for ability in self.abilities():
            names |= {k: v for k, v in model_names(ability.models).items() if k not in names}
        return names

    def model(self, typed: str | None) -> str | None:
        """The lasting name of a typed model; None for none. Raises UnknownName, BadOption."""
        names = self.all_models()
        if typed is None:
            return None
        if not names:
            return unchecked("model", typed)
        return resolve("model", "model", typed, names)

    def spell(self, option: str, typed: str) -> str:
        """The painters' own spelling of a model, sampler or scheduler. Raises UnknownName."""
        names = {
            "model": self.all_models(),
            "sampler": {s.name: s.name for a in self.abilities() for s in a.samplers},
            "scheduler": {s.label: s.label for a in self.abilities() for s in a.schedulers},
        }[option]
        return resolve(option, option, typed, names) if names else unchecked(option, typed)

    async def refresh(self) -> None:
        """All look again at what they have. Raises Refusal when none of them could."""
        done = await asyncio.gather(
            *(p.refresh() for p in self._painters.values()), return_exceptions=True
        )
        broken = [error for error in done if isinstance(error, BaseException)]
        for error in broken:
            if not isinstance(error, EaselError):
                raise error
        if len(broken) == len(done):
            raise Refusal("The image server can't be asked right now. Please try again later.")

    def fixed(self) -> str | None:
        """What is drawn with, when nobody but the operator can change it; else None."""
        abilities = self.abilities()
        if not abilities or any(a.switches_models for a in abilities) or self.choosable():
            return None
        own = dict.fromkeys(filter(None, (_own(a) for a in abilities)))
        return " and ".join(own) or "the model it was started with"

    def choosable(self) -> list[str]:
        """The models that a request can choose: by name, or by the painter that it goes to."""
        several = len(self._painters) > 1
        able = [a for a in self.abilities() if several or a.switches_models]
        names = dict.fromkeys(self.all_models().values())
        return [n for n in names if any(a.models and can_choose(n, a) for a in able)]

    def may_load(self, route: str, guilds: int) -> bool:
        """Whether choosing a model for a server of `guilds` also loads it into memory."""
        allowed = self._painters[route].backend.settings.allow_load
        ability = self.ability(route)
        able = ability.switches_models and ability.loads and self.known(route)
        return able and (guilds <= 1 if allowed is None else allowed)

    def choose(self, typed: str | None, default: str | None) -> str | None:
        """The model that was typed, else the one chosen here if it is still there.

        Raises UnknownName for a typed one that nobody has.
        """
        return self.model(typed) or self.default_model(default)

    def default_model(self, chosen: str | None) -> str | None:
        """The model chosen here; None when it is gone from every painter."""
        names = self.all_models()
        return chosen if chosen is None or not names else same(chosen, names)

    def route(self, model: str | None) -> str:
        """The first painter that can draw with the model and is up; without one, the first up."""
        return self.routes(model)[0]

    def routes(self, model: str | None) -> list[str]:
        """The painters that can draw with a model, the most hopeful first; never empty.

        Raises Refusal when even the first cannot be used.
        """
        able = self._in_order(model)
        self.usable(able[0])
        return able

    def likely(self, model: str | None) -> str:
        """The first of them, whether it can be used just now or not."""
        return self._in_order(model)[0]

    def _in_order(self, model: str | None) -> list[str]:
        able = [
            name
            for name, health in self._painters.items()
            if model is None
            or not health.backend.ability
            or can_choose(model, health.backend.ability)
        ] or list(self._painters)
        order = {State.UP: 0, State.REJECTED: 3}
        able.sort(
            key=lambda name: (
                2 if self._painters[name].drained else order.get(self._painters[name].state, 1)
            )
        )
        return able

    def again(self, request: ImageRequest, route: str) -> str:
        """Who paints a complete request once more: the same one, else another that has all of it.

        Raises UnknownName for what is gone, Refusal.
        """
        route = route if route in self else self.route(request.model)
        if request.unseen is not None:
            # Its names are as they were typed: they are looked up when it is composed anew.
            self.usable(route)
            return route
        try:
            check_names(request, self.ability(route))
        except UnknownName:
            others = [n for n in self.able(request, route) if n != route]
            if not others:
                raise
            route = next(n for n in self.routes(None) if n in others)
        self.usable(route)
        return route

    def able(self, request: ImageRequest, route: str) -> frozenset[str]:
        """All painters that can paint this very request, names and all; `route` is one of them."""
        if not self.known(route):
            return frozenset({route})
        others = (n for n in self._painters if n != route and self.known(n))
        return frozenset({route, *(n for n in others if can_paint(request, self.ability(n)))})

    def route_that(self, ability: str, what: str) -> str:
        """The first painter that is able to, those that are up first. Raises Refusal."""
        able = [
            name
            for name, health in self._painters.items()
            if health.backend.ability and getattr(health.backend.ability, ability)
        ]
        if not able:
            raise Refusal(f"The image server here can't {what}.")
        up = [n for n in able if self._painters[n].state is State.UP]
        self.usable((up or able)[0])
        return (up or able)[0]

    def usable(self, route: str) -> None:
        """A wrong password is not worth waiting for, nor is a server that stays away."""
        painter = self._painters[route]
        error = painter.error
        if isinstance(error, BackendRejectedCredentials):
            raise Refusal(error.sentence, detail=str(error))
        away = time.monotonic() - painter.since
        if painter.state is State.DOWN and away > AWAY_SECONDS:
            raise Refusal(
                f"The image server has been away for {away / 60:.0f} minutes. "
                "Please try again later; what is in line already keeps its place."
            )


def _real(upscalers: Iterable[str]) -> Iterable[str]:
    return (name for name in upscalers if name != "None")


def _own(ability: Ability) -> str | None:
    """What a painter draws with that takes no other."""
    alone = ability.models[0].name if len(ability.models) == 1 else None
    return ability.current_model or alone


DRAINED = "The image server takes no new pictures for a while. Your place in line is kept."


def trouble_of(painter: Health) -> str | None:
    """The sentence for waiting cards while a painter cannot be used."""
    error = painter.error
    told = error is not None and error.sentence != error.default_sentence
    down = error.sentence if error and told else "The image server can't be reached right now."
    if painter.drained and painter.state is State.UP:
        return DRAINED
    return {
        State.DOWN: f"{down} Your place in line is kept.",
        State.REJECTED: "The image server doesn't accept this bot's password just now. "
        "Your place in line is kept.",
    }.get(painter.state)
