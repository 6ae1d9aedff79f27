"""SD.Next: A1111's routes over its own engine (contract, section 10 and its notes)."""

from __future__ import annotations

from typing import Any, Final

from bot.demo.servers.sdapi import forms
from bot.demo.servers.sdapi.catalogue import EMBEDDINGS, NO_SCHEDULER, Sampler, Scheduler
from bot.demo.servers.sdapi.checks import check_scripts
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Refused, Spoken
from bot.demo.servers.sdapi.manners import a1111
from bot.demo.servers.sdapi.manners.manner import Asked, Done
from bot.demo.servers.sdapi.processing import Kind

_OWN: Final[forms.Fields] = {
    "sampler_name": ("str", "Default"),
    "steps": ("int", 20),
    "cfg_scale": ("float", 6.0),
    "width": ("int", 1024),
    "height": ("int", 1024),
}
_UNKNOWN: Final = frozenset({"force_task_id", "infotext", "scheduler"})
FIELDS: Final[dict[Kind, forms.Fields]] = {
    "txt2img": {k: v for k, v in {**forms.TXT2IMG, **_OWN}.items() if k not in _UNKNOWN},
    "img2img": {
        **{k: v for k, v in {**forms.IMG2IMG, **_OWN}.items() if k not in _UNKNOWN},
        "denoising_strength": ("float", 0.5),
    },
}
_CLASSES: Final = {
    "UniPC": "UniPCMultistepScheduler",
    "DEIS": "DEISMultistepScheduler",
    "DPM++": "DPMSolverMultistepScheduler",
    "DPM++ 2M": "DPMSolverMultistepScheduler",
    "DPM SDE": "DPMSolverSDEScheduler",
    "Euler": "EulerDiscreteScheduler",
    "Euler a": "EulerAncestralDiscreteScheduler",
    "Heun": "HeunDiscreteScheduler",
    "DDIM": "DDIMScheduler",
    "LCM": "LCMScheduler",
}
_SHOWN: Final = 1000
"""Characters: a longer string of a script's arguments is not echoed but counted."""


def samplers() -> list[dict[str, Any]]:
    """Rows of ``/samplers``: no aliases, and options that are not strings."""
    return [{"name": name, "options": {"steps": 20, "karras": False}} for name in _CLASSES]


def schedulers() -> list[dict[str, Any]]:
    """Rows of ``/schedulers``."""
    return [{"name": name, "cls": cls, "options": {}} for name, cls in _CLASSES.items()]


def embeddings() -> dict[str, list[str]]:
    """Names only."""
    return {"loaded": list(EMBEDDINGS), "skipped": []}


def models(engine: Engine) -> list[dict[str, Any]]:
    """Rows of ``/sd-models``, with a type."""
    return [{**row.listed(), "type": "safetensors"} for row in engine.shelf.checkpoints]


def admit(kind: Kind, asked: Asked, _: dict[str, Any]) -> None:
    """Before the queue: no init image (400), an unknown sampler (404) or script (422)."""
    if kind == "img2img" and asked["init_images"] is None:
        raise Spoken(400, {"error": "Init image is none"})
    name = asked["sampler_name"] or asked["sampler_index"]
    if name != "Default" and name not in _CLASSES:
        raise Refused(404, "Sampler not found")
    for source in asked.get("init_images") or []:
        if isinstance(source, str) and source.startswith("upload:"):
            raise Refused(400, f"Upload reference not found: {source}")
    check_scripts(asked)


def resolve(name: str | None, _: str | None) -> tuple[Sampler, Scheduler]:
    """``admit`` has looked already."""
    return Sampler(name or "Default", ()), NO_SCHEDULER


def answer(done: Done) -> dict[str, Any]:
    """As A1111's, but long strings of scripts are masked."""
    found = a1111.answer(done)
    for key in ("script_args", "alwayson_scripts"):
        found["parameters"][key] = _masked(found["parameters"][key])
    return found


def progress(seen: dict[str, Any], engine: Engine) -> dict[str, Any]:
    """With the id of the job; no request can choose it."""
    return {"id": engine.tasks.current or "", **seen}


def watched(seen: dict[str, Any], engine: Engine) -> dict[str, Any]:
    """With job, step, steps and paused."""
    state = engine.state
    more = {"job": state.job, "step": state.sampling_step, "steps": state.sampling_steps}
    return {**seen, **more, "paused": False}


def updated(changes: dict[str, Any]) -> dict[str, list[dict[str, bool]]]:
    """The answer to POST /options."""
    return {"updated": [{key: True} for key in changes]}


def _masked(value: Any) -> Any:
    if isinstance(value, str) and len(value) >= _SHOWN:
        return f"<str {len(value)}>"
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value
