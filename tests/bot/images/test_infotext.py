"""The infotext grammar: every recorded case, round trips, and no way to make it slow."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.images.infotext import KEY_ORDER, Infotext, build
from tests.bot.images.pictures import FROM_SD_CPP, FROM_WEB_UI, TAIL, calm

BASE = {"Steps": "2", "Sampler": "Euler", "CFG scale": "7.0", "Seed": "1", "Size": "64x64"}

# The web UI's own pattern, as the contract gives it: quadratic, so only for short texts.
WEB_UI_PATTERN = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def web_ui_pairs(line: str) -> list[tuple[str, str]]:
    """The pairs the web UI finds in a line, values decoded, those without a value left out."""
    found = []
    for key, raw in WEB_UI_PATTERN.findall(line):
        value = raw
        if len(raw) > 1 and raw[0] == raw[-1] == '"':
            try:
                value = json.loads(raw)
            except ValueError:
                value = raw
        if raw:
            found.append((key, value))
    return found


# -- the reader, case by case (recorded answers, section 7) --------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "just a prompt",
        "a: 1, b: 2, c: 3",
        "p\nSteps: 2, Sampler: Euler",
        f"p\n{TAIL}\nafter",
        "",
    ],
)
def test_without_a_parameter_line_everything_is_prompt(text: str) -> None:
    assert Infotext.parse(text) == Infotext(text)


def test_three_pairs_are_a_parameter_line_even_if_they_were_meant_as_a_prompt() -> None:
    parsed = Infotext.parse("aa: 1, bb: 2, cc: 3")

    assert parsed == Infotext("", "", {"aa": "1", "bb": "2", "cc": "3"})


def test_every_further_negative_line_loses_its_mark() -> None:
    parsed = Infotext.parse(f"p\nNegative prompt: a\nNegative prompt: b\n{TAIL}")

    assert parsed == Infotext("p", "a\nb", BASE)


def test_lines_are_stripped_and_a_blank_line_inside_survives() -> None:
    parsed = Infotext.parse(f"  first \r\n\r\n second\r\n  Negative prompt:  n \r\n{TAIL}\r\n")

    assert parsed == Infotext("first\n\nsecond", "n", BASE)


def test_blank_lines_in_front_of_a_prompt_are_not_kept() -> None:
    parsed = Infotext.parse(f"p\nNegative prompt:\n\n n\n\nm\n{TAIL}")

    assert parsed == Infotext("p", "n\n\nm", BASE)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r'Note: "a, b"', {"Note": "a, b"}),
        (r'Note: "a: b"', {"Note": "a: b"}),
        (r'Note: "say \"hi\", ok"', {"Note": 'say "hi", ok'}),
        (r'Note: "l1\nl2"', {"Note": "l1\nl2"}),
        (r'Note: "c:\\dir, x"', {"Note": "c:\\dir, x"}),
        ('Note: "abc"', {"Note": "abc"}),
        ('Note: 5" disk', {"Note": '5" disk'}),
        ("Note: c:\\dir\\", {"Note": "c:\\dir\\"}),
        ("Note: a: b", {"Note": "a: b"}),
        ('Note: "abc, Model: m', {"Note": '"abc', "Model": "m"}),
        ('Note: "", Model: m', {"Note": "", "Model": "m"}),
        ("Note: , Model: m", {"Model": "m"}),
        ('Note: "bad \\x escape"', {"Note": '"bad \\x escape"'}),
        ("X: 1", {}),
        ("A (b): 1", {}),
        # The web UI makes Note-1 and Note-2 of it; we keep what is written.
        ("Note: 64x64", {"Note": "64x64"}),
    ],
)
def test_a_value_after_the_usual_ones(written: str, expected: dict[str, str]) -> None:
    assert Infotext.parse(f"p\n{TAIL}, {written}") == Infotext("p", "", BASE | expected)


def test_what_the_web_ui_wrote() -> None:
    parsed = Infotext.parse(FROM_WEB_UI)

    assert (parsed.prompt, parsed.negative_prompt) == ("a photo of a cat, (detailed:1.2)", "blurry")
    assert parsed.settings["Model hash"] == "6d45d56d23"
    assert (parsed.steps, parsed.seed, parsed.cfg_scale) == (4, 42, 7.0)
    assert (parsed.sampler, parsed.scheduler, parsed.model) == ("DPM++ 2M", "Karras", "tinyA")
    assert parsed.size == (64, 64)
    assert parsed.render() == FROM_WEB_UI


def test_a_model_with_a_comma_in_its_name() -> None:
    text = f'p\n{TAIL}, Model hash: 7b8219f436, Model: "tiny B, v1.5", Version: 1.10.1'

    assert Infotext.parse(text).model == "tiny B, v1.5"
    assert Infotext.parse(text).render() == text


def test_nothing_inside_the_tail_of_sd_cpp_is_believed() -> None:
    parsed = Infotext.parse(FROM_SD_CPP)

    assert (parsed.prompt, parsed.negative_prompt) == ("a cat", "bad")
    assert (parsed.seed, parsed.model) == (1, "random15.safetensors")
    assert list(parsed.settings)[-1] == "Version"


def test_the_first_of_two_equal_keys_wins() -> None:
    assert Infotext.parse(f"p\n{TAIL}, Seed: 666").seed == 1


def test_the_whole_info_json_written_by_the_guide_has_no_prompt() -> None:
    info = json.dumps({"prompt": "a (dog:1.2), x", "infotexts": [f"a (dog:1.2), x\n{TAIL}"]})

    parsed = Infotext.parse(info)

    assert parsed.prompt == ""
    assert parsed.steps is None
    assert (parsed.sampler, parsed.seed, "dog" in parsed.settings) == ("Euler", 1, True)


@pytest.mark.parametrize("cfg", ["inf", "nan", "seven", ""])
def test_settings_that_are_no_numbers_read_as_none(cfg: str) -> None:
    odd = Infotext("p", "", {"CFG scale": cfg, "Seed": "9" * 99, "Steps": "2.5", "Size": "0x"})

    assert (odd.cfg_scale, odd.seed, odd.steps, odd.size) == (None, None, None, None)
    assert (odd.sampler, odd.scheduler, odd.model) == (None, None, None)


# -- writing ---------------------------------------------------------------------------------------


def test_our_own_text_stands_in_the_web_uis_order() -> None:
    settings = {
        "Version": "easel", "Hires upscale": 2.0, "Size": "512x768", "Seed": 7, "Model": "m",
        "CFG scale": 7.0, "Sampler": "Euler", "Steps": 20, "Clip skip": None,
    }  # fmt: skip

    assert build("a cat\r\non a mat", "blurry", settings) == (
        "a cat\non a mat\nNegative prompt: blurry\n"
        "Steps: 20, Sampler: Euler, CFG scale: 7.0, Seed: 7, Size: 512x768, Model: m, "
        "Hires upscale: 2.0, Version: easel"
    )


def test_an_empty_prompt_or_negative_leaves_no_empty_line() -> None:
    assert build("", "", BASE) == TAIL
    assert build("", "n", BASE) == f"Negative prompt: n\n{TAIL}"


def test_too_few_settings_would_become_prompt_so_they_are_refused() -> None:
    with pytest.raises(ValueError, match="3 settings"):
        build("p", "", {"Steps": 1, "Seed": 2, "Size": None})


@pytest.mark.parametrize("key", ["X", "a (b)", " lead", "-lead", "two\nlines", "co:lon", ""])
def test_a_key_that_no_reader_finds_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not an infotext key"):
        Infotext("p", "", {key: "1"})


def test_settings_cannot_be_changed_afterwards() -> None:
    given_by_caller = dict(BASE)
    text = Infotext("p", "", given_by_caller)
    given_by_caller["Seed"] = "2"

    assert text.seed == 1
    with pytest.raises(TypeError):
        text.settings["Seed"] = "3"  # type: ignore[index]


# -- round trips -----------------------------------------------------------------------------------

# The format's own limits: no CR, no spaces at a line's ends, no prompt line that looks like the
# beginning of the negative prompt, no empty lines in front.
line = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30)
    .map(str.strip)
    .filter(lambda text: not text.startswith("Negative prompt:"))
)
prompts = st.lists(line, max_size=4).map(lambda lines: "\n".join(lines).lstrip("\n"))
keys = st.from_regex(r"\A\w[\w \-/]{1,12}\Z").filter(lambda key: key != "SDCPP")
values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text('ab,:"\\ \n', max_size=12),
)
settings = st.dictionaries(keys, values, min_size=3, max_size=8)


@calm
@given(prompts, prompts, settings)
@example("p", "", {"Note": '"abc', "Other": '5"', "Tiling": "Tiling"})
@example("p", "n", {"aa": '"', "bb": "", "cc": " x "})
def test_what_is_written_is_read_back(prompt: str, negative: str, kept: dict[str, str]) -> None:
    written = Infotext(prompt, negative, kept)

    assert Infotext.parse(written.render()) == written


@calm
@given(prompts, prompts, settings)
def test_the_web_ui_reads_back_what_we_write(
    prompt: str, negative: str, kept: dict[str, str]
) -> None:
    last = Infotext(prompt, negative, kept).render().split("\n")[-1]

    assert dict(web_ui_pairs(last)) == kept


@calm
@given(st.one_of(st.text('abC -/:,"\\ 1x\t', max_size=60), st.text(max_size=40)))
def test_we_find_the_pairs_that_the_web_ui_finds(line: str) -> None:
    line = line.strip().replace("\n", " ")
    theirs: dict[str, str] = {}
    for key, value in web_ui_pairs(line):
        theirs.setdefault(key, value)
    counted = len(WEB_UI_PATTERN.findall(line))

    ours = Infotext.parse(line)

    assert ours.settings == (theirs if counted >= 3 else {})


@calm
@given(st.text(), st.text())
def test_any_text_is_an_infotext_and_writing_what_was_read_changes_nothing(
    head: str, end: str
) -> None:
    parsed = Infotext.parse(f"{head}\n{TAIL}{end}")

    if parsed.settings:
        assert Infotext.parse(parsed.render()) == parsed


# -- shortening ------------------------------------------------------------------------------------


@calm
@given(prompts, prompts, st.integers(min_value=150, max_value=400))
def test_a_shortened_text_fits_and_keeps_its_parameter_line(
    prompt: str, negative: str, limit: int
) -> None:
    long = Infotext(prompt * 9, negative * 9, BASE).shortened(limit)

    assert len(long.render().encode("utf-16-be")) <= 2 * limit
    assert Infotext.parse(long.render()).settings == BASE


def test_the_longer_prompt_is_cut_first_and_never_inside_a_character() -> None:
    short = Infotext("🐈" * 200, "blurry", BASE).shortened(200)

    assert short.negative_prompt == "blurry"
    assert set(short.prompt) == {"🐈"}
    assert 100 < 2 * len(short.prompt) < 200


def test_a_parameter_line_that_is_too_long_loses_its_last_keys() -> None:
    many = Infotext("p", "", BASE | {f"Key {n}": "x" * 50 for n in range(20)})

    kept = many.shortened(300).settings

    assert list(kept)[:6] == [*BASE, "Key 0"]
    assert len(kept) < len(many.settings)


# -- hostile texts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    ["a", "a ", " ", "-", ":", ",", '"', "\\", "aa:", 'aa:"', 'aa:"x,', 'aa:"\\",', '"\\', "a:b ",
     "aa: \t", "Negative prompt:", "\n", "a\n", "aa:1,"],
)  # fmt: skip
def test_reading_time_grows_with_the_length_and_no_faster(unit: str) -> None:
    """Eight times the text may take about eight times as long; a quadratic reader takes 64."""

    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        clock = time.process_time
        runs = []
        for _ in range(3):
            begin = clock()
            Infotext.parse(text)
            runs.append(clock() - begin)
        return min(runs)

    small, large = seconds(4 * 1024), seconds(32 * 1024)

    assert large < 24 * max(small, 0.0005)


def test_a_line_of_a_megabyte_is_read_to_a_bound() -> None:
    parsed = Infotext.parse(f"p\n{TAIL}, " + ", ".join(f"Key {n}: {n}" for n in range(90_000)))

    assert parsed.seed == 1
    assert len(parsed.settings) == 1_000


def test_the_key_order_is_that_of_the_contract() -> None:
    assert KEY_ORDER[:8] == (
        "Steps", "Sampler", "Schedule type", "CFG scale", "Image CFG scale", "Seed",
        "Face restoration", "Size",
    )  # fmt: skip
