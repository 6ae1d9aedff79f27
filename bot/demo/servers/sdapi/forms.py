"""The request models and their reading, with pydantic v1's coercions and complaints.

Fields, defaults and their order are those that A1111 1.10.1 echoes under ``parameters``;
unknown keys are ignored. There are no range checks here: neither are there any there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.demo.servers.sdapi.errors import Invalid

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
_MESSAGES: Final = {
    "int": ("value is not a valid integer", "type_error.integer"),
    "float": ("value is not a valid float", "type_error.float"),
    "bool": ("value could not be parsed to a boolean", "type_error.bool"),
    "str": ("str type expected", "type_error.str"),
    "list": ("value is not a valid list", "type_error.list"),
    "dict": ("value is not a valid dict", "type_error.dict"),
    "none": ("none is not an allowed value", "type_error.none.not_allowed"),
    "missing": ("field required", "value_error.missing"),
}


def parse_body(text: str) -> Any:
    """The JSON of a body; raises ``Invalid``. Broken JSON is echoed whole, as A1111 does."""
    if not text:
        raise Invalid([problem(("body",), "missing")])
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        context = {
            "msg": error.msg,
            "doc": error.doc,
            "pos": error.pos,
            "lineno": error.lineno,
            "colno": error.colno,
        }
        row = {"loc": ["body", error.pos], "msg": str(error), "type": "value_error.jsondecode"}
        raise Invalid([{**row, "ctx": context}]) from error


def read(fields: Fields, body: Any, required: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The values of ``fields``; raises ``Invalid`` with every problem at once.

    A key of ``required`` must be there and must not be null.
    """
    if not isinstance(body, dict):
        raise Invalid([problem(("body",), "dict")])
    values: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    for key, (kind, default) in fields.items():
        try:
            values[key] = _value(key, kind, default, body, key in required)
        except _Unfit as unfit:
            problems.append(problem(("body", key, *unfit.path), unfit.kind))
    if problems:
        raise Invalid(problems)
    return values


def problem(loc: tuple[str | int, ...], kind: str) -> dict[str, Any]:
    """One entry of a 422's ``detail``."""
    message, name = _MESSAGES[kind]
    return {"loc": list(loc), "msg": message, "type": name}


class _Unfit(Exception):
    def __init__(self, kind: str, path: tuple[int, ...] = ()) -> None:
        super().__init__(kind)
        self.kind = kind
        self.path = path


def _value(key: str, kind: str, default: Any, body: Mapping[str, Any], required: bool) -> Any:
    if key not in body:
        if required:
            raise _Unfit("missing")
        return default
    value = body[key]
    if value is None:
        if required:
            raise _Unfit("none")
        return None
    return _COERCE[kind](value)


def _int(value: Any) -> int:
    try:
        if isinstance(value, int | float | str):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise _Unfit("int")


def _float(value: Any) -> float:
    try:
        if isinstance(value, int | float | str):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise _Unfit("float")


def _bool(value: Any) -> bool:
    word = value.lower() if isinstance(value, str) else value
    if isinstance(word, str | int | float):
        if word in ("1", "true", "t", "yes", "y", "on", 1):
            return True
        if word in ("0", "false", "f", "no", "n", "off", 0):
            return False
    raise _Unfit("bool")


def _str(value: Any) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    raise _Unfit("str")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Unfit("list")
    return value


def _strings(value: Any) -> list[str]:
    for index, item in enumerate(_list(value)):
        if not isinstance(item, str | int | float):
            raise _Unfit("str", (index,))
    return [str(item) for item in value]


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unfit("dict")
    return value


_COERCE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "str": _str,
    "list": _list,
    "strings": _strings,
    "dict": _dict,
    "any": lambda value: value,
}
