"""What models.yaml says of single checkpoints and LoRAs, and how a name finds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.servers.sdapi.catalogue import LORAS as DEMO_LORAS
from bot.demo.servers.sdapi.catalogue import MODELS as DEMO_MODELS
from bot.errors import ConfigurationError
from bot.studio.catalogue import About, Index, Known
from bot.studio.families import Families, read_families
from bot.studio.search import same

SHIPPED = read_families()
FAMILIES = """
families:
  - name: Large
    pattern: xl
    sizes: {square: [1024, 1024], portrait: [832, 1216], wide: [1344, 768]}
    steps: 28
    cfg_scale: 6
    sampler: DPM++ 2M
    scheduler: Karras
    clip_skip: 1
  - {name: Small, pattern: "", sizes: {square: [512, 512]}, steps: 20, cfg_scale: 7, sampler: Euler}
"""


def read(tmp_path: Path, more: str) -> Families:
    path = tmp_path / "models.yaml"
    path.write_text(FAMILIES + more, encoding="utf-8")
    return read_families(path)


# -- how a name is found ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        "dreamshaper_8",
        "DreamShaper 8",
        "dreamshaper-8.safetensors",
        "SD 1.5/DreamShaper_8.safetensors",
        "checkpoints\\sd15\\dreamshaper_8.ckpt",
    ],
)
def test_case_punctuation_folder_and_ending_are_put_aside(listed: str) -> None:
    assert SHIPPED.about(listed).label == "DreamShaper 8"


def test_a_version_number_is_no_file_ending() -> None:
    index = Index([Known(name="ink, v2.0", label="Two"), Known(name="ink, v2.1", label="Three")])
    assert index.about("ink, v2.0").label == "Two"
    assert index.about("Ink v2.1.safetensors").label == "Three"


def test_a_name_goes_before_a_pattern_and_then_the_first_wins() -> None:
    index = Index(
        [
            Known(pattern="dream", label="by pattern"),
            Known(pattern="shaper", label="by another"),
            Known(name="dreamshaper", label="by name"),
            Known(name="Dream Shaper", label="by name, later"),
        ]
    )
    assert index.about("dreamshaper").label == "by name"
    assert index.about("dreamshaper_9").label == "by pattern"
    assert index.about("SHAPER").label == "by another"
    assert index.about("neither") == About()


names = st.text(st.characters(exclude_characters="/\\.\n", exclude_categories=["Cs"]), min_size=1)


@given(names, names)
def test_names_are_matched_as_members_names_are(entry: str, listed: str) -> None:
    """What /draw takes for the same model is the same model here."""
    if not entry.strip():
        return
    found = Index([Known(name=entry, label="it")]).find(listed) is not None
    assert found == (same(listed, {entry.strip(): entry}) is not None)


# -- what an entry changes -------------------------------------------------------------------------


def test_an_entrys_figures_lie_over_the_familys(tmp_path: Path) -> None:
    entry = """
models:
  - name: animeXL
    label: Anime
    trigger_words: [masterpiece, best quality]
    note: Anime by tags.
    steps: 24
    sampler: Euler a
    clip_skip: 2
    negative_prompt: lowres
"""
    families = read(tmp_path, entry)
    family = families.of("AnimeXL.safetensors")
    assert (family.name, family.cfg_scale, family.scheduler) == ("Large", 6, "Karras")
    assert (family.steps, family.sampler) == (24, "Euler a")
    assert (family.clip_skip, family.negative_prompt) == (2, "lowres")
    assert family.sizes == families.of("otherXL").sizes
    about = About("Anime", ("masterpiece", "best quality"), "Anime by tags.")
    assert families.about("AnimeXL.safetensors") == about
    other = families.of("otherXL")
    assert (other.steps, other.clip_skip, other.negative_prompt) == (28, 1, None)
    assert families.about("otherXL") == About()


@pytest.mark.parametrize(
    ("native", "sizes"),
    [
        ("[512, 512]", {"square": (512, 512), "portrait": (416, 608), "wide": (672, 384)}),
        ("[1536, 1536]", {"square": (1536, 1536), "portrait": (1248, 1824), "wide": (2016, 1152)}),
        ("[1024, 1024]", {"square": (1024, 1024), "portrait": (832, 1216), "wide": (1344, 768)}),
        ("[1152, 896]", {"square": (1016, 1016), "portrait": (824, 1208), "wide": (1336, 760)}),
    ],
)
def test_the_shapes_follow_from_the_native_size(
    tmp_path: Path, native: str, sizes: dict[str, tuple[int, int]]
) -> None:
    families = read(tmp_path, f"models: [{{name: mineXL, size: {native}}}]")
    assert families.of("mineXL").sizes == sizes


def test_loras_have_words_of_their_own(tmp_path: Path) -> None:
    more = "loras: [{name: add-detail, label: Detail}]\nmodels: [{name: add-detail, label: Other}]"
    families = read(tmp_path, more)
    assert families.about_lora("add_detail") == About("Detail")
    assert families.about("add_detail") == About("Other")
    assert families.about_lora("unknown") == About()


def test_a_list_whose_entries_are_all_commented_away_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path, "models:\n#  - name: x\nloras:\n").about("x") == About()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("models: [{label: L}]", "models.0: needs either a name or a pattern"),
        ("models: [{name: a, pattern: b}]", "models.0: needs either a name or a pattern"),
        ("models: [{name: a}, {pattern: '('}]", "models.1.pattern: '(' is no regular expression"),
        ("models: [{pattern: ''}]", "models.0.pattern"),
        ("models: [{name: ' '}]", "models.0.name"),
        (f"models: [{{name: a, label: {'l' * 101}}}]", "models.0.label"),
        (f"models: [{{name: a, note: {'n' * 201}}}]", "models.0.note"),
        ("models: [{name: a, trigger_words: one}]", "models.0.trigger_words"),
        ("models: [{name: a, trigger_words: [1]}]", "models.0.trigger_words.0"),
        ("models: [{name: a, size: [500, 512]}]", "models.0.size.0"),
        ("models: [{name: a, size: 512}]", "models.0.size"),
        ("models: [{name: a, size: [4096, 4096]}]", "models.0.size.0"),
        ("models: [{name: a, steps: 0}]", "models.0.steps"),
        ("models: [{name: a, cfg_scale: 31}]", "models.0.cfg_scale"),
        ("models: [{name: a, clip_skip: 0}]", "models.0.clip_skip"),
        ("models: [{name: a, clip_skip: 13}]", "models.0.clip_skip"),
        ("models: [{name: a, lable: L}]", "models.0.lable"),
        ("models: {name: a}", "models:"),
        ("loras: [{name: a, steps: 3}]", "loras.0.steps"),
    ],
)
def test_a_wrong_entry_is_named_with_its_key(tmp_path: Path, entry: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, entry)
    assert "models.yaml: " in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# -- the file that is shipped ----------------------------------------------------------------------

LABELS = {
    "v1-5-pruned-emaonly": "Stable Diffusion 1.5",
    "v2-1_512-ema-pruned": "Stable Diffusion 2.1 Base",
    "realisticVisionV60B1_v51VAE": "Realistic Vision",
    "sd_xl_base_1.0": "Stable Diffusion XL 1.0",
    "sd_xl_turbo_1.0_fp16": "SDXL Turbo",
    "sdxl_lightning_4step": "SDXL Lightning, 4 steps",
    "sdxl_lightning_8step": "SDXL Lightning, 8 steps",
    "animagine-xl-3.1": "Animagine XL 3.1",
    "ponyDiffusionV6XL_v6StartWithThisOne": "Pony Diffusion V6 XL",
    "Illustrious-XL-v0.1": "Illustrious XL 0.1",
    "noobaiXLNAIXL_vPred10Version": "NoobAI XL V-Pred",
    "juggernautXL_v9Rundiffusionphoto2": "Juggernaut XL",
    "sd3.5_large_turbo": "Stable Diffusion 3.5 Large Turbo",
    "sd3.5_large_fp8_scaled": "Stable Diffusion 3.5 Large",
    "stable-diffusion-3.5-medium": "Stable Diffusion 3.5 Medium",
    "flux1-dev-bnb-nf4-v2": "FLUX.1 [dev]",
    "FLUX.1-schnell": "FLUX.1 [schnell]",
}
LORAS = {
    "add_detail": "Detail Tweaker",
    "pixel_art_xl": "Pixel Art XL",
    "lcm-lora-sdv1-5": "LCM for SD 1.5",
}


@pytest.mark.parametrize(("name", "label"), LABELS.items())
def test_well_known_checkpoints_have_labels(name: str, label: str) -> None:
    assert SHIPPED.about(name).label == label


@pytest.mark.parametrize(("name", "label"), LORAS.items())
def test_well_known_loras_have_labels(name: str, label: str) -> None:
    assert SHIPPED.about_lora(name).label == label


def test_the_demo_shows_labels_and_plain_names() -> None:
    assert all(SHIPPED.about(name).label for name in DEMO_MODELS)
    assert len([n for n in DEMO_LORAS if SHIPPED.about_lora(n).label]) == 2


def test_pony_wants_clip_skip_two_and_its_score_tags() -> None:
    name = "ponyDiffusionV6XL_v6StartWithThisOne"
    assert SHIPPED.of(name).clip_skip == 2
    assert SHIPPED.about(name).trigger_words[:2] == ("score_9", "score_8_up")
    assert SHIPPED.of("dreamshaper_8").clip_skip is None


@pytest.mark.parametrize(
    "name",
    [
        "juggernautXL_v9Lightning",
        "realisticVisionV60B1_v51HyperVAE",
        "ponyDiffusionV6XL_v6TurboMerge",
    ],
)
def test_a_fast_variant_keeps_its_familys_few_steps(name: str) -> None:
    assert SHIPPED.of(name).steps <= 8
    assert SHIPPED.of(name).cfg_scale <= 2
    assert SHIPPED.about(name) == About()


@given(st.text(max_size=200))
def test_any_name_may_be_asked(name: str) -> None:
    assert SHIPPED.about(name) == SHIPPED.about(name)
    assert SHIPPED.about_lora(name) == SHIPPED.about_lora(name)
