"""Extras: upscaling, reading a picture's text, describing a picture (contract, section 7)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.sdapi import catalogue, forms, infotext
from bot.demo.servers.sdapi.captions import caption
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Invalid, Problem, Raised, Refused
from bot.demo.servers.sdapi.pictures import Encoding, Source, chunks, decode, upscale
from bot.demo.servers.sdapi.web import DESK, body_of, reply

_EXTRAS: Final[forms.Fields] = {
    "image": ("str", ""),
    "resize_mode": ("int", 0),
    "show_extras_results": ("bool", True),
    "gfpgan_visibility": ("float", 0.0),
    "codeformer_visibility": ("float", 0.0),
    "codeformer_weight": ("float", 0.0),
    "upscaling_resize": ("float", 2.0),
    "upscaling_resize_w": ("int", 512),
    "upscaling_resize_h": ("int", 512),
    "upscaling_crop": ("bool", True),
    "upscaler_1": ("str", "None"),
    "upscaler_2": ("str", "None"),
    "extras_upscaler_2_visibility": ("float", 0.0),
    "upscale_first": ("bool", False),
}
_LARGEST_PIXELS: Final = 64_000_000


def routes() -> list[web.RouteDef]:
    """The routes of this room."""
    return [
        web.post("/sdapi/v1/extra-single-image", extra_single_image),
        web.post("/sdapi/v1/png-info", png_info),
        web.get("/sdapi/v1/png-info", png_info, allow_head=False),
        web.post("/sdapi/v1/interrogate", interrogate),
        web.post("/sdapi/v1/caption", describe),
    ]


async def extra_single_image(request: web.Request) -> web.Response:
    """Enlarge one picture; its texts are kept and ``postprocessing`` is added."""
    desk = request.app[DESK]
    asked = desk.read(_EXTRAS, await body_of(request))
    _check_ranges(asked)
    source = await asyncio.to_thread(decode, asked["image"])
    data, described = await desk.unabandoned(_enlarge(desk.engine, asked, source))
    image = base64.b64encode(data).decode()
    return await reply({"html_info": f"<p>{described}</p>", "image": image})


async def png_info(request: web.Request) -> web.Response:
    """The infotext of a picture, as it stands there and parsed."""
    fields: forms.Fields = {"image": ("str", "")}
    asked = request.app[DESK].read(fields, await body_of(request), frozenset({"image"}))
    source = await asyncio.to_thread(decode, asked["image"].strip())
    items = await asyncio.to_thread(chunks, source.data)
    text = items.pop("parameters", "")
    return await reply({"info": text, "items": items, "parameters": infotext.read(text)})


async def interrogate(request: web.Request) -> web.Response:
    """Say what is on a picture; one at a time with the jobs."""
    fields: forms.Fields = {"image": ("str", ""), "model": ("str", "clip")}
    asked = request.app[DESK].read(fields, await body_of(request))
    if asked["image"] is None:
        raise Invalid([Problem(("body", "image"), "none")])
    if asked["model"] not in ("clip", "deepdanbooru"):
        raise Refused(404, "Model not found")
    return await _described(request, asked["image"], tags=asked["model"] == "deepdanbooru")


async def describe(request: web.Request) -> web.Response:
    """SD.Next's own way to the same, by ``backend`` instead of ``model``."""
    fields: forms.Fields = {"image": ("str", ""), "backend": ("str", "openclip")}
    asked = request.app[DESK].read(fields, await body_of(request), frozenset({"image"}))
    return await _described(request, asked["image"], tags=asked["backend"] == "tagger")


async def _described(request: web.Request, image: str, *, tags: bool) -> web.Response:
    source = await asyncio.to_thread(decode, image)
    engine = request.app[DESK].engine
    async with engine.turn():
        engine.state.begin("interrogate")  # modules/interrogate.py of the web UI
        try:
            text = await asyncio.to_thread(caption, source.data, tags)
        finally:
            engine.state.end()
    return await reply({"caption": text})


async def _enlarge(engine: Engine, asked: dict[str, Any], source: Source) -> tuple[bytes, str]:
    async with engine.turn():
        name = asked["upscaler_1"] or "None"
        if name not in catalogue.UPSCALER_NAMES:
            raise Raised("AssertionError", f"could not find upscaler named {name}")
        size, described = _target(asked, source)
        if size[0] * size[1] > _LARGEST_PIXELS:
            raise Raised("OutOfMemoryError", "CUDA out of memory. Tried to allocate 24.00 GiB.")
        if name != "None":
            described = f"{described}, Postprocess upscaler: {name}"
        found = await asyncio.to_thread(chunks, source.data)
        texts = {**found, "postprocessing": described}
        engine.state.begin("extras")
        try:
            encoding = Encoding(str(engine.options["samples_format"]))
            data = await engine.pool.run(upscale, source.data, size, name, encoding, texts)
        finally:
            engine.state.end()
        return data, described


def _target(asked: dict[str, Any], source: Source) -> tuple[tuple[int, int], str]:
    if asked["resize_mode"] == 0:
        scale = asked["upscaling_resize"]
        size = (max(int(source.width * scale), 1), max(int(source.height * scale), 1))
        return size, f"Postprocess upscale by: {scale}"
    size = (asked["upscaling_resize_w"], asked["upscaling_resize_h"])
    return size, f"Postprocess upscale to: {size[0]}x{size[1]}"


def _check_ranges(asked: dict[str, Any]) -> None:
    """The only request model of this API with ranges."""
    problems = []
    if asked["resize_mode"] not in (0, 1):
        facts = {"permitted": (0, 1)}
        problems.append(_problem("resize_mode", "const", asked, facts))
    if not asked["upscaling_resize"] or asked["upscaling_resize"] <= 0:
        problems.append(_problem("upscaling_resize", "gt", asked, {"limit": 0}))
    problems += [
        _problem(key, "ge", asked, {"limit": 1})
        for key in ("upscaling_resize_w", "upscaling_resize_h")
        if (asked[key] or 0) < 1
    ]
    visibilities = ("gfpgan", "codeformer", "extras_upscaler_2")
    for key in (*(f"{name}_visibility" for name in visibilities), "codeformer_weight"):
        value = asked[key] or 0
        if value < 0:
            problems.append(_problem(key, "ge", asked, {"limit": 0}))
        if value > 1:
            problems.append(_problem(key, "le", asked, {"limit": 1}))
    if problems:
        raise Invalid(problems)


def _problem(key: str, kind: str, asked: dict[str, Any], facts: dict[str, Any]) -> Problem:
    return Problem(("body", key), kind, asked[key], facts)
