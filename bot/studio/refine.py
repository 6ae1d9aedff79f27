"""The finer options of an order: second pass, VAE, CLIP skip, faces, tiling, and `extra:`.

Every name is found in the painter's own lists, and what a painter cannot do is said before
anything is queued: servers pass over both in silence, or fail (sdapi traps 2 and 14).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bot.errors import BadOption
from bot.studio.extra import ExtraValue, parse_extra
from bot.studio.options import DrawOptions
from bot.studio.prompting import aside, kept_out
from bot.studio.search import resolve
from bot.studio.terms import Terms
from bot.values.ability import UNKNOWN, Ability
from bot.values.request import Hires, Kind, Rare

_FOLDED = {
    "Hires upscale": "hires",
    "Hires upscaler": "hires_upscaler",
    "Denoising strength": "hires_strength",
    "VAE": "vae",
    "Clip skip": "clip_skip",
    "Face restoration": "face_restoration",
    "Tiling": "tiling",
    "Schedule type": "scheduler",
}
"""What may be typed in `extra:` though it has an option of its own, which wins."""
_HIRES = {
    "Hires steps": "steps",
    "Hires checkpoint": "checkpoint",
    "Hires sampler": "sampler",
    "Hires schedule type": "scheduler",
    "Hires prompt": "prompt",
    "Hires negative prompt": "negative_prompt",
    "Hires CFG Scale": "cfg_scale",
}
_RARE = {
    "Variation seed": "variation_seed",
    "Variation seed strength": "variation_strength",
    "Refiner": "refiner",
    "Refiner switch at": "refiner_switch_at",
    "Eta": "eta",
    "ENSD": "ensd",
    "RNG": "rng",
    "Distilled CFG Scale": "distilled_cfg_scale",
    "Token merging ratio": "token_merging",
}
STRENGTH = "Denoising strength"
DEFAULT_SCALE = 2.0
SWITCH_AT = 0.8
"""Where a refiner takes over when nothing is said: its makers' own advice."""


def folded(
    options: DrawOptions, kind: Kind = "txt2img"
) -> tuple[DrawOptions, dict[str, ExtraValue]]:
    """The options with those of `extra:` in their own places, and the rest. Raises BadOption.

    Painting over a picture has a denoising strength of its own (`over.OverOptions`).
    """
    extra = parse_extra(options.extra) if options.extra else {}
    if kind != "txt2img":
        extra.pop(STRENGTH, None)
    own = {
        option: extra[key]
        for key, option in _FOLDED.items()
        if key in extra and getattr(options, option) is None
    }
    rest = {key: value for key, value in extra.items() if key not in _FOLDED}
    return replace(options, **own), rest  # type: ignore[arg-type]


def refined(
    options: DrawOptions, rest: Mapping[str, ExtraValue], terms: Terms, seed: int
) -> dict[str, Any]:
    """The finer fields of a request with this seed, by name. Raises BadOption, UnknownName."""
    ability = terms.ability
    clip_skip = options.clip_skip
    if clip_skip is not None:
        _able(ability.clip_skip, "skip CLIP layers", "clip_skip")
    elif ability.clip_skip:
        clip_skip = terms.family.clip_skip
    if clip_skip is not None and not 1 <= clip_skip <= 12:
        raise BadOption("clip_skip", f"`clip_skip` can be 1 to 12, not {clip_skip}.")
    if options.tiling:
        _able(ability.second_pass, "tile", "tiling")
    return {
        "hires": _hires(options, rest, terms, seed),
        "vae": _vae(options.vae, ability),
        "clip_skip": clip_skip,
        "faces": _faces(options.face_restoration, ability),
        "tiling": bool(options.tiling),
        "rare": _rare(rest, ability, seed),
    }


def _hires(
    options: DrawOptions, rest: Mapping[str, ExtraValue], terms: Terms, seed: int
) -> Hires | None:
    ability, limits = terms.ability, terms.limits
    own = {field: rest[key] for key, field in _HIRES.items() if key in rest}
    typed = (options.hires, options.hires_upscaler, options.hires_strength, *own.values())
    if all(value is None for value in typed):
        return None
    if terms.kind != "txt2img":
        option = "extra" if options.hires is None else "hires"
        raise BadOption(option, "A second pass (hires) is for `/draw` alone.")
    scale = DEFAULT_SCALE if options.hires is None else options.hires
    if scale == 1 and not own and options.hires_upscaler is None:
        return None
    _able(ability.second_pass, "draw a second pass", "hires")
    if not 1 <= scale <= 4:
        raise BadOption("hires", f"`hires` can be 1 to 4, not {scale:g}.")
    strength = 0.5 if options.hires_strength is None else options.hires_strength
    if not 0 <= strength <= 1:
        raise BadOption("hires_strength", f"`hires_strength` can be 0 to 1, not {strength:g}.")
    if int(own.get("steps") or 0) > limits.max_steps:
        raise BadOption("extra", f"`Hires steps` can be at most {limits.max_steps} here.")
    own |= _second_prompts(own, terms, seed)
    own |= _checkpoint(own, "checkpoint", ability)
    own |= _named(own, "sampler", "sampler", (s.name for s in ability.samplers))
    own |= _named(own, "scheduler", "scheduler", (s.label for s in ability.schedulers))
    chosen = _enlarger(options.hires_upscaler, ability)
    return Hires.model_validate({"scale": scale, "strength": strength, "upscaler": chosen, **own})


def _second_prompts(
    own: Mapping[str, ExtraValue], terms: Terms, seed: int
) -> dict[str, ExtraValue]:
    """The prompts of a second pass, resolved and spelt as the first's."""
    found: dict[str, ExtraValue] = {}
    if "prompt" in own:
        found["prompt"] = aside("extra", str(own["prompt"]), seed, terms.ability, terms.library)
    if "negative_prompt" in own:
        negative = str(own["negative_prompt"])
        found["negative_prompt"] = kept_out("extra", negative, seed, terms.library)
    return found


def _enlarger(typed: str | None, ability: Ability) -> str | None:
    """What enlarges before a second pass; None leaves it to the backend, which says "Latent"."""
    names = [n for n in (*ability.latent_upscalers, *ability.upscalers) if n != "None"]
    if typed is not None:
        return _found("hires_upscaler", "upscaler", typed, names)
    return None if "Latent" in names else next(iter(names), None)


def _vae(typed: str | None, ability: Ability) -> str | None:
    if typed is None:
        return None
    _able(bool(ability.vaes) or ability == UNKNOWN, "change the VAE", "vae")
    if not ability.vaes:
        return _found("vae", "VAE", typed, ())
    names = {name: name for name in ("Automatic", "None", *ability.vaes)}
    for name in ability.vaes:
        names.setdefault(_stem(name), name)
    return resolve("vae", "VAE", typed if typed in names else _stem(typed), names)


def _stem(vae: str) -> str:
    """Its name without the file's ending, which some servers list and others do not."""
    return re.sub(r"\.(safetensors|ckpt|pt)$", "", vae, flags=re.IGNORECASE)


def _faces(typed: str | None, ability: Ability) -> str | None:
    if typed is None:
        return None
    _able(bool(ability.faces) or ability == UNKNOWN, "restore faces", "face_restoration")
    return _found("face_restoration", "way of face restoration", typed, ability.faces)


def _rare(rest: Mapping[str, ExtraValue], ability: Ability, seed: int) -> Rare:
    rare = {field: rest[key] for key, field in _RARE.items() if key in rest}
    if not rare:
        return Rare()
    _able(ability.second_pass, "use " + ", ".join(f"`{k}`" for k in _RARE if k in rest), "extra")
    rare |= _checkpoint(rare, "refiner", ability)
    if "refiner" in rare:
        rare.setdefault("refiner_switch_at", SWITCH_AT)
    if "variation_seed" in rare:
        rare.setdefault("variation_strength", 0.1)
    if "variation_strength" in rare and rare.get("variation_seed", -1) == -1:
        # Fixed here, as the seed is: the same order must give the same picture again.
        rare["variation_seed"] = random.Random(f"variation of {seed}").randrange(2**31)
    return Rare.model_validate(rare)


def _checkpoint(
    own: Mapping[str, ExtraValue], field: str, ability: Ability
) -> dict[str, ExtraValue]:
    """A checkpoint of `extra:`; infotext writes these two with their hash, "name [hash]"."""
    bare = {field: str(own[field]).split(" [")[0]} if field in own else {}
    return _named(bare, field, "model", (m.name for m in ability.models))


def _named(
    own: Mapping[str, ExtraValue], field: str, kind: str, names: Iterable[str]
) -> dict[str, ExtraValue]:
    """One name of `extra:` as the painter spells it; nothing when it is not there."""
    if field not in own:
        return {}
    return {field: _found("extra", kind, str(own[field]), names)}


def _found(option: str, kind: str, typed: str, names: Iterable[str]) -> str:
    """The painter's spelling; before it has told its lists, as it was typed."""
    known = {name: name for name in names}
    return resolve(option, kind, typed, known) if known else typed[:200]


def _able(able: bool, what: str, option: str) -> None:
    if not able:
        raise BadOption(option, f"The image server here can't {what}. Leave `{option}` out.")
