"""Drafts: from options to a complete request and its painter, with what is in force laid under.

Everything from memory: a draft is made before the first answer, and made anew for orders that
were taken before their painter had told its lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.errors import Refusal
from bot.images.foreign import Reading
from bot.queue.job import Job
from bot.settings import Limits
from bot.studio import readings
from bot.studio.compose import compose
from bot.studio.defaults import adapted, with_defaults
from bot.studio.library import Library
from bot.studio.options import DrawOptions
from bot.studio.over import OverOptions, size_for
from bot.studio.painters import Painters
from bot.studio.rules import Rules
from bot.studio.terms import Terms
from bot.values.ability import Ability
from bot.values.guest import Guest
from bot.values.request import ImageRequest, Kind
from bot.values.source import Role, Source


@dataclass(frozen=True)
class Draft:
    """A complete request, the backend that shall paint it, and the caps that hold for it."""

    request: ImageRequest
    route: str
    limits: Limits


class Drafts:
    """Makes them. Raises Refusal and its kin, without any I/O."""

    def __init__(self, painters: Painters, library: Library, rules: Rules, limits: Limits) -> None:
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
        chosen = self._rules.in_force(guest)
        model = self._painters.choose(options.model, chosen.text("model"))
        route = self._painters.route(model)
        draft = self._made(options, guest, kind, model, route, image=image)
        if not self._painters.known(route):
            unseen = options.given() | {"seed": draft.request.seed}
            if image is not None:
                unseen["sides"] = [image.width, image.height]
            request = draft.request.model_copy(update={"unseen": unseen})
            draft = replace(draft, request=request)
        return draft

    def anew(self, job: Job) -> ImageRequest:
        """The request of a blind order, now that its painter has told its lists."""
        old, guest = job.request, replace(job.guest, channel_id=job.address.channel_id)
        unseen = dict(old.unseen or {})
        sides = unseen.pop("sides", None)
        options, image = DrawOptions(**unseen), Source(Role.INIT, b"", *sides) if sides else None
        chosen = self._rules.in_force(guest)
        model = self._painters.choose(options.model, chosen.text("model"))
        self._has(model, job.route)
        if old.control is not None:
            self._can_follow(old.control.kind, job.route)
        new = self._made(options, guest, old.kind, model, job.route, image=image).request
        kept = ("denoising_strength", "resize_mode", "inpainting", "control")
        return new.model_copy(update={name: getattr(old, name) for name in kept})

    def over(self, options: DrawOptions, over: OverOptions, guest: Guest, image: Source) -> Draft:
        """The draft of an order that begins with a picture: its size follows from the picture."""
        draft = self.of(options, guest, over.kind, image)
        if over.control is not None:
            self._can_follow(over.control, draft.route)
        return replace(draft, request=draft.request.model_copy(update=over.fields()))

    def again(self, reading: Reading, guest: Guest) -> tuple[Draft, Sequence[str]]:
        """The draft of a picture's own settings, and sentences on what could not be kept."""
        return readings.redrawn(reading, lambda options: self.of(options, guest))

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
        terms = Terms(kind, painted, adapted(family, chosen), ability, limits, self._library)
        request = compose(with_defaults(options, chosen, family), terms)
        return Draft(request, route, limits)

    def _has(self, model: str | None, route: str) -> None:
        """The route of an order that is in line can't change: another model must not paint it."""
        listed = [m.name for m in self._painters.ability(route).models]
        if model is not None and listed and model not in listed:
            raise Refusal(
                f"The image server that this waited for doesn't have {model}. Please draw it again."
            )

    def _can_follow(self, control: str, route: str) -> None:
        ability = self._painters.ability(route)
        if self._painters.known(route) and control not in ability.controls:
            able = ", ".join(f"`{kind}`" for kind in ability.controls)
            hint = f" It can follow {able}." if able else " It has no ControlNet."
            raise Refusal(f"The image server here can't follow `{control}`.{hint}")


def _painted(model: str | None, ability: Ability) -> str | None:
    """The checkpoint that will paint: the chosen one, else the one that is loaded.

    It is named in every request, since another's choice stays loaded (sdapi trap 4).
    """
    alone = ability.models[0].name if len(ability.models) == 1 else None
    return model or ability.current_model or alone
