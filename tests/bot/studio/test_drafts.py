"""Drafts: from options to a complete request and its painter, with what is in force beneath."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadOption, Refusal, UnknownName
from bot.guilds import Scope
from bot.queue.health import State
from bot.queue.job import Job, Status
from bot.settings import Limits
from bot.studio import DrawOptions, OverOptions
from bot.studio.drafts import Draft
from bot.values.ability import Ability, Model
from bot.values.request import Control, ImageRequest, Inpainting, NetFamily
from bot.values.source import Role, Source
from tests.bot.studio.anything import any_options
from tests.bot.studio.desk import ADA, HOME, LARGE, SMALL, Desk, painter
from tests.bot.studio.ordering import WHOLE

HERE = replace(ADA, channel_id=30)
STRICT = Ability(second_pass=False, clip_skip=False, step_pixels=64, drops_loras=True)
ABILITIES = [WHOLE, SMALL, LARGE, STRICT, replace(LARGE, step_pixels=64, drops_loras=True)]


def drawn(desk: Desk, **options: Any) -> ImageRequest:
    return desk.studio.drafts.of(DrawOptions("a cat", **options), HERE).request


def source(width: int = 900, height: int = 600) -> Source:
    return Source(Role.INIT, b"", width, height)


def over(
    desk: Desk, image: Source | None = None, options: dict[str, Any] | None = None, **how: Any
) -> Draft:
    given = DrawOptions("a cat", **(options or {}))
    return desk.studio.drafts.over(given, OverOptions(b"", **how), HERE, image or source())


def waiting(draft: Draft) -> Job:
    """The job of a draft, as it stands in line; the channel is that of its card."""
    return Job(1, draft.request, ADA, HOME, draft.route, Status.WAITING, 0, 0, 0.0)


# -- the checkpoint is always named ----------------------------------------------------------------


def test_the_model_that_will_paint_is_named_even_if_nobody_chose_one() -> None:
    """Another's choice stays loaded on the server (sdapi trap 4)."""
    assert drawn(Desk(painter("one", SMALL))).model == "dreamshaper_8"
    alone = replace(SMALL, models=SMALL.models[:1], current_model=None)
    assert drawn(Desk(painter("one", alone))).model == "dreamshaper_8"


def test_a_model_that_nobody_can_tell_is_not_made_up() -> None:
    assert drawn(Desk(painter("one", replace(SMALL, current_model=None)))).model is None
    assert drawn(Desk(painter("one", None))).model is None


def test_two_guilds_with_two_models_each_name_their_own() -> None:
    desk = Desk(painter("one", SMALL))
    desk.choices.made[Scope.SERVER, 100] = {"model": "flux1-dev"}
    assert drawn(desk).model == "flux1-dev"
    elsewhere = replace(HERE, guild_id=200)
    assert desk.studio.drafts.of(DrawOptions("a cat"), elsewhere).request.model == "dreamshaper_8"


def test_a_chosen_model_that_is_gone_is_not_waited_for() -> None:
    desk = Desk(painter("one", SMALL))
    desk.choices.made[Scope.SERVER, 100] = {"model": "long_gone"}
    assert drawn(desk).model == "dreamshaper_8"


# -- what was chosen here --------------------------------------------------------------------------


def test_what_was_chosen_lies_beneath_the_options_and_above_the_model() -> None:
    desk = Desk(painter("one", WHOLE))
    desk.choices.made = {
        (Scope.SERVER, 100): {"steps": 33, "sampler": "Euler", "style": "Anime", "size": "wide"},
        (Scope.CHANNEL, 30): {"steps": 11, "cfg_scale": 4.5},
        (Scope.MEMBER, ADA.user_id): {"negative_prompt": "fog", "style": "Ink drawing"},
    }
    made = drawn(desk)
    assert (made.steps, made.cfg_scale, made.sampler) == (11, 4.5, "Euler")
    assert made.prompt.startswith("ink drawing of a cat")
    assert made.negative_prompt.startswith("fog, ")
    assert (made.width, made.height) == (912, 512)
    asked = drawn(desk, steps=5, style="none", negative_prompt="", width=256, sampler="euler a")
    assert (asked.steps, asked.sampler, asked.prompt) == (5, "Euler a", "a cat")
    assert (asked.negative_prompt, asked.width, asked.height) == ("", 256, 256)


def test_a_chosen_figure_above_a_cap_is_lowered_and_a_typed_one_refused() -> None:
    desk = Desk(painter("one", WHOLE))
    desk.choices.made[Scope.SERVER, 100] = {"steps": 50, "max_steps": 20, "max_count": 1}
    draft = desk.studio.drafts.of(DrawOptions("a cat"), HERE)
    assert (draft.request.steps, draft.limits.max_steps, draft.limits.max_count) == (20, 20, 1)
    with pytest.raises(BadOption, match="1 to 20"):
        drawn(desk, steps=21)


# -- blind orders ----------------------------------------------------------------------------------


def test_an_order_keeps_what_was_typed_while_its_painter_is_not_known() -> None:
    typed = {"model": "anim", "sampler": "eulr", "hires": 2.0, "vae": "kl", "lora": "detail:0.5"}
    made = drawn(Desk(painter("one", None, State.UNKNOWN)), **typed)
    assert made.unseen == {"prompt": "a cat", "seed": made.seed} | typed
    assert made.prompt == "a cat <lora:detail:0.5>"
    assert drawn(Desk(painter("one", SMALL))).unseen is None


@given(any_options, st.sampled_from(ABILITIES))
def test_a_blind_order_composed_anew_is_as_if_the_painter_had_been_known(
    options: DrawOptions, ability: Ability
) -> None:
    health = painter("one", None, State.UNKNOWN)
    desk = Desk(health)
    desk.choices.made[Scope.CHANNEL, HOME.channel_id] = {"size": "tall", "steps": 9}
    try:
        blind = desk.studio.drafts.of(options, replace(HERE, channel_id=HOME.channel_id))
    except Refusal:
        return
    stored = ImageRequest.model_validate_json(blind.request.model_dump_json())
    health.backend.ability = ability
    same_seed = replace(options, seed=blind.request.seed)
    job = waiting(replace(blind, request=stored))
    try:
        known = desk.studio.drafts.of(same_seed, replace(HERE, channel_id=HOME.channel_id))
    except Refusal as refused:
        with pytest.raises(type(refused)) as caught:
            desk.studio.drafts.anew(job)
        assert caught.value.sentence == refused.sentence
    else:
        assert desk.studio.drafts.anew(job) == known.request


@pytest.mark.parametrize("ability", ABILITIES)
@pytest.mark.parametrize(
    "how",
    [
        {"strength": 0.3, "resize": "crop"},
        {"mask": b"", "mask_blur": 9, "masked_content": "latent noise", "only_masked": True},
    ],
)
@pytest.mark.parametrize("options", [{}, {"size": "portrait"}, {"width": 640}])
def test_a_blind_order_over_a_picture_is_composed_anew_with_its_sizes(
    ability: Ability, how: dict[str, Any], options: dict[str, Any]
) -> None:
    """SDXL paints larger, and some servers want multiples of 64."""
    health = painter("one", None, State.UNKNOWN)
    desk = Desk(health)
    blind = over(desk, options={"seed": 5} | options, **how)
    health.backend.ability = ability
    known = over(desk, options={"seed": 5} | options, **how)
    assert desk.studio.drafts.anew(waiting(blind)) == known.request


def test_a_blind_wish_that_turns_out_to_be_impossible_is_refused_by_name() -> None:
    health = painter("one", None, State.UNKNOWN)
    desk = Desk(health)
    job = waiting(desk.studio.drafts.of(DrawOptions("a cat", vae="kl-g9"), HERE))
    health.backend.ability = WHOLE
    with pytest.raises(UnknownName) as caught:
        desk.studio.drafts.anew(job)
    assert caught.value.option == "vae"


# -- over a picture --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ability", "image", "size"),
    [
        (SMALL, (900, 600), (624, 416)),
        (SMALL, (512, 512), (512, 512)),
        (SMALL, (100, 100), (360, 360)),
        (SMALL, (4000, 4000), (512, 512)),
        (SMALL, (4000, 100), (1024, 256)),
        (LARGE, (900, 600), (896, 600)),
        (LARGE, (4000, 3000), (1176, 880)),
        (replace(LARGE, step_pixels=64), (4000, 3000), (1152, 832)),
    ],
)
def test_its_size_follows_from_the_picture(
    ability: Ability, image: tuple[int, int], size: tuple[int, int]
) -> None:
    """The server's own default is 512×512 whatever the picture is (trap 14)."""
    made = over(Desk(painter("one", ability)), source(*image)).request
    assert (made.width, made.height, made.kind) == (*size, "img2img")


def test_a_typed_size_wins_and_a_chosen_shape_does_not() -> None:
    desk = Desk(painter("one", SMALL))
    desk.choices.made[Scope.SERVER, 100] = {"size": "tall"}
    assert over(desk, source(512, 512)).request.width == 512
    made = over(desk, options={"size": "portrait"}).request
    assert (made.width, made.height) == (512, 768)
    made = over(desk, options={"width": 256, "height": 320}).request
    assert (made.width, made.height) == (256, 320)


@given(st.integers(1, 9000), st.integers(1, 9000), st.sampled_from(ABILITIES), st.integers(18, 24))
def test_any_picture_gives_a_size_within_the_ceiling(
    width: int, height: int, ability: Ability, bits: int
) -> None:
    limits = Limits(max_pixels=2**bits)
    made = over(Desk(painter("one", ability), limits=limits), source(width, height)).request
    assert made.pixels <= limits.max_pixels
    assert made.width % ability.step_pixels == made.height % ability.step_pixels == 0
    wanted = min(max(width / height, 0.25), 4)
    assert made.width / made.height == pytest.approx(wanted, rel=0.4)


def test_how_the_picture_is_used_stands_in_the_request() -> None:
    desk = Desk(painter("one", SMALL))
    plain = over(desk).request
    assert (plain.denoising_strength, plain.resize_mode, plain.inpainting) == (0.6, 0, None)
    made = over(desk, strength=0.0, resize="fill", mask=b"", invert_mask=True).request
    assert (made.denoising_strength, made.resize_mode) == (0.0, 2)
    assert made.inpainting == Inpainting(invert=True)


# -- control ---------------------------------------------------------------------------------------


def test_a_reference_picture_is_followed_in_a_new_picture() -> None:
    desk = Desk(painter("one", WHOLE))
    made = over(desk, control="canny", control_weight=0.8).request
    assert (made.kind, made.denoising_strength) == ("txt2img", None)
    assert made.control == Control(kind="canny", weight=0.8, family="sd15")
    both = over(desk, control="depth", strength=0.5).request
    assert (both.kind, both.denoising_strength) == ("img2img", 0.5)
    assert both.control == Control(kind="depth", family="sd15")


@pytest.mark.parametrize(
    ("ability", "hint"),
    [(WHOLE, "It can follow `canny`, `depth`."), (SMALL, "It has no ControlNet.")],
)
def test_what_the_painter_cannot_follow_is_refused(ability: Ability, hint: str) -> None:
    """The server would draw without it, with a 200."""
    with pytest.raises(Refusal) as caught:
        over(Desk(painter("one", ability)), control="pose")
    assert caught.value.sentence == f"The image server here can't follow `pose`. {hint}"


@pytest.mark.parametrize(
    ("model", "control", "hint"),
    [
        ("flux1-dev", "canny", "can't follow `canny` for Flux models."),
        ("animagineXL_v31", "canny", "can't follow `canny` for SDXL models. It can follow `pose`."),
        ("animagineXL_v31", "pose", None),
        ("dreamshaper_8", "canny", None),
    ],
)
def test_a_net_of_another_family_is_refused_before_the_line(
    model: str, control: str, hint: str | None
) -> None:
    """It would do nothing, or break the picture, and nobody would say so."""
    names = ("dreamshaper_8", "animagineXL_v31", "flux1-dev")
    nets: tuple[tuple[str, NetFamily], ...] = (("canny", "sd15"), ("pose", "sdxl"))
    ability = replace(WHOLE, models=tuple(Model(n, f"{n}.st") for n in names), nets=nets)
    desk = Desk(painter("one", ability))
    if hint is None:
        made = over(desk, options={"model": model}, control=control).request
        assert made.control is not None
        assert (control, made.control.family) in nets
        return
    with pytest.raises(Refusal) as caught:
        over(desk, options={"model": model}, control=control)
    assert caught.value.sentence == f"The image server here {hint}"


def test_only_painters_with_a_fitting_net_may_take_it_over() -> None:
    large = replace(WHOLE, nets=(("canny", "sdxl"),))
    desk = Desk(painter("one", WHOLE), painter("two", WHOLE), painter("three", large))
    assert over(desk).routes == {"one", "two", "three"}
    assert over(desk, control="canny").routes == {"one", "two"}


@pytest.mark.parametrize("strength", [None, 0.4])
def test_a_blind_reference_is_refused_once_the_painter_is_known(strength: float | None) -> None:
    health = painter("one", None, State.UNKNOWN)
    desk = Desk(health)
    job = waiting(over(desk, control="canny", strength=strength))
    health.backend.ability = WHOLE
    assert desk.studio.drafts.anew(job).control == Control(kind="canny", family="sd15")
    health.backend.ability = SMALL
    with pytest.raises(Refusal, match="can't follow `canny`"):
        desk.studio.drafts.anew(job)
