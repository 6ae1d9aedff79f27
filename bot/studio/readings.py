"""From the PNG info of a picture, or a pasted infotext, back to an order.

What the picture says is taken as far as it can be painted here; what cannot (a model that
nobody has, more steps than are allowed) is left to the defaults, and said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from bot.errors import BadOption
from bot.images.foreign import Reading
from bot.studio.extra import KEYS, parse_extra
from bot.studio.options import DrawOptions
from bot.studio.prompting import NO_STYLE
from bot.values.request import PROMPT_LIMIT

T = TypeVar("T")

_NUMBERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "Steps": ("steps", int),
    "CFG scale": ("cfg_scale", float),
    "Hires upscale": ("hires", float),
    "Clip skip": ("clip_skip", int),
}
_WORDS = {
    "Sampler": "sampler",
    "Schedule type": "scheduler",
    "Model": "model",
    "VAE": "vae",
    "Hires upscaler": "hires_upscaler",
    "Face restoration": "face_restoration",
}
_REST = frozenset(KEYS) - {*_NUMBERS, *_WORDS, "Denoising strength", "Tiling"}
_SIGN = re.compile(r"__|\{|\\(?=[}|])")
_WHAT = {
    "model": "the model {}",
    "sampler": "the sampler {}",
    "scheduler": "the schedule {}",
    "vae": "the VAE {}",
    "hires_upscaler": "the upscaler {}",
    "face_restoration": "the face restoration {}",
    "steps": "its {} steps",
    "cfg_scale": "its CFG scale of {}",
    "seed": "its seed {}",
    "hires": "its second pass",
    "hires_strength": "its second pass",
    "clip_skip": "its CLIP skip of {}",
    "width": "its size",
    "height": "its size",
    "extra": "{}",
    "tiling": "its tiling",
}


def options_of(reading: Reading) -> DrawOptions:
    """The options that would draw a picture like it; what is no sensible value is left out."""
    words = words_of(reading)
    settings, infotext = reading.settings, reading.infotext
    given: dict[str, Any] = {option: settings.get(key) for key, option in _WORDS.items()}
    for key, (option, read) in _NUMBERS.items():
        given[option] = _read(read, settings.get(key))
    given["seed"] = infotext.seed
    given["tiling"] = True if settings.get("Tiling") == "True" else None
    if infotext.size is not None:
        given["width"], given["height"] = infotext.size
    if given["hires"] or given["hires_upscaler"]:
        given["hires_strength"] = _read(float, settings.get("Denoising strength"))
    return DrawOptions(
        prompt=words.prompt or "a picture",
        negative_prompt=words.negative_prompt or "",
        style=NO_STYLE,
        extra=", ".join(_pairs(settings)) or None,
        **given,
    )


def words_of(reading: Reading) -> DrawOptions:
    """Its prompts alone; no sign in them is a choice or a wildcard any more."""
    return DrawOptions(_resolved(reading.prompt), _resolved(reading.negative_prompt) or None)


def redrawn(reading: Reading, draft: Callable[[DrawOptions], T]) -> tuple[T, list[str]]:
    """The first draft that can be made, and what of the picture's settings it left out.

    Raises the BadOption that has to do with the prompt itself.
    """
    options = options_of(reading)
    left_out: list[str] = []
    while True:
        try:
            return draft(options), left_out
        except BadOption as error:
            less = _without(options, error, reading)
            if less == options:
                raise
            what = _WHAT.get(error.option, "")
            left_out.append(error.part or what.format(getattr(options, error.option)))
        options = less


def _without(options: DrawOptions, error: BadOption, reading: Reading) -> DrawOptions:
    """The options without what a refusal named; the same when that is none of the settings."""
    name = error.option
    if error.part and name in ("prompt", "negative_prompt"):
        words = getattr(options, name).replace(error.part, "").strip(" ,")
        return replace(options, **{name: words})
    if name not in _WHAT:
        return options
    if name in ("width", "height"):
        return replace(options, width=None, height=None)
    if name in ("hires", "hires_strength"):
        first = {k: v for k, v in reading.settings.items() if not k.startswith("Hires")}
        extra = ", ".join(_pairs(first)) if options.extra else None
        options = replace(options, hires_upscaler=None, hires_strength=None, extra=extra or None)
        name = "hires"
    return replace(options, **{name: None})  # type: ignore[arg-type]


def _resolved(prompt: str) -> str:
    """A prompt whose choices were made already: no sign in it is one for `words.expand`."""
    whole = prompt[:PROMPT_LIMIT]
    escaped = _SIGN.sub(r"\\\g<0>", whole)
    return escaped if len(escaped) <= PROMPT_LIMIT else whole


def _read(read: Callable[[str], Any], text: str | None) -> Any:
    try:
        value = None if text is None else read(text)
    except ValueError:
        return None
    return value if value is None or abs(value) < 10**6 else None


def _pairs(settings: Mapping[str, str]) -> list[str]:
    """The rarer settings in the grammar of `extra:`, as far as they can be taken."""
    found = []
    for key in settings:
        if key not in _REST:
            continue
        pair = f"{key}: {json.dumps(settings[key], ensure_ascii=False)}"
        try:
            parse_extra(pair)
        except BadOption:
            continue
        found.append(pair)
    return found
