"""What /models reads from memory: tabs, searches, labels, marks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast

import pytest

from bot.guilds import Guilds, Scope, Value
from bot.queue.health import Health
from bot.studio.families import Families, read_families
from bot.studio.shelf import Entry, Shelf, Tab
from bot.values.ability import Ability, Lora, Model, Sampler
from bot.values.guest import Guest
from tests.bot.studio.desk import models, painter

ADA = Guest(user_id=1, name="Ada", guild_id=100, channel_id=30)
FAMILIES = read_families()
Choices = Mapping[tuple[Scope, int], Mapping[str, Value]]


class Chosen:
    """What was chosen, on paper."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    def chosen(self, scope: Scope, place: int | None) -> Mapping[str, Value]:
        return self._choices.get((scope, place or 0), {})


def shelf(*painters: Health, chosen: Choices | None = None, families: Families = FAMILIES) -> Shelf:
    named = {p.backend.name: p for p in painters}
    return Shelf(named, families, cast(Guilds, Chosen(chosen or {})))


def found(where: Shelf, query: str, tab: Tab = Tab.MODELS) -> list[str]:
    return [e.name for e in where.entries(tab, ADA, query)]


def by_name(entries: list[Entry]) -> dict[str, Entry]:
    return {e.name: e for e in entries}


ABILITY = Ability(
    models=(
        Model("dreamshaper_8", "dreamshaper_8.safetensors", "9aba26abdf"),
        Model("ponyDiffusionV6XL", "ponyDiffusionV6XL.safetensors"),
        Model("my own mix", "my own mix.safetensors"),
    ),
    samplers=(Sampler("Euler a", ("k_euler_a",)), Sampler("DPM++ 2M")),
    loras=(Lora("papercut", "paper_v1"), Lora("add_detail"), Lora("mine")),
    vaes=("sdxl_vae.safetensors",),
    current_model="dreamshaper_8",
)


def test_only_tabs_that_hold_something_are_there() -> None:
    assert shelf(painter("main")).tabs() == [Tab.MODELS], "nothing is known before the first probe"
    tabs = [Tab.MODELS, Tab.LORAS, Tab.VAES, Tab.SAMPLERS]
    assert shelf(painter("main", ABILITY)).tabs() == tabs


def test_a_model_is_told_with_label_hash_and_what_suits_it() -> None:
    entries = by_name(shelf(painter("main", ABILITY)).entries(Tab.MODELS, ADA))
    dream = entries["dreamshaper_8"]
    assert (dream.called, dream.hash) == ("DreamShaper 8", "9aba26abdf")
    assert dream.suits == "Stable Diffusion 1.5, 512×512, 20 steps"
    pony = entries["ponyDiffusionV6XL"]
    assert pony.suits == "SDXL, 1024×1024, 25 steps", "its own figures, not its family's"
    assert pony.about.trigger_words[0] == "score_9"
    assert entries["my own mix"].called == "my own mix"


def test_loras_show_their_labels_and_trigger_words() -> None:
    entries = by_name(shelf(painter("main", ABILITY)).entries(Tab.LORAS, ADA))
    assert list(entries) == ["papercut", "add_detail", "mine"]
    assert entries["papercut"].about.trigger_words == ("papercut",)
    assert entries["add_detail"].called == "Detail Tweaker"
    assert entries["mine"].called == "mine"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["dreamshaper_8", "ponyDiffusionV6XL", "my own mix"]),
        ("dreamshaper 8", ["dreamshaper_8"]),  # the label has the space that the name has not
        ("SHAPER", ["dreamshaper_8"]),
        ("score_7", ["ponyDiffusionV6XL"]),  # a trigger word
        ("v6 xl score", ["ponyDiffusionV6XL"]),  # parts of all three
        ("m", ["my own mix", "dreamshaper_8"]),  # what begins with it comes first
        ("nothing like it", []),
    ],
)
def test_names_labels_and_trigger_words_are_searched(query: str, names: list[str]) -> None:
    assert found(shelf(painter("main", ABILITY)), query) == names


def test_the_other_tabs_are_searched_as_well() -> None:
    where = shelf(painter("main", ABILITY))
    assert found(where, "tweak", Tab.LORAS) == ["add_detail"]
    assert found(where, "2m", Tab.SAMPLERS) == ["DPM++ 2M"]
    assert found(where, "vae", Tab.VAES) == ["sdxl_vae.safetensors"]


def test_two_painters_list_a_name_once() -> None:
    other = Ability(models=models("flux1-dev", "dreamshaper_8"), loras=(Lora("mine"),))
    where = shelf(painter("one", ABILITY), painter("two", other))
    assert where.names(Tab.MODELS) == [
        "dreamshaper_8",
        "ponyDiffusionV6XL",
        "my own mix",
        "flux1-dev",
    ]
    assert where.names(Tab.LORAS) == ["papercut", "add_detail", "mine"]
    assert by_name(where.entries(Tab.MODELS, ADA))["dreamshaper_8"].hash == "9aba26abdf"


def test_one_painter_needs_no_name_beside_what_is_loaded() -> None:
    entries = by_name(shelf(painter("main", ABILITY)).entries(Tab.MODELS, ADA))
    assert entries["dreamshaper_8"].marks == ("loaded",)
    assert entries["ponyDiffusionV6XL"].marks == ()


def test_several_painters_are_named() -> None:
    flux = Ability(models=models("flux1-dev", "dreamshaper_8"), current_model="flux1-dev")
    attic, cellar = painter("attic", ABILITY), painter("cellar", flux)
    entries = by_name(shelf(attic, cellar).entries(Tab.MODELS, ADA))
    assert entries["dreamshaper_8"].marks == ("loaded on attic",)
    assert entries["flux1-dev"].marks == ("loaded on cellar",)
    both = shelf(attic, painter("shed", ABILITY)).entries(Tab.MODELS, ADA)
    assert by_name(both)["dreamshaper_8"].marks == ("loaded on attic, shed",)
    away = shelf(attic, painter("shed")).entries(Tab.MODELS, ADA)
    assert by_name(away)["dreamshaper_8"].marks == ("loaded on attic",), "the other is not up yet"


def test_what_a_picture_left_in_memory_is_loaded_whatever_the_option_says() -> None:
    main = painter("main", ABILITY)
    main.backend.loaded = "my own mix"
    entries = by_name(shelf(main).entries(Tab.MODELS, ADA))
    assert entries["my own mix"].marks == ("loaded",)
    assert entries["dreamshaper_8"].marks == ()


def test_what_was_chosen_is_marked() -> None:
    chosen: Choices = {
        (Scope.MEMBER, 1): {"model": "dreamshaper_8"},
        (Scope.MEMBER, 2): {"model": "my own mix"},
        (Scope.CHANNEL, 30): {"model": "ponyDiffusionV6XL"},
        (Scope.SERVER, 100): {"model": "ponyDiffusionV6XL", "steps": 9},
    }
    entries = by_name(shelf(painter("main", ABILITY), chosen=chosen).entries(Tab.MODELS, ADA))
    assert entries["dreamshaper_8"].marks == ("loaded", "yours")
    assert entries["ponyDiffusionV6XL"].marks == ("this channel's", "this server's")
    assert entries["my own mix"].marks == (), "that was somebody else's choice"


def test_a_thousand_names_are_searched_from_memory() -> None:
    names = [f"checkpointXL_{i:04}_v{i % 7}.safetensors" for i in range(1000)]
    where = shelf(painter("main", Ability(models=models(*names))), families=read_families())
    assert len(where.entries(Tab.MODELS, ADA)) == 1000
    began = time.perf_counter()
    assert found(where, "xl 0123") == [names[123]]
    assert time.perf_counter() - began < 0.1, "the second look remembers what the first found"
