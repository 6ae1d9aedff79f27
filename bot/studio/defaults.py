"""What servers, channels and members chose, laid under an order: options above, family below."""

from __future__ import annotations

from dataclasses import replace

from bot.guilds import Effective
from bot.studio.families import Family
from bot.studio.options import DrawOptions


def with_defaults(options: DrawOptions, chosen: Effective, family: Family) -> DrawOptions:
    """The options with the chosen shape, style and negative prompt where none was given."""
    sized = options.size or options.width is not None or options.height is not None
    return replace(
        options,
        size=options.size if sized else chosen.text("size"),
        style=options.style or chosen.text("style"),
        negative_prompt=(
            chosen.text("negative_prompt") or family.negative_prompt
            if options.negative_prompt is None
            else options.negative_prompt
        ),
    )


def adapted(family: Family, chosen: Effective) -> Family:
    """The family with the chosen figures and names in the place of its own.

    As the family's own they bend: above a cap they are lowered, and a sampler that a painter
    does not have is left to the painter.
    """
    keys = ("steps", "cfg_scale", "sampler", "scheduler")
    held = {key: chosen[key] for key in keys if chosen[key] is not None}
    return family.model_copy(update=held)
