"""From what a member typed to a complete ImageRequest, or a sentence that says what to change.

Everything is checked here, since the servers behind check nothing (sdapi traps 2, 3, 16).
"""

from __future__ import annotations

import random

from bot.errors import BadOption
from bot.settings import Limits
from bot.studio.families import Family
from bot.studio.options import Aspect, DrawOptions
from bot.studio.prompting import written
from bot.studio.refine import folded, refined
from bot.studio.search import resolve, same
from bot.studio.terms import Terms
from bot.values.ability import Ability, Model
from bot.values.request import SEED_LIMIT, ImageRequest

SMALLEST_SIDE = 64
LARGEST_SIDE = 4096
LARGEST_CFG = 30.0
LONGEST_NAME = 200
"""Characters of a model's, sampler's or scheduler's name."""


def model_names(models: tuple[Model, ...]) -> dict[str, str]:
    """Everything that may be typed for a model, and its lasting name."""
    names = {m.name: m.name for m in models}
    for model in models:
        names.setdefault(model.title, model.name)
        if model.hash:
            names.setdefault(model.hash, model.name)
    return names


def compose(options: DrawOptions, terms: Terms) -> ImageRequest:
    """The request with the family's defaults, the painter's own spelling and a fixed seed.

    Raises BadOption, UnknownName.
    """
    family, ability, limits = terms.family, terms.ability, terms.limits
    options, rest = folded(options, terms.kind)
    seed = _seed(options.seed)
    words = written(options, seed, ability, terms.library)
    width, height = _size(options, family, limits, ability.step_pixels)
    sampler, scheduler = _sampling(options, family, ability)
    request = ImageRequest(
        kind=terms.kind,
        prompt=words.prompt,
        negative_prompt=words.negative_prompt,
        subject=words.subject,
        model=terms.model,
        width=width,
        height=height,
        steps=_within("steps", options.steps, family.steps, 1, limits.max_steps),
        sampler=sampler,
        scheduler=scheduler,
        cfg_scale=_cfg(options.cfg_scale, family.cfg_scale),
        seed=seed,
        count=_within("count", options.count, 1, 1, limits.max_count),
        **refined(options, rest, terms, seed),
    )
    if request.pixels > limits.max_pixels:
        raise BadOption(
            "hires",
            f"With its second pass that is {request.pixels / 1e6:.1f} megapixels; at most "
            f"{limits.max_pixels / 1e6:.1f} are possible here. Try a smaller `hires` or size.",
        )
    return request


def unchecked(option: str, name: str) -> str:
    """A name that no list can confirm, in bounds. Raises BadOption."""
    if len(name) > LONGEST_NAME:
        raise BadOption(option, f"`{option}` has {len(name)} characters; no name is that long.")
    return name


def check_ceilings(request: ImageRequest, limits: Limits) -> None:
    """Raises BadOption when an older request is above what the operator allows now."""
    for option, value, most in (
        ("steps", request.steps, limits.max_steps),
        ("count", request.count, limits.max_count),
        ("width", request.pixels, limits.max_pixels),
    ):
        if value > most:
            what = "pixels" if option == "width" else option
            raise BadOption(option, f"That picture has {value} {what}; at most {most} here now.")


def new_seed() -> int:
    """A seed that every server keeps: some read a signed 32-bit number (sdapi 11.4)."""
    return random.randrange(2**31)


def _within(option: str, given: int | None, default: int, low: int, high: int) -> int:
    value = min(default, high) if given is None else given
    if not low <= value <= high:
        raise BadOption(option, f"`{option}` can be {low} to {high} here, not {value}.")
    return value


def _cfg(given: float | None, default: float) -> float:
    value = default if given is None else given
    if not 0 <= value <= LARGEST_CFG:  # also refuses NaN
        raise BadOption("cfg_scale", f"`cfg_scale` can be 0 to {LARGEST_CFG:g}, not {value:g}.")
    return round(value, 2)


def _seed(given: int | None) -> int:
    if given is None or given == -1:
        return new_seed()
    if not 0 <= given < SEED_LIMIT:
        raise BadOption("seed", f"`seed` can be 0 to {SEED_LIMIT - 1}, or -1 for a random one.")
    return given


def _size(options: DrawOptions, family: Family, limits: Limits, multiple: int) -> tuple[int, int]:
    aspect = options.size or Aspect.SQUARE
    if aspect not in family.sizes:
        known = ", ".join(f"`{a}`" for a in family.sizes)
        raise BadOption("size", f"`size` can be {known}.")
    width, height = family.sizes[aspect]
    if options.width is not None or options.height is not None:
        # One side alone asks for a square of it, unless an aspect was chosen as well.
        width, height = _typed(options, width / height if options.size else 1.0)
    width, height = (max(multiple, round(s / multiple) * multiple) for s in (width, height))
    if width * height > limits.max_pixels:
        if options.width is None and options.height is None:
            return _fitted(width, height, limits.max_pixels, multiple)
        raise BadOption(
            "height" if options.width is None else "width",
            f"{width}×{height} is {width * height / 1e6:.1f} megapixels; "
            f"at most {limits.max_pixels / 1e6:.1f} are possible here. Try a smaller size.",
        )
    return width, height


def _typed(options: DrawOptions, ratio: float) -> tuple[int, int]:
    """The sides that were typed; a missing one follows from the other. Raises BadOption."""
    for option in ("width", "height"):
        side = getattr(options, option)
        if side is not None and not SMALLEST_SIDE <= side <= LARGEST_SIDE:
            raise BadOption(
                option, f"`{option}` can be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, not {side}."
            )
    width, height = options.width, options.height
    if width is None:
        width = round((height or 0) * ratio)
    if height is None:
        height = round(width / ratio)
    if not (SMALLEST_SIDE <= width <= LARGEST_SIDE and SMALLEST_SIDE <= height <= LARGEST_SIDE):
        raise BadOption(
            "height" if options.width is None else "width",
            f"That would be {width}×{height}; a side can have "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE} pixels.",
        )
    return width, height


def _fitted(width: int, height: int, pixels: int, multiple: int) -> tuple[int, int]:
    """A preset made smaller, in its ratio, to suit the operator's ceiling."""
    scale = (pixels / (width * height)) ** 0.5
    sides = [max(SMALLEST_SIDE, int(s * scale) // multiple * multiple) for s in (width, height)]
    longer = 0 if sides[0] >= sides[1] else 1
    # The shorter side may have been held up by the smallest one that is possible.
    room = pixels // sides[1 - longer] // multiple * multiple
    sides[longer] = max(SMALLEST_SIDE, min(sides[longer], room))
    return sides[0], sides[1]


def _sampling(
    options: DrawOptions, family: Family, ability: Ability
) -> tuple[str | None, str | None]:
    samplers = {s.name: s.name for s in ability.samplers}
    for s in ability.samplers:
        for alias in s.aliases:
            samplers.setdefault(alias, s.name)
    schedulers = {s.label: s.label for s in ability.schedulers}
    schedulers |= {s.name: s.label for s in ability.schedulers}
    return (
        _name("sampler", options.sampler, family.sampler, samplers, ability),
        _name("scheduler", options.scheduler, family.scheduler, schedulers, ability),
    )


def _name(
    option: str, given: str | None, default: str | None, names: dict[str, str], ability: Ability
) -> str | None:
    """The painter's spelling; the family's own choice only where the painter has it.

    Painters with the wider fields list what they have: one of theirs that lists nothing has a
    broken list, and another's can't be chosen from.
    """
    if given is not None:
        if not names and not ability.second_pass:
            raise BadOption(
                option, f"The image server here can't choose a {option}. Leave `{option}` out."
            )
        return resolve(option, option, given, names) if names else unchecked(option, given)
    if default is None:
        return None
    return same(default, names)
