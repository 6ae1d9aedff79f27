"""The bodies of the generating calls: an explicit allow-list, what is unset left out.

Sources: contracts, sdapi 2, 3 and 7; the traps are named where they are minded.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from bot.values.request import ImageRequest
from bot.values.source import Role, Source


def txt2img(request: ImageRequest, task_id: str, operator: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's own fields, and over them ours."""
    ours: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "steps": request.steps,
        "width": request.width,
        "height": request.height,
        "cfg_scale": request.cfg_scale,
        "batch_size": 1,
        "n_iter": request.count,
        "send_images": True,
        "save_images": False,
        "force_task_id": task_id,
    }
    if request.sampler:
        ours["sampler_name"] = request.sampler
    if request.scheduler:
        ours["scheduler"] = request.scheduler
    override = dict(operator.get("override_settings") or {})
    if request.model:
        # With every request: the weights stay after an override (traps 4 and 5).
        override["sd_model_checkpoint"] = request.model
    if override:
        ours["override_settings"] = override
    return {**operator, **ours}


def painted_over(request: ImageRequest, sources: Sequence[Source]) -> dict[str, Any]:
    """What img2img needs beside txt2img's fields: every default is said (trap 14)."""
    held = {source.role: source for source in sources}
    strength = request.denoising_strength
    body: dict[str, Any] = {
        "init_images": [_base64(held[Role.INIT])],
        "denoising_strength": 0.75 if strength is None else strength,
        "resize_mode": request.resize_mode,
    }
    inpainting = request.inpainting
    if inpainting is not None and Role.MASK in held:
        body |= {
            "mask": _base64(held[Role.MASK]),
            "mask_blur": inpainting.blur,
            "inpainting_fill": inpainting.fill,
            "inpaint_full_res": inpainting.only_masked,
            "inpaint_full_res_padding": inpainting.padding,
            "inpainting_mask_invert": int(inpainting.invert),
        }
    return body


def upscale(request: ImageRequest, source: Source) -> dict[str, Any]:
    """`/extra-single-image`: by a factor, with one upscaler."""
    return {
        "image": _base64(source),
        "resize_mode": 0,
        "upscaling_resize": request.upscale_by or 2,
        "upscaler_1": request.upscaler or "Lanczos",
        "upscaler_2": "None",
    }


def describe(source: Source) -> dict[str, Any]:
    """`/interrogate` by CLIP."""
    return {"image": _base64(source), "model": "clip"}


def _base64(source: Source) -> str:
    return base64.b64encode(source.data).decode("ascii")
