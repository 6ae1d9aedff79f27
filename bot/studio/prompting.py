"""From typed words to the prompt that is painted: helpers resolved, style around, LoRAs behind."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.errors import BadOption
from bot.studio.library import Library
from bot.studio.options import DrawOptions
from bot.studio.search import resolve, same
from bot.studio.words import expand
from bot.values.ability import Ability
from bot.values.request import PROMPT_LIMIT

NO_STYLE = "none"
"""Typed for `style`, it switches off a style that was chosen for all."""
LARGEST_WEIGHT = 4.0

_TAG = re.compile(r"<lora:([^:<>]+)((?::[^<>]*)?)>", re.IGNORECASE)
_WEIGHT = re.compile(r"\s*-?([0-9]+\.?[0-9]*|\.[0-9]+)\s*")


@dataclass(frozen=True)
class Written:
    """`subject` is the member's own words where something stands around them, else None."""

    prompt: str
    negative_prompt: str
    subject: str | None


def written(options: DrawOptions, seed: int, ability: Ability, library: Library) -> Written:
    """The prompts of an order. Raises BadOption, UnknownName."""
    prompt = clean("prompt", options.prompt)
    negative = clean("negative_prompt", options.negative_prompt or "")
    wildcards = library.wildcards
    subject = prompt = expand(prompt, seed=seed, wildcards=wildcards)
    if not prompt.strip():
        raise BadOption("prompt", "The prompt is empty. Say in a few words what to draw.")
    negative = kept_out("negative_prompt", negative, seed, library)
    if options.style and options.style.casefold() != NO_STYLE:
        prompt, negative = library.styles.find(options.style).apply(prompt, negative)
    prompt = " ".join([_spelt("prompt", prompt, ability), *_tags(options.lora, ability)])
    if len(prompt) > PROMPT_LIMIT:
        raise BadOption(
            "lora" if options.lora else "prompt",
            f"With its LoRAs the prompt has {len(prompt)} characters; "
            f"at most {PROMPT_LIMIT} are possible.",
        )
    return Written(prompt, negative, subject if prompt != subject else None)


def aside(option: str, text: str, seed: int, ability: Ability, library: Library) -> str:
    """A second prompt (of a second pass), resolved and spelt. Raises BadOption, UnknownName."""
    resolved = expand(text, seed=seed, wildcards=library.wildcards, option=option)
    return _spelt(option, resolved, ability)


def kept_out(option: str, text: str, seed: int, library: Library) -> str:
    """A negative prompt, resolved. Raises BadOption for a LoRA in it: servers pass it over."""
    resolved = expand(text, seed=seed, wildcards=library.wildcards, option=option)
    tag = _TAG.search(resolved)
    if tag is not None:
        raise BadOption(
            option,
            "A LoRA does nothing in the negative prompt. Write it into the prompt or into `lora`.",
            part=tag[0],
        )
    return resolved


def without_tags(text: str) -> str:
    """The text without its LoRA tags."""
    return " ".join(_TAG.sub(" ", text).split(" ")).strip(" ,")


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
    if colon and _WEIGHT.fullmatch(weight):
        return name.strip(), weight.strip()
    return typed.strip(), "1"


def loras_in(prompt: str) -> list[str]:
    """The names in a prompt's `<lora:…>` tags."""
    return [match[1] for match in _TAG.finditer(prompt)]


def _tags(lora: str | None, ability: Ability) -> list[str]:
    """The option `lora` as tags with the painter's own names."""
    if lora is None or not lora.strip():
        return []
    tags = []
    for typed in filter(None, (part.strip() for part in lora.split(","))):
        name, weight = weighed(typed)
        if ":" in name and same(name, _lora_names(ability)) is None:
            name, _, wrong = name.rpartition(":")
            raise BadOption("lora", _wrong_weight(name, wrong))
        _check_weight("lora", name, weight)
        tags.append(f"<lora:{_known('lora', name, ability)}:{weight}>")
    if not tags:
        raise BadOption("lora", "`lora` names no LoRA. Write `name:weight`, or leave it out.")
    return tags


def _spelt(option: str, prompt: str, ability: Ability) -> str:
    """The prompt with the tags in it spelt as the painter spells them: it drops all others."""

    def spelt(tag: re.Match[str]) -> str:
        try:
            # A second figure is for U-Net, `key=value` for extensions.
            for given in filter(None, tag[2].split(":")):
                _check_weight(option, tag[1], given.partition("=")[2] if "=" in given else given)
            return f"<lora:{_known(option, tag[1], ability)}{tag[2]}>"
        except BadOption as error:
            error.part = tag[0]
            raise

    return _TAG.sub(spelt, prompt)


def _check_weight(option: str, name: str, weight: str) -> None:
    if not _WEIGHT.fullmatch(weight) or abs(float(weight)) > LARGEST_WEIGHT:
        raise BadOption(option, _wrong_weight(name, weight))


def _wrong_weight(name: str, weight: str) -> str:
    shown, wrong = (text.replace("`", "'")[:60] for text in (name.strip(), weight.strip()))
    return (
        f"The weight of the LoRA `{shown}` can be -{LARGEST_WEIGHT:g} to {LARGEST_WEIGHT:g}, "
        f"not `{wrong}`."
    )


def _lora_names(ability: Ability) -> dict[str, str]:
    """Everything that may be typed for a LoRA, and its name."""
    names = {lora.name: lora.name for lora in ability.loras}
    for lora in ability.loras:
        if lora.alias:
            names.setdefault(lora.alias, lora.name)
    return names


def _known(option: str, name: str, ability: Ability) -> str:
    if ability.drops_loras:
        raise BadOption(
            option, "The image server here has no LoRAs, so one would do nothing. Leave it out."
        )
    names = _lora_names(ability)
    return resolve(option, "LoRA", name, names) if names else name.strip()
