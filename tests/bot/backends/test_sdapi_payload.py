"""What is sent to txt2img: our own fields, the operator's beneath them, nothing that is unset.

What single servers and finer options need is in test_sdapi_payload_forms.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bot.backends.sdapi import SdApi
from tests.bot.backends.orders import request
from tests.bot.backends.tiny_server import backend_settings

ALLOWED = {
    "prompt",
    "negative_prompt",
    "seed",
    "steps",
    "width",
    "height",
    "cfg_scale",
    "sampler_name",
    "scheduler",
    "batch_size",
    "n_iter",
    "send_images",
    "save_images",
    "force_task_id",
    "override_settings",
}
"""Each is in the table of contracts, sdapi 2; `infotext` must never be: it can set any option."""


def payload(*, operator: dict[str, Any] | None = None, **order: Any) -> dict[str, Any]:
    painter = SdApi(backend_settings("http://127.0.0.1:1", payload=operator or {}))
    return painter.payload(request(**order), "easel-1-1")


def test_a_full_order_fills_only_allowed_fields() -> None:
    full = payload(
        prompt="a cat",
        negative_prompt="blurry",
        model="tinyA",
        sampler="DPM++ 2M",
        scheduler="Karras",
        width=64,
        height=96,
        steps=20,
        cfg_scale=6.5,
        seed=7,
        count=3,
    )
    assert set(full) == ALLOWED
    assert full == {
        "prompt": "a cat",
        "negative_prompt": "blurry",
        "seed": 7,
        "steps": 20,
        "width": 64,
        "height": 96,
        "cfg_scale": 6.5,
        "sampler_name": "DPM++ 2M",
        "scheduler": "Karras",
        "batch_size": 1,
        "n_iter": 3,
        "send_images": True,
        "save_images": False,
        "force_task_id": "easel-1-1",
        "override_settings": {"sd_model_checkpoint": "tinyA"},
    }


def test_what_is_unset_is_left_out_and_never_null() -> None:
    """null is passed on by the server and breaks later, as a 500 (trap 16)."""
    bare = payload()
    assert not {"sampler_name", "scheduler", "override_settings"} & set(bare)
    assert None not in bare.values()


def test_words_of_members_pass_unchanged_and_reach_no_other_field() -> None:
    prompt = '<lora:x:1> "quoted"\nSteps: 1, Sampler: Euler, Seed: 5 \\ 猫 {"steps": 99}'
    sent = payload(prompt=prompt, negative_prompt=prompt)
    assert sent["prompt"] == sent["negative_prompt"] == prompt
    assert sent["steps"] == 4
    assert "infotext" not in sent


def test_the_operators_fields_go_along() -> None:
    sent = payload(operator={"tiling": True, "alwayson_scripts": {"x": {"args": [1]}}})
    assert sent["tiling"] is True
    assert sent["alwayson_scripts"] == {"x": {"args": [1]}}


def test_ours_lie_over_the_operators() -> None:
    theirs = {"scheduler": "Simple", "save_images": True, "n_iter": 9, "force_task_id": "x"}
    sent = payload(operator=theirs, scheduler="Karras", count=2)
    assert (sent["scheduler"], sent["n_iter"]) == ("Karras", 2)
    assert sent["save_images"] is False
    assert sent["force_task_id"] == "easel-1-1"


MODELS = {
    "pony*": {
        "payload": {
            "override_settings": {"upcast_attn": True},
            "alwayson_scripts": {"b": {"args": [2]}},
            "eta": 0.5,
        }
    },
    "*XL": {"payload": {"eta": 0.7, "restore_faces": False}},
}
EVERYWHERE = {
    "restore_faces": True,
    "override_settings": {"randn_source": "CPU"},
    "alwayson_scripts": {"a": {"args": [1]}, "b": {"args": [1]}},
}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (None, EVERYWHERE),
        ("tinyA", EVERYWHERE),
        (
            "PONY_v6",
            EVERYWHERE
            | {
                "override_settings": {"randn_source": "CPU", "upcast_attn": True},
                "alwayson_scripts": {"a": {"args": [1]}, "b": {"args": [2]}},
                "eta": 0.5,
            },
        ),
        ("xl", EVERYWHERE | {"eta": 0.7, "restore_faces": False}),
    ],
)
def test_the_operators_fields_for_one_model_lie_over_those_for_all(
    model: str | None, expected: dict[str, Any]
) -> None:
    """Mappings are merged key by key; the later of two fitting patterns wins."""
    painter = SdApi(backend_settings("http://127.0.0.1:1", payload=EVERYWHERE, models=MODELS))
    sent = painter.payload(request(model=model), "t")
    chosen = {"sd_model_checkpoint": model} if model else {}
    expected = expected | {"override_settings": expected["override_settings"] | chosen}
    assert {key: sent[key] for key in expected} == expected
    assert ("eta" in sent) is ("eta" in expected)


def test_two_fitting_patterns_are_both_taken() -> None:
    painter = SdApi(backend_settings("http://127.0.0.1:1", payload=EVERYWHERE, models=MODELS))
    sent = painter.payload(request(model="ponyXL"), "t")
    assert (sent["eta"], sent["restore_faces"]) == (0.7, False)
    assert sent["override_settings"]["upcast_attn"] is True


def test_the_operators_sampler_holds_where_the_order_names_none() -> None:
    assert payload(operator={"sampler_name": "LCM"})["sampler_name"] == "LCM"
    assert payload(operator={"sampler_name": "LCM"}, sampler="Euler")["sampler_name"] == "Euler"


def test_options_are_merged_and_the_checkpoint_is_ours() -> None:
    """Any option that is ever overridden goes with every request: others leak (trap 5)."""
    theirs = {"override_settings": {"CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "theirs"}}
    assert payload(operator=theirs, model="tinyA")["override_settings"] == {
        "CLIP_stop_at_last_layers": 2,
        "sd_model_checkpoint": "tinyA",
    }
    assert payload(operator=theirs)["override_settings"] == theirs["override_settings"]


def test_one_order_leaves_nothing_behind_for_the_next() -> None:
    theirs = {"override_settings": {"CLIP_stop_at_last_layers": 2}, "tiling": True}
    painter = SdApi(backend_settings("http://127.0.0.1:1", payload=copy.deepcopy(theirs)))
    painter.payload(request(model="tinyA", sampler="Euler"), "t1")
    assert painter.settings.payload == theirs
    second = painter.payload(request(), "t2")
    assert second["override_settings"] == {"CLIP_stop_at_last_layers": 2}
    assert "sampler_name" not in second
