"""From typed options to a complete request, or a sentence that names what to change."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadOption, UnknownName
from bot.settings import Limits
from bot.studio import Aspect, DrawOptions
from bot.studio.compose import (
    LARGEST_CFG,
    LARGEST_SIDE,
    SMALLEST_SIDE,
    compose,
    model_names,
    new_seed,
)
from bot.studio.families import Family
from bot.studio.terms import Terms
from bot.values.ability import Ability, Model, Sampler, Scheduler
from bot.values.request import PROMPT_LIMIT, SEED_LIMIT, ImageRequest
from tests.bot.studio.ordering import ABILITY, FAMILIES, LIBRARY, order, refusal

# -- whatever is typed -----------------------------------------------------------------------------

NAMES = set(DrawOptions.__dataclass_fields__)
numbers = st.none() | st.integers(-10, 5_000) | st.integers()
any_options = st.builds(
    DrawOptions,
    prompt=st.text(max_size=60) | st.integers(3990, 4010).map("x".__mul__),
    negative_prompt=st.none() | st.text(max_size=60) | st.just("n" * 4001),
    model=st.none() | st.text(max_size=10),
    size=st.none() | st.sampled_from(Aspect) | st.text(max_size=6),
    width=numbers,
    height=numbers,
    steps=numbers,
    sampler=st.none() | st.sampled_from(["euler", "k_euler_a", "dpm"]) | st.text(max_size=8),
    scheduler=st.none() | st.sampled_from(["KARRAS", "sgm"]) | st.text(max_size=8),
    cfg_scale=st.none() | st.floats(),
    seed=st.none() | st.integers(),
    count=numbers,
)
any_limits = st.builds(
    Limits,
    max_pixels=st.integers(128 * 128, 4096 * 4096),
    max_steps=st.integers(1, 150),
    max_count=st.integers(1, 10),
)


def obeys(request: ImageRequest, limits: Limits, multiple: int) -> None:
    for side in (request.width, request.height):
        assert SMALLEST_SIDE <= side <= LARGEST_SIDE
        assert side % multiple == 0
    assert request.pixels <= limits.max_pixels
    assert 1 <= request.steps <= limits.max_steps
    assert 1 <= request.count <= limits.max_count
    assert 0 <= request.seed < SEED_LIMIT
    assert 0 <= request.cfg_scale <= LARGEST_CFG
    assert 0 < len(request.prompt) <= PROMPT_LIMIT


@given(any_options, st.sampled_from(FAMILIES), st.sampled_from([8, 64]), any_limits)
def test_anything_gives_a_request_within_the_limits_or_names_an_option(
    options: DrawOptions, family: Family, multiple: int, limits: Limits
) -> None:
    ability = replace(ABILITY, step_pixels=multiple)
    try:
        request = compose(options, Terms("txt2img", None, family, ability, limits, LIBRARY))
    except BadOption as refused:
        assert refused.option in NAMES
        assert refused.sentence
        assert len(refused.sentence) < 300
    else:
        obeys(request, limits, multiple)


@given(
    st.builds(
        DrawOptions,
        prompt=st.just("a cat"),
        size=st.none() | st.sampled_from(Aspect),
        width=st.none() | st.integers(SMALLEST_SIDE, 1024),
        height=st.none() | st.integers(SMALLEST_SIDE, 1024),
        steps=st.none() | st.integers(1, 150),
        cfg_scale=st.none() | st.floats(0, LARGEST_CFG),
        seed=st.none() | st.integers(-1, SEED_LIMIT - 1),
        count=st.none() | st.integers(1, 4),
    ),
    st.sampled_from(FAMILIES),
)
def test_what_discord_lets_through_is_taken(options: DrawOptions, family: Family) -> None:
    if options.size and (options.width is None) != (options.height is None):
        return  # the other side follows the shape and may become too long or too short
    request = compose(options, Terms("txt2img", None, family, ABILITY, Limits(), LIBRARY))
    obeys(request, Limits(), 8)
    for name in ("steps", "count"):
        assert getattr(options, name) in (None, getattr(request, name))
    assert options.seed in (None, -1, request.seed)


@given(st.integers(64 * 64, 200_000), st.sampled_from(FAMILIES), st.sampled_from(Aspect))
def test_every_ceiling_that_can_be_set_leaves_every_shape(
    max_pixels: int, family: Family, size: Aspect
) -> None:
    """`max_pixels` may be as low as 64 × 64."""
    limits = Limits(max_pixels=max_pixels)
    obeys(order(family=family, size=size, limits=limits), limits, 8)


@given(st.text(st.characters(categories=["Cs"]), min_size=1))
def test_half_characters_in_a_prompt_are_refused_or_mended(prompt: str) -> None:
    """JSON can escape a lone surrogate; no file and no database takes one."""
    try:
        made = order(f"a cat {prompt}")
    except BadOption as refused:
        assert refused.option == "prompt"
    else:
        made.prompt.encode()


# -- the prompt ------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", ["", " ", "\n\t", "\r\n", "\x00", " \x00 \r"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    assert "empty" in refusal("prompt", prompt=prompt)


def test_line_ends_are_made_one_kind_and_ends_are_trimmed() -> None:
    """Infotext knows no CR and no spaces at the ends (sdapi 8)."""
    made = order("  a\r\nb\rc\x00d \n", negative_prompt=" x\r\ny ")
    assert (made.prompt, made.negative_prompt) == ("a\nb\ncd", "x\ny")


def test_the_longest_prompt_is_taken_and_one_more_is_not() -> None:
    assert len(order("x" * PROMPT_LIMIT).prompt) == PROMPT_LIMIT
    told = refusal("prompt", prompt="x" * (PROMPT_LIMIT + 1))
    assert "4001" in told
    assert "4000" in told
    assert "negative prompt has 4001" in refusal("negative_prompt", negative_prompt="x" * 4001)


def test_an_empty_negative_prompt_is_none() -> None:
    assert order().negative_prompt == order(negative_prompt="  ").negative_prompt == ""


# -- numbers ---------------------------------------------------------------------------------------


def test_the_familys_defaults_fill_what_is_not_given() -> None:
    made = order(model="dreamshaper_8")
    assert (made.width, made.height, made.steps, made.cfg_scale) == (512, 512, 20, 7.0)
    assert (made.model, made.sampler, made.scheduler) == ("dreamshaper_8", "DPM++ 2M", "Karras")
    assert (made.count, made.negative_prompt) == (1, "")


def test_the_operators_ceiling_lowers_a_default_and_refuses_a_wish() -> None:
    low = Limits(max_steps=10, max_count=2)
    assert order(limits=low).steps == 10
    assert order(limits=low, steps=10).steps == 10
    assert "1 to 10 here, not 11" in refusal("steps", limits=low, steps=11)
    assert "1 to 2 here, not 3" in refusal("count", limits=low, count=3)


@pytest.mark.parametrize("bad", [0, -1, 151, 10**9])
def test_steps_have_bounds(bad: int) -> None:
    assert f"not {bad}" in refusal("steps", steps=bad)


@pytest.mark.parametrize("bad", [-0.01, 30.01, math.nan, math.inf, -math.inf])
def test_cfg_scale_has_bounds(bad: float) -> None:
    assert "0 to 30" in refusal("cfg_scale", cfg_scale=bad)


def test_cfg_scale_is_rounded_to_what_can_be_read() -> None:
    assert order(cfg_scale=0).cfg_scale == 0
    assert order(cfg_scale=6.999999999).cfg_scale == 7
    assert order(cfg_scale=LARGEST_CFG).cfg_scale == LARGEST_CFG


@pytest.mark.parametrize("bad", [-2, SEED_LIMIT, 2**64])
def test_seeds_that_a_server_would_break_on_are_refused(bad: int) -> None:
    assert str(SEED_LIMIT - 1) in refusal("seed", seed=bad)


def test_a_given_seed_is_kept_and_a_random_one_is_fixed() -> None:
    assert order(seed=0).seed == 0
    assert order(seed=SEED_LIMIT - 1).seed == SEED_LIMIT - 1
    drawn = {order(seed=given).seed for given in (None, -1) for _ in range(20)}
    assert len(drawn) == 40
    assert all(0 <= seed < 2**31 for seed in drawn), "KoboldCpp reads a signed 32-bit number"
    assert new_seed() != new_seed()


# -- samplers and schedulers -----------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["Euler a", "euler a", "EULER_A", "k_euler_a", "K_Euler_A"])
def test_a_sampler_is_sent_as_the_server_spells_it(typed: str) -> None:
    """Another case or an alias would be another sampler, in silence (trap 2)."""
    assert order(sampler=typed).sampler == "Euler a"


@pytest.mark.parametrize("typed", ["karras", "Karras", "KARRAS"])
def test_a_scheduler_may_be_named_by_name_or_label(typed: str) -> None:
    assert order(scheduler=typed).scheduler in ("karras", "Karras")
    assert order(scheduler="sgm uniform").scheduler in ("sgm_uniform", "SGM Uniform")


def compose_one(option: str, typed: str, ability: Ability) -> ImageRequest:
    options: dict[str, Any] = {option: typed}
    return order(ability=ability, **options)


@pytest.mark.parametrize("option", ["sampler", "scheduler"])
def test_an_unknown_name_is_refused_with_the_nearest(option: str) -> None:
    with pytest.raises(UnknownName) as caught:
        compose_one(option, "Eular b" if option == "sampler" else "karas!", ABILITY)
    assert caught.value.option == option
    assert set(caught.value.nearest) & {"Euler", "Euler a", "Karras"}


def test_the_familys_choice_is_left_out_where_the_server_does_not_have_it() -> None:
    """stable-diffusion.cpp has its own ids: then its own default is better than a wrong name."""
    poor = Ability(samplers=(Sampler("euler"),), schedulers=(Scheduler("simple", "simple"),))
    made = order(ability=poor)
    assert (made.sampler, made.scheduler) == (None, None)


def test_a_server_that_lists_nothing_leaves_the_choice_to_itself() -> None:
    made = order(ability=Ability())
    assert (made.sampler, made.scheduler) == (None, None)


@pytest.mark.parametrize("option", ["sampler", "scheduler"])
def test_a_name_that_nobody_can_check_is_bounded(option: str) -> None:
    """Discord lets 6,000 characters through, and a card's footer has room for 2,048."""
    with pytest.raises(BadOption) as caught:
        compose_one(option, "x" * 6000, Ability())
    assert caught.value.option == option


# -- models ----------------------------------------------------------------------------------------


def test_a_model_may_be_typed_by_name_title_or_hash() -> None:
    models = (
        Model("tinyA", "tinyA.safetensors [6d45d56d23]", "6d45d56d23"),
        Model("tiny B", "tiny B.safetensors", None),
    )
    assert model_names(models) == {
        "tinyA": "tinyA",
        "tinyA.safetensors [6d45d56d23]": "tinyA",
        "6d45d56d23": "tinyA",
        "tiny B": "tiny B",
        "tiny B.safetensors": "tiny B",
    }


def test_a_name_is_never_taken_over_by_anothers_title_or_hash() -> None:
    """stable-diffusion.cpp gives every model the same hash."""
    models = (Model("a", "b", "8888888888"), Model("b", "c", "8888888888"))
    names = model_names(models)
    assert (names["a"], names["b"], names["8888888888"]) == ("a", "b", "a")
