"""KoboldCpp's image routes: one picture a call, and hardly a word about it (contract, 10)."""

from __future__ import annotations

import secrets
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.sdapi import forms
from bot.demo.servers.sdapi.catalogue import NO_SCHEDULER, Sampler, Scheduler
from bot.demo.servers.sdapi.manners.manner import Asked, Done
from bot.demo.servers.sdapi.processing import Kind, Processing
from bot.demo.servers.sdapi.report import Look

MOST_STEPS: Final = 80
LEAST_CFG, MOST_CFG = 1.0, 25.0
_TXT2IMG: Final[forms.Fields] = {
    "prompt": ("str", ""),
    "negative_prompt": ("str", ""),
    "width": ("int", 512),
    "height": ("int", 512),
    "steps": ("int", 20),
    "cfg_scale": ("float", 5.0),
    "seed": ("int", -1),
    "sampler_name": ("str", ""),
}
FIELDS: Final[dict[Kind, forms.Fields]] = {
    "txt2img": _TXT2IMG,
    "img2img": {
        **_TXT2IMG,
        "init_images": ("list", []),
        "mask": ("str", None),
        "denoising_strength": ("float", 0.6),
    },
}
_DEFAULT_PROMPT: Final = "high quality"
_SAMPLERS: Final = (
    Sampler("Euler", ("k_euler",)),
    Sampler("Euler a", ("k_euler_a", "k_euler_ancestral")),
    Sampler("Heun", ("k_heun",)),
    Sampler("DPM2", ("k_dpm_2",)),
    Sampler("DPM++ 2M", ("k_dpmpp_2m",)),
    Sampler("DDIM", ("ddim",)),
    Sampler("LCM", ("k_lcm",)),
    Sampler("Default", ("default",)),
)


def samplers() -> list[dict[str, Any]]:
    """Rows of ``/samplers``: always the same eight."""
    return [row.listed() for row in _SAMPLERS]


def missing(_: int) -> web.Response:
    """404 for routes and verbs alike, in HTML."""
    words = "Error: this endpoint does not exist."
    return web.Response(status=404, text=words, content_type="text/html")


def admit(_: Kind, asked: Asked, __: dict[str, Any]) -> None:
    """Everything is put right, nothing refused."""
    asked["prompt"] = asked["prompt"] or _DEFAULT_PROMPT
    asked["steps"] = min(max(asked["steps"], 1), MOST_STEPS)
    asked["cfg_scale"] = min(max(asked["cfg_scale"], LEAST_CFG), MOST_CFG)
    asked["width"], asked["height"] = max(asked["width"], 64), max(asked["height"], 64)
    if asked["seed"] < 0:
        asked["seed"] = 100_000 + secrets.randbelow(900_000)
    asked["seed"] = _signed(asked["seed"])


def resolve(name: str | None, _: str | None) -> tuple[Sampler, Scheduler]:
    """An unknown name means the default; there are no schedulers."""
    found = next((row for row in _SAMPLERS if name in (row.name, *row.aliases)), _SAMPLERS[-1])
    return found, NO_SCHEDULER


def texts(_: Processing, __: int, ___: Look) -> dict[str, str]:
    """The chunks of a file: none."""
    return {}


def answer(done: Done) -> dict[str, Any]:
    """``info`` is always empty, and so is ``parameters``."""
    return {"images": done.images, "parameters": {}, "info": "", "animated": False}


def _signed(seed: int) -> int:
    """As a signed number of 32 bits keeps it."""
    return (seed + 2**31) % 2**32 - 2**31
