"""The card of /models: what stands on it, and Discord's limits whatever the names are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.discord.errors import Problems
from bot.demo.discord.limits import check_message
from bot.studio.catalogue import About
from bot.studio.shelf import Entry, Tab
from cogs._ui import shelves
from cogs._ui.cards import Card
from cogs._ui.shelves import Refresh, View

ALL_TABS = list(Tab)
DREAM = Entry(
    "dreamshaper_8",
    About("DreamShaper 8", (), "An all-rounder."),
    "9aba26abdf1234",
    "Stable Diffusion 1.5, 512×512, 20 steps",
    ("loaded on attic", "yours"),
)
PONY = Entry("pony6", About("Pony", ("score_9", "score_8_up"), None), None, "SDXL", ())
PLAIN = Entry("my_mix", suits="SDXL, 1024×1024, 28 steps")


def card(*entries: Entry, tab: Tab = Tab.MODELS, page: int = 0, **more: Any) -> Card:
    return shelves.card(entries, ALL_TABS, View(tab, page, more.pop("query", "")), **more)


def text_of(made: Card) -> str:
    return made.embed.description or ""


def components(made: Card) -> list[dict[str, Any]]:
    assert made.view is not None
    return [c for row in made.view.to_components() for c in row["components"]]


def buttons(made: Card) -> dict[str, dict[str, Any]]:
    return {c["label"]: c for c in components(made) if c["type"] == 2}


def options(made: Card) -> list[dict[str, Any]]:
    return [o for c in components(made) if c["type"] == 3 for o in c["options"]]


# -- what a member reads ---------------------------------------------------------------------------


async def test_an_entry_tells_label_name_marks_figures_and_words() -> None:
    assert text_of(card(DREAM, PONY, PLAIN)).splitlines() == [
        "**DreamShaper 8** · dreamshaper\\_8 · *loaded on attic, yours*",
        "Stable Diffusion 1.5, 512×512, 20 steps · `9aba26abdf`",
        "An all-rounder.",
        "",
        "**Pony** · pony6",
        "SDXL",
        "Trigger words: `score_9, score_8_up`",
        "",
        "**my\\_mix**",
        "SDXL, 1024×1024, 28 steps",
    ]


async def test_names_alone_stand_close_together() -> None:
    assert text_of(card(Entry("Euler"), Entry("Heun"), tab=Tab.SAMPLERS)) == "**Euler**\n**Heun**"


async def test_the_select_shows_labels_and_holds_exact_names() -> None:
    first, _, third = options(card(DREAM, PONY, PLAIN))
    assert (first["label"], first["value"]) == ("DreamShaper 8", "dreamshaper_8")
    assert first["description"] == "dreamshaper_8"
    assert first["default"] is True
    assert (third["label"], third["value"]) == ("my_mix", "my_mix")
    assert "description" not in third
    assert options(card(PLAIN, tab=Tab.LORAS)) == [], "only a model can be chosen here"


async def test_pages_are_turned_and_a_page_past_the_end_is_the_last() -> None:
    entries = [Entry(f"model {i:02}") for i in range(20)]
    made = card(*entries, page=99)
    assert "model 16" in text_of(made)
    assert made.embed.footer is not None
    assert made.embed.footer.text == "page 3 of 3 · 20 in all"
    assert buttons(made)["▶"]["disabled"]
    assert shelves.pressed(buttons(made)["◀"]["custom_id"]) == ("back", View(Tab.MODELS, 1, ""))
    assert "◀" not in buttons(card(*entries[:3]))


async def test_nothing_found_says_so_and_has_no_select() -> None:
    made = card(query="nothing")
    assert text_of(made) == "Nothing here holds these words."
    assert options(made) == []
    assert text_of(card()) == "Nothing is listed here yet."


async def test_names_do_not_become_markdown() -> None:
    odd = Entry("a*b_c`d", About("**loud**", ("back`tick",), "<@1> https://x.org"), "a`b")
    told = text_of(card(odd))
    assert "**\\*\\*loud\\*\\***" in told
    assert "a\\*b\\_c\\`d" in told
    assert "`back'tick`" in told
    assert "\\<\\@1> https:\\//x.org" in told


async def test_refresh_is_there_for_those_who_may() -> None:
    assert "Refresh" not in buttons(card(PLAIN))
    offered = buttons(card(PLAIN, refresh=Refresh.OFFERED, query="mix"))["Refresh"]
    assert shelves.pressed(offered["custom_id"]) == ("refresh", View(Tab.MODELS, 0, "mix"))
    assert not offered["disabled"]
    assert buttons(card(PLAIN, refresh=Refresh.RUNNING))["Looking …"]["disabled"]


async def test_a_notice_stands_above_the_page() -> None:
    assert text_of(card(PLAIN, notice="Looked.")).startswith("Looked.\n\n**my")


# -- what a refresh has found ----------------------------------------------------------------------


def lists(**names: Sequence[str]) -> dict[Tab, Sequence[str]]:
    return {tab: names.get(tab.value, ()) for tab in Tab}


@pytest.mark.parametrize(
    ("tab", "before", "after", "line"),
    [
        (Tab.MODELS, lists(models="ab"), lists(models="abcde"), "5 models, 3 new."),
        (Tab.MODELS, lists(models="ab"), lists(models="ab"), "2 models."),
        (Tab.MODELS, lists(models="abc"), lists(models="d"), "1 model, 1 new, 3 gone."),
        (Tab.MODELS, lists(), lists(), "0 models."),
        (Tab.LORAS, lists(models="a"), lists(models="a", loras="x"), "1 LoRA, 1 new."),
        (
            Tab.MODELS,
            lists(models="a", vaes="v"),
            lists(models="a", vaes="vw"),
            "1 model; 2 VAEs, 1 new.",
        ),
    ],
)
def test_a_refresh_tells_what_changed(
    tab: Tab, before: dict[Tab, Sequence[str]], after: dict[Tab, Sequence[str]], line: str
) -> None:
    assert shelves.looked_again(tab, before, after) == f"🔄 Looked again: {line}"


# -- ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "custom_id", ["", "models", "models:tab:nothing:0:", "models:tab:loras:x:", "job:1:again"]
)
def test_other_ids_are_not_ours(custom_id: str) -> None:
    assert shelves.pressed(custom_id) is None


@given(st.sampled_from(ALL_TABS), st.text(max_size=60))
def test_a_view_survives_its_id(tab: Tab, query: str) -> None:
    view = View(tab, 124, " ".join(query.split()))
    custom_id = view.custom_id("refresh")
    assert len(custom_id) <= 100
    assert shelves.pressed(custom_id) == ("refresh", view)


# -- Discord's limits ------------------------------------------------------------------------------

# Everything that a name may be made of, the characters that are escaped above all.
bits = st.text("ab _*`~|<@[]\\:/#-\u202e\u3000漢🎨", min_size=1, max_size=9)
texts = st.builds(lambda bit, times: (bit * times)[:200], bits, st.integers(1, 200))
entries = st.builds(
    Entry,
    name=texts,
    about=st.builds(
        About,
        label=st.none() | texts,
        trigger_words=st.lists(texts, max_size=3).map(tuple),
        note=st.none() | texts,
    ),
    hash=st.none() | texts,
    suits=st.none() | texts,
    marks=st.lists(texts, max_size=4).map(tuple),
)


def within_discords_limits(made: Card) -> None:
    description = text_of(made)
    assert 1 <= len(description) <= 4096
    assert len(made.embed) <= 6000
    assert made.view is not None
    problems = Problems()
    body = {"embeds": [made.embed.to_dict()], "components": made.view.to_components()}
    check_message(problems, body, v2=False)
    problems.raise_if_any()
    values = [o["value"] for o in options(made)]
    assert len(values) == len({*values}) <= 25


@settings(max_examples=150)
@given(
    st.lists(entries, max_size=25, unique_by=lambda e: e.name),
    st.sampled_from(ALL_TABS),
    st.integers(0, 4),
    st.sampled_from(list(Refresh)),
    st.none() | texts,
)
async def test_any_page_is_within_discords_limits(
    listed: list[Entry], tab: Tab, page: int, refresh: Refresh, notice: str | None
) -> None:
    view = View.first(tab, "a query of some words")
    view = View(view.tab, page, view.query)
    within_discords_limits(shelves.card(listed, ALL_TABS, view, refresh, notice))


@pytest.mark.parametrize("letter", ["x", "*", "🎨"])
@pytest.mark.parametrize("tab", [Tab.MODELS, Tab.LORAS, Tab.SAMPLERS])
async def test_a_thousand_of_the_longest_fit_on_every_page(letter: str, tab: Tab) -> None:
    long = letter * 196
    listed = [
        Entry(
            f"{long}{i:04}",
            About(f"{i:04}{long}", (long, long), long),
            long,
            long,
            (f"loaded on {long}", "yours"),
        )
        for i in range(1000)
    ]
    for page in (0, 57, 124):
        made = card(*listed, tab=tab, page=page, refresh=Refresh.OFFERED, notice=long * 3)
        within_discords_limits(made)
        assert f"{letter * 10}" in text_of(made).replace("\\", "")


async def test_a_page_of_long_names_keeps_as_much_as_fits() -> None:
    some = [Entry(f"{i}" + "n" * 150, About(None, (), "A note. " * 20)) for i in range(8)]
    told = text_of(card(*some))
    assert told.count("A note.") > 8
    assert len(told) > 1500
