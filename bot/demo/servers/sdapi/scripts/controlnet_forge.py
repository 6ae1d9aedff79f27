"""Forge's built-in ControlNet (extensions-builtin/sd_forge_controlnet).

Hardly checks anything, knows only its own field names, and works unit by unit: what comes
before the first trouble is done, detected maps included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bot.demo.servers.sdapi.errors import Raised
from bot.demo.servers.sdapi.scripts.controlnet import (
    ALIASES,
    FITS,
    MODELS,
    MODULES,
    Module,
    Unit,
    decoded,
    guide,
    infotext,
    is_xl,
    number,
)
from bot.demo.servers.sdapi.scripts.staged import Job, Staged, Trouble

_NONE: Final = "None"
_OWN_NAMES: Final = {"none": _NONE, "normal_bae": "normalbae"}
_MODULES: Final = {_OWN_NAMES.get(row.label, row.label): row for row in MODULES}
_DEFAULTS: Final = {
    "module": _NONE,
    "model": _NONE,
    "weight": 1.0,
    "resize_mode": "ResizeMode.INNER_FIT",
    "processor_res": -1,
    "threshold_a": -1,
    "threshold_b": -1,
    "guidance_start": 0.0,
    "guidance_end": 1.0,
    "pixel_perfect": False,
    "control_mode": "ControlMode.BALANCED",
    "hr_option": "HiResFixOption.BOTH",
}
"""In the order of the infotext; an enumeration that nobody set is printed as Python does."""
_MISFIT: Final = "mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)"


def names() -> list[str]:
    """``module_list``."""
    return list(_MODULES)


def models() -> list[str]:
    """``model_list``."""
    return [_NONE, *MODELS]


def run(args: Sequence[Any], job: Job) -> Staged:
    """Unit by unit, until one breaks.

    Raises ``Raised`` (500) for a model of another family than the checkpoint: sampling fails.
    """
    try:
        units = [unit for unit in map(_read, args) if unit.enabled]
    except Trouble:
        return Staged()
    extra = {f"ControlNet {index}": infotext(unit) for index, unit in enumerate(units)}
    guides, maps = [], []
    try:
        for unit in units:
            module, picture, fit = _looked_at(unit, job)
            one = guide(unit, module, picture, fit)
            if unit.shown:
                maps.append(one)
            _check_model(unit, module, job)
            guides.append(one)
    except Trouble:
        pass
    return Staged(extra, tuple(guides), tuple(maps))


def _read(row: Any) -> Unit:
    if not isinstance(row, dict):
        raise Trouble("AssertionError")
    values = {key: row.get(key, default) for key, default in _DEFAULTS.items()}
    picture = row.get("image")  # "input_image" is a stranger here
    if isinstance(picture, str):
        picture = decoded(picture)
    return Unit(
        enabled=bool(row.get("enabled", True)),
        said={_title(key): value for key, value in values.items() if value != -1},
        picture=picture,
        module=values["module"],
        model=values["model"],
        weight=number(values["weight"]),
        resize_mode=values["resize_mode"],
        control_mode=values["control_mode"],
        share=max(number(values["guidance_end"]) - number(values["guidance_start"]), 0.0),
        shown=bool(row.get("save_detected_map", True)),
    )


def _title(key: str) -> str:
    return " ".join(word.capitalize() for word in key.split("_"))


def _looked_at(unit: Unit, job: Job) -> tuple[Module, bytes, str]:
    """Preprocessor, picture and fit. Raises ``Trouble``."""
    module = _MODULES.get(unit.module) if isinstance(unit.module, str) else None
    if module is None:
        raise Trouble("'NoneType' object has no attribute 'slider_resolution'")
    fit = _fit(unit.resize_mode)
    if unit.picture is None and job.source is not None:
        return module, job.source, job.fit
    if not isinstance(unit.picture, bytes):
        raise Trouble("controlnet is enabled but no input image is given")
    return module, unit.picture, fit


def _fit(value: Any) -> str:
    if isinstance(value, int):
        return list(FITS.values())[value] if 0 <= value < len(FITS) else "stretch"
    if value == _DEFAULTS["resize_mode"]:
        return "cover"
    name = ALIASES.get(value, value) if isinstance(value, str) else None
    if name not in FITS:
        raise Trouble(f"{value!r} is not a valid ResizeMode")
    return FITS[name]


def _check_model(unit: Unit, module: Module, job: Job) -> None:
    if module.model_free:
        return
    if unit.model not in MODELS:
        raise Trouble(repr(unit.model))
    checkpoint = is_xl(job.checkpoint)
    if checkpoint is not None and is_xl(unit.model) is not checkpoint:
        raise Raised("RuntimeError", _MISFIT)
