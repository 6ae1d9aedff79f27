"""ADetailer (Bing-su/adetailer): finds faces or hands and paints them again.

Its arguments are ``[enable, skip img2img, {tab}, {tab}, …]``; a tab with a key that it does not
know or a value out of range puts it out, in silence (adetailer/args.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.demo.servers.sdapi.scripts.staged import Job, Staged, Trouble

VERSION: Final = "24.11.1"
MODELS: Final = (
    "face_yolov8n.pt",
    "face_yolov8s.pt",
    "hand_yolov8n.pt",
    "person_yolov8n-seg.pt",
    "person_yolov8s-seg.pt",
    "yolov8x-worldv2.pt",
    "mediapipe_face_full",
    "mediapipe_face_short",
    "mediapipe_face_mesh",
    "mediapipe_face_mesh_eyes_only",
)


@dataclass(frozen=True)
class Field:
    """One key of a tab. Its infotext entry is left out where the value equals ``silent``.

    ``needs`` is another key that has to be true. ``limits`` bind numbers.
    """

    default: Any
    title: str = ""
    silent: Any = ...
    needs: str = ""
    limits: tuple[float, float] | None = None


_SHARE: Final = (0.0, 1.0)
_COUNT: Final = (0, 10**9)
_FIELDS: Final[dict[str, Field]] = {
    "ad_model": Field("None", "model"),
    "ad_model_classes": Field("", "model classes", ""),
    "ad_tap_enable": Field(True),
    "ad_tab_enable": Field(True),
    "ad_prompt": Field("", "prompt", ""),
    "ad_negative_prompt": Field("", "negative prompt", ""),
    "ad_confidence": Field(0.3, "confidence", limits=_SHARE),
    "ad_mask_filter_method": Field("Area", "method to decide top-k masks", "Area"),
    "ad_mask_k": Field(0, "mask only top k", 0, limits=_COUNT),
    "ad_mask_k_largest": Field(0, "mask only top k largest", 0, limits=_COUNT),
    "ad_mask_min_ratio": Field(0.0, "mask min ratio", 0.0, limits=_SHARE),
    "ad_mask_max_ratio": Field(1.0, "mask max ratio", 1.0, limits=_SHARE),
    "ad_x_offset": Field(0, "x offset", 0),
    "ad_y_offset": Field(0, "y offset", 0),
    "ad_dilate_erode": Field(4, "dilate erode"),
    "ad_mask_merge_invert": Field("None", "mask merge invert", "None"),
    "ad_mask_blur": Field(4, "mask blur", limits=_COUNT),
    "ad_denoising_strength": Field(0.4, "denoising strength", limits=_SHARE),
    "ad_inpaint_only_masked": Field(True, "inpaint only masked"),
    "ad_inpaint_only_masked_padding": Field(
        32, "inpaint padding", needs="ad_inpaint_only_masked", limits=_COUNT
    ),
    "ad_use_inpaint_width_height": Field(False, "use inpaint width height", False),
    "ad_inpaint_width": Field(512, "inpaint width", needs="ad_use_inpaint_width_height"),
    "ad_inpaint_height": Field(512, "inpaint height", needs="ad_use_inpaint_width_height"),
    "ad_use_steps": Field(False, "use separate steps", False),
    "ad_steps": Field(28, "steps", needs="ad_use_steps", limits=(1, 10**9)),
    "ad_use_cfg_scale": Field(False, "use separate CFG scale", False),
    "ad_cfg_scale": Field(7.0, "CFG scale", needs="ad_use_cfg_scale", limits=_COUNT),
    "ad_use_checkpoint": Field(False, "use separate checkpoint", False),
    "ad_checkpoint": Field(None, "checkpoint", needs="ad_use_checkpoint"),
    "ad_use_vae": Field(False, "use separate VAE", False),
    "ad_vae": Field(None, "VAE", needs="ad_use_vae"),
    "ad_use_sampler": Field(False, "use separate sampler", False),
    "ad_sampler": Field("DPM++ 2M Karras", "sampler", needs="ad_use_sampler"),
    "ad_scheduler": Field(
        "Use same scheduler", "scheduler", "Use same scheduler", needs="ad_use_sampler"
    ),
    "ad_use_noise_multiplier": Field(False, "use separate noise multiplier", False),
    "ad_noise_multiplier": Field(
        1.0, "noise multiplier", needs="ad_use_noise_multiplier", limits=(0.5, 1.5)
    ),
    "ad_use_clip_skip": Field(False, "use separate CLIP skip", False),
    "ad_clip_skip": Field(1, "CLIP skip", needs="ad_use_clip_skip", limits=(1, 12)),
    "ad_restore_face": Field(False, "restore face", False),
    "ad_controlnet_model": Field("None", "ControlNet model", "None"),
    "ad_controlnet_module": Field("None", "ControlNet module", "None"),
    "ad_controlnet_weight": Field(1.0, "ControlNet weight", 1.0, limits=_SHARE),
    "ad_controlnet_guidance_start": Field(0.0, "ControlNet guidance start", 0.0, limits=_SHARE),
    "ad_controlnet_guidance_end": Field(1.0, "ControlNet guidance end", 1.0, limits=_SHARE),
    "is_api": Field(True),
}
_SUFFIXES: Final = ("", " 2nd", " 3rd", " 4th")


def run(args: Sequence[Any], _: Job) -> Staged:
    """What the enabled tabs do; nothing at all if one of them cannot be read."""
    tabs = [row for row in args if isinstance(row, dict)]
    enabled = args[0] if args and isinstance(args[0], bool) else True
    if not enabled or all(row.get("ad_model", "None") == "None" for row in tabs):
        return Staged()
    try:
        read = [_read(row) for row in tabs]
    except Trouble:
        return Staged()
    extra: dict[str, Any] = {}
    for suffix, tab in zip(_SUFFIXES, read, strict=False):
        extra |= {f"ADetailer {key}{suffix}": value for key, value in _told(tab).items()}
    faces: list[str] = []
    for tab in read:
        if not _at_work(tab):
            continue
        if tab["ad_model"] not in MODELS:
            break
        faces.append(tab["ad_model"])
    return Staged({**extra, "ADetailer version": VERSION}, faces=tuple(faces))


def _read(row: dict[str, Any]) -> dict[str, Any]:
    for key, value in row.items():
        known = _FIELDS.get(key)
        if known is None:
            raise Trouble("extra fields not permitted")
        if known.limits is not None:
            low, high = known.limits
            if not isinstance(value, int | float) or not low <= value <= high:
                raise Trouble(f"{key} is out of range")
        elif isinstance(known.default, str) and not isinstance(value, str):
            raise Trouble(f"{key}: str type expected")
    return {key: row.get(key, known.default) for key, known in _FIELDS.items()}


def _told(tab: dict[str, Any]) -> dict[str, Any]:
    """The infotext entries of a tab."""
    if not _at_work(tab):
        return {}
    return {
        known.title: tab[key]
        for key, known in _FIELDS.items()
        if known.title and tab[key] != known.silent and (not known.needs or tab[known.needs])
    }


def _at_work(tab: dict[str, Any]) -> bool:
    return bool(tab["ad_model"] != "None" and tab["ad_tap_enable"] and tab["ad_tab_enable"])
