"""Stable Diffusion web UI 1.10.1: what its API does around a job (contract, sections 1 to 3)."""

from __future__ import annotations

import json
from typing import Any, Final

from bot.demo.servers.sdapi import forms, infotext, scripts
from bot.demo.servers.sdapi.checks import check_scripts
from bot.demo.servers.sdapi.errors import Refused
from bot.demo.servers.sdapi.manners.manner import Asked, Done
from bot.demo.servers.sdapi.processing import Kind, Processing
from bot.demo.servers.sdapi.report import Look

FIELDS: Final[dict[Kind, forms.Fields]] = {"txt2img": forms.TXT2IMG, "img2img": forms.IMG2IMG}
OPEN_ROUTES: Final = frozenset({"/sdapi/v1/loras", "/sdapi/v1/refresh-loras"})
"""Of the built-in LoRA extension: nobody asks for a password (trap 12)."""
_FROM_INFOTEXT: Final = {
    "prompt": "Prompt",
    "negative_prompt": "Negative prompt",
    "seed": "Seed",
    "steps": "Steps",
    "cfg_scale": "CFG scale",
    "sampler_name": "Sampler",
    "scheduler": "Schedule type",
    "width": "Size-1",
    "height": "Size-2",
    "denoising_strength": "Denoising strength",
}


def admit(kind: Kind, asked: Asked, body: dict[str, Any]) -> None:
    """Before the queue: the ``infotext`` field, unknown scripts (422), no init image (404)."""
    _fill_from_infotext(FIELDS[kind], asked, body)
    check_scripts(asked, scripts.NAMES)
    if kind == "img2img" and asked["init_images"] is None:
        raise Refused(404, "Init image not found")


def texts(work: Processing, index: int, look: Look) -> dict[str, str]:
    """The chunks of one file: its infotext as ``parameters``."""
    return {"parameters": work.manner.infotext(work, index, look)}


def answer(done: Done) -> dict[str, Any]:
    """The 200: an echo without the sources unless they were wished for, ``info`` as a string."""
    echo = dict(done.echo)
    if "init_images" in echo and not echo["include_init_images"]:
        echo |= {"init_images": None, "mask": None}
    info = json.dumps(done.info, ensure_ascii=False)
    images = done.images if echo["send_images"] else []
    return {"images": images, "parameters": echo, "info": info}


def _fill_from_infotext(fields: forms.Fields, asked: Asked, body: dict[str, Any]) -> None:
    """What the request leaves out is taken from its ``infotext``."""
    if not asked["infotext"]:
        return
    found = infotext.read(asked["infotext"])
    taken = {
        key: found[name]
        for key, name in _FROM_INFOTEXT.items()
        if key not in body and name in found
    }
    asked |= forms.read({key: fields[key] for key in taken}, taken)
