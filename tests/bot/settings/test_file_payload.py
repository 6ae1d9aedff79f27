"""easel.yaml: the operator's own payload, for a backend and for single models on it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import ConfigurationError
from bot.settings import BackendSettings, load

BACKEND = {"name": "gpu", "url": "http://gpu:7860"}


def refusal(folder: Path, backend: dict[str, Any]) -> str:
    """What `load` says about a file with this backend: one line."""
    data = {"backends": [BACKEND | backend]}
    (folder / "easel.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ConfigurationError) as failure:
        load()
    assert "\n" not in str(failure.value)
    return str(failure.value)


def backend(**more: Any) -> BackendSettings:
    return BackendSettings.model_validate(BACKEND | more)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        *(
            ({key: 1}, f"{key} is Easel's own field")
            for key in ("prompt", "seed", "width", "steps")
        ),
        ({"negative_prompt": "fog", "cfg_scale": 7}, "negative_prompt is Easel's own field"),
        ({"override_settings": ["x"]}, "override_settings must be a mapping"),
        ({"override_settings": None}, "override_settings must be a mapping"),
        ({"alwayson_scripts": "ADetailer"}, "alwayson_scripts must be a mapping"),
        ({"script_args": {}}, "script_args must be a list"),
        ({"script_name": 7}, "script_name must be a name"),
        ({"styles": "Anime"}, "styles must be a list"),
        ({"alwayson_scripts": {"ADetailer": []}}, "alwayson_scripts.ADetailer must be a mapping"),
        ({"alwayson_scripts": {"x": {"args": {}}}}, "alwayson_scripts.x must be a mapping"),
        ({"alwayson_scripts": {"x": {}}}, "alwayson_scripts.x must be a mapping"),
        ({"eta": date(2026, 1, 1)}, "JSON can't carry"),
        ({"eta": float("nan")}, "JSON can't carry"),
        ({"eta": [float("inf")]}, "JSON can't carry"),
    ],
)
@pytest.mark.parametrize("for_one_model", [False, True])
def test_a_payload_that_could_never_work_is_named_by_its_key(
    folder: Path, payload: dict[str, Any], words: str, for_one_model: bool
) -> None:
    """At the start, and not as a failure of every picture."""
    held = {"models": {"pony*": {"payload": payload}}} if for_one_model else {"payload": payload}
    told = refusal(folder, held)
    key = "backends.0.models.pony*.payload:" if for_one_model else "backends.0.payload:"
    assert key in told
    assert words in told


def test_what_a_server_understands_is_taken_as_it_is() -> None:
    payload = {
        "restore_faces": True,
        "eta": 0.5,
        "distilled_cfg_scale": 3.5,
        "script_name": "X/Y/Z plot",
        "script_args": [1, "", None],
        "alwayson_scripts": {"ADetailer": {"args": [True, {"ad_model": "face_yolov8n.pt"}]}},
        "override_settings": {"forge_additional_modules": ["ae.safetensors"]},
        "styles": [],
    }
    assert backend(payload=payload).payload == payload
    assert backend(payload=payload).payload_for("anything") == payload


@pytest.mark.parametrize(
    ("pattern", "model", "fits"),
    [
        ("pony*", "ponyXL_v6", True),
        ("PONY*", "ponyXL_v6", True),
        ("*xl*", "ponyXL_v6", True),
        ("*", "anything", True),
        ("ponyXL_v6", "ponyXL_v6", True),
        ("pony", "ponyXL_v6", False),
        ("pony?", "ponyXL_v6", False),
        ("tiny B, v1.5", "tiny B, v1.5", True),
        ("*", None, False),
    ],
)
def test_a_model_is_found_by_its_name_or_a_pattern(
    pattern: str, model: str | None, fits: bool
) -> None:
    chosen = backend(payload={"eta": 0}, models={pattern: {"payload": {"eta": 1}}})
    assert chosen.payload_for(model) == {"eta": int(fits)}


def test_a_models_payload_is_merged_key_by_key_and_leaves_the_others_alone() -> None:
    everywhere = {"eta": 0, "override_settings": {"a": 1, "b": 1}, "styles": ["x"]}
    chosen = backend(
        payload=everywhere,
        models={
            "pony*": {"payload": {"override_settings": {"b": 2, "c": 2}, "styles": []}},
            "*xl": {"payload": {"override_settings": {"c": 3}, "tiling": True}},
        },
    )
    assert chosen.payload_for("ponyXL") == {
        "eta": 0,
        "override_settings": {"a": 1, "b": 2, "c": 3},
        "styles": [],
        "tiling": True,
    }
    assert chosen.payload_for("tinyA") == chosen.payload_for(None) == everywhere
    assert chosen.payload == everywhere


def test_all_scripts_of_all_models_are_known() -> None:
    scripts: dict[str, Any] = {"alwayson_scripts": {"a": {"args": []}, "b": {"args": []}}}
    chosen = backend(
        payload=scripts | {"script_name": "c"},
        models={"x": {"payload": scripts}, "y": {"payload": {"script_name": "d"}}},
    )
    assert chosen.scripts() == ["a", "b", "c", "d"]
    assert backend().scripts() == []


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"models": []}, "backends.0.models:"),
        ({"models": {"x": {"steps": 5}}}, "backends.0.models.x: unknown key steps "),
        ({"models": {"x": None}}, "backends.0.models.x:"),
        ({"allow_load": "perhaps"}, "backends.0.allow_load:"),
        ({"previews": "perhaps"}, "backends.0.previews:"),
        ({"previews": None}, "backends.0.previews:"),
    ],
)
def test_wrong_shapes_around_it_are_named_too(folder: Path, data: dict[str, Any], key: str) -> None:
    assert key in refusal(folder, data)


def test_loading_is_left_to_the_number_of_servers_and_previews_are_shown() -> None:
    usual = backend()
    assert (usual.allow_load, usual.previews) == (None, True)
    chosen = backend(allow_load=False, previews=False)
    assert (chosen.allow_load, chosen.previews) == (False, False)
