"""txt2img, img2img, and watching them: progress, interrupt, skip (contract, sections 2 to 4)."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any, Final

from aiohttp import web
from PIL import Image

from bot.demo.servers.sdapi import forms, infotext
from bot.demo.servers.sdapi.checks import check_scripts
from bot.demo.servers.sdapi.errors import Refused
from bot.demo.servers.sdapi.pictures import Encoding, Source, decode, encode
from bot.demo.servers.sdapi.processing import Kind
from bot.demo.servers.sdapi.web import DESK, Desk, body_of, reply

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
_YES: Final = frozenset({"1", "true", "True", "on", "yes"})
_WATCH: Final[forms.Fields] = {
    "id_task": ("str", None),
    "id_live_preview": ("int", -1),
    "live_preview": ("bool", True),
}


def routes() -> list[web.RouteDef]:
    """The routes of this room."""
    return [
        web.post("/sdapi/v1/txt2img", txt2img),
        web.post("/sdapi/v1/img2img", img2img),
        web.get("/sdapi/v1/progress", progress, allow_head=False),
        web.post("/sdapi/v1/interrupt", interrupt),
        web.post("/sdapi/v1/skip", skip),
        web.post("/internal/progress", internal_progress),
        web.get("/internal/pending-tasks", pending_tasks, allow_head=False),
        web.get("/internal/ping", ping, allow_head=False),
    ]


async def txt2img(request: web.Request) -> web.Response:
    """Text to pictures."""
    body = await body_of(request)
    return await _generate(request.app[DESK], "txt2img", forms.TXT2IMG, body)


async def img2img(request: web.Request) -> web.Response:
    """Pictures to pictures; 404 without ``init_images``."""
    body = await body_of(request)
    return await _generate(request.app[DESK], "img2img", forms.IMG2IMG, body)


async def progress(request: web.Request) -> web.Response:
    """The global progress, with a preview unless ``skip_current_image`` is true."""
    engine = request.app[DESK].engine
    share, left = engine.state.progress()
    picture = None
    if engine.state.job_count and request.query.get("skip_current_image", "") not in _YES:
        image = await engine.look_at_preview()
        picture = await _text_of(image, str(engine.options["samples_format"]))
    return await reply(
        {
            "progress": share,
            "eta_relative": left,
            "state": engine.state.shown(),
            "current_image": picture,
            "textinfo": engine.state.textinfo,
        }
    )


async def interrupt(request: web.Request) -> web.Response:
    """Stop the running job, whosever it is, at its next step."""
    request.app[DESK].engine.state.interrupted = True
    return await reply({})


async def skip(request: web.Request) -> web.Response:
    """End the running iteration."""
    request.app[DESK].engine.state.skipped = True
    return await reply(None)


async def internal_progress(request: web.Request) -> web.Response:
    """The web page's own view of one task; knows ids, lies after failures (trap 10)."""
    engine = request.app[DESK].engine
    asked = forms.read(_WATCH, await body_of(request))
    task_id = asked["id_task"]
    queued = task_id in engine.tasks.pending
    if task_id != engine.tasks.current:
        text = engine.tasks.place(task_id) if queued else "Waiting..."
        completed = task_id in engine.tasks.finished
        return await reply(_seen(False, queued=queued, completed=completed, textinfo=text))
    seen = _seen(True, queued=queued, completed=task_id in engine.tasks.finished)
    share = engine.state.plain_share()
    seen |= {"progress": share, "eta": engine.state.time_left(share)}
    seen["id_live_preview"] = asked["id_live_preview"]
    if asked["live_preview"] and engine.options["live_previews_enable"]:
        image = await engine.look_at_preview()
        if engine.state.id_live_preview != asked["id_live_preview"] and image is not None:
            kind = str(engine.options["live_previews_image_format"])
            seen["live_preview"] = f"data:image/{kind};base64,{await _text_of(image, kind)}"
            seen["id_live_preview"] = engine.state.id_live_preview
    return await reply(seen)


async def pending_tasks(request: web.Request) -> web.Response:
    """Ids that wait, also those that never will start."""
    waiting = list(request.app[DESK].engine.tasks.pending)
    return await reply({"size": len(waiting), "tasks": waiting})


async def ping(_: web.Request) -> web.Response:
    """Alive."""
    return await reply({})


async def _generate(desk: Desk, kind: Kind, fields: forms.Fields, body: Any) -> web.Response:
    asked = forms.read(fields, body)
    echo = dict(asked)
    _fill_from_infotext(fields, asked, body)
    check_scripts(asked)
    mask = None
    if kind == "img2img":
        mask = await _check_source(asked)
        if not asked["include_init_images"]:
            echo |= {"init_images": None, "mask": None}
    done = await desk.unabandoned(desk.engine.generate(kind, asked, mask))
    images = [base64.b64encode(file).decode() for file in done.files]
    info = json.dumps(done.info, ensure_ascii=False)
    pictures = images if asked["send_images"] else []
    return await reply({"images": pictures, "parameters": echo, "info": info})


async def _check_source(asked: dict[str, Any]) -> Source | None:
    if asked["init_images"] is None:
        raise Refused(404, "Init image not found")
    return await asyncio.to_thread(decode, asked["mask"]) if asked["mask"] else None


def _fill_from_infotext(fields: forms.Fields, asked: dict[str, Any], body: Any) -> None:
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


def _seen(active: bool, **changes: Any) -> dict[str, Any]:
    seen = {
        "active": active,
        "queued": False,
        "completed": False,
        "progress": None,
        "eta": None,
        "live_preview": None,
        "id_live_preview": -1,
        "textinfo": None,
    }
    return seen | changes


async def _text_of(image: Image.Image | None, file_format: str) -> str | None:
    if image is None:
        return None
    encoding = Encoding(file_format, pnginfo=False)
    return base64.b64encode(await asyncio.to_thread(encode, image, encoding, {})).decode()
