"""Draw Things' HTTP server: refuses what it does not know, and lists nothing.

The weakest evidence of all (contract, head of the page): take this one for a strict stranger.
"""

from __future__ import annotations

import json
from typing import Any, Final
from xml.sax.saxutils import escape

from aiohttp import web

from bot.demo.servers.sdapi import error_forms, forms
from bot.demo.servers.sdapi.catalogue import LORAS, NO_SCHEDULER, Sampler, Scheduler
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Refused
from bot.demo.servers.sdapi.manners.manner import Asked, Done
from bot.demo.servers.sdapi.networks import Network
from bot.demo.servers.sdapi.processing import Kind, Processing
from bot.demo.servers.sdapi.report import Look

_OWN: Final[forms.Fields] = {
    "prompt": ("str", ""),
    "negative_prompt": ("str", ""),
    "seed": ("int", -1),
    "steps": ("int", 20),
    "width": ("int", 512),
    "height": ("int", 512),
    "guidance_scale": ("float", 7.0),
    "sampler": ("str", "UniPC"),
    "batch_count": ("int", 1),
    "batch_size": ("int", 1),
    "model": ("str", None),
    "loras": ("list", []),
    "controls": ("list", []),
    "strength": ("float", 1.0),
    "seed_mode": ("str", "Scale Alike"),
    "clip_skip": ("int", 1),
    "upscaler": ("str", None),
    "upscaler_scale": ("float", 0.0),
    "refiner_model": ("str", None),
    "refiner_start": ("float", 0.85),
    "hires_fix": ("bool", False),
    "hires_fix_width": ("int", 512),
    "hires_fix_height": ("int", 512),
    "hires_fix_strength": ("float", 0.7),
    "mask_blur": ("float", 1.5),
    "mask_blur_outset": ("int", 0),
    "preserve_original_after_inpaint": ("bool", True),
    "image_guidance": ("float", 1.5),
    "guidance_embed": ("float", 3.5),
    "speed_up_with_guidance_embed": ("bool", True),
    "shift": ("float", 1.0),
    "resolution_dependent_shift": ("bool", True),
    "tiled_decoding": ("bool", False),
    "tiled_diffusion": ("bool", False),
    "clip_weight": ("float", 1.0),
    "zero_negative_prompt": ("bool", False),
}
"""The settings of the app's window, which GET / shows (jaokuohsuan/draw-things-mcp-cursor,
src/services/defaultParams.ts, less the sizes of tiles, the video and the SDXL conditioning)."""
_TXT2IMG: Final[forms.Fields] = {
    **_OWN,
    "sampler_name": ("str", None),
    "cfg_scale": ("float", None),
    "restore_faces": ("bool", None),
    "enable_hr": ("bool", None),
    "denoising_strength": ("float", None),
}
"""With A1111's names that it takes: SillyTavern sends them, and only its "auth" was refused
(SillyTavern issue #2075)."""
FIELDS: Final[dict[Kind, forms.Fields]] = {
    "txt2img": _TXT2IMG,
    "img2img": {**_TXT2IMG, "init_images": ("list", None), "mask": ("str", None)},
}
_IMG2IMG_STRENGTH: Final = 0.7
_SAMPLERS: Final = frozenset(
    {"UniPC", "DPM++ 2M Karras", "Euler a", "DPM++ SDE Karras", "PLMS", "DDIM", "LCM", "TCD"}
)
_XMP: Final = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/"><exif:UserComment>{}</exif:UserComment>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def configuration(engine: Engine) -> dict[str, Any]:
    """GET /: the settings of the app's window."""
    shown = {key: default for key, (_, default) in _OWN.items()}
    return {**shown, "model": engine.shelf.loaded.name}


def networks(asked: Asked, _: str) -> tuple[Network, ...]:
    """Of ``loras``, ``[{"file": "x.safetensors", "weight": 0.8}]``; unknown files do nothing."""
    rows = [row for row in asked["loras"] if isinstance(row, dict)]
    named = [(str(row.get("file", "")).rsplit(".", 1)[0], row.get("weight", 1)) for row in rows]
    return tuple(Network(name, float(weight)) for name, weight in named if name in LORAS)


def missing(_: int) -> web.Response:
    """404 for routes and verbs alike."""
    return error_forms.a1111(Refused(404, "Not Found"))


def admit(kind: Kind, asked: Asked, body: dict[str, Any]) -> None:
    """Unknown keys (trap 17) and unknown samplers are refused; own names become A1111's."""
    unknown = [key for key in body if key not in FIELDS[kind]]
    if unknown:
        raise Refused(400, f"Unrecognized keys: {json.dumps(unknown)}")
    sampler = asked["sampler_name"] or asked["sampler"]
    if sampler not in _SAMPLERS:
        raise Refused(400, f"Unrecognized sampler: {json.dumps(sampler)}")
    if kind == "img2img" and asked["init_images"] is None:
        raise Refused(400, "Init image not found")
    asked["sampler_name"] = sampler
    asked["steps"], asked["n_iter"] = max(asked["steps"], 1), max(asked["batch_count"], 1)
    asked["batch_size"] = max(asked["batch_size"], 1)
    if asked["cfg_scale"] is None:
        asked["cfg_scale"] = asked["guidance_scale"]
    if asked["model"]:
        asked["override_settings"] = {"sd_model_checkpoint": asked["model"]}
    asked["enable_hr"] = False  # its own hires fix starts small and ends at the asked size
    if kind == "img2img" and asked["denoising_strength"] is None:
        asked["denoising_strength"] = body.get("strength", _IMG2IMG_STRENGTH)


def resolve(name: str | None, _: str | None) -> tuple[Sampler, Scheduler]:
    """``admit`` has looked already."""
    return Sampler(name or "UniPC", ()), NO_SCHEDULER


def texts(work: Processing, index: int, look: Look) -> dict[str, str]:
    """Its own JSON in XMP; no ``parameters``."""
    told = {
        "c": work.prompt,
        "uc": work.negative,
        "seed": work.seeds[index],
        "steps": work.asked["steps"],
        "scale": work.asked["cfg_scale"],
        "sampler": work.sampler.name,
        "model": look.checkpoint.name,
    }
    return {"XML:com.adobe.xmp": _XMP.format(escape(json.dumps(told, ensure_ascii=False)))}


def answer(done: Done) -> dict[str, Any]:
    """Pictures, nothing else."""
    return {"images": done.images}
