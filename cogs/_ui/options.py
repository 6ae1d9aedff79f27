"""The options that commands share: each is described once, and a command names what it takes.

`@takes("prompt", "model", …)` gives py-cord the options, the handler gets them all by name in
`**given`, None for what was left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import discord

from bot.studio import Aspect
from bot.studio.compose import LARGEST_CFG, LARGEST_SIDE, SMALLEST_SIDE
from bot.studio.over import FILLS, RESIZE_MODES
from bot.values.request import PROMPT_LIMIT, SEED_LIMIT
from cogs._ui import completions

Handler = TypeVar("Handler", bound=Callable[..., Any])

ASPECTS: Mapping[Aspect, str] = {
    Aspect.SQUARE: "Square",
    Aspect.PORTRAIT: "Portrait 2:3",
    Aspect.LANDSCAPE: "Landscape 3:2",
    Aspect.WIDE: "Wide 16:9",
    Aspect.TALL: "Tall 9:16",
}
CONTROLS = {
    "canny": "canny: its edges",
    "depth": "depth: near and far",
    "pose": "pose: its people",
    "lineart": "lineart: its lines",
}


def takes(*names: str, required: tuple[str, ...] = ()) -> Callable[[Handler], Handler]:
    """The options of a command, in this order; the required ones come first, as Discord wants."""

    def give(handler: Handler) -> Handler:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        own = [inspect.Parameter(name, kind) for name in ("self", "ctx")]
        parameters = [
            inspect.Parameter(name, kind, annotation=_option(name, required=name in required))
            for name in (*required, *names)
        ]
        handler.__signature__ = inspect.Signature([*own, *parameters])  # type: ignore[attr-defined]
        return handler

    return give


def _option(name: str, *, required: bool) -> discord.Option:
    what, description, more = _OPTIONS[name]
    return discord.Option(what, description, name=name, required=required, **more)


def _choices(titles: Mapping[Any, str]) -> list[discord.OptionChoice]:
    return [discord.OptionChoice(title, str(value)) for value, title in titles.items()]


_PIXELS = {"min_value": SMALLEST_SIDE, "max_value": LARGEST_SIDE}
_UNIT = {"min_value": 0, "max_value": 1}

_OPTIONS: Mapping[str, tuple[type, str, dict[str, Any]]] = {
    "prompt": (
        str,
        "What to draw. {a|b} is one of the two, __animal__ a random one.",
        {"min_length": 1, "max_length": PROMPT_LIMIT},
    ),
    "negative_prompt": (
        str,
        "What to keep out of the picture.",
        {"max_length": PROMPT_LIMIT},
    ),
    "style": (
        str,
        "A look: photograph, watercolour …; none for none.",
        {"autocomplete": completions.styles},
    ),
    "model": (
        str,
        "Which model paints; type parts of its name.",
        {"autocomplete": completions.models},
    ),
    "lora": (
        str,
        "A LoRA as name:weight; several with commas.",
        {"autocomplete": completions.loras, "max_length": 1000},
    ),
    "size": (str, "The shape; its pixels suit the model.", {"choices": _choices(ASPECTS)}),
    "width": (int, "Width in pixels, instead of a shape.", _PIXELS),
    "height": (int, "Height in pixels, instead of a shape.", _PIXELS),
    "steps": (int, "How many steps; more take longer.", {"min_value": 1, "max_value": 150}),
    "sampler": (
        str,
        "The sampler; best left to the model.",
        {"autocomplete": completions.of("samplers")},
    ),
    "scheduler": (
        str,
        "The noise schedule; best left to the model.",
        {"autocomplete": completions.of("schedulers")},
    ),
    "cfg_scale": (
        float,
        "How closely to follow the prompt.",
        {"min_value": 0, "max_value": LARGEST_CFG},
    ),
    "seed": (
        int,
        "The same seed and settings give the same picture; -1 is random.",
        {"min_value": -1, "max_value": SEED_LIMIT - 1},
    ),
    "count": (int, "How many pictures.", {"min_value": 1, "max_value": 10}),
    "hires": (
        float,
        "A second pass, this many times larger: finer and slower.",
        {"min_value": 1, "max_value": 4},
    ),
    "hires_upscaler": (
        str,
        "What enlarges before the second pass.",
        {"autocomplete": completions.of("hires_upscalers")},
    ),
    "hires_strength": (float, "How much the second pass may change: 0 to 1 (0.5).", _UNIT),
    "vae": (
        str,
        "Which VAE decodes; best left to the model.",
        {"autocomplete": completions.of("vaes")},
    ),
    "clip_skip": (
        int,
        "Leave out the last layers of CLIP; some anime models want 2.",
        {"min_value": 1, "max_value": 12},
    ),
    "face_restoration": (str, "Mend faces afterwards.", {"autocomplete": completions.of("faces")}),
    "tiling": (bool, "A picture whose edges meet, for patterns.", {}),
    "spoiler": (bool, "Hide the picture until it is clicked.", {}),
    "extra": (
        str,
        'The rarest settings: "Hires steps: 10, Variation seed: 5".',
        {"max_length": 4000},
    ),
    "private": (bool, "Show the picture to you alone.", {}),
    "image": (discord.Attachment, "The picture.", {}),
    "strength": (float, "How much may change: 0 nothing, 1 all (0.6).", _UNIT),
    "mask": (discord.Attachment, "White is painted anew, black is kept.", {}),
    "mask_blur": (
        int,
        "How softly the mask ends, in pixels (4).",
        {"min_value": 0, "max_value": 64},
    ),
    "masked_content": (
        str,
        "What the masked part begins as (original).",
        {"choices": list(FILLS)},
    ),
    "only_masked": (bool, "Paint the masked part at full size.", {}),
    "mask_padding": (
        int,
        "With only_masked: how much around it is seen, in pixels (32).",
        {"min_value": 0, "max_value": 256},
    ),
    "invert_mask": (bool, "Paint the black part instead.", {}),
    "resize": (
        str,
        "How the picture is brought to another shape (crop).",
        {"choices": list(RESIZE_MODES)},
    ),
    "control": (
        str,
        "Draw anew and keep only this of the picture (ControlNet).",
        {"choices": _choices(CONTROLS)},
    ),
    "control_weight": (
        float,
        "How strictly to keep it: 0 to 2 (1).",
        {"min_value": 0, "max_value": 2},
    ),
    "by": (float, "How many times larger (2).", {"min_value": 1.1, "max_value": 8}),
    "upscaler": (
        str,
        "Which upscaler; best left alone.",
        {"autocomplete": completions.of("upscalers")},
    ),
}
