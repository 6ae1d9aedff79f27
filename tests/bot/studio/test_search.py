"""Names as people type them: parts of words, any case, without the dots and dashes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UnknownName
from bot.studio.search import find, nearest, resolve, shortened, whole

MODELS = (
    "dreamshaper_8",
    "dreamshaperXL_v21",
    "animagineXL_v31",
    "sd_xl_base_1.0",
    "flux1-dev",
    "inkpunk, v2.0",
)
SAME = {name: name for name in MODELS}
names_of_anything = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=8, unique=True)


# -- completions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("anim xl", ["animagineXL_v31"]),
        ("XL ANIM", ["animagineXL_v31"]),
        ("xl", ["dreamshaperXL_v21", "animagineXL_v31", "sd_xl_base_1.0"]),
        ("dream", ["dreamshaper_8", "dreamshaperXL_v21"]),
        ("FLUX1", ["flux1-dev"]),
        ("punk, v", ["inkpunk, v2.0"]),
        ("nothing like it", []),
    ],
)
def test_names_that_hold_every_typed_word_are_found(typed: str, found: list[str]) -> None:
    assert find(typed, MODELS) == found


@pytest.mark.parametrize("typed", ["", "  "])
def test_nothing_typed_shows_all_in_their_own_order(typed: str) -> None:
    assert find(typed, MODELS) == list(MODELS)


def test_names_that_begin_so_come_first() -> None:
    assert find("xl", ["model_xl", "xl_model", "an xl one", "XLarge"]) == [
        "xl_model",
        "XLarge",
        "model_xl",
        "an xl one",
    ]


def test_discord_shows_25_and_no_more() -> None:
    many = [f"model {n:03}" for n in range(300)]
    assert find("", many) == many[:25]
    assert find("model", ["zzz model", *many])[:2] == many[:2], "sorted before it is cut"
    assert len(find("", many, most=300)) == 300


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=40))
def test_a_completion_only_offers_what_there_is(typed: str, names: list[str]) -> None:
    found = find(typed, names)
    assert len(found) <= 25
    for name in found:
        assert name in names
        assert all(word in name.casefold() for word in typed.casefold().split())


# -- what was meant --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_an_exact_name_is_itself(name: str) -> None:
    assert resolve("model", "model", name, SAME) == name


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("DREAMSHAPER_8", "dreamshaper_8"),
        ("Dreamshaper 8", "dreamshaper_8"),
        ("dreamshaper-8", "dreamshaper_8"),
        ("sd xl base 1.0", "sd_xl_base_1.0"),
        ("FLUX.1 dev", "flux1-dev"),
        ("inkpunk v2.0", "inkpunk, v2.0"),
        ("anim xl", "animagineXL_v31"),
        ("shaper xl", "dreamshaperXL_v21"),
        ("punk", "inkpunk, v2.0"),
        ("  flux1-dev ", "flux1-dev"),
    ],
)
def test_case_punctuation_and_parts_of_words_find_the_one(typed: str, meant: str) -> None:
    assert resolve("model", "model", typed, SAME) == meant


def test_an_alias_means_the_exact_name() -> None:
    names = {"Euler a": "Euler a", "k_euler_a": "Euler a", "Euler": "Euler", "k_euler": "Euler"}
    assert resolve("sampler", "sampler", "k_euler_a", names) == "Euler a"
    assert resolve("sampler", "sampler", "K EULER", names) == "Euler"
    # Two ways to say the same thing are not two things.
    assert (
        resolve("sampler", "sampler", "ancestral", {"x ancestral": "E", "ancestral y": "E"}) == "E"
    )


def test_an_exact_name_wins_over_all_that_hold_it() -> None:
    names = {n: n for n in ("xl", "xl_base", "XL")}
    assert resolve("model", "model", "xl", names) == "xl"


def test_two_that_differ_in_case_alone_are_told_apart_or_asked_about() -> None:
    names = {"Model": "Model", "model": "model"}
    assert resolve("model", "model", "Model", names) == "Model"
    with pytest.raises(UnknownName) as caught:
        resolve("model", "model", "MODEL", names)
    assert set(caught.value.nearest) == {"Model", "model"}


def test_signs_alone_can_be_a_name() -> None:
    names = {"+++": "+++", "a": "a"}
    assert resolve("model", "model", "+++", names) == "+++"
    with pytest.raises(UnknownName):
        resolve("model", "model", "---", names)


@pytest.mark.parametrize("typed", ["", "   ", "\t"])
def test_nothing_is_nobodys_name(typed: str) -> None:
    with pytest.raises(UnknownName):
        resolve("model", "model", typed, {"only": "only"})


@given(names_of_anything, st.data())
def test_every_name_finds_itself(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    assert resolve("model", "model", name, {n: n for n in names}) == name


@given(names_of_anything, st.text(max_size=12))
def test_an_answer_is_always_one_of_the_names(names: list[str], typed: str) -> None:
    try:
        assert resolve("model", "model", typed, {n: n for n in names}) in names
    except UnknownName as error:
        assert len(error.nearest) <= 3
        assert set(error.nearest) <= set(names)


# -- the nearest -----------------------------------------------------------------------------------


def test_a_slip_of_the_finger_is_told_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        resolve("model", "model", "dreamshapper_8", SAME)
    assert caught.value.nearest[0] == "dreamshaper_8"
    assert "There is no model called `dreamshapper_8` here." in caught.value.sentence
    assert "Did you mean `dreamshaper_8`" in caught.value.sentence


def test_several_that_were_meant_are_all_named() -> None:
    """Three hold "xl": the member must choose, so they must be told."""
    with pytest.raises(UnknownName) as caught:
        resolve("model", "model", "xl", SAME)
    assert set(caught.value.nearest) == {"dreamshaperXL_v21", "animagineXL_v31", "sd_xl_base_1.0"}


def test_at_most_three_are_named() -> None:
    many = {f"model_{n}": f"model_{n}" for n in range(30)}
    with pytest.raises(UnknownName) as caught:
        resolve("model", "model", "model__", many)
    assert len(caught.value.nearest) == 3


def test_even_far_from_all_the_three_nearest_are_named() -> None:
    with pytest.raises(UnknownName) as caught:
        resolve("model", "model", "qqqqqqqqqqqq", SAME)
    assert len(caught.value.nearest) == 3
    assert all(f"`{name}`" in caught.value.sentence for name in caught.value.nearest)


def test_a_long_wrong_name_is_shown_short() -> None:
    with pytest.raises(UnknownName) as caught:
        resolve("model", "model", "z" * 5000, SAME)
    assert len(caught.value.sentence) < 200


def test_the_nearest_names_each_name_once() -> None:
    assert nearest("eulr", ["Euler", "euler", "Euler"]) == ["Euler", "euler"]


# -- names that are longer than a choice -----------------------------------------------------------


def test_long_names_that_begin_alike_are_told_apart_and_found_again() -> None:
    names = [f"{'x' * 150}{n}" for n in range(50)] + ["short"]
    values = [shortened(name) for name in names]
    assert len({*values}) == len(names)
    assert max(map(len, values)) <= 100
    assert [whole(value, names) for value in values] == names
    assert whole("gone", names) == "gone"
    exact = {name: name for name in names}
    assert [resolve("model", "model", value, exact) for value in values] == names
    assert resolve("lora", "LoRA", shortened(names[3], 40), exact) == names[3]


def test_words_that_fit_several_say_so() -> None:
    names = {name: name for name in ("cat_v1", "cat_v2", "dog")}
    with pytest.raises(UnknownName) as caught:
        resolve("model", "model", "cat", names)
    assert caught.value.sentence.startswith("More than one model fits `cat`. Did you mean `cat_v")
    assert set(caught.value.nearest) == {"cat_v1", "cat_v2"}
    with pytest.raises(UnknownName) as strange:
        resolve("model", "model", "a`**b**`\n[c](http://d)", names)
    assert "`a'**b**' [c](http://d)`" in strange.value.sentence
