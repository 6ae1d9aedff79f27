"""ControlNet's shelf, and what its two forms have in common.

Names and values are those of Mikubill/sd-webui-controlnet (tests/web_api/modules_test.py,
internal_controlnet/args.py) and of Forge's sd_forge_controlnet, which lists the extension's
labels as its names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bot.demo.servers.sdapi import pictures
from bot.demo.servers.sdapi.detection import Family, Guide
from bot.demo.servers.sdapi.errors import Refused
from bot.demo.servers.sdapi.scripts.staged import Trouble

MODELS: Final = (
    "control_v11f1e_sd15_tile [a371b31b]",
    "control_v11f1p_sd15_depth [cfd03158]",
    "control_v11p_sd15_canny [d14c016b]",
    "control_v11p_sd15_lineart [43d4be0d]",
    "control_v11p_sd15_openpose [cab727d4]",
    "control_v11p_sd15_scribble [d4ba51ff]",
    "control_v11p_sd15_softedge [a8575a2a]",
    "diffusers_xl_canny_full [2b69fca4]",
    "diffusers_xl_depth_full [2f51180b]",
)
FITS: Final = {
    "Just Resize": "stretch",
    "Crop and Resize": "cover",
    "Resize and Fill": "contain",
}
ALIASES: Final = {
    "Inner Fit (Scale to Fit)": "Crop and Resize",
    "Scale to Fit (Inner Fit)": "Crop and Resize",
    "Outer Fit (Shrink to Fit)": "Resize and Fill",
    "Envelope (Outer Fit)": "Resize and Fill",
}
STRENGTHS: Final = {
    "Balanced": 1.0,
    "My prompt is more important": 0.6,
    "ControlNet is more important": 1.3,
}


@dataclass(frozen=True)
class Module:
    """A preprocessor; ``sliders`` are the defaults of its two thresholds."""

    name: str
    label: str
    family: Family
    sliders: tuple[float, float] = (0.5, 0.5)
    model_free: bool = False


MODULES: Final = (
    Module("none", "none", "picture"),
    Module("canny", "canny", "edges", (100, 200)),
    Module("depth", "depth_midas", "depth"),
    Module("depth_anything", "depth_anything", "depth"),
    Module("depth_leres", "depth_leres", "depth", (0, 0)),
    Module("depth_zoe", "depth_zoe", "depth"),
    Module("dw_openpose_full", "dw_openpose_full", "pose"),
    Module("hed", "softedge_hed", "edges"),
    Module("inpaint_only", "inpaint_only", "picture"),
    Module("invert", "invert (from white bg & black line)", "inverted"),
    Module("lineart", "lineart_realistic", "edges"),
    Module("lineart_anime", "lineart_anime", "edges"),
    Module("lineart_coarse", "lineart_coarse", "edges"),
    Module("lineart_standard", "lineart_standard (from white bg & black line)", "edges"),
    Module("mlsd", "mlsd", "edges", (0.1, 0.1)),
    Module("normal_bae", "normal_bae", "depth"),
    Module("normal_map", "normal_midas", "depth", (0.4, 0.5)),
    Module("oneformer_ade20k", "seg_ofade20k", "depth"),
    Module("openpose", "openpose", "pose"),
    Module("openpose_full", "openpose_full", "pose"),
    Module("pidinet", "softedge_pidinet", "edges"),
    Module("pidinet_scribble", "scribble_pidinet", "edges"),
    Module("reference_only", "reference_only", "picture", model_free=True),
    Module("scribble_xdog", "scribble_xdog", "edges", (32, 0.5)),
    Module("segmentation", "seg_ufade20k", "depth"),
    Module("shuffle", "shuffle", "picture"),
    Module("tile_resample", "tile_resample", "picture", (1, 0.5)),
)


@dataclass(frozen=True)
class Unit:
    """One entry of ``args`` as it was read; ``said`` are the pairs of its infotext."""

    enabled: bool
    said: dict[str, Any]
    picture: Any
    module: Any
    model: Any
    weight: float
    resize_mode: Any
    control_mode: Any
    share: float
    shown: bool


def guide(unit: Unit, module: Module, picture: bytes, fit: str) -> Guide:
    """The unit as the painter takes it."""
    strength = STRENGTHS.get(unit.control_mode, 1.0)
    return Guide(picture, module.family, fit, max(unit.weight * strength * unit.share, 0.0))


def infotext(unit: Unit) -> str:
    """The value of "ControlNet 0"; a comma or colon in a name leaves nothing of it."""
    values = [str(value) for value in unit.said.values()]
    if any("," in value or ":" in value for value in values):
        return ""
    return ", ".join(f"{key}: {value}" for key, value in unit.said.items())


def decoded(text: Any) -> bytes:
    """The bytes of a picture in base64. Raises ``Trouble`` for anything else."""
    try:
        return pictures.decode(text).data
    except Refused as error:
        raise Trouble("Invalid encoded image") from error


def is_xl(name: str) -> bool | None:
    """Whether a model is of SDXL's family, by its name; None for a family of its own."""
    lower = name.lower()
    return None if "flux" in lower else "xl" in lower


def number(value: Any, low: float | None = None, high: float | None = None) -> float:
    """A number within limits. Raises ``Trouble``."""
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        raise Trouble("value is not a valid float") from error
    if (low is not None and found < low) or (high is not None and found > high):
        raise Trouble("ensure this value is within its limits")
    return found
