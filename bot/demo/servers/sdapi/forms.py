"""The request models and their reading; how strictly is told by a ``Reading``.

Fields, defaults and their order are those that A1111 1.10.1 echoes under ``parameters``;
unknown keys are ignored. There are no range checks here: neither are there any there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bot.demo.servers.sdapi.coerce import Reading, Unfit
from bot.demo.servers.sdapi.errors import Invalid, Problem

Fields = Mapping[str, tuple[str, Any]]

_BEFORE_SIZE: Final[Fields] = {
    "prompt": ("str", ""),
    "negative_prompt": ("str", ""),
    "styles": ("strings", None),
    "seed": ("int", -1),
    "subseed": ("int", -1),
    "subseed_strength": ("float", 0),
    "seed_resize_from_h": ("int", -1),
    "seed_resize_from_w": ("int", -1),
    "sampler_name": ("str", None),
    "scheduler": ("str", None),
    "batch_size": ("int", 1),
    "n_iter": ("int", 1),
    "steps": ("int", 50),
    "cfg_scale": ("float", 7.0),
    "width": ("int", 512),
    "height": ("int", 512),
    "restore_faces": ("bool", None),
    "tiling": ("bool", None),
    "do_not_save_samples": ("bool", False),
    "do_not_save_grid": ("bool", False),
    "eta": ("float", None),
}
_AFTER_STRENGTH: Final[Fields] = {
    "s_min_uncond": ("float", None),
    "s_churn": ("float", None),
    "s_tmax": ("float", None),
    "s_tmin": ("float", None),
    "s_noise": ("float", None),
    "override_settings": ("dict", None),
    "override_settings_restore_afterwards": ("bool", True),
    "refiner_checkpoint": ("str", None),
    "refiner_switch_at": ("float", None),
    "disable_extra_networks": ("bool", False),
    "firstpass_image": ("any", None),
    "comments": ("dict", None),
}
_HIRES: Final[Fields] = {
    "enable_hr": ("bool", False),
    "firstphase_width": ("int", 0),
    "firstphase_height": ("int", 0),
    "hr_scale": ("float", 2.0),
    "hr_upscaler": ("str", None),
    "hr_second_pass_steps": ("int", 0),
    "hr_resize_x": ("int", 0),
    "hr_resize_y": ("int", 0),
    "hr_checkpoint_name": ("str", None),
    "hr_sampler_name": ("str", None),
    "hr_scheduler": ("str", None),
    "hr_prompt": ("str", ""),
    "hr_negative_prompt": ("str", ""),
}
_SOURCE: Final[Fields] = {
    "init_images": ("list", None),
    "resize_mode": ("int", 0),
    "image_cfg_scale": ("float", None),
    "mask": ("str", None),
    "mask_blur_x": ("int", 4),
    "mask_blur_y": ("int", 4),
    "mask_blur": ("int", None),
    "mask_round": ("bool", True),
    "inpainting_fill": ("int", 0),
    "inpaint_full_res": ("bool", True),
    "inpaint_full_res_padding": ("int", 0),
    "inpainting_mask_invert": ("int", 0),
    "initial_noise_multiplier": ("float", None),
    "latent_mask": ("any", None),
}
_API: Final[Fields] = {
    "force_task_id": ("str", None),
    "sampler_index": ("str", "Euler"),
    "include_init_images": ("bool", False),
    "script_name": ("str", None),
    "script_args": ("list", []),
    "send_images": ("bool", True),
    "save_images": ("bool", False),
    "alwayson_scripts": ("dict", {}),
    "infotext": ("str", None),
}
TXT2IMG: Final[Fields] = {
    **_BEFORE_SIZE,
    "denoising_strength": ("float", None),
    **_AFTER_STRENGTH,
    **_HIRES,
    **{key: field for key, field in _API.items() if key != "include_init_images"},
}
IMG2IMG: Final[Fields] = {
    **_BEFORE_SIZE,
    "denoising_strength": ("float", 0.75),
    **_AFTER_STRENGTH,
    **_SOURCE,
    **_API,
}

_AS_A1111: Final = Reading()


def parse_body(text: str) -> Any:
    """The JSON of a body; raises ``Invalid``."""
    if not text:
        raise Invalid([Problem(("body",), "missing")])
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        facts = {
            "words": str(error),
            "msg": error.msg,
            "doc": error.doc,
            "pos": error.pos,
            "lineno": error.lineno,
            "colno": error.colno,
        }
        raise Invalid([Problem(("body", error.pos), "json", facts=facts)]) from error


def read(
    fields: Fields,
    body: Any,
    required: frozenset[str] = frozenset(),
    reading: Reading = _AS_A1111,
) -> dict[str, Any]:
    """The values of ``fields``; raises ``Invalid`` with every problem at once.

    A key of ``required`` must be there and must not be null.
    """
    if not isinstance(body, dict):
        raise Invalid([Problem(("body",), "dict", body)])
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, field in fields.items():
        try:
            values[key] = _value(key, field, body, reading, required=key in required)
        except Unfit as unfit:
            problems.append(Problem(("body", key, *unfit.path), unfit.kind, body.get(key)))
    if problems:
        raise Invalid(problems)
    return values


def defaults(fields: Fields) -> dict[str, Any]:
    """What each field is when nobody says anything."""
    return {key: default for key, (_, default) in fields.items()}


def _value(
    key: str, field: tuple[str, Any], body: Mapping[str, Any], reading: Reading, *, required: bool
) -> Any:
    kind, default = field
    if key not in body:
        if required:
            raise Unfit("missing")
        return default
    value = body[key]
    if value is None:
        if required or key in reading.never_null:
            raise Unfit("none")
        if reading.nulls == "refuse":
            raise Unfit(kind)
        return default if reading.nulls == "default" else None
    try:
        return reading.coercers[kind](value)
    except Unfit:
        if reading.wrong == "default":
            return default
        raise
