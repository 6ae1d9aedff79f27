"""Choices, wildcards and a pasted infotext: what a prompt may hold beside its words."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadOption, ConfigurationError, UnknownName
from bot.studio.words import WILDCARDS_FOLDER, as_settings, expand, read_wildcards
from bot.values.request import PROMPT_LIMIT

calm = settings(deadline=None)
SMALL: Mapping[str, Sequence[str]] = {
    "animal": ("fox", "owl", "otter"),
    "place": ("harbour", "__weather__ moor"),
    "weather": ("{foggy|snowy}",),
    "colour/warm": ("amber",),
}


def words(prompt: str, seed: int = 1) -> str:
    return expand(prompt, seed=seed, wildcards=SMALL)


def seen(prompt: str, times: int = 60) -> set[str]:
    """All that the prompt becomes."""
    return {words(prompt, seed) for seed in range(times)}


# -- choices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "results"),
    [
        ("a {red|blue} fox", {"a red fox", "a blue fox"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{a|b}{c|d}", {"ac", "ad", "bc", "bd"}),
        ("a {very |}old fox", {"a very old fox", "a old fox"}),
        ("a { red | blue } fox", {"a red fox", "a blue fox"}),
        ("{1::only|0::never}", {"only"}),
        ("{0::a|0::b}", {"b"}),
        (r"{a\|b|c}", {"a|b", "c"}),
    ],
)
def test_a_choice_is_one_of_its_options(prompt: str, results: set[str]) -> None:
    assert seen(prompt) == results


def test_weights_are_heeded() -> None:
    counts = Counter(words("{3::red|blue}", seed) for seed in range(2_000))

    assert 1_400 < counts["red"] < 1_600


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a fox",
        "{silver hair}, {{detailed}}",
        "a {red|blue fox",
        "a red|blue} fox",
        "}{",
        "[cat|dog], (fox:1.2), <lora:my__animal__v2:0.8>",
        "2::a fox, 50% off, a_b, __, ____, _animal_, >__<, __-__",
        "two  spaces stay",
        "a\nb",
    ],
)
def test_other_signs_stay_as_they_are(prompt: str) -> None:
    assert seen(prompt, times=5) == {prompt}


@pytest.mark.parametrize(
    ("prompt", "result"),
    [
        (r"\{a\|b\}", "{a|b}"),
        (r"\__animal\__", "__animal__"),
        (r"\(fox\)", r"\(fox\)"),
    ],
)
def test_escaped_signs_are_only_signs(prompt: str, result: str) -> None:
    assert words(prompt) == result


def test_what_is_closed_inside_an_open_brace_is_resolved() -> None:
    assert seen("{ {a|b} | c") == {"{ a | c", "{ b | c"}


# -- wildcards -------------------------------------------------------------------------------------


def test_a_wildcard_is_one_of_its_entries() -> None:
    assert seen("a __animal__!") == {"a fox!", "a owl!", "a otter!"}
    assert words("__Animal__, __COLOUR/WARM__").endswith(", amber")


def test_names_may_stand_side_by_side() -> None:
    assert words("__weather____colour/warm__", 3) in {"foggyamber", "snowyamber"}


def test_an_entry_may_hold_choices_and_wildcards() -> None:
    assert seen("__place__") == {"harbour", "foggy moor", "snowy moor"}


def test_a_choice_may_make_a_name() -> None:
    assert seen("__{animal|colour/warm}__") == {"fox", "owl", "otter", "amber"}


def test_an_entry_cannot_add_options() -> None:
    results = {expand("{__x__|c}", seed=seed, wildcards={"x": ("a|b}",)}) for seed in range(40)}

    assert results == {"a|b}", "c"}


@pytest.mark.parametrize("prompt", ["a __anmal__", "{__anmal__|fox}", "{fox|{__anmal__|owl}"])
def test_an_unknown_wildcard_names_the_nearest(prompt: str) -> None:
    for seed in range(5):
        with pytest.raises(UnknownName) as caught:
            words(prompt, seed)
        assert caught.value.option == "prompt"
        assert caught.value.nearest[0] == "animal"
        assert "`anmal`" in caught.value.sentence


def test_the_option_is_named() -> None:
    with pytest.raises(BadOption) as caught:
        expand("__x__", seed=1, wildcards={}, option="negative_prompt")
    assert caught.value.option == "negative_prompt"


@pytest.mark.parametrize(
    "wildcards",
    [
        {"a": ("__a__",)},
        {"a": ("__b__",), "b": ("x __a__",)},
        {"a": ("__{a|a}__",)},
        {"a": ("__a__ __a__ __a__",)},
        {"a": ("__b__" * 20,), "b": ("__c__" * 20,), "c": ("x" * 1_000,)},
    ],
)
def test_circles_and_avalanches_are_refused_at_once(wildcards: Mapping[str, Sequence[str]]) -> None:
    start = time.process_time()
    with pytest.raises(BadOption, match=r"circles|too long"):
        expand("__a__", seed=1, wildcards=wildcards)
    assert time.process_time() - start < 1


def test_the_result_is_bounded() -> None:
    whole = "x" * 999
    result = expand("__a__ " * 4, seed=1, wildcards={"a": (whole,)})
    assert len(result) == PROMPT_LIMIT
    with pytest.raises(BadOption, match="4005 characters; at most 4000"):
        expand("__a__ " * 4 + "{y|z}1234", seed=1, wildcards={"a": (whole,)})


# -- any prompt ------------------------------------------------------------------------------------

SIGNS = st.lists(
    st.sampled_from(
        [*"{}|\\_: a", "__", "__animal__", "__place__", "__x__", "2::", "<lora:a:1>", "\\{", "\n"]
    ),
    max_size=40,
).map("".join)


@calm
@given(SIGNS | st.text(), st.integers())
def test_the_same_seed_gives_the_same_words(prompt: str, seed: int) -> None:
    with suppress(BadOption):
        assert words(prompt, seed) == words(prompt, seed)


@calm
@given(SIGNS, st.integers())
def test_no_known_wildcard_is_left(prompt: str, seed: int) -> None:
    if r"\__" in prompt:
        return
    with suppress(BadOption):
        result = re.sub(r"<lora:[^>]*>", "", words(prompt, seed))
        assert not any(f"__{name}__" in result for name in SMALL)


@calm
@given(st.text(alphabet="ab ,.()[]:\n"), st.integers())
def test_a_prompt_without_signs_is_not_touched(prompt: str, seed: int) -> None:
    assert words(prompt, seed) == prompt


@pytest.mark.parametrize("sign", ["{", "{|", "__a", "__a-", "{a|", "}", "<a:", "\\{", "_", "{{|}"])
def test_thousands_of_signs_take_no_time(sign: str) -> None:
    start = time.process_time()
    with suppress(BadOption):
        words(sign * (PROMPT_LIMIT // len(sign)))
    assert time.process_time() - start < 0.5


# -- the files -------------------------------------------------------------------------------------


def test_every_line_that_ships_can_be_drawn() -> None:
    shipped = read_wildcards()

    assert {"animal", "artstyle", "light", "place", "scene"} <= set(shipped)
    for name, entries in shipped.items():
        assert 15 <= len(entries) <= 40, name
        assert len(set(entries)) == len(entries), name
        for entry in entries:
            result = expand(entry, seed=7, wildcards=shipped)
            assert result
            assert not set(result) & set("{}|"), result


def test_files_are_read_with_comments_and_folders(tmp_path: Path) -> None:
    (tmp_path / "colour").mkdir()
    (tmp_path / "colour" / "Warm.txt").write_text("# warm\n\n amber \r\nrust", encoding="utf-8-sig")
    (tmp_path / "notes.md").write_text("no wildcard")

    assert read_wildcards(tmp_path) == {"colour/warm": ("amber", "rust")}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"# nothing\n", "0 entries"),
        ("long.txt", b"ok\n" + b"x" * 1_001, "line 2"),
        ("latin.txt", b"caf\xe9", "can't decode"),
        ("a b.txt", b"x", "a wildcard's name"),
        ("_x.txt", b"x", "a wildcard's name"),
        ("a__b.txt", b"x", "a wildcard's name"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_wildcards(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_no_folder_is_no_wildcards(tmp_path: Path) -> None:
    assert read_wildcards(tmp_path / "nowhere") == {}
    assert WILDCARDS_FOLDER.is_dir()


# -- a pasted infotext -----------------------------------------------------------------------------

PASTED = (
    "a fox, {red|blue}\nNegative prompt: blurry, dull\n"
    'Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 5, Size: 512x768, Model: "a, b"'
)


@pytest.mark.parametrize("text", [PASTED, PASTED.replace("\n", " "), PASTED.replace("\n", "\r\n")])
def test_a_pasted_infotext_is_recognised(text: str) -> None:
    reading = as_settings(text)

    assert reading is not None
    assert reading.prompt == "a fox, {red|blue}"
    assert reading.negative_prompt == "blurry, dull"
    assert reading.settings["Sampler"] == "DPM++ 2M"
    assert reading.infotext.size == (512, 768)
    assert reading.infotext.model == "a, b"


def test_it_needs_no_negative_prompt_and_no_prompt() -> None:
    tail = PASTED.rpartition("\n")[2]

    for text, prompt in ((f"a fox {tail}", "a fox"), (tail, "")):
        reading = as_settings(text)
        assert reading is not None
        assert (reading.prompt, reading.negative_prompt) == (prompt, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a fox, steps: many, seed: none",
        "a sign that says: Steps: 20",
        "recipe, Steps: 3, Bake: 20, Cool: 10",
        "Steps: 20, Sampler: Euler",
        "Steps: many, Sampler: Euler, Seed: 5, Size: 8x8",
        "Sampler: Euler, Seed: 5, Size: 8x8",
    ],
)
def test_an_ordinary_prompt_is_no_infotext(text: str) -> None:
    assert as_settings(text) is None


@calm
@given(st.text() | st.lists(st.sampled_from([" Steps: 2,", " Seed: 1,", "\n", ":", '"', "a"])))
def test_any_text_may_be_pasted(text: str | list[str]) -> None:
    reading = as_settings("".join(text))

    assert reading is None or reading.infotext.steps is not None
