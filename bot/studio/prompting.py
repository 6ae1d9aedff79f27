"""From typed words to the prompt that is painted: helpers resolved, style around, LoRAs behind."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.errors import BadOption
from bot.studio.library import Library
from bot.studio.options import DrawOptions
from bot.studio.search import resolve
from bot.studio.words import expand
from bot.values.ability import Ability
from bot.values.request import PROMPT_LIMIT

NO_STYLE = "none"
"""Typed for `style`, it switches off a style that was chosen for all."""
LARGEST_WEIGHT = 4.0

_TAG = re.compile(r"<lora:([^:<>]+)((?::[^<>]*)?)>")


@dataclass(frozen=True)
class Written:
    """`subject` is the member's own words where something stands around them, else None."""

    prompt: str
    negative_prompt: str
    subject: str | None


def written(options: DrawOptions, seed: int, ability: Ability, library: Library) -> Written:
    """The prompts of an order. Raises BadOption, UnknownName."""
    prompt = clean("prompt", options.prompt)
    if not prompt:
        raise BadOption("prompt", "The prompt is empty. Say in a few words what to draw.")
    negative = clean("negative_prompt", options.negative_prompt or "")
    wildcards = library.wildcards
    subject = prompt = expand(prompt, seed=seed, wildcards=wildcards)
    negative = expand(negative, seed=seed, wildcards=wildcards, option="negative_prompt")
    if options.style and options.style.casefold() != NO_STYLE:
        prompt, negative = library.styles.find(options.style).apply(prompt, negative)
    prompt = " ".join([_spelt(prompt, ability), *_tags(options.lora, ability)])
    if len(prompt) > PROMPT_LIMIT:
        raise BadOption(
            "lora" if options.lora else "prompt",
            f"With its LoRAs the prompt has {len(prompt)} characters; "
            f"at most {PROMPT_LIMIT} are possible.",
        )
    return Written(prompt, negative, subject if prompt != subject else None)


def clean(option: str, text: str) -> str:
    """The text without what can be typed but neither kept nor sent. Raises BadOption."""
    # Half a character (a lone surrogate) can be typed.
    whole = text.encode("utf-8", "ignore").decode("utf-8")
    kept = whole.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()
    if len(kept) > PROMPT_LIMIT:
        raise BadOption(
            option,
            f"The {option.replace('_', ' ')} has {len(kept)} characters; "
            f"at most {PROMPT_LIMIT} are possible.",
        )
    return kept


def weighed(typed: str) -> tuple[str, str]:
    """`name:0.8` in two; without a weight it is 1."""
    name, colon, weight = typed.rpartition(":")
    if colon and re.fullmatch(r"\s*-?([0-9]+\.?[0-9]*|\.[0-9]+)\s*", weight):
        return name.strip(), weight.strip()
    return typed.strip(), "1"


def _tags(lora: str | None, ability: Ability) -> list[str]:
    """The option `lora` as tags with the painter's own names."""
    tags = []
    for typed in (lora or "").split(","):
        if not typed.strip():
            continue
        name, weight = weighed(typed)
        if abs(float(weight)) > LARGEST_WEIGHT:
            raise BadOption(
                "lora", f"A LoRA's weight can be -{LARGEST_WEIGHT:g} to {LARGEST_WEIGHT:g}."
            )
        tags.append(f"<lora:{_known('lora', name, ability)}:{weight}>")
    return tags


def _spelt(prompt: str, ability: Ability) -> str:
    """The prompt with the tags in it spelt as the painter spells them: it drops all others."""
    return _TAG.sub(lambda m: f"<lora:{_known('prompt', m[1], ability)}{m[2]}>", prompt)


def _known(option: str, name: str, ability: Ability) -> str:
    if ability.drops_loras:
        raise BadOption(
            option, "The image server here has no LoRAs, so one would do nothing. Leave it out."
        )
    names = {lora.name: lora.name for lora in ability.loras}
    for lora in ability.loras:
        if lora.alias:
            names.setdefault(lora.alias, lora.name)
    return resolve(option, "LoRA", name, names) if names else name.strip()
