"""What suits each family of models: the first picture on any model looks right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.servers.sdapi.catalogue import MODELS as DEMO_MODELS
from bot.errors import ConfigurationError
from bot.studio import Aspect
from bot.studio.compose import LARGEST_CFG, LARGEST_SIDE, SMALLEST_SIDE
from bot.studio.families import MODELS_FILE, Families, Family, read_families

SHIPPED = read_families()

# Checkpoints as people have them, by the family that their makers name.
KNOWN = {
    "Stable Diffusion 1.5": (
        "dreamshaper_8",
        "v1-5-pruned-emaonly",
        "realisticVisionV60B1_v51VAE",
        "anything-v5",
        "deliberate_v3",
        "sd-v1-4",
        "counterfeitV30_v30",
        "inkpunk, v2.0",
        "",
    ),
    "Stable Diffusion 2": (
        "v2-1_768-ema-pruned",
        "sd2_1",
        "stable-diffusion-2-1",
    ),
    "SDXL": (
        "sd_xl_base_1.0",
        "animagineXL_v31",
        "juggernautXL_v9",
        "ponyDiffusionV6XL",
        "Illustrious-v0.1",
        "noobaiXLNAIXL_vPred10",
        "AAM_XL_AnimeMix",
    ),
    "SDXL Turbo": ("dreamshaperXL_v21TurboDPMSDE", "turbovisionXL_v431", "some_turbo"),
    "SDXL Lightning": ("juggernautXL_v9Lightning", "sdxl_lightning_4step", "realvisxlV50_hyper"),
    "SD Turbo": ("sd_turbo", "sd-turbo"),
    "Stable Diffusion 1.5 Hyper": ("realisticVisionV60B1_v51HyperVAE",),
    "LCM": ("dreamshaper_8LCM", "photonLCM_v10"),
    "Flux": ("flux1-dev", "flux1-dev-bnb-nf4-v2", "FLUX.1-dev-Q8_0"),
    "Flux Schnell": ("flux1-schnell", "FLUX.1-schnell", "schnell-q4"),
    "Stable Diffusion 3 Turbo": ("sd3.5_large_turbo", "stable-diffusion-3.5-large-turbo"),
    "Stable Diffusion 3": ("sd3_medium", "sd3.5_large", "stable-diffusion-3.5-medium"),
}
NATIVE = {
    "Stable Diffusion 1.5": 512,
    "Stable Diffusion 2": 768,
    "SD Turbo": 512,
    "LCM": 512,
    "Stable Diffusion 1.5 Hyper": 512,
}
"""Pixels of a square's side; 1024 where nothing is said."""
SMALLER = {
    "sdxl_turbo": "SDXL Turbo",
    "sd_xl_turbo_1.0_fp16": "SDXL Turbo",
    "v2-1_512-ema-pruned": "Stable Diffusion 2",
    "stable-diffusion-2-1-base": "Stable Diffusion 2",
}
"""Models that were trained on 512×512, unlike their families."""


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for name, models in KNOWN.items() for model in models]
)
def test_a_known_checkpoint_finds_its_family_and_size(model: str, name: str) -> None:
    family = SHIPPED.of(model)
    assert family.name == name
    side = NATIVE.get(name, 1024)
    assert family.sizes["square"] == (side, side)


@pytest.mark.parametrize(("model", "name"), SMALLER.items())
def test_a_model_may_be_smaller_than_its_family(model: str, name: str) -> None:
    family = SHIPPED.of(model)
    assert (family.name, family.sizes["square"]) == (name, (512, 512))
    assert family.sizes["wide"][0] / family.sizes["wide"][1] == pytest.approx(16 / 9, rel=0.05)


def test_every_family_has_a_known_checkpoint_here() -> None:
    assert set(KNOWN) == {f.name for f in SHIPPED.all}


@pytest.mark.parametrize(
    "model",
    [
        "ghostmix_v20Bakedvae",  # version 2.0 of a 1.5 model, not Stable Diffusion 2.0
        "majicmixRealistic_v21",
        "realisticVisionV60B1_v51HyperVAE",  # few steps, but a 1.5 model
    ],
)
def test_a_version_or_a_fast_variant_does_not_change_the_native_size(model: str) -> None:
    assert SHIPPED.of(model).sizes["square"] == (512, 512)


def test_upper_and_lower_case_are_alike() -> None:
    for models in KNOWN.values():
        for model in models:
            assert SHIPPED.of(model.upper()) == SHIPPED.of(model.lower()) == SHIPPED.of(model)


def test_fast_models_take_few_steps_at_low_cfg() -> None:
    for model in ("sdxl_turbo", "sd_turbo", "juggernautXL_v9Lightning", "dreamshaper_8LCM"):
        family = SHIPPED.of(model)
        assert family.steps <= 8
        assert family.cfg_scale <= 2
    for model in ("flux1-dev", "flux1-schnell"):
        assert SHIPPED.of(model).cfg_scale == 1
    assert SHIPPED.of("flux1-schnell").steps == 4


def test_an_unknown_name_and_no_name_fall_to_the_last() -> None:
    assert SHIPPED.of(None) is SHIPPED.of("what is this") is SHIPPED.all[-1]


def test_the_demo_shows_several_families() -> None:
    assert {SHIPPED.of(m).name for m in DEMO_MODELS} >= {
        "Stable Diffusion 1.5",
        "SDXL",
        "SDXL Turbo",
        "Flux",
    }


@given(st.text(max_size=50) | st.none())
def test_any_name_has_a_family(model: str | None) -> None:
    assert SHIPPED.of(model).name in {f.name for f in SHIPPED.all}


@pytest.mark.parametrize("family", SHIPPED.all, ids=[f.name for f in SHIPPED.all])
def test_a_familys_figures_can_be_drawn(family: Family) -> None:
    assert set(family.sizes) == set(Aspect), "each shape of the option has its pixels"
    square = family.sizes["square"][0] ** 2
    for aspect, (width, height) in family.sizes.items():
        assert width % 8 == height % 8 == 0
        assert SMALLEST_SIDE <= min(width, height) <= max(width, height) <= LARGEST_SIDE
        assert width * height == pytest.approx(square, rel=0.8), "near what it was trained on"
        if aspect in ("portrait", "tall"):
            assert width < height
        elif aspect in ("landscape", "wide"):
            assert width > height
        else:
            assert width == height
    assert family.cfg_scale <= LARGEST_CFG


@pytest.mark.parametrize("family", SHIPPED.all, ids=[f.name for f in SHIPPED.all])
@pytest.mark.parametrize(
    ("aspect", "ratio"),
    [("portrait", 2 / 3), ("landscape", 3 / 2), ("wide", 16 / 9), ("tall", 9 / 16)],
)
def test_a_shape_is_about_as_the_option_says(family: Family, aspect: str, ratio: float) -> None:
    """The option reads "Portrait 2:3" and so on."""
    width, height = family.sizes[aspect]
    assert width / height == pytest.approx(ratio, rel=0.05)


# -- the file --------------------------------------------------------------------------------------

GOOD = MODELS_FILE.read_text(encoding="utf-8")
ONE = """
families:
  - {name: Only, pattern: "", sizes: {square: [512, 512]}, steps: 20, cfg_scale: 7, sampler: Euler}
"""


def read(tmp_path: Path, text: str) -> Families:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return read_families(path)


def test_a_small_file_will_do(tmp_path: Path) -> None:
    assert read(tmp_path, ONE).of("any").name == "Only"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "models.yaml"),
        ("families:", "models.yaml"),
        ("families: []", "empty pattern"),
        ("families: {", "models.yaml"),
        ("- 1", "models.yaml"),
        ("families: [5]", "families.0"),
        (f"{ONE}model: []", "model: Extra"),
        (ONE.replace("steps: 20", "steps: many"), "steps"),
        (ONE.replace("steps: 20", "steps: 0"), "steps"),
        (ONE.replace("sampler: Euler", "smapler: Euler"), "sampler"),
        (ONE.replace("[512, 512]", "[512]"), "families.0.sizes.square"),
        (ONE.replace("[512, 512]", "[500, 512]"), "multiple of 8"),
        (ONE.replace("square:", "sqare:"), "families.0.sizes: needs a square"),
        (ONE.replace("steps: 20", "steps: 20, clip_skip: 13"), "families.0.clip_skip"),
        (ONE.replace('pattern: ""', 'pattern: "("'), "families.0.pattern: '(' is no regular"),
        (ONE.replace('pattern: ""', "pattern: xl"), "last family must have an empty pattern"),
    ],
)
def test_a_wrong_file_says_where_it_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    assert "models.yaml" in str(caught.value)
    assert words in str(caught.value)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes("families: [] # für".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"models\.yaml"):
        read_families(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        read_families(tmp_path / "nowhere.yaml")
