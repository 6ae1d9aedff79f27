"""All painters together: what they list, how names are spelt, who can paint what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot.errors import BackendRejectedCredentials, EaselError, Refusal
from bot.queue.health import Health, State
from bot.studio.compose import model_names, unchecked
from bot.studio.search import find, resolve, same
from bot.values.ability import UNKNOWN, Ability


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

    def trouble(self, route: str) -> str | None:
        """Why nothing moves there just now, as a sentence; None when all is well."""
        painter = self._painters.get(route)
        return trouble_of(painter) if painter is not None else None

    def models(self, typed: str = "") -> list[str]:
        """At most 25 checkpoints whose names hold all typed words."""
        return find(typed, dict.fromkeys(self.all_models().values()))

    def samplers(self, typed: str = "") -> list[str]:
        """At most 25 samplers of all painters."""
        return find(typed, dict.fromkeys(s.name for a in self.abilities() for s in a.samplers))

    def schedulers(self, typed: str = "") -> list[str]:
        """At most 25 schedulers of all painters."""
        return find(typed, dict.fromkeys(s.label for a in self.abilities() for s in a.schedulers))

    def upscalers(self, typed: str = "") -> list[str]:
        """At most 25 upscalers of all painters."""
        names = dict.fromkeys(n for a in self.abilities() for n in a.upscalers if n != "None")
        return find(typed, names)

    def vaes(self, typed: str = "") -> list[str]:
        """At most 25 VAEs of all painters."""
        return find(typed, dict.fromkeys(n for a in self.abilities() for n in a.vaes))

    def faces(self, typed: str = "") -> list[str]:
        """At most 25 ways of face restoration."""
        return find(typed, dict.fromkeys(n for a in self.abilities() for n in a.faces))

    def hires_upscalers(self, typed: str = "") -> list[str]:
        """At most 25 upscalers for a second pass, latent ones first."""
        latent = [n for a in self.abilities() for n in a.latent_upscalers]
        plain = [n for a in self.abilities() for n in a.upscalers if n != "None"]
        return find(typed, dict.fromkeys((*latent, *plain)))

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
        """The one model, when nobody but the operator can change it; else None."""
        names = set(self.all_models().values())
        abilities = self.abilities()
        if not abilities or len(names) > 1 or any(a.switches_models for a in abilities):
            return None
        return next(iter(names), "the model it was started with")

    def may_load(self, route: str, guilds: int) -> bool:
        """Whether choosing a model for a server of `guilds` also loads it into memory."""
        allowed = self._painters[route].backend.settings.allow_load
        able = self.ability(route).switches_models and self.known(route)
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
        """The first painter that lists the model and is up; without a model, the first one up."""
        able = [
            name
            for name, health in self._painters.items()
            if model is None
            or not (ability := health.backend.ability)
            or not ability.models
            or any(m.name == model for m in ability.models)
        ] or list(self._painters)
        up = [n for n in able if self._painters[n].state is State.UP]
        hopeful = [n for n in able if self._painters[n].state is not State.REJECTED]
        route = (up or hopeful or able)[0]
        self.usable(route)
        return route

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
        """A wrong password is not worth waiting for: it is said at once."""
        error = self._painters[route].error
        if isinstance(error, BackendRejectedCredentials):
            raise Refusal(error.sentence, detail=str(error))


def trouble_of(painter: Health) -> str | None:
    """The sentence for waiting cards while a painter cannot be used."""
    return {
        State.DOWN: "The image server can't be reached right now. Your place in line is kept.",
        State.REJECTED: "The image server doesn't accept this bot's password just now. "
        "Your place in line is kept.",
    }.get(painter.state)
