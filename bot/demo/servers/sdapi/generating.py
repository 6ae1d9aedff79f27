"""txt2img, img2img, and watching them: progress, interrupt, skip (contract, sections 2 to 4)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from aiohttp import web
from PIL import Image

from bot.demo.servers.sdapi import forms
from bot.demo.servers.sdapi.errors import Refused
from bot.demo.servers.sdapi.manners.manner import Done
from bot.demo.servers.sdapi.pictures import Encoding, Source, decode, encode
from bot.demo.servers.sdapi.processing import Kind
from bot.demo.servers.sdapi.web import DESK, Desk, body_of, reply

_DEFAULTS: Final = {
    "txt2img": forms.defaults(forms.TXT2IMG),
    "img2img": forms.defaults(forms.IMG2IMG),
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
        web.post("/api/extra/abort", abort_text),
        web.post("/internal/progress", internal_progress),
        web.get("/internal/pending-tasks", pending_tasks, allow_head=False),
        web.get("/internal/ping", ping, allow_head=False),
    ]


async def txt2img(request: web.Request) -> web.Response:
    """Text to pictures."""
    return await _generate(request.app[DESK], "txt2img", await body_of(request))


async def img2img(request: web.Request) -> web.Response:
    """Pictures to pictures."""
    return await _generate(request.app[DESK], "img2img", await body_of(request))


async def progress(request: web.Request) -> web.Response:
    """The global progress, with a preview unless ``skip_current_image`` is true."""
    engine, manner = request.app[DESK].engine, request.app[DESK].manner
    share, left = engine.state.progress()
    picture = None
    if engine.state.job_count and request.query.get("skip_current_image", "") not in _YES:
        image = await engine.look_at_preview()
        picture = await _text_of(image, str(engine.options["samples_format"]))
    seen = {
        "progress": share,
        "eta_relative": left,
        "state": engine.state.shown(),
        "current_image": picture,
        "textinfo": engine.state.textinfo,
    }
    return await reply(manner.progress(seen, engine))


async def interrupt(request: web.Request) -> web.Response:
    """Stop the running job, whosever it is, at its next step."""
    desk = request.app[DESK]
    desk.engine.state.interrupted = True
    return web.Response(status=204) if desk.manner.stops_quietly else await reply({})


async def skip(request: web.Request) -> web.Response:
    """End the running iteration."""
    desk = request.app[DESK]
    desk.engine.state.skipped = True
    return web.Response(status=204) if desk.manner.stops_quietly else await reply(None)


async def abort_text(_: web.Request) -> web.Response:
    """KoboldCpp's way to stop a text; no picture cares (contract, section 10)."""
    return await reply({"success": False})


async def internal_progress(request: web.Request) -> web.Response:
    """The web page's own view of one task; knows ids, lies after failures (trap 10)."""
    desk = request.app[DESK]
    asked = desk.read(_WATCH, await body_of(request))
    tasks, task_id = desk.engine.tasks, asked["id_task"]
    active, queued = task_id == tasks.current, task_id in tasks.pending
    seen = _seen(active, queued=queued, completed=task_id in tasks.finished)
    if active:
        seen |= await _active(desk, asked)
    else:
        seen["textinfo"] = tasks.place(task_id) if queued else "Waiting..."
    return await reply(desk.manner.watched(seen, desk.engine))


async def _active(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """How far the running task is, and a preview if there is a newer one than was seen."""
    engine, manner, known = desk.engine, desk.manner.preview, asked["id_live_preview"]
    share = engine.state.plain_share()
    seen = {"progress": share, "eta": engine.state.time_left(share), "id_live_preview": known}
    wanted = asked["live_preview"] and (manner.first or known != -1)
    if wanted and engine.options["live_previews_enable"]:
        image = await engine.look_at_preview()
        if engine.state.id_live_preview != known and image is not None:
            kind = manner.format or str(engine.options["live_previews_image_format"])
            seen["live_preview"] = f"data:image/{kind};base64,{await _text_of(image, kind)}"
            seen["id_live_preview"] = engine.state.id_live_preview
    return seen


async def pending_tasks(request: web.Request) -> web.Response:
    """Ids that wait, also those that never will start."""
    waiting = list(request.app[DESK].engine.tasks.pending)
    return await reply({"size": len(waiting), "tasks": waiting})


async def ping(_: web.Request) -> web.Response:
    """Alive."""
    return await reply({})


async def _generate(desk: Desk, kind: Kind, body: Any) -> web.Response:
    manner = desk.manner
    known = desk.read(manner.fields[kind], body)
    asked = {**_DEFAULTS[kind], **manner.fixed, **known}
    manner.admit(kind, asked, body)
    mask = await asyncio.to_thread(_mask, asked.get("mask"), manner.forgiving)
    done = await desk.unabandoned(desk.engine.generate(kind, asked, mask))
    images = [base64.b64encode(file).decode() for file in done.files]
    return await reply(manner.answer(Done(images, known, body, done.info)))


def _mask(text: str | None, forgiving: bool) -> Source | None:
    try:
        return decode(text) if text else None
    except Refused:
        if forgiving:
            return None
        raise


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
