"""What servers, channels and members chose, laid under an order: options above, family below."""

from __future__ import annotations

from dataclasses import fields, replace

from bot.guilds import Effective
from bot.studio.compose import DrawOptions
from bot.studio.families import Family
from bot.values.request import ImageRequest


def with_defaults(options: DrawOptions, chosen: Effective) -> DrawOptions:
    """The options with the chosen shape and negative prompt where none was given."""
    sized = options.size or options.width is not None or options.height is not None
    return replace(
        options,
        size=options.size if sized else chosen.text("size"),
        negative_prompt=(
            chosen.text("negative_prompt")
            if options.negative_prompt is None
            else options.negative_prompt
        ),
    )


def given(options: DrawOptions) -> tuple[str, ...]:
    """The names of the options that a member gave."""
    return tuple(f.name for f in fields(options) if getattr(options, f.name) is not None)


def regained(request: ImageRequest, family: Family) -> DrawOptions:
    """The options of a blind request as they were given; `family` is what it was composed by."""
    names = set(request.blind or ())
    held = {
        name: getattr(request, name)
        for name in names & {"steps", "cfg_scale", "sampler", "scheduler", "count", "model"}
    }
    if names & {"width", "height"} or request.kind != "txt2img":
        held |= {"width": request.width, "height": request.height}
    elif "size" in names:
        sides = (request.width, request.height)
        held["size"] = next((a for a, s in family.sizes.items() if tuple(s) == sides), None)
    return DrawOptions(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        seed=request.seed,
        **held,
    )


def adapted(family: Family, chosen: Effective) -> Family:
    """The family with the chosen figures and names in the place of its own.

    As the family's own they bend: above a cap they are lowered, and a sampler that a painter
    does not have is left to the painter.
    """
    keys = ("steps", "cfg_scale", "sampler", "scheduler")
    held = {key: chosen[key] for key in keys if chosen[key] is not None}
    return family.model_copy(update=held)
