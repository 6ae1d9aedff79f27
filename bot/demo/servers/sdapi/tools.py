"""Extras: upscaling, reading a picture's text, describing a picture (contract, section 7)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.sdapi import catalogue, forms, infotext
from bot.demo.servers.sdapi.captions import caption
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Invalid, Raised, Refused
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
        web.post("/sdapi/v1/interrogate", interrogate),
    ]


async def extra_single_image(request: web.Request) -> web.Response:
    """Enlarge one picture; its texts are kept and ``postprocessing`` is added."""
    desk = request.app[DESK]
    asked = forms.read(_EXTRAS, await body_of(request))
    _check_ranges(asked)
    source = await asyncio.to_thread(decode, asked["image"])
    data, described = await desk.unabandoned(_enlarge(desk.engine, asked, source))
    image = base64.b64encode(data).decode()
    return await reply({"html_info": f"<p>{described}</p>", "image": image})


async def png_info(request: web.Request) -> web.Response:
    """The infotext of a picture, as it stands there and parsed."""
    asked = forms.read({"image": ("str", "")}, await body_of(request), frozenset({"image"}))
    source = await asyncio.to_thread(decode, asked["image"].strip())
    items = await asyncio.to_thread(chunks, source.data)
    text = items.pop("parameters", "")
    return await reply({"info": text, "items": items, "parameters": infotext.read(text)})


async def interrogate(request: web.Request) -> web.Response:
    """Say what is on a picture; one at a time with the jobs."""
    fields: forms.Fields = {"image": ("str", ""), "model": ("str", "clip")}
    asked = forms.read(fields, await body_of(request))
    if asked["image"] is None:
        raise Invalid([forms.problem(("body", "image"), "none")])
    if asked["model"] not in ("clip", "deepdanbooru"):
        raise Refused(404, "Model not found")
    source = await asyncio.to_thread(decode, asked["image"])
    async with request.app[DESK].engine.lock:
        text = await asyncio.to_thread(caption, source.data, asked["model"] == "deepdanbooru")
    return await reply({"caption": text})


async def _enlarge(engine: Engine, asked: dict[str, Any], source: Source) -> tuple[bytes, str]:
    async with engine.lock:
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
        message = "unexpected value; permitted: 0, 1"
        context = {"given": asked["resize_mode"], "permitted": [0, 1]}
        problems.append(_range("resize_mode", message, "value_error.const", context))
    if not asked["upscaling_resize"] or asked["upscaling_resize"] <= 0:
        problems.append(_bound("upscaling_resize", "greater than", 0, "gt"))
    problems += [
        _bound(key, "greater than or equal to", 1, "ge")
        for key in ("upscaling_resize_w", "upscaling_resize_h")
        if (asked[key] or 0) < 1
    ]
    visibilities = ("gfpgan", "codeformer", "extras_upscaler_2")
    for key in (*(f"{name}_visibility" for name in visibilities), "codeformer_weight"):
        value = asked[key] or 0
        if value < 0:
            problems.append(_bound(key, "greater than or equal to", 0, "ge"))
        if value > 1:
            problems.append(_bound(key, "less than or equal to", 1, "le"))
    if problems:
        raise Invalid(problems)


def _bound(key: str, words: str, limit: int, kind: str) -> dict[str, Any]:
    message = f"ensure this value is {words} {limit}"
    return _range(key, message, f"value_error.number.not_{kind}", {"limit_value": limit})


def _range(key: str, message: str, kind: str, context: dict[str, Any]) -> dict[str, Any]:
    return {"loc": ["body", key], "msg": message, "type": kind, "ctx": context}
