"""stable-diffusion.cpp's ``sd-server`` (recorded, section 9)."""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.sdapi import catalogue, forms
from bot.demo.servers.sdapi.catalogue import NO_SCHEDULER, Sampler, Scheduler
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Spoken
from bot.demo.servers.sdapi.manners.manner import Asked, Done
from bot.demo.servers.sdapi.networks import Network
from bot.demo.servers.sdapi.processing import Kind, Processing
from bot.demo.servers.sdapi.report import Look

VERSION: Final = "stable-diffusion.cpp"
_TXT2IMG: Final[forms.Fields] = {
    "prompt": ("str", ""),
    "negative_prompt": ("str", ""),
    "width": ("int", 512),
    "height": ("int", 512),
    "steps": ("int", 20),
    "cfg_scale": ("float", 7.0),
    "seed": ("int", -1),
    "batch_size": ("int", 1),
    "sampler_name": ("str", ""),
    "scheduler": ("str", ""),
    "lora": ("list", []),
}
FIELDS: Final[dict[Kind, forms.Fields]] = {
    "txt2img": _TXT2IMG,
    "img2img": {
        **_TXT2IMG,
        "width": ("int", None),  # the init image's
        "height": ("int", None),
        "init_images": ("list", None),
        "mask": ("any", None),
        "inpainting_mask_invert": ("int", 0),
        "denoising_strength": ("float", 0.75),
    },
}
_IDS: Final = (
    *("euler", "euler_a", "heun", "dpm2", "dpm++2s_a", "dpm++2m", "dpm++2mv2", "dpm++2m_sde"),
    *("ipndm", "ipndm_v", "lcm", "ddim_trailing", "tcd", "res_multistep", "res_2s", "er_sde"),
    *("euler_cfg_pp", "euler_a_cfg_pp"),
)
_SPELLINGS: Final = {
    "euler a": "euler_a",
    "dpm++ 2m": "dpm++2m",
    "dpm++ 2m sde": "dpm++2m_sde",
    "ddim": "ddim_trailing",
}
_SCHEDULERS: Final = (
    *("discrete", "normal", "karras", "exponential", "ays", "gits", "smoothstep"),
    *("sgm_uniform", "simple", "kl_optimal", "lcm", "bong_tangent"),
)
_NO_PATH: Final = "lora.path required"


def samplers() -> list[dict[str, Any]]:
    """Rows of ``/samplers``: own ids, "default" first, each its own alias."""
    return [{"name": name, "aliases": [name], "options": {}} for name in ("default", *_IDS)]


def schedulers() -> list[dict[str, str]]:
    """Rows of ``/schedulers``."""
    return [{"name": name, "label": name} for name in ("default", *_SCHEDULERS)]


def loras() -> list[dict[str, str]]:
    """Rows of ``/loras``; ``path`` is what the request field ``lora`` takes."""
    return [{"name": name, "path": f"{name}.safetensors"} for name in catalogue.LORAS]


def upscalers() -> list[dict[str, Any]]:
    """Rows of ``/upscalers``: a list without a route to use it."""
    return [row for row in catalogue.UPSCALERS if row["name"] in ("None", "Lanczos", "Nearest")]


def options(engine: Engine) -> dict[str, str]:
    """GET /options: two keys. KoboldCpp says the same."""
    return {"samples_format": "png", "sd_model_checkpoint": engine.shelf.loaded.name}


def models(engine: Engine) -> list[dict[str, Any]]:
    """GET /sd-models: the one model, with a hash that is none. KoboldCpp says the same."""
    model = engine.shelf.loaded
    hashes = {"hash": "8888888888", "sha256": "8" * 64}
    names = {"title": model.name, "model_name": model.name, "filename": model.file}
    return [{**names, **hashes, "config": None}]


def networks(asked: Asked, _: str) -> tuple[Network, ...]:
    """Of the request field ``lora``; tags in the prompt are passed over."""
    names = {row["path"]: row["name"] for row in loras()}
    rows = [row for row in asked["lora"] if isinstance(row, dict) and row.get("path") in names]
    return tuple(Network(names[row["path"]], float(row.get("multiplier", 1))) for row in rows)


def missing(_: int) -> web.Response:
    """404 for routes and verbs alike: no body, no content type."""
    return web.Response(status=404)


def admit(_: Kind, asked: Asked, __: dict[str, Any]) -> None:
    """The few things that it checks itself, with a 400."""
    sides = [side for side in (asked["width"], asked["height"]) if side is not None]
    if any(side <= 0 for side in sides):
        raise Spoken(400, {"error": "width and height must be positive"})
    if not asked["prompt"]:
        raise Spoken(400, {"error": "prompt required"})
    known = {row["path"] for row in loras()}
    for row in asked["lora"]:
        path = row.get("path", "") if isinstance(row, dict) else None
        if path is not None and path not in known:
            raise Spoken(400, {"error": f"invalid lora path: {path}" if path else _NO_PATH})
    asked["steps"] = max(asked["steps"], 1)
    asked["batch_size"] = max(asked["batch_size"], 1)
    asked["init_images"] = (asked.get("init_images") or [])[:1]


def resolve(name: str | None, scheduler: str | None) -> tuple[Sampler, Scheduler]:
    """Unknown names give the default, which is called NONE; schedulers only in lower case."""
    lower = (name or "").lower()
    found = _SPELLINGS.get(lower, lower)
    schedule = Scheduler(scheduler, scheduler) if scheduler in _SCHEDULERS else NO_SCHEDULER
    return Sampler(found if found in _IDS else "NONE", ()), schedule


def infotext(work: Processing, index: int, look: Look) -> str:
    """Numbers as C prints them, and at the end JSON without quotes around it."""
    asked, schedule = work.asked, work.scheduler.name
    lines = [work.prompt]
    if work.negative:
        lines.append(f"Negative prompt: {work.negative}")
    pairs = {
        "Steps": asked["steps"],
        "CFG scale": f"{asked['cfg_scale']:f}",
        "Guidance": f"{3.5:f}",
        "Eta": "inf",
        "Seed": work.seeds[index],
        "Size": f"{asked['width']}x{asked['height']}",
        "Model": look.checkpoint.file,
        "RNG": "cuda",
        "Sampler": f"{work.sampler.name} {schedule}".strip(),
        "Version": VERSION,
        "SDCPP": _own_json(work, index),
    }
    lines.append(", ".join(f"{key}: {value}" for key, value in pairs.items()))
    return "\n".join(lines)


def info(work: Processing, infotexts: list[str], _: bool, look: Look) -> dict[str, Any]:
    """The object of ``info``: fewer keys than A1111's, in the order of the alphabet."""
    asked, count = work.asked, len(work.seeds)
    found = {
        "prompt": work.prompt,
        "all_prompts": [work.prompt] * count,
        "negative_prompt": work.negative,
        "all_negative_prompts": [work.negative] * count,
        "seed": work.seeds[0],
        "all_seeds": work.seeds,
        "infotexts": infotexts,
        "sampler_name": work.sampler.name,
        "sd_model_name": look.checkpoint.file,
        "version": VERSION,
        **{key: asked[key] for key in ("cfg_scale", "height", "steps", "width")},
    }
    if work.extra:
        found["extra_generation_params"] = work.extra
    if work.kind == "img2img":
        found["denoising_strength"] = asked["denoising_strength"]
    return dict(sorted(found.items()))


def answer(done: Done) -> dict[str, Any]:
    """``parameters`` is the body as it was sent, pictures included."""
    info_text = json.dumps(done.info, ensure_ascii=False, separators=(",", ":"))
    parameters = dict(sorted(done.body.items()))
    return {"images": done.images, "info": info_text, "parameters": parameters}


def _own_json(work: Processing, index: int) -> str:
    told = {
        "auto_resize_ref_image": True,
        "clip_skip": -1,
        "height": work.asked["height"],
        "prompt": {"negative": work.negative, "positive": work.prompt},
        "seed": work.seeds[index],
        "width": work.asked["width"],
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
