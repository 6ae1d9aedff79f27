"""A picture's own settings, drawn again: all that can be had here, and what cannot is said."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.backends.sdapi_pictures import read_painted
from bot.errors import BadOption, Refusal
from bot.images.foreign import Reading, from_infotext
from bot.settings import Limits
from bot.studio import DrawOptions
from bot.studio.extra import KEYS
from bot.studio.readings import options_of
from bot.values.ability import UNKNOWN, Ability
from bot.values.request import SEED_LIMIT, ImageRequest, Rare
from tests.bot.backends.orders import answer, b64, painted
from tests.bot.studio.desk import ADA, Desk, painter
from tests.bot.studio.ordering import WHOLE

STRICT = Ability(second_pass=False, clip_skip=False, switches_models=False, drops_loras=True)
FIGURES = {"Steps": "12", "CFG scale": "6.5", "Seed": "42", "Size": "640x448"}


def desk(ability: Ability | None = WHOLE, limits: Limits | None = None) -> Desk:
    return Desk(painter("one", ability), limits=limits)


def redraw(
    settings: dict[str, str],
    prompt: str = "a cat",
    ability: Ability | None = WHOLE,
    limits: Limits | None = None,
) -> tuple[ImageRequest, list[str]]:
    reading = Reading("A1111", prompt, "blurry", settings)
    draft, left_out = desk(ability, limits).studio.drafts.again(reading, ADA)
    return draft.request, list(left_out)


def own_words(request: ImageRequest) -> Reading:
    """What Easel writes into a picture whose server wrote nothing, as it is read again."""
    blank = io.BytesIO()
    Image.new("RGB", (request.width, request.height)).save(blank, "PNG")
    (picture,) = read_painted(answer(painted([b64(blank.getvalue())])), request).pictures
    reading = from_infotext(picture.infotext)
    assert reading is not None
    assert reading.origin == "Easel"
    return reading


# -- there and back --------------------------------------------------------------------------------

sides = st.integers(8, 128).map(lambda n: n * 8)
plain_words = st.text(
    st.sampled_from("abc {}|_\\<>(),.:1") | st.characters(codec="ascii"), max_size=40
)


@given(
    st.builds(
        DrawOptions,
        prompt=plain_words.map("a cat {}".format),
        negative_prompt=st.none() | plain_words.map("x {}".format),
        style=st.none() | st.just("ink"),
        model=st.none() | st.sampled_from(["dreamshaper_8", "refiner"]),
        lora=st.none() | st.just("add_detail:0.5"),
        width=st.none() | sides,
        height=st.none() | sides,
        steps=st.none() | st.integers(1, 150),
        sampler=st.none() | st.sampled_from(["Euler a", "DPM++ 2M"]),
        scheduler=st.none() | st.sampled_from(["Karras", "SGM Uniform"]),
        cfg_scale=st.none() | st.floats(0, 30),
        seed=st.none() | st.integers(0, SEED_LIMIT - 1),
        hires=st.none() | st.sampled_from([1, 1.25, 2.0]),
        hires_upscaler=st.none() | st.sampled_from(["Latent", "Lanczos"]),
        hires_strength=st.none() | st.sampled_from([0.0, 0.35, 1.0]),
        vae=st.none() | st.sampled_from(["None", "Automatic", *WHOLE.vaes]),
        clip_skip=st.none() | st.integers(1, 12),
        face_restoration=st.none() | st.sampled_from(WHOLE.faces),
        tiling=st.none() | st.booleans(),
    )
)
def test_a_pictures_own_words_draw_the_same_order_again(options: DrawOptions) -> None:
    studio = desk(limits=Limits(max_pixels=4096 * 4096)).studio
    try:
        first = studio.drafts.of(options, ADA).request
    except BadOption:
        return  # a wildcard of that name, a tag of that name
    reading = own_words(first)
    if (reading.prompt, reading.negative_prompt) != (first.prompt, first.negative_prompt):
        return  # spaces at the ends of lines, which infotext cannot keep (sdapi 8)
    draft, left_out = studio.drafts.again(reading, ADA)
    assert left_out == []
    # Which of the words were the member's own is not written down.
    assert draft.request == first.model_copy(update={"subject": None})


@pytest.mark.parametrize(
    "prompt",
    [
        "a {red|blue} cat",
        "a {red cat",
        "by __animal__ and __nothing__",
        r"a \{b\} \| \__c__",
        "{{{masterpiece}}}, 1girl",
        "____",
    ],
)
def test_words_that_were_resolved_once_are_not_resolved_again(prompt: str) -> None:
    """They stand in the picture as they were painted, signs and all."""
    assert redraw(FIGURES, prompt)[0].prompt == prompt


def test_a_very_long_prompt_is_drawn_as_well() -> None:
    assert redraw(FIGURES, "x" * 5000)[0].prompt == "x" * 4000
    assert redraw(FIGURES, "{" * 5000)[0].prompt == "{" * 4000


def test_no_prompt_at_all_is_a_picture_all_the_same() -> None:
    assert redraw(FIGURES, "")[0].prompt


def test_no_style_chosen_here_is_laid_around_it() -> None:
    options = options_of(Reading("A1111", "a cat", "", FIGURES))
    assert (options.style, options.negative_prompt) == ("none", "")


# -- a foreign picture -----------------------------------------------------------------------------

FOREIGN = (
    "a cat, (detailed:1.2)\nNegative prompt: blurry\n"
    "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1234567890, Face restoration: "
    "CodeFormer, Size: 512x768, Model hash: 879db523c3, Model: dreamshaper_8, VAE hash: 1234, "
    "VAE: kl-f8.pt, Variation seed: 7, Variation seed strength: 0.2, Denoising strength: 0.35, "
    'Clip skip: 2, ENSD: 31337, Tiling: True, Hires prompt: "a cat, sharp", Hires upscale: 1.5, '
    "Hires steps: 12, Hires upscaler: R-ESRGAN 4x+, Refiner: sd_xl_refiner [7440042bbd], "
    'Refiner switch at: 0.8, Lora hashes: "x: 1", Version: v1.10.1'
)


def test_all_that_a_web_ui_wrote_is_taken() -> None:
    reading = from_infotext(FOREIGN)
    assert reading is not None
    draft, left_out = desk().studio.drafts.again(reading, ADA)
    made = draft.request
    assert left_out == []
    assert (made.model, made.sampler, made.scheduler) == ("dreamshaper_8", "DPM++ 2M", "Karras")
    assert (made.steps, made.seed, made.width, made.height) == (30, 1234567890, 512, 768)
    assert (made.vae, made.faces, made.clip_skip, made.tiling) == (
        "kl-f8.pt",
        "CodeFormer",
        2,
        True,
    )
    assert made.hires is not None
    assert made.hires.model_dump(exclude_defaults=True) == {
        "scale": 1.5,
        "upscaler": "R-ESRGAN 4x+",
        "strength": 0.35,
        "steps": 12,
        "prompt": "a cat, sharp",
    }
    assert made.rare == Rare(
        variation_seed=7,
        variation_strength=0.2,
        refiner="sd_xl_refiner",
        refiner_switch_at=0.8,
        ensd=31337,
    )


def test_the_same_picture_on_a_server_that_can_do_little() -> None:
    """Nothing of it stands in the way; every loss is said, once."""
    reading = from_infotext(FOREIGN)
    assert reading is not None
    draft, left_out = desk(STRICT).studio.drafts.again(reading, ADA)
    made = draft.request
    assert (made.hires, made.vae, made.faces, made.clip_skip) == (None, None, None, None)
    assert (made.tiling, made.rare, made.prompt) == (False, Rare(), "a cat, (detailed:1.2)")
    told = " and ".join(left_out)
    assert len(left_out) == len(set(left_out))
    for words in ("second pass", "tiling", "kl-f8", "CodeFormer", "CLIP skip of 2", "ENSD"):
        assert told.count(words) == 1, told


@pytest.mark.parametrize(
    ("settings", "told", "field", "instead"),
    [
        ({"Model": "nobody_v9"}, "the model nobody_v9", "model", "dreamshaper_8"),
        ({"Sampler": "Heunpp2"}, "the sampler Heunpp2", "sampler", "DPM++ 2M"),
        ({"Schedule type": "Turbo"}, "the schedule Turbo", "scheduler", "Karras"),
        ({"VAE": "other.pt"}, "the VAE other.pt", "vae", None),
        ({"Face restoration": "Botox"}, "the face restoration Botox", "faces", None),
        ({"Steps": "151"}, "its 151 steps", "steps", 20),
        ({"Steps": "0"}, "its 0 steps", "steps", 20),
        ({"CFG scale": "31"}, "its CFG scale of 31.0", "cfg_scale", 7.0),
        ({"Clip skip": "13"}, "its CLIP skip of 13", "clip_skip", None),
        ({"Size": "40x40"}, "its size", "width", 512),
        ({"Size": "9999x640"}, "its size", "width", 512),
        ({"Size": "4096x4096"}, "its size", "height", 512),
        ({"Hires upscale": "4", "Size": "1536x1536"}, "its second pass", "hires", None),
        ({"Hires upscale": "9", "Hires steps": "3"}, "its second pass", "hires", None),
        ({"Hires steps": "5", "Size": "2048x2048"}, "its second pass", "hires", None),
        (
            {"Hires upscaler": "Latent", "Denoising strength": "7"},
            "its second pass",
            "hires",
            None,
        ),
        ({"Refiner": "nobody", "Eta": "0.5"}, 'Refiner: "nobody", Eta: "0.5"', "rare", Rare()),
    ],
)
def test_what_cannot_be_had_here_is_left_to_the_defaults_and_named(
    settings: dict[str, str], told: str, field: str, instead: Any
) -> None:
    made, left_out = redraw(FIGURES | settings)
    assert left_out == [told]
    assert getattr(made, field) == instead
    assert (made.prompt, made.seed) == ("a cat", 42)


def test_an_upscaler_that_nobody_has_leaves_the_second_pass() -> None:
    made, left_out = redraw(FIGURES | {"Hires upscale": "1.5", "Hires upscaler": "8x_Foo"})
    assert left_out == ["the upscaler 8x_Foo"]
    assert made.hires is not None
    assert (made.hires.scale, made.hires.upscaler) == (1.5, None)


def test_what_is_rare_stays_when_the_second_pass_goes() -> None:
    settings = FIGURES | {"Hires upscale": "4", "Hires steps": "9", "ENSD": "31337"}
    made, left_out = redraw(settings | {"Size": "1536x1536"})
    assert (made.hires, made.rare.ensd, left_out) == (None, 31337, ["its second pass"])


def test_a_steps_cap_of_this_server_is_one_of_the_losses() -> None:
    made, left_out = redraw(FIGURES, limits=Limits(max_steps=8))
    assert (made.steps, left_out) == (8, ["its 12 steps"])


@pytest.mark.parametrize("seed", [SEED_LIMIT, 2**63, 10**19, -5])
def test_a_seed_that_no_server_here_takes_becomes_another_and_is_named(seed: int) -> None:
    made, left_out = redraw(FIGURES | {"Seed": str(seed)})
    assert left_out == [f"its seed {seed}"]
    assert 0 <= made.seed < SEED_LIMIT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Steps", "many"),
        ("Steps", "12.5"),
        ("Steps", "9" * 5000),
        ("CFG scale", "nan"),
        ("CFG scale", "1e999"),
        ("Seed", "x"),
        ("Seed", "-1"),
        ("Size", "big"),
        ("Size", "1x2x3"),
        ("Clip skip", ""),
        ("Hires upscale", "twice"),
        ("Tiling", "X"),
        ("Tiling", "False"),
        ("Eta", "inf"),
        ("RNG", "cuda"),
        ("ENSD", "-3"),
        ("Denoising strength", "0.7"),
        ("Unheard of", "5"),
    ],
)
def test_what_is_no_sensible_value_is_passed_over(key: str, value: str) -> None:
    """A picture over another has a denoising strength too; only a second pass has one here."""
    made, left_out = redraw(FIGURES | {key: value})
    assert left_out == []
    usual, _ = redraw({k: v for k, v in FIGURES.items() if k != key})
    assert made.model_copy(update={"seed": 0}) == usual.model_copy(update={"seed": 0})


def test_a_lora_that_nobody_has_is_left_out_of_the_words_and_named() -> None:
    made, left_out = redraw(FIGURES, "a cat <lora:nobodys:1>, <lora:add_detail:0.5> asleep")
    assert made.prompt == "a cat , <lora:add_detail:0.5> asleep"
    assert left_out == ["<lora:nobodys:1>"]


def test_before_the_lists_are_known_everything_is_taken_as_it_is() -> None:
    made, left_out = redraw(FIGURES | {"Model": "nobody", "Sampler": "Heun"}, ability=None)
    assert (made.model, made.sampler, left_out) == ("nobody", "Heun", [])
    assert made.unseen is not None


# -- whatever a file says --------------------------------------------------------------------------

keys = st.sampled_from(
    [*KEYS, "Steps", "Sampler", "CFG scale", "Seed", "Size", "Model", "Model hash", "Version"]
)
values = (
    st.text(max_size=20)
    | st.sampled_from(["512x512", "9999x1", "Latent", "Karras", "dreamshaper_8", "True", "nan"])
    | st.integers().map(str)
    | st.floats().map(str)
)


@given(
    st.dictionaries(keys, values, max_size=8),
    st.text(st.sampled_from("{}|_<lora:>1") | st.characters(), max_size=40),
    st.sampled_from([WHOLE, STRICT, UNKNOWN, replace(WHOLE, step_pixels=64), None]),
    st.integers(1, 150),
)
def test_any_settings_are_drawn_or_refused_for_their_words_alone(
    settings: dict[str, str], prompt: str, ability: Ability | None, max_steps: int
) -> None:
    limits = Limits(max_steps=max_steps, max_pixels=1024 * 1024)
    try:
        made, left_out = redraw(settings, prompt, ability, limits)
    except Refusal as refused:
        assert isinstance(refused, BadOption)
        assert refused.option == "prompt"
        return
    assert made.pixels <= limits.max_pixels
    assert made.steps <= max_steps
    assert all(left_out)
