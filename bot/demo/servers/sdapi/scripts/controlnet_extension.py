"""The ControlNet extension of A1111 (Mikubill/sd-webui-controlnet, its newest unit class).

Strict, and silent about it: a value that does not validate puts out all units of the request,
and still the picture comes with a 200.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from PIL import Image

from bot.demo.servers.sdapi.detection import Guide
from bot.demo.servers.sdapi.scripts.controlnet import (
    ALIASES,
    FITS,
    MODELS,
    MODULES,
    STRENGTHS,
    Module,
    Unit,
    decoded,
    guide,
    infotext,
    is_xl,
    number,
)
from bot.demo.servers.sdapi.scripts.staged import Job, Staged, Trouble

_MODULES: Final = {name: row for row in MODULES for name in (row.name, row.label)}
_OLD_NAMES: Final = {"guidance": "guidance_end", "lowvram": "low_vram", "input_image": "image"}
_COLOURS: Final = frozenset({"RGB", "L", "P", "1"})


def names(*, labels: bool) -> list[str]:
    """``module_list``: names, or labels with ``alias_names``."""
    return [row.label if labels else row.name for row in MODULES]


def details(*, labels: bool) -> dict[str, Any]:
    """``module_detail``."""
    resolution = {"name": "Resolution", "value": 512, "min": 64, "max": 2048, "step": 8}
    return {
        row.label if labels else row.name: {"model_free": row.model_free, "sliders": [resolution]}
        for row in MODULES
    }


def run(args: Sequence[Any], job: Job) -> Staged:
    """All units or none; the infotext is written before a model is looked for."""
    try:
        units = [unit for unit in map(_read, _dicts(args)) if unit.enabled]
    except Trouble:
        return Staged()
    extra = {f"ControlNet {index}": infotext(unit) for index, unit in enumerate(units)}
    try:
        guides = [_bound(unit, job) for unit in units]
    except Trouble:
        return Staged(extra)
    maps = tuple(one for one, unit in zip(guides, units, strict=True) if unit.shown)
    return Staged(extra, tuple(guides), maps, large_first=True)


def _dicts(args: Sequence[Any]) -> list[dict[str, Any]]:
    return [row for row in args if isinstance(row, dict)]


def _read(row: dict[str, Any]) -> Unit:
    said = dict(row)
    for old, new in _OLD_NAMES.items():
        if old in said:
            if new in said:
                raise Trouble(f"Conflict of field '{old}' and '{new}'")
            said[new] = said.pop(old)
    module = _MODULES.get(said.get("module", "none"))
    resize = said.get("resize_mode", "Crop and Resize")
    resize = ALIASES.get(resize, resize) if isinstance(resize, str) else None
    control = said.get("control_mode", "Balanced")
    if module is None or resize not in FITS or control not in STRENGTHS:
        raise Trouble("value is not a valid enumeration member")
    start = number(said.get("guidance_start", 0), 0, 1)
    end = number(said.get("guidance_end", 1), 0, 1)
    if start > end:
        raise Trouble(f"guidance_start({start}) > guidance_end({end})")
    weight = number(said.get("weight", 1), 0, 2)
    told = {
        "Module": said.get("module", "none"),
        "Model": said.get("model", "None"),
        "Weight": weight,
        "Resize Mode": resize,
        "Processor Res": _within(said.get("processor_res", -1), 64, 2048, 512),
        "Threshold A": _threshold(said.get("threshold_a", -1), module.sliders[0]),
        "Threshold B": _threshold(said.get("threshold_b", -1), module.sliders[1]),
        "Guidance Start": start,
        "Guidance End": end,
        "Pixel Perfect": bool(said.get("pixel_perfect", False)),
        "Control Mode": control,
    }
    return Unit(
        enabled=bool(said.get("enabled", False)),
        said=told,
        picture=said.get("image"),
        module=module,
        model=told["Model"],
        weight=weight,
        resize_mode=resize,
        control_mode=control,
        share=end - start,
        shown=bool(said.get("save_detected_map", True)),
    )


def _bound(unit: Unit, job: Job) -> Guide:
    """Model first, then the picture. Raises ``Trouble``."""
    module: Module = unit.module
    if not module.model_free:
        xl, wanted = is_xl(_model(unit.model)), is_xl(job.checkpoint)
        if wanted is not None and xl is not wanted:
            raise Trouble(f"{unit.model} is not compatible with {job.checkpoint}")
    picture, fit = unit.picture, FITS[unit.resize_mode]
    if isinstance(picture, list | tuple):
        picture = picture[0] if picture else None
    if isinstance(picture, dict):
        picture = picture.get("image")
    if picture:
        return guide(unit, module, _coloured(decoded(picture)), fit)
    if job.source is None:
        raise Trouble("controlnet is enabled but no input image is given")
    return guide(unit, module, job.source, job.fit)


def _model(name: Any) -> str:
    """By its whole name, its bare name, or the shortest that holds it. Raises ``Trouble``."""
    if not isinstance(name, str) or not name or name == "None":
        raise Trouble("You have not selected any ControlNet Model.")
    bare = {row.rsplit(" [", 1)[0].lower(): row for row in MODELS}
    lower = name.lower()
    near = sorted((row for row in bare if lower in row), key=len)
    found = name if name in MODELS else bare.get(lower) or (bare[near[0]] if near else None)
    if found is None:
        raise Trouble("model not found: None")
    return found


def _coloured(data: bytes) -> bytes:
    """What becomes three channels there: an alpha channel is one too many."""
    with Image.open(io.BytesIO(data)) as image:
        if image.mode not in _COLOURS or "transparency" in image.info:
            raise Trouble("assert np_image.shape[2] == 3")
    return data


def _threshold(value: Any, default: float) -> float:
    """A slider that a module does not show goes from 0 to 1."""
    return _within(value, 0, 256 if default > 1 else 1, default)


def _within(value: Any, low: float, high: float, default: float) -> float:
    found = number(value)
    return found if low <= found <= high else default
