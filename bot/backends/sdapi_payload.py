"""The bodies of the generating calls: an explicit allow-list, what is unset left out.

Sources: contracts, sdapi 2, 3 and 7; the traps are named where they are minded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import PureWindowsPath
from typing import Any

from bot.backends.http import Answer, error_text
from bot.backends.sdapi_dialect import CHECKPOINT, FORGE_MODULES, MINIMAL, OVERRIDDEN, Dialect
from bot.backends.sdapi_listings import is_vae, net_family
from bot.backends.sdapi_probe import ADETAILER
from bot.errors import BackendError, BackendRefused
from bot.values.request import Control, Hires, ImageRequest
from bot.values.source import Role, Source

CONTROL_NET = "ControlNet"
_LORA_TAG = re.compile(r"\s*<lora:([^:<>]+)(?::([^<>]*))?>")


def painting(
    request: ImageRequest, task_id: str, dialect: Dialect, operator: Mapping[str, Any]
) -> dict[str, Any]:
    """The operator's own fields, and over them ours, for txt2img and img2img alike."""
    ours = _core(request, dialect)
    if dialect.minimal:
        return _wanted({**operator, **ours}, request, dialect)
    ours |= {
        "batch_size": 1,
        "n_iter": 1,
        "send_images": True,
        "save_images": False,
        "force_task_id": task_id,
    }
    if dialect.batch:
        ours[dialect.batch] = request.count
    if request.scheduler:
        ours["scheduler"] = request.scheduler
    if dialect.wide:
        ours |= _wide(request, dialect)
    override = {**dialect.own, **(operator.get("override_settings") or {})}
    override |= _overridden(request, dialect, override)
    scripts = _merged(operator.get("alwayson_scripts") or {}, _scripts(request))
    if override:
        ours["override_settings"] = override
    if scripts:
        ours["alwayson_scripts"] = scripts
    return _wanted({**operator, **ours}, request, dialect)


def _core(request: ImageRequest, dialect: Dialect) -> dict[str, Any]:
    """What every server takes, the strict ones too."""
    ours: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "steps": request.steps,
        "width": request.width,
        "height": request.height,
        "cfg_scale": request.cfg_scale,
    }
    if request.sampler:
        ours["sampler_name"] = request.sampler
    if dialect.lora_paths:
        ours |= _loras_apart(request.prompt, dialect.lora_paths)
    return ours


def _loras_apart(prompt: str, paths: Mapping[str, str]) -> dict[str, Any]:
    """Tags in the prompt do nothing on stable-diffusion.cpp (sdapi 10): LoRAs are a field."""
    found = [(paths.get(m[1]), m[2] or "1") for m in _LORA_TAG.finditer(prompt)]
    loras = [{"path": path, "multiplier": _multiplier(weight)} for path, weight in found if path]
    return {"prompt": _LORA_TAG.sub("", prompt).strip(), "lora": loras} if loras else {}


def _multiplier(weight: str) -> float:
    """A tag's first weight; 1 for what a member typed that is no weight."""
    first = weight.split(":", maxsplit=1)[0].strip()
    return float(first) if re.fullmatch(r"-?[0-9]{1,4}(\.[0-9]*)?|-?\.[0-9]+", first) else 1.0


def _wide(request: ImageRequest, dialect: Dialect) -> dict[str, Any]:
    """The fields of the A1111 family; what is unset is left out (trap 16)."""
    rare = request.rare
    fields: dict[str, Any] = {
        "tiling": request.tiling or None,
        "restore_faces": (request.faces is not None and request.faces != ADETAILER) or None,
        "subseed": rare.variation_seed,
        "subseed_strength": rare.variation_strength,
        "refiner_checkpoint": rare.refiner,
        "refiner_switch_at": rare.refiner_switch_at,
        "eta": rare.eta,
        "distilled_cfg_scale": rare.distilled_cfg_scale,
    }
    if request.hires and request.kind == "txt2img":
        fields |= _hires(request.hires, dialect)
    return {key: value for key, value in fields.items() if value is not None}


def _hires(hires: Hires, dialect: Dialect) -> dict[str, Any]:
    """Without a denoising strength it is a 500, on Forge also without its modules (trap 14)."""
    return {
        "enable_hr": True,
        "hr_scale": hires.scale,
        "hr_upscaler": hires.upscaler or "Latent",
        "denoising_strength": hires.strength,
        "hr_second_pass_steps": hires.steps,
        "hr_checkpoint_name": hires.checkpoint,
        "hr_sampler_name": hires.sampler,
        "hr_scheduler": hires.scheduler,
        "hr_prompt": hires.prompt or None,
        "hr_negative_prompt": hires.negative_prompt or None,
        "hr_cfg": hires.cfg_scale,
        "hr_additional_modules": ["Use same choices"] if dialect.forge else None,
    }


def _overridden(request: ImageRequest, dialect: Dialect, base: Mapping[str, Any]) -> dict[str, Any]:
    """Options for this picture alone; those left out go with the server's own values (trap 5)."""
    wanted: dict[str, Any] = {
        "clip_skip": request.clip_skip,
        "vae": None if dialect.forge else request.vae,
        "faces": None if request.faces == ADETAILER else request.faces,
        "ensd": request.rare.ensd,
        "rng": request.rare.rng,
        "token_merging": request.rare.token_merging,
    }
    override = {OVERRIDDEN[name]: value for name, value in wanted.items() if value is not None}
    if request.vae and request.vae != "Automatic" and dialect.forge:
        chosen = [] if request.vae == "None" else [request.vae]
        override[FORGE_MODULES] = [*_encoders(base.get(FORGE_MODULES)), *chosen]
    if request.model and dialect.wide:
        # With every request: the weights stay after an override (trap 4).
        override[CHECKPOINT] = request.model
    return override


def _encoders(modules: Any) -> list[Any]:
    """Forge's modules that are no VAE; its options name them by their paths."""
    listed = modules if isinstance(modules, list) else []
    return [m for m in listed if not is_vae(PureWindowsPath(str(m)).name)]


def _scripts(request: ImageRequest) -> dict[str, Any]:
    if request.faces != ADETAILER:
        return {}
    return {ADETAILER: {"args": [True, False, {"ad_model": "face_yolov8n.pt"}]}}


def _merged(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Always-on scripts; their names are alike in any case (sdapi 2), and the later one wins."""
    named = {name.casefold(): (name, script) for name, script in (*theirs.items(), *ours.items())}
    return dict(named.values())


def asked_for(request: ImageRequest) -> dict[str, str]:
    """The keys without which it would not be the order any more, and what each is called."""
    words = {"prompt": "a prompt", "seed": "a seed", "width": "a width", "height": "a height"}
    if request.negative_prompt:
        words["negative_prompt"] = "a negative prompt"
    if request.sampler:
        words["sampler_name"] = "a sampler"
    if request.kind == "img2img":
        words |= {"init_images": "a picture to begin with", "denoising_strength": "a strength"}
    if request.inpainting is not None:
        words["mask"] = "a mask"
    return words


def _wanted(body: dict[str, Any], request: ImageRequest, dialect: Dialect) -> dict[str, Any]:
    """Without what the server has refused; what is asked for goes all the same, to be refused."""
    unwanted = dialect.unwanted - asked_for(request).keys()
    return {key: value for key, value in body.items() if key not in unwanted}


def with_sources(
    body: dict[str, Any], request: ImageRequest, sources: Sequence[Source], dialect: Dialect
) -> dict[str, Any]:
    """The body with the guest's pictures in it as base64: megabytes, so call it in a thread."""
    held = {source.role: source for source in sources}
    whole = dict(body)
    if request.kind == "img2img" and Role.INIT in held:
        over = _painted_over(request, held)
        whole |= {k: v for k, v in over.items() if k in MINIMAL or not dialect.minimal}
    if request.control is not None and Role.CONTROL in held:
        unit = _controlled(request.control, held[Role.CONTROL], dialect)
        whole["alwayson_scripts"] = _with_unit(body.get("alwayson_scripts") or {}, unit)
    return _wanted(whole, request, dialect)


def _painted_over(request: ImageRequest, held: Mapping[Role, Source]) -> dict[str, Any]:
    """What img2img needs beside txt2img's fields: every default is said (trap 14)."""
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


def _with_unit(scripts: Mapping[str, Any], unit: dict[str, Any]) -> dict[str, Any]:
    """The scripts with a unit behind those of the operator."""
    theirs = [s["args"] for name, s in scripts.items() if name.casefold() == CONTROL_NET.casefold()]
    return _merged(
        scripts, {CONTROL_NET: {"args": [u for units in theirs for u in units] + [unit]}}
    )


def _controlled(control: Control, source: Source, dialect: Dialect) -> dict[str, Any]:
    """One unit of sd-webui-controlnet, in the words that its versions and Forge's share.

    `image` alone (`input_image` is dropped by Forge), choices as words, not as numbers. The map
    is asked for: that it came is the only sign that the unit worked.
    """
    net, family = dialect.controls.get(control.kind), control.family
    fitting = [n for n in net.models if family in (None, net_family(n))] if net else []
    if net is None or not fitting:
        raise BackendRefused(f"no ControlNet model for {control.kind} with {family}")
    return {
        "enabled": True,
        "image": _base64(source),
        "module": net.module,
        "model": fitting[0],
        "weight": control.weight,
        "resize_mode": "Crop and Resize",
        "pixel_perfect": True,
        "control_mode": "Balanced",
        "save_detected_map": True,
    }


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


_REFUSED = re.compile(r"Unrecognized keys?:\s*\[(.*)", re.DOTALL)


def refused_keys(answer: Answer, request: ImageRequest) -> frozenset[str]:
    """The keys that a strict server names in its refusal, and that nobody has asked for.

    Raises BackendRefused, with what it can't take, if there are others among them.
    """
    if not 400 <= answer.status < 500:
        return frozenset()
    found = _REFUSED.search(error_text(answer))
    keys = frozenset(re.findall(r'"(\w+)"', found[1]) if found else ())
    if lost := [words for key, words in asked_for(request).items() if key in keys]:
        raise BackendRefused(
            f"{answer.status}: {error_text(answer)}",
            sentence=f"The image server can't take {' and '.join(lost)}.",
        )
    return keys


def without_route(answer: Answer) -> bool:
    """Whether a 404 or 405 is about the route itself, not about a thing that an order names.

    "Init image not found", "Sampler not found" come as 404 as well (sdapi 1, 10).
    """
    if answer.status != 404:
        return answer.status == 405
    try:
        body = answer.json()
    except BackendError:
        return True
    return not isinstance(body, dict) or not re.search(r"\S not found", error_text(answer))
