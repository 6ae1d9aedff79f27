"""The finer options: second pass, VAE, CLIP skip, faces, tiling, and everything in `extra:`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadOption, UnknownName
from bot.settings import Limits
from bot.studio import DrawOptions
from bot.studio.compose import compose
from bot.studio.extra import KEYS
from bot.studio.families import Family
from bot.studio.refine import DEFAULT_SCALE, SWITCH_AT, folded
from bot.studio.terms import Terms
from bot.values.ability import UNKNOWN, Ability
from bot.values.request import Hires, ImageRequest, Kind, Rare
from tests.bot.studio.anything import any_limits, any_options
from tests.bot.studio.ordering import FAMILIES, LIBRARY, SD15, WHOLE, order, refusal

STRICT = Ability(second_pass=False, clip_skip=False, switches_models=False, drops_loras=True)
"""All that Draw Things can do."""


def fine(ability: Ability = WHOLE, **options: Any) -> ImageRequest:
    return order(ability=ability, width=512, height=512, **options)


def no(option: str, ability: Ability = WHOLE, **options: Any) -> str:
    return refusal(option, ability=ability, **options)


# -- extra: ----------------------------------------------------------------------------------------

PLACES: dict[str, tuple[str, str, Any]] = {
    "Hires upscale": ("1.5", "hires.scale", 1.5),
    "Hires steps": ("10", "hires.steps", 10),
    "Hires upscaler": ("latent nearest", "hires.upscaler", "Latent (nearest)"),
    "Hires checkpoint": ("sd xl refiner", "hires.checkpoint", "sd_xl_refiner"),
    "Hires sampler": ("euler a", "hires.sampler", "Euler a"),
    "Hires schedule type": ("KARRAS", "hires.scheduler", "Karras"),
    "Hires prompt": ('"a dog, sharp"', "hires.prompt", "a dog, sharp"),
    "Hires negative prompt": ("fog", "hires.negative_prompt", "fog"),
    "Hires CFG Scale": ("3.5", "hires.cfg_scale", 3.5),
    "Denoising strength": ("0.35", "hires.strength", 0.35),
    "Variation seed": ("5", "rare.variation_seed", 5),
    "Variation seed strength": ("0.2", "rare.variation_strength", 0.2),
    "Clip skip": ("2", "clip_skip", 2),
    "VAE": ("KL F8", "vae", "kl-f8.pt"),
    "Tiling": ("true", "tiling", True),
    "Eta": ("0.67", "rare.eta", 0.67),
    "ENSD": ("31337", "rare.ensd", 31337),
    "Schedule type": ("sgm uniform", "scheduler", "SGM Uniform"),
    "Refiner": ("refiner", "rare.refiner", "sd_xl_refiner"),
    "Refiner switch at": ("0.7", "rare.refiner_switch_at", 0.7),
    "RNG": ("nv", "rare.rng", "NV"),
    "Face restoration": ("codeformer", "faces", "CodeFormer"),
    "Distilled CFG Scale": ("3.5", "rare.distilled_cfg_scale", 3.5),
    "Token merging ratio": ("0.4", "rare.token_merging", 0.4),
}
"""Every key of `extra:`, something to type, the field where it lands, and what it is there."""


def held(request: ImageRequest, place: str) -> Any:
    found: Any = request
    for part in place.split("."):
        found = getattr(found, part)
    return found


def test_no_key_is_forgotten_here() -> None:
    assert set(PLACES) == set(KEYS)


@pytest.mark.parametrize("key", PLACES)
def test_every_key_lands_in_its_field_and_in_no_other(key: str) -> None:
    typed, place, value = PLACES[key]
    made = fine(extra=f"{key}: {typed}")
    assert held(made, place) == value
    # A second pass has defaults of its own; nothing else is touched.
    plain = fine(seed=made.seed)
    group = place.partition(".")[0]
    assert made.model_copy(update={group: getattr(plain, group)}) == plain


def test_all_keys_together() -> None:
    line = ", ".join(f"{key}: {typed}" for key, (typed, _, _) in PLACES.items())
    made = fine(extra=line)
    assert [held(made, place) for _, place, _ in PLACES.values()] == [
        v for *_, v in PLACES.values()
    ]


@pytest.mark.parametrize(
    ("extra", "own", "place", "value"),
    [
        ("Hires upscale: 3", {"hires": 1.5}, "hires.scale", 1.5),
        ("Hires upscaler: Latent", {"hires_upscaler": "lanczos"}, "hires.upscaler", "Lanczos"),
        ("Denoising strength: 0.9", {"hires_strength": 0.1}, "hires.strength", 0.1),
        ("VAE: kl-f8", {"vae": "None"}, "vae", "None"),
        ("Clip skip: 3", {"clip_skip": 1}, "clip_skip", 1),
        ("Face restoration: GFPGAN", {"face_restoration": "CodeFormer"}, "faces", "CodeFormer"),
        ("Tiling: true", {"tiling": False}, "tiling", False),
        ("Schedule type: Karras", {"scheduler": "sgm"}, "scheduler", "SGM Uniform"),
    ],
)
def test_an_option_of_its_own_wins(extra: str, own: dict[str, Any], place: str, value: Any) -> None:
    assert held(fine(extra=extra, **own), place) == value


def test_what_has_no_option_of_its_own_is_the_rest() -> None:
    options, rest = folded(DrawOptions("a cat", vae="x", extra="VAE: y, Eta: 0.5, Clip skip: 2"))
    assert (options.vae, options.clip_skip, rest) == ("x", 2, {"Eta": 0.5})


def test_a_line_that_cannot_be_read_is_refused_by_the_option_it_stands_in() -> None:
    assert "Did you mean" in no("extra", extra="Hires stpes: 5")
    assert "option of its own" in no("extra", extra="Steps: 5")


# -- the second pass -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "hires"),
    [
        ({}, None),
        ({"hires": 1}, None),
        ({"hires": 1, "hires_strength": 0.3}, None),
        ({"hires": 1.5}, Hires(scale=1.5)),
        ({"hires": 2, "hires_strength": 0}, Hires(scale=2, strength=0)),
        ({"hires_strength": 0.3}, Hires(scale=DEFAULT_SCALE, strength=0.3)),
        ({"hires_upscaler": "r-esrgan"}, Hires(scale=DEFAULT_SCALE, upscaler="R-ESRGAN 4x+")),
        ({"hires": 1, "hires_upscaler": "Latent"}, Hires(scale=1, upscaler="Latent")),
        ({"extra": "Hires steps: 8"}, Hires(scale=DEFAULT_SCALE, steps=8)),
        ({"hires": 1, "extra": "Hires prompt: dog"}, Hires(scale=1, prompt="dog")),
    ],
)
def test_a_second_pass_is_asked_for_in_many_ways(options: dict[str, Any], hires: Any) -> None:
    assert fine(**options).hires == hires


@pytest.mark.parametrize("scale", [0.99, 0, -1, 4.01, math.nan, math.inf])
def test_its_scale_has_bounds(scale: float) -> None:
    assert "1 to 4" in no("hires", hires=scale)


@pytest.mark.parametrize("strength", [-0.01, 1.01, math.nan])
def test_its_strength_has_bounds(strength: float) -> None:
    """Servers take 1.5 and paint rubbish (sdapi trap 16)."""
    assert "0 to 1" in no("hires_strength", hires=2, hires_strength=strength)


def test_its_pixels_stay_under_the_ceiling() -> None:
    limits = Limits(max_pixels=1024 * 1024)
    assert fine(hires=2, limits=limits).pixels == 1024 * 1024
    told = no("hires", hires=2.05, width=512, height=512, limits=limits)
    assert "1.1 megapixels" in told
    assert "1.0 are possible" in told


def test_its_steps_stay_under_the_ceiling() -> None:
    limits = Limits(max_steps=20)
    assert held(fine(extra="Hires steps: 20", limits=limits), "hires.steps") == 20
    assert "at most 20" in no("extra", extra="Hires steps: 21", limits=limits)


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("hires", {"hires": 2.0}),
        ("extra", {"extra": "Hires upscaler: Latent"}),
        ("extra", {"extra": "Hires steps: 5"}),
    ],
)
def test_there_is_none_over_a_guests_picture(option: str, options: dict[str, Any]) -> None:
    """img2img has none of these fields (sdapi 3)."""
    assert "/draw" in no(option, kind="img2img", **options)
    assert fine(kind="img2img").hires is None


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("hires_upscaler", {"hires_upscaler": "ESRGAM 8x"}),
        ("hires_upscaler", {"hires": 2, "hires_upscaler": "None"}),
        ("vae", {"vae": "kl-g9"}),
        ("face_restoration", {"face_restoration": "FaceFormer"}),
        ("extra", {"extra": "Hires checkpoint: nobody"}),
        ("extra", {"extra": "Hires sampler: Eulre b"}),
        ("extra", {"extra": "Hires schedule type: karass x"}),
        ("extra", {"extra": "Refiner: nobody"}),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(option: str, options: dict[str, Any]) -> None:
    """Each would be a 500 or another name in silence (sdapi 2)."""
    with pytest.raises(UnknownName) as caught:
        fine(**options)
    assert caught.value.option == option
    assert caught.value.nearest


@pytest.mark.parametrize("key", ["Hires checkpoint", "Refiner"])
def test_a_checkpoint_copied_from_png_info_has_its_hash_behind_it(key: str) -> None:
    made = fine(extra=f"{key}: sd_xl_refiner [7440042bbd]")
    assert held(made, PLACES[key][1]) == "sd_xl_refiner"


@pytest.mark.parametrize(
    ("typed", "vae"),
    [
        ("automatic", "Automatic"),
        ("none", "None"),
        ("KL-F8.PT", "kl-f8.pt"),
        ("kl-f8.safetensors", "kl-f8.pt"),
        ("vae-ft-mse.pt", "vae-ft-mse.pt"),
        ("vae-ft-mse.safetensors", "vae-ft-mse.safetensors"),
        ("vae-ft-mse", "vae-ft-mse.safetensors"),
    ],
)
def test_a_vae_is_found_with_and_without_its_ending(typed: str, vae: str) -> None:
    assert fine(vae=typed).vae == vae


def test_what_a_rare_key_implies_is_filled_in() -> None:
    assert fine(extra="Refiner: sd_xl_refiner").rare.refiner_switch_at == SWITCH_AT
    assert fine(extra="Variation seed: 3").rare.variation_strength == 0.1
    assert fine().rare == Rare()


@pytest.mark.parametrize(
    "extra", ["Variation seed: -1", "Variation seed strength: 0.3", "Variation strength: 0.3"]
)
def test_a_variation_seed_that_is_left_to_chance_is_fixed_here(extra: str) -> None:
    """A failed picture that is drawn again must be the same one."""
    first, again, other = (fine(extra=extra, seed=seed).rare for seed in (1, 1, 2))
    assert first.variation_seed is not None
    assert 0 <= first.variation_seed < 2**31
    assert first == again
    assert first.variation_seed != other.variation_seed
    assert (first.variation_strength or 0) > 0


def test_the_familys_clip_skip_is_taken_unless_another_was_typed() -> None:
    anime = SD15.model_copy(update={"clip_skip": 2})
    assert fine(family=anime).clip_skip == 2
    assert fine(family=anime, clip_skip=1).clip_skip == 1
    assert fine(STRICT, family=anime).clip_skip is None
    assert fine().clip_skip is None


@pytest.mark.parametrize("bad", [0, -1, 13])
def test_clip_skip_has_bounds(bad: int) -> None:
    assert f"1 to 12, not {bad}" in no("clip_skip", clip_skip=bad)


# -- what a server cannot do -----------------------------------------------------------------------

CANNOT = [
    ("hires", {"hires": 2.0}),
    ("hires", {"hires_strength": 0.5}),
    ("hires", {"hires_upscaler": "Latent"}),
    ("hires", {"extra": "Hires steps: 5"}),
    ("vae", {"vae": "Automatic"}),
    ("clip_skip", {"clip_skip": 2}),
    ("clip_skip", {"extra": "Clip skip: 2"}),
    ("face_restoration", {"face_restoration": "CodeFormer"}),
    ("tiling", {"tiling": True}),
    ("extra", {"extra": "Eta: 0.5"}),
    ("extra", {"extra": "Refiner: x"}),
]


@pytest.mark.parametrize(("option", "options"), CANNOT)
def test_what_the_server_cannot_do_is_said_by_the_options_name(
    option: str, options: dict[str, Any]
) -> None:
    """It would be passed over in silence, or refused with the whole order (trap 17)."""
    told = no(option, STRICT, **options)
    assert "image server here can't" in told
    assert f"`{option}`" in told


@pytest.mark.parametrize(("option", "options"), CANNOT)
def test_before_a_server_has_told_anything_all_pass(option: str, options: dict[str, Any]) -> None:
    made = fine(UNKNOWN, **options)
    assert made != fine(UNKNOWN, seed=made.seed), option


def test_names_that_nothing_can_confirm_pass_as_typed_but_bounded() -> None:
    made = fine(
        UNKNOWN,
        vae="my vae.pt",
        face_restoration="x" * 300,
        hires_upscaler="any",
        extra="Refiner: some model, Hires sampler: Eulre",
    )
    assert (made.vae, made.faces) == ("my vae.pt", "x" * 200)
    assert (held(made, "hires.upscaler"), held(made, "hires.sampler")) == ("any", "Eulre")
    assert made.rare.refiner == "some model"


def test_no_is_never_something_that_a_server_must_be_able_to() -> None:
    assert fine(STRICT, tiling=False, hires=1).tiling is False


# -- whatever is typed -----------------------------------------------------------------------------

NAMES = set(DrawOptions.__dataclass_fields__)


@given(
    any_options,
    st.sampled_from(FAMILIES),
    st.sampled_from([WHOLE, STRICT, UNKNOWN, replace(WHOLE, step_pixels=64)]),
    any_limits,
    st.sampled_from(["txt2img", "img2img"]),
)
def test_any_options_give_a_request_within_the_limits_or_name_one_of_them(
    options: DrawOptions, family: Family, ability: Ability, limits: Limits, kind: Kind
) -> None:
    try:
        made = compose(options, Terms(kind, None, family, ability, limits, LIBRARY))
    except BadOption as refused:
        assert refused.option in NAMES
        assert 0 < len(refused.sentence) < 400
        return
    assert made.pixels <= limits.max_pixels
    assert made.steps <= limits.max_steps
    assert made.count <= limits.max_count
    assert made.hires is None or (made.hires.steps <= limits.max_steps and kind == "txt2img")
    # It is kept as JSON while it waits.
    assert ImageRequest.model_validate_json(made.model_dump_json()) == made


# -- the prompts of a second pass ------------------------------------------------------------------


def test_the_second_prompt_is_resolved_and_spelt_as_the_first() -> None:
    hires = fine(extra='Hires prompt: "a {cat|cat} <LORA:Paper Cut:1>"').hires
    assert hires is not None
    assert hires.prompt == "a cat <lora:papercut_v2:1>"
    assert "no LoRA called" in no("extra", extra='Hires prompt: "<lora:nobodys:1>"')
    tag = 'Hires negative prompt: "<lora:add_detail:1>"'
    assert "negative prompt" in no("extra", extra=tag)


def test_without_a_latent_upscaler_the_first_real_one_enlarges() -> None:
    assert fine(hires=2.0).hires.upscaler is None  # type: ignore[union-attr]
    plain = replace(WHOLE, latent_upscalers=())
    hires = order(ability=plain, hires=2.0).hires
    assert hires is not None
    assert hires.upscaler == "Lanczos"
