"""What servers, channels and members chose, laid under an order: options above, family below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.guilds import Effective, InForce, Origin, Value
from bot.studio.families import Family
from bot.studio.options import DrawOptions
from bot.studio.prompting import NO_STYLE, without_tags


def with_defaults(
    options: DrawOptions, chosen: Effective, family: Family, styles: Iterable[str]
) -> DrawOptions:
    """The options with the chosen shape, style and negative prompt where none was given.

    A chosen style that is no longer among `styles` falls away, as a model that is gone does.
    """
    style = chosen.text("style")
    known = {NO_STYLE, *(name.casefold() for name in styles)}
    negative = chosen.text("negative_prompt") or family.negative_prompt
    sized = options.size or options.width is not None or options.height is not None
    return replace(
        options,
        size=options.size if sized else chosen.text("size"),
        style=options.style or (style if style and style.casefold() in known else None),
        negative_prompt=(
            negative and without_tags(negative)
            if options.negative_prompt is None
            else options.negative_prompt
        ),
    )


def filled(chosen: Effective, family: Family, painted: str | None) -> Effective:
    """What is in force, with the model's own where nobody chose: for people to read."""
    own: dict[str, Value | None] = {
        "size": "square",
        "steps": family.steps,
        "sampler": family.sampler,
        "scheduler": family.scheduler,
        "cfg_scale": family.cfg_scale,
        "negative_prompt": family.negative_prompt,
    }
    held = dict(chosen.held)
    for name, value in own.items():
        if held[name].value is None:
            held[name] = InForce(value, Origin.MODEL)
    if held["model"].value is None:
        held["model"] = InForce(painted, Origin.DEFAULT)
    return Effective(held)


def adapted(family: Family, chosen: Effective) -> Family:
    """The family with the chosen figures and names in the place of its own.

    As the family's own they bend: above a cap they are lowered, and a sampler that a painter
    does not have is left to the painter.
    """
    keys = ("steps", "cfg_scale", "sampler", "scheduler")
    held = {key: chosen[key] for key in keys if chosen[key] is not None}
    return family.model_copy(update=held)
