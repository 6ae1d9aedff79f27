"""Short ways to compose an order and to see one refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import BadOption
from bot.settings import Limits
from bot.studio import DrawOptions
from bot.studio.compose import compose
from bot.studio.families import Family
from bot.studio.library import read_library
from bot.studio.terms import Terms
from bot.values.ability import Ability, Lora, Model, Sampler, Scheduler
from bot.values.request import ImageRequest, Kind

LIBRARY = read_library()
FAMILIES = LIBRARY.families.all
SD15 = FAMILIES[-1]
ABILITY = Ability(
    samplers=(Sampler("Euler a", ("k_euler_a",)), Sampler("Euler"), Sampler("DPM++ 2M")),
    schedulers=(Scheduler("karras", "Karras"), Scheduler("sgm_uniform", "SGM Uniform")),
)

WHOLE = replace(
    ABILITY,
    models=(
        Model("dreamshaper_8", "dreamshaper_8.safetensors [879db523c3]", "879db523c3"),
        Model("sd_xl_refiner", "sd_xl_refiner.safetensors [7440042bbd]", "7440042bbd"),
    ),
    upscalers=("None", "Lanczos", "R-ESRGAN 4x+"),
    latent_upscalers=("Latent", "Latent (nearest)"),
    loras=(
        Lora("add_detail"),
        Lora("papercut_v2", "Paper Cut"),
        Lora("pixel-art-xl", "8bitdiffuser 64x"),
    ),
    vaes=("kl-f8.pt", "vae-ft-mse.safetensors", "vae-ft-mse.pt"),
    faces=("CodeFormer", "GFPGAN", "ADetailer"),
    nets=(("canny", "sd15"), ("depth", "sd15")),
    current_model="dreamshaper_8",
)
"""A server that has one of everything."""


def order(
    prompt: str = "a cat",
    *,
    model: str | None = None,
    family: Family = SD15,
    ability: Ability = ABILITY,
    limits: Limits | None = None,
    kind: Kind = "txt2img",
    **options: Any,
) -> ImageRequest:
    terms = Terms(kind, model, family, ability, limits or Limits(), LIBRARY)
    return compose(DrawOptions(prompt, **options), terms)


def refusal(option: str, **options: Any) -> str:
    """The sentence of a refusal that names this option."""
    with pytest.raises(BadOption) as caught:
        order(**options)
    assert caught.value.option == option
    return caught.value.sentence
