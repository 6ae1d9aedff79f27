"""Whether a painter has what a complete request names: servers pass over what they lack."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from bot.errors import BadOption, UnknownName
from bot.studio.prompting import loras_in
from bot.studio.search import nearest
from bot.values.ability import UNKNOWN, Ability
from bot.values.request import ImageRequest, Rare


class Need(NamedTuple):
    """One name of a request, the option that holds it, and the names that a painter lists."""

    option: str
    kind: str
    name: str
    known: Collection[str]


def can_choose(model: str, ability: Ability) -> bool:
    """Whether a painter draws with this checkpoint when a request names it."""
    if not ability.models or ability.switches_models:
        return not ability.models or any(m.name == model for m in ability.models)
    return model == (ability.models[0].name if len(ability.models) == 1 else ability.current_model)


def check_model(typed: str | None, model: str | None, ability: Ability) -> None:
    """Raises BadOption when a model was typed and this painter draws with its own whatever is said.

    A painter that has not told its lists yet is not judged.
    """
    own = ability.switches_models or (bool(ability.models) and can_choose(model or "", ability))
    if typed is not None and not own and ability != UNKNOWN:
        raise BadOption("model", "The image server here can't choose a model. Leave `model` out.")


def can_paint(request: ImageRequest, ability: Ability) -> bool:
    """Whether a painter has everything that a complete request names."""
    hires = request.hires
    wide = hires or request.tiling or request.clip_skip or request.rare != Rare()
    return (
        all(need.name in need.known for need in _needs(request, ability))
        and not (wide and not ability.second_pass)
        and not (request.kind == "upscale" and not ability.upscale)
        and not (request.kind == "describe" and not ability.describe)
        and request.width % ability.step_pixels == request.height % ability.step_pixels == 0
    )


def check_names(request: ImageRequest, ability: Ability) -> None:
    """Raises UnknownName for a name that a painter no longer lists; an empty list tells nothing."""
    for need in _needs(request, ability):
        if need.known and need.name not in need.known:
            close = nearest(need.name, need.known, cutoff=0.0)
            raise UnknownName(need.option, need.kind, need.name, close)


def _needs(request: ImageRequest, ability: Ability) -> Iterator[Need]:
    hires, control = request.hires, request.control
    models = [m.name for m in ability.models]
    upscalers = [*ability.latent_upscalers, *ability.upscalers]
    follows = ability.controls_of(control.family) if control else ()
    loras = [lora.name for lora in ability.loras]
    named = [
        ("model", "model", request.model, models),
        ("sampler", "sampler", request.sampler, [s.name for s in ability.samplers]),
        ("scheduler", "scheduler", request.scheduler, [s.label for s in ability.schedulers]),
        ("vae", "VAE", request.vae, ["Automatic", "None", *ability.vaes]),
        ("face_restoration", "way of face restoration", request.faces, ability.faces),
        ("control", "ControlNet", control and control.kind, follows),
        ("upscaler", "upscaler", request.upscaler, upscalers),
        ("hires_upscaler", "upscaler", hires and hires.upscaler, upscalers),
        ("extra", "model", hires and hires.checkpoint, models),
        ("extra", "model", request.rare.refiner, models),
    ]
    prompts = f"{request.prompt} {hires.prompt}" if hires else request.prompt
    named += [("prompt", "LoRA", name, loras) for name in loras_in(prompts)]
    return (Need(option, kind, name, known) for option, kind, name, known in named if name)
