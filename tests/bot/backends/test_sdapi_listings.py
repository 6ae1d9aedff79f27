"""Listings, in the shapes of each server and in none at all (contracts, sdapi 6 and 10)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends import sdapi_listings as listings
from bot.values.ability import Lora, Model, Sampler, Scheduler

# -- checkpoints, samplers, schedulers -------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "model"),
    [
        (  # A1111
            {
                "title": "tinyA.safetensors [6d45d56d23]",
                "model_name": "tinyA",
                "hash": "6d45d56d23",
                "sha256": "6d45",
                "filename": "/srv/models/tinyA.safetensors",
                "config": None,
            },
            Model("tinyA", "tinyA.safetensors [6d45d56d23]", "6d45d56d23"),
        ),
        (  # before its first load
            {"title": "tinyA.safetensors", "model_name": "tinyA", "hash": None},
            Model("tinyA", "tinyA.safetensors", None),
        ),
        (  # stable-diffusion.cpp
            {"title": "random15", "model_name": "random15", "hash": "8888888888"},
            Model("random15", "random15", "8888888888"),
        ),
        ({"title": "only.st", "type": "safetensors"}, Model("only.st", "only.st", None)),
        ({"model_name": "x", "title": "", "hash": 5}, Model("x", "x", None)),
        ({"model_name": "", "title": None}, None),
        ({"model_name": ["x"], "title": {}}, None),
    ],
)
def test_a_checkpoint_is_known_by_its_lasting_name(item: dict[str, Any], model: Any) -> None:
    """`title` changes at the first load (trap 19); `filename` is a path of the server."""
    assert listings.model_of(item) == model


@pytest.mark.parametrize(
    ("item", "sampler"),
    [
        (
            {"name": "Euler a", "aliases": ["k_euler_a", "k_euler_ancestral"], "options": {}},
            Sampler("Euler a", ("k_euler_a", "k_euler_ancestral")),
        ),
        ({"name": "UniPC", "options": {"solver": "bh2"}}, Sampler("UniPC")),  # SD.Next
        ({"name": "euler", "aliases": ["euler", 5, None]}, Sampler("euler", ("euler",))),
        ({"name": ""}, None),
        ({"aliases": ["x"]}, None),
    ],
)
def test_a_sampler_has_a_name_and_aliases(item: dict[str, Any], sampler: Any) -> None:
    assert listings.sampler_of(item) == sampler


@pytest.mark.parametrize(
    ("item", "scheduler"),
    [
        ({"name": "sgm_uniform", "label": "SGM Uniform"}, Scheduler("sgm_uniform", "SGM Uniform")),
        ({"name": "karras", "label": "karras"}, Scheduler("karras", "karras")),
        ({"name": "Karras", "cls": "x", "options": {}}, Scheduler("Karras", "Karras")),
        ({"name": "beta", "label": None}, Scheduler("beta", "beta")),
        ({"label": "Beta"}, None),
    ],
)
def test_a_scheduler_has_a_label_or_its_name(item: dict[str, Any], scheduler: Any) -> None:
    assert listings.scheduler_of(item) == scheduler


MODELS = (Model("tinyA", "tinyA.st [6d45d56d23]", "6d45d56d23"), Model("sub_b", "sub/b.st"))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("tinyA.st [6d45d56d23]", "tinyA"),
        ("tinyA.st", "tinyA"),
        ("tinyA.st [0000000000]", "tinyA"),
        ("tinyA", "tinyA"),
        ("sub/b.st [1234567890]", "sub_b"),
        ("b.st", None),
        ("", None),
        (" [x]", None),
        (None, None),
        (7, None),
    ],
)
def test_the_loaded_checkpoint_is_found_by_an_old_or_new_title(title: Any, name: Any) -> None:
    assert listings.current_of({"sd_model_checkpoint": title}, MODELS) == name


# -- LoRAs, embeddings, VAEs -----------------------------------------------------------------------


def test_a_loras_path_and_training_data_stay_on_the_server() -> None:
    item = {"name": "detail", "alias": "Detail v1", "path": "/srv/x", "metadata": {"big": "x" * 99}}
    assert listings.lora_of(item) == Lora("detail", "Detail v1")
    for alias in ("detail", "", None, 5):
        assert listings.lora_of(item | {"alias": alias}) == Lora("detail")
    assert listings.lora_of({"alias": "x"}) is listings.lora_of({"name": ""}) is None


def test_a_loras_path_is_known_by_name_and_alias_where_it_must_be_named() -> None:
    """A name wins over another's alias."""
    found = [
        {"name": "one", "alias": "two", "path": "1.st"},
        {"name": "two", "path": "2.st"},
        {"name": "three"},
        {"name": 4, "path": "4.st"},
    ]
    assert listings.lora_paths_of(found) == {"one": "1.st", "two": "2.st"}


@pytest.mark.parametrize(
    ("found", "names"),
    [
        ({"loaded": {"easy": {"step": 1}, "bad": {}}, "skipped": {"no": {}}}, ("easy", "bad")),
        ({"loaded": ["easy", "bad"], "skipped": ["no"]}, ("easy", "bad")),  # SD.Next
        ({"loaded": ["easy", None, 5, ""]}, ("easy",)),
        ({"loaded": "easy"}, ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_embeddings_come_as_an_object_or_a_list(found: Any, names: tuple[str, ...]) -> None:
    assert listings.embeddings_of(found) == names


def test_vaes_are_a_list_of_their_own_or_hidden_among_forges_modules() -> None:
    vaes = [{"model_name": "kl-f8.pt", "filename": "/srv/kl-f8.pt"}, {"model_name": ""}]
    modules = [
        {"model_name": "ae.safetensors"},
        {"model_name": "clip_l.safetensors"},
        {"model_name": "t5xxl_fp16.safetensors"},
        {"model_name": "sdxl_VAE.safetensors"},
        {"model_name": "aesthetic.safetensors"},
    ]
    assert listings.vaes_of(vaes, modules) == ("kl-f8.pt",)
    assert listings.vaes_of([], modules) == ()
    assert listings.vaes_of(None, modules) == ("ae.safetensors", "sdxl_VAE.safetensors")
    assert listings.vaes_of(None, None) == ()


# -- scripts and ControlNet ------------------------------------------------------------------------


def test_scripts_are_known_by_their_lower_case_titles() -> None:
    found = {"txt2img": ["X/Y/Z plot", "adetailer", 5], "img2img": ["adetailer", "sd upscale"]}
    titles = frozenset({"x/y/z plot", "adetailer", "sd upscale"})
    assert listings.scripts_of(found) == titles
    assert listings.scripts_of({}) == frozenset()
    assert listings.scripts_of(None) is listings.scripts_of([]) is None


SD15 = {
    "model_list": [
        "control_v11p_sd15_canny [d14c016b]",
        "control_v11f1p_sd15_depth [cfd03158]",
        "control_v11p_sd15_openpose [cab727d4]",
        "control_v11p_sd15_lineart [43d4be0d]",
        "control_v11f1e_sd15_tile [a371b31b]",
        "diffusers_xl_canny_full [2b69fca4]",
    ]
}
LABELS = ["none", "canny", "depth_midas", "openpose_full", "lineart_realistic", "tile_resample"]


def test_what_control_net_can_follow_in_a1111() -> None:
    """Labels are right on both (controlnet facts: `alias_names=true`)."""
    found = listings.control_nets(SD15, {"module_list": LABELS, "module_detail": {}})
    assert {kind: module for kind, (module, _) in found.items()} == {
        "canny": "canny",
        "depth": "depth_midas",
        "pose": "openpose_full",
        "lineart": "lineart_realistic",
    }
    assert found["canny"][1] == (SD15["model_list"][0], SD15["model_list"][5])


def test_forge_lists_no_model_as_none_first() -> None:
    only_none = {"model_list": ["None"]}
    assert listings.control_nets(only_none, {"module_list": ["None", *LABELS]}) == {}
    some = {"model_list": ["None", "CANNY.safetensors"]}
    assert listings.control_nets(some, {"module_list": ["None", "Canny"]}) == {
        "canny": ("Canny", ("CANNY.safetensors",))
    }


@pytest.mark.parametrize(
    ("modules", "module"),
    [
        (["depth", "depth_anything"], "depth_anything"),
        (["depth_anything_v2", "depth_anything"], "depth_anything_v2"),
        (["depth"], "depth"),
        (["canny"], None),
    ],
)
def test_the_best_preprocessor_that_is_there_is_taken(modules: list[str], module: Any) -> None:
    found = listings.control_nets(SD15, {"module_list": modules})
    assert found.get("depth", (None,))[0] == module


# -- garbage ---------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("name", "alias", "aliases", "label", "path", "title", "model_name", "hash"),
                    *("loaded", "txt2img", "model_list", "module_list", "sd_model_checkpoint"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def texts(names: Any) -> bool:
    return all(isinstance(name, str) and name for name in names)


@given(json_values, json_values)
def test_garbage_is_no_trouble(found: Any, other: Any) -> None:
    assert texts(listings.names_of(found, "name"))
    assert texts(listings.embeddings_of(found))
    assert texts(listings.vaes_of(found, other))
    assert all(isinstance(t, str) for t in listings.scripts_of(found) or ())
    assert all(isinstance(p, str) for p in listings.lora_paths_of(found).values())
    for make in (listings.model_of, listings.sampler_of, listings.scheduler_of, listings.lora_of):
        assert all(made.name and isinstance(made.name, str) for made in listings.each(found, make))
    for module, models in listings.control_nets(found, other).values():
        assert texts((module, *models))
    assert listings.current_of(found, MODELS) in (None, "tinyA", "sub_b")
    number = listings.number_of(found)
    assert number is None or isinstance(number, float)


@pytest.mark.parametrize(
    ("host", "open_to_all"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("192.168.1.5", False),
        ("fd00::1", False),
        ("gpu.example", False),
        ("", False),
    ],
)
def test_an_address_of_the_internet_is_told_from_ones_own(host: str, open_to_all: bool) -> None:
    assert listings.public(host) is open_to_all
