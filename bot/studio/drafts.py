"""Drafts: from options to a complete request and its painter, with what is in force laid under.

Everything from memory: a draft is made before the first answer, and made anew for orders that
were taken before their painter had told its lists.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.errors import Refusal
from bot.guilds import Effective
from bot.images.foreign import Reading
from bot.queue.job import Job
from bot.settings import Limits
from bot.studio import readings
from bot.studio.budget import Budgets
from bot.studio.compose import compose
from bot.studio.defaults import adapted, filled, with_defaults
from bot.studio.fitness import check_model
from bot.studio.library import Library
from bot.studio.options import DrawOptions
from bot.studio.over import OverOptions, resize_mode_for, size_for
from bot.studio.painters import Painters
from bot.studio.rules import Rules
from bot.studio.terms import Terms
from bot.values.ability import Ability
from bot.values.guest import Guest
from bot.values.request import ImageRequest, Kind
from bot.values.source import Role, Source


@dataclass(frozen=True)
class Draft:
    """A complete request, the backend that it was made for, all that can paint it just so, the
    caps that hold for it, and the member's weight in the line.
    """

    request: ImageRequest
    route: str
    limits: Limits
    routes: frozenset[str] = frozenset()
    weight: float = 1.0


class Drafts:
    """Makes them. Raises Refusal and its kin, without any I/O."""

    def __init__(
        self,
        painters: Painters,
        library: Library,
        rules: Rules,
        limits: Limits,
        budgets: Budgets,
    ) -> None:
        self._budgets = budgets
        self._painters = painters
        self._library = library
        self._rules = rules
        self._limits = limits

    def of(
        self,
        options: DrawOptions,
        guest: Guest,
        kind: Kind = "txt2img",
        image: Source | None = None,
    ) -> Draft:
        """The draft of an order; a blind one (`unseen`) while its painter is not known yet.

        Where no size is asked for, it follows from the `image` that it begins with.
        """
        return self._first(
            options, guest, lambda m, route: self._sent(options, guest, kind, m, route, image=image)
        )

    def _first(
        self, options: DrawOptions, guest: Guest, make: Callable[[str | None, str], Draft]
    ) -> Draft:
        """The draft for the first painter that has all that is asked; else the first one's words.

        Whoever has not told its lists yet takes only what it would be asked first.
        """
        chosen = self._rules.in_force(guest)
        model = self._painters.choose(options.model, chosen.text("model"))
        able = self._painters.routes(model)
        first, *others = self._budgets.hopeful(able, guest.guild_id)
        self._painters.usable(first)
        try:
            return make(model, first)
        except Refusal:
            for route in filter(self._painters.known, others):
                with contextlib.suppress(Refusal):
                    self._painters.usable(route)
                    return make(model, route)
            raise

    def _sent(
        self,
        options: DrawOptions,
        guest: Guest,
        kind: Kind,
        model: str | None,
        route: str,
        *,
        image: Source | None,
    ) -> Draft:
        """The draft for one painter, with the options as typed while it is not known."""
        draft = self._made(options, guest, kind, model, route, image=image)
        if not self._painters.known(route):
            unseen = options.given() | {"seed": draft.request.seed}
            if image is not None:
                unseen["sides"] = [image.width, image.height]
            request = draft.request.model_copy(update={"unseen": unseen})
            draft = replace(draft, request=request)
        return draft

    def in_force(self, guest: Guest) -> Effective:
        """What holds for this guest, with what the checkpoint that would paint says of itself."""
        chosen = self._rules.in_force(guest)
        model = self._painters.default_model(chosen.text("model"))
        ability = self._painters.ability(self._painters.likely(model))
        painted = _painted(model, ability)
        return filled(chosen, self._library.families.of(painted), painted)

    def anew(self, job: Job) -> ImageRequest:
        """The request of a blind order, now that its painter has told its lists."""
        old, guest = job.request, replace(job.guest, channel_id=job.address.channel_id)
        unseen = dict(old.unseen or {})
        sides, fitting = unseen.pop("sides", None), unseen.pop("fitting", False)
        options, image = DrawOptions(**unseen), Source(Role.INIT, b"", *sides) if sides else None
        chosen = self._rules.in_force(guest)
        model = self._painters.choose(options.model, chosen.text("model"))
        self._has(model, job.route)
        new = self._made(options, guest, old.kind, model, job.route, image=image).request
        kept = ("denoising_strength", "resize_mode", "inpainting", "control")
        whole = new.model_copy(update={name: getattr(old, name) for name in kept})
        if image is not None and fitting:
            mode = resize_mode_for(image, new.width, new.height)
            whole = whole.model_copy(update={"resize_mode": mode})
        return self._following(whole, job.route)

    def over(self, options: DrawOptions, over: OverOptions, guest: Guest, image: Source) -> Draft:
        """The draft of an order that begins with a picture: its size follows from the picture."""

        def make(model: str | None, route: str) -> Draft:
            draft = self._sent(options, guest, over.kind, model, route, image=image)
            update = over.fields(image, draft.request.width, draft.request.height)
            unseen = draft.request.unseen
            if unseen is not None and over.resize is None and over.kind == "img2img":
                update["unseen"] = unseen | {"fitting": True}
            request = self._following(draft.request.model_copy(update=update), route)
            return replace(draft, request=request, routes=self._painters.able(request, route))

        return self._first(options, guest, make)

    def again(
        self, reading: Reading, guest: Guest, own: Mapping[str, Any] | None = None
    ) -> tuple[Draft, Sequence[str]]:
        """The draft of a picture's own settings, and sentences on what could not be kept.

        `own` are options that the guest gave beside them.
        """
        return readings.redrawn(
            reading, lambda options: self.of(replace(options, **(own or {})), guest)
        )

    def _made(
        self,
        options: DrawOptions,
        guest: Guest,
        kind: Kind,
        model: str | None,
        route: str,
        *,
        image: Source | None,
    ) -> Draft:
        chosen = self._rules.in_force(guest)
        ability = self._painters.ability(route)
        painted = _painted(model, ability)
        family = self._library.families.of(painted)
        limits = chosen.limits(self._limits)
        if image is not None and (options.size, options.width, options.height) == (None,) * 3:
            width, height = size_for(image, family, limits, ability.step_pixels)
            options = replace(options, width=width, height=height)
        check_model(options.model, model, ability)
        terms = Terms(kind, painted, adapted(family, chosen), ability, limits, self._library)
        styles = self._library.styles.names
        request = compose(with_defaults(options, chosen, family, styles), terms)
        able = self._painters.able(request, route)
        return Draft(request, route, limits, able, self._rules.weight(guest))

    def _has(self, model: str | None, route: str) -> None:
        """The route of an order that is in line can't change: another model must not paint it."""
        listed = [m.name for m in self._painters.ability(route).models]
        if model is not None and listed and model not in listed:
            raise Refusal(
                f"The image server that this waited for doesn't have {model}. Please draw it again."
            )

    def _following(self, request: ImageRequest, route: str) -> ImageRequest:
        """The request with the family of the nets that fit its checkpoint, if it needs one.

        Raises Refusal when there is none: another family's does nothing, or breaks the picture.
        """
        control, model = request.control, request.model
        if control is None or not self._painters.known(route):
            return request
        ability, family = self._painters.ability(route), self._library.families.of(model)
        net = family.control if model else None
        able = ability.controls_of(net) if net or not model else ()
        if control.kind in able:
            fitting = control.model_copy(update={"family": net})
            return request.model_copy(update={"control": fitting})
        whose = f" for {family.name} models" if control.kind in ability.controls else ""
        hint = f" It can follow {', '.join(f'`{kind}`' for kind in able)}." if able else ""
        nothing = "" if ability.controls else " It has no ControlNet."
        raise Refusal(f"The image server here can't follow `{control.kind}`{whose}.{hint}{nothing}")


def _painted(model: str | None, ability: Ability) -> str | None:
    """The checkpoint that will paint: the chosen one, else the one that is loaded.

    It is named in every request, since another's choice stays loaded (sdapi trap 4).
    """
    alone = ability.models[0].name if len(ability.models) == 1 else None
    return model or ability.current_model or alone
