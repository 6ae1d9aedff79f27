"""Short ways to compose an order and to see one refused."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import BadOption
from bot.settings import Limits
from bot.studio import DrawOptions
from bot.studio.compose import (
    compose,
)
from bot.studio.families import Family, read_families
from bot.values.ability import Ability, Sampler, Scheduler
from bot.values.request import ImageRequest

FAMILIES = read_families().all
SD15 = FAMILIES[-1]
ABILITY = Ability(
    samplers=(Sampler("Euler a", ("k_euler_a",)), Sampler("Euler"), Sampler("DPM++ 2M")),
    schedulers=(Scheduler("karras", "Karras"), Scheduler("sgm_uniform", "SGM Uniform")),
)


def order(
    prompt: str = "a cat",
    *,
    model: str | None = None,
    family: Family = SD15,
    ability: Ability = ABILITY,
    limits: Limits | None = None,
    **options: Any,
) -> ImageRequest:
    return compose(DrawOptions(prompt, **options), model, family, ability, limits or Limits())


def refusal(option: str, **options: Any) -> str:
    """The sentence of a refusal that names this option."""
    with pytest.raises(BadOption) as caught:
        order(**options)
    assert caught.value.option == option
    return caught.value.sentence
