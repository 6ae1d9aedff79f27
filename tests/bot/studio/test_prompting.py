"""From typed words to the prompt: helpers resolved by the seed, a style around, LoRAs behind."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadOption, UnknownName
from bot.studio import DrawOptions
from bot.studio.library import Library
from bot.studio.prompting import LARGEST_WEIGHT, Written, clean, weighed, written
from bot.studio.styles import Style, Styles
from bot.values.ability import UNKNOWN, Ability, Lora
from bot.values.request import PROMPT_LIMIT
from tests.bot.studio.ordering import LIBRARY, WHOLE, order, refusal

INK = Style(name="Ink drawing", prompt="ink drawing of {prompt}, on paper", negative_prompt="photo")
SHELF = Library(
    LIBRARY.families,
    Styles((INK, Style(name="Bare", prompt="{prompt}"))),
    {"animal": ("cat", "dog", "owl", "fox"), "hue": ("red", "blue", "{teal|ochre}")},
)
CHOICES = "{a|b|c|d} __animal__ {1|2|3|4} __hue__"


def write(prompt: str = "a cat", seed: int = 7, ability: Ability = WHOLE, **more: Any) -> Written:
    return written(DrawOptions(prompt, **more), seed, ability, SHELF)


def no(option: str, prompt: str = "a cat", ability: Ability = WHOLE, **more: Any) -> BadOption:
    """The refusal, which names this option."""
    with pytest.raises(BadOption) as caught:
        write(prompt, ability=ability, **more)
    assert caught.value.option == option
    return caught.value


# -- helpers ---------------------------------------------------------------------------------------


def test_helpers_are_resolved_before_anything_is_queued() -> None:
    made = write(CHOICES, negative_prompt=CHOICES)
    for text in (made.prompt, made.negative_prompt):
        assert re.fullmatch(r"[abcd] (cat|dog|owl|fox) [1-4] (red|blue|teal|ochre)", text)
    assert made.subject is None, "the words themselves are the whole prompt"


@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_words(seed: int) -> None:
    assert write(CHOICES, seed, negative_prompt=CHOICES) == write(
        CHOICES, seed, negative_prompt=CHOICES
    )


def test_another_seed_gives_other_words() -> None:
    assert len({write(CHOICES, seed).prompt for seed in range(40)}) > 15
    assert len({write(seed=seed, negative_prompt=CHOICES).negative_prompt for seed in range(9)}) > 3


def test_a_whole_order_resolves_them_by_the_seed_it_will_be_painted_with() -> None:
    """So that the same seed draws the same picture again, words included."""
    first = order("{a|b|c|d|e|f|g|h} cat", count=2)
    assert order("{a|b|c|d|e|f|g|h} cat", seed=first.seed).prompt == first.prompt


def test_a_wildcard_that_is_not_there_names_where_it_stands() -> None:
    for refused in (
        no("prompt", "__anmal__"),
        no("negative_prompt", negative_prompt="__anmal__"),
    ):
        assert isinstance(refused, UnknownName)
        assert refused.nearest[0] == "animal"


# -- style -----------------------------------------------------------------------------------------


def test_a_style_stands_around_the_words_and_the_members_own_are_kept_apart() -> None:
    made = write("a {cat|cat}", style="ink", negative_prompt="blurry")
    assert made == Written("ink drawing of a cat, on paper", "blurry, photo", "a cat")


@pytest.mark.parametrize("style", [None, "", "none", "None", "NONE"])
def test_no_style_is_no_style(style: str | None) -> None:
    assert write(style=style) == Written("a cat", "", None)


def test_a_style_that_changes_nothing_keeps_nothing_apart() -> None:
    assert write(style="Bare").subject is None


def test_a_style_is_no_place_for_a_members_signs() -> None:
    """Helpers are resolved first: braces in the words meet the style's own text as they are."""
    assert write("a cat {prompt}", style="ink").prompt == "ink drawing of a cat {prompt}, on paper"


def test_an_unknown_style_is_refused_with_the_nearest() -> None:
    refused = no("style", style="ink drawning")
    assert isinstance(refused, UnknownName)
    assert refused.nearest[0] == "Ink drawing"


def test_a_style_that_makes_it_too_long_is_named() -> None:
    assert str(PROMPT_LIMIT) in no("style", "x" * (PROMPT_LIMIT - 10), style="ink").sentence


# -- the option lora -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("add_detail", ["<lora:add_detail:1>"]),
        ("add_detail:0.8", ["<lora:add_detail:0.8>"]),
        ("ADD DETAIL : .5", ["<lora:add_detail:.5>"]),
        ("add_detail:-1", ["<lora:add_detail:-1>"]),
        ("detail:4", ["<lora:add_detail:4>"]),
        ("papercut_v2", ["<lora:papercut_v2:1>"]),
        ("Paper Cut:0.7", ["<lora:papercut_v2:0.7>"]),  # its alias
        ("8BITDIFFUSER", ["<lora:pixel-art-xl:1>"]),
        ("pap", ["<lora:papercut_v2:1>"]),  # found by both, and one all the same
        ("pixel art xl:1.5, add_detail", ["<lora:pixel-art-xl:1.5>", "<lora:add_detail:1>"]),
        (" , add_detail ,, ", ["<lora:add_detail:1>"]),
        (" ", []),
    ],
)
def test_a_lora_goes_behind_the_words_as_the_server_spells_it(typed: str, tags: list[str]) -> None:
    made = write(lora=typed)
    assert made.prompt == " ".join(["a cat", *tags])
    assert made.subject == ("a cat" if tags else None)


def test_a_lora_stands_behind_the_style_too() -> None:
    made = write(style="ink", lora="add_detail:0.5")
    assert made.prompt == "ink drawing of a cat, on paper <lora:add_detail:0.5>"
    assert made.subject == "a cat"


@pytest.mark.parametrize("typed", ["ad_detial", "add_detail, ad_detial:0.5"])
def test_an_unknown_lora_is_refused_with_the_nearest_three(typed: str) -> None:
    """Servers pass it over in silence."""
    refused = no("lora", lora=typed)
    assert isinstance(refused, UnknownName)
    assert refused.nearest[0] == "add_detail"
    assert len(refused.nearest) == 3


@pytest.mark.parametrize("weight", ["4.1", "-4.01", "99", "9" * 400])
def test_a_weight_that_spoils_every_picture_is_refused(weight: str) -> None:
    assert (
        f"-{LARGEST_WEIGHT:g} to {LARGEST_WEIGHT:g}"
        in no("lora", lora=f"add_detail:{weight}").sentence
    )


@pytest.mark.parametrize(
    ("typed", "name", "weight"),
    [
        ("a", "a", "1"),
        ("a:0.8", "a", "0.8"),
        ("a : -.5 ", "a", "-.5"),
        ("a:1.", "a", "1."),
        ("a:b", "a:b", "1"),
        ("a:b:2", "a:b", "2"),
        ("a:", "a:", "1"),
        ("a:nan", "a:nan", "1"),
        ("a:1e3", "a:1e3", "1"),
        ("a:٣", "a:٣", "1"),
    ],
)
def test_only_a_number_behind_the_last_colon_is_a_weight(
    typed: str, name: str, weight: str
) -> None:
    assert weighed(typed) == (name, weight)


# -- tags in the prompt ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("a <lora:ADD_DETAIL:0.8> cat", "a <lora:add_detail:0.8> cat"),
        ("<lora:paper cut:1:0.5>", "<lora:papercut_v2:1:0.5>"),
        ("<lora:pixel:te=0.5:unet=1>", "<lora:pixel-art-xl:te=0.5:unet=1>"),
        ("<lora:add-detail>", "<lora:add_detail>"),
        ("<lora:add_detail:{0.5|0.5}>", "<lora:add_detail:0.5>"),
        ("<hypernet:anything:1>", "<hypernet:anything:1>"),
        ("a < b, lora:x:1 > c", "a < b, lora:x:1 > c"),
    ],
)
def test_a_tag_in_the_prompt_is_spelt_as_the_server_spells_it(typed: str, sent: str) -> None:
    assert write(typed).prompt == sent


def test_an_unknown_tag_is_refused_with_the_nearest_three() -> None:
    refused = no("prompt", "a cat <lora:pixel_art_xxl:1>")
    assert isinstance(refused, UnknownName)
    assert (refused.nearest[0], len(refused.nearest)) == ("pixel-art-xl", 3)


@pytest.mark.parametrize(
    ("option", "more"),
    [("lora", {"lora": "add_detail"}), ("prompt", {"prompt": "a <lora:add_detail:1> cat"})],
)
def test_where_tags_would_be_dropped_in_silence_they_are_refused(
    option: str, more: dict[str, Any]
) -> None:
    without = Ability(drops_loras=True)
    assert "would do nothing" in no(option, ability=without, **more).sentence
    assert write("a <hypernet:x:1> cat", ability=without).prompt == "a <hypernet:x:1> cat"


@pytest.mark.parametrize("ability", [UNKNOWN, replace(WHOLE, loras=())], ids=["blind", "no list"])
def test_what_no_list_can_confirm_passes_as_typed(ability: Ability) -> None:
    made = write("a <lora:Any Thing:0.5> cat", ability=ability, lora=" Other : 2, third")
    assert made.prompt == "a <lora:Any Thing:0.5> cat <lora:Other:2> <lora:third:1>"


def test_a_name_wins_over_anothers_alias() -> None:
    twins = Ability(loras=(Lora("one", "two"), Lora("two")))
    assert write(ability=twins, lora="two").prompt == "a cat <lora:two:1>"


# -- lengths ---------------------------------------------------------------------------------------


def test_the_longest_prompt_leaves_no_room_for_a_lora() -> None:
    tag = " <lora:add_detail:1>"
    room = PROMPT_LIMIT - len(tag)
    assert len(write("x" * room, lora="add_detail").prompt) == PROMPT_LIMIT
    refused = no("lora", "x" * (room + 1), lora="add_detail")
    assert str(PROMPT_LIMIT + 1) in refused.sentence


def test_a_tag_that_grows_when_it_is_spelt_out_names_the_prompt() -> None:
    tag = "<lora:pap:1>"
    assert str(PROMPT_LIMIT) in no("prompt", "x" * (PROMPT_LIMIT - len(tag)) + tag).sentence


def test_choices_are_measured_when_they_are_made() -> None:
    """4,000 characters of choices are a short prompt; a short one can draw a long text."""
    assert write("{" + "a|" * 1990 + "a}").prompt == "a"
    long = Library(SHELF.families, SHELF.styles, {"long": ("y" * 1000,)})
    with pytest.raises(BadOption) as caught:
        written(DrawOptions("__long__ " * 5), 1, WHOLE, long)
    assert caught.value.option == "prompt"
    assert "4000" in refusal("negative_prompt", negative_prompt="n" * 4001)


@given(st.text())
def test_cleaned_text_can_be_kept_and_sent(text: str) -> None:
    kept = clean("prompt", text)
    assert kept.encode("utf-8").decode("utf-8") == kept == kept.strip()
    assert not {"\r", "\x00"} & set(kept)
    assert clean("prompt", kept) == kept


any_words = st.text(st.sampled_from("{}|_\\<>:, ab1") | st.characters(), max_size=60)


@given(any_words, any_words, any_words, st.sampled_from([WHOLE, UNKNOWN]), st.integers(0, 99))
def test_anything_typed_is_written_or_refused(
    prompt: str, negative: str, lora: str, ability: Ability, seed: int
) -> None:
    options = DrawOptions(prompt, negative_prompt=negative, lora=lora, style="ink")
    try:
        made = written(options, seed, ability, SHELF)
    except BadOption as refused:
        assert refused.option in {"prompt", "negative_prompt", "lora"}
    else:
        assert made.subject
        assert max(len(made.prompt), len(made.negative_prompt)) <= PROMPT_LIMIT
        made.prompt.encode()


# -- tags that would slip by -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("<lora:add_detail:99>", "can be -4 to 4, not `99`"),
        ("<lora:add_detail:abc>", "can be -4 to 4, not `abc`"),
        ("<lora:add_detail:1:9>", "not `9`"),
        ("<LORA:nobodys:1>", "no LoRA called `nobodys`"),
    ],
)
def test_a_tag_in_the_prompt_is_bounded_as_the_option_is(tag: str, told: str) -> None:
    refused = no("prompt", f"a cat {tag}")
    assert told in refused.sentence
    assert refused.part == tag


def test_a_tag_in_any_case_is_written_as_servers_read_it() -> None:
    assert write("a cat <LoRA:add_detail:0.5>").prompt == "a cat <lora:add_detail:0.5>"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("add_detail:abc", "weight of the LoRA `add_detail` can be -4 to 4, not `abc`"),
        (",,,", "names no LoRA"),
    ],
)
def test_an_option_that_names_no_lora_is_refused(typed: str, told: str) -> None:
    assert told in no("lora", lora=typed).sentence


def test_a_lora_in_the_negative_prompt_is_refused() -> None:
    refused = no("negative_prompt", negative_prompt="fog <LORA:add_detail:1>")
    assert "does nothing in the negative prompt" in refused.sentence


def test_choices_that_leave_nothing_are_an_empty_prompt() -> None:
    assert "The prompt is empty" in no("prompt", "{ | }").sentence
