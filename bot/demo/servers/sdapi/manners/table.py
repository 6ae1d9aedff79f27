"""The servers side by side: what each does otherwise than A1111 (contract, section 10).

A row here is the whole difference; the functions it names live in the file of its server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from bot.demo.servers.sdapi import catalogue, error_forms, networks, report, scripts
from bot.demo.servers.sdapi.checks import check_request
from bot.demo.servers.sdapi.coerce import CPP, V2, Reading
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.gate import Gate
from bot.demo.servers.sdapi.manners import a1111, drawthings, forge, koboldcpp, sdcpp, sdnext
from bot.demo.servers.sdapi.manners.manner import Canvas, Listing, Manner, Preview

_FOLDER: Final = catalogue.MODELS_FOLDER
_DRAWING: Final = frozenset({"POST /txt2img", "POST /img2img"})
_ACTIONS: Final = _DRAWING | {
    "GET /progress",
    "POST /interrupt",
    "POST /skip",
    "POST /internal/progress",
    "GET /internal/pending-tasks",
    "GET /internal/ping",
    "POST /options",
    "POST /refresh-checkpoints",
    "POST /refresh-vae",
    "POST /refresh-embeddings",
    "POST /refresh-loras",
    "POST /unload-checkpoint",
    "POST /reload-checkpoint",
    "POST /extra-single-image",
    "POST /png-info",
    "POST /interrogate",
}
_NOBODY: Final = Gate(guarded=())
_WHOLE_PICTURE: Final = {"inpaint_full_res": False}
"""Only the web UIs repaint a masked area at full resolution."""


def _says(value: Any) -> Listing:
    def listing(_: Engine) -> Any:
        return value

    return listing


def _options(engine: Engine) -> dict[str, Any]:
    return engine.options.shown()


def _models(engine: Engine) -> list[dict[str, Any]]:
    return [row.listed() for row in engine.shelf.checkpoints]


def _not_found(status: int) -> web.Response:
    words = {404: "Not Found", 405: "Method Not Allowed"}
    return web.json_response({"detail": words[status]}, status=status)


_LISTS: Final[Mapping[str, Listing]] = {
    "/options": _options,
    "/sd-models": _models,
    "/samplers": _says([row.listed() for row in catalogue.SAMPLERS]),
    "/schedulers": _says([row.listed() for row in catalogue.SCHEDULERS]),
    "/upscalers": _says(list(catalogue.UPSCALERS)),
    "/latent-upscale-modes": _says([{"name": name} for name in catalogue.LATENT_UPSCALE_MODES]),
    "/sd-vae": _says(
        [{"model_name": name, "filename": f"{_FOLDER}/VAE/{name}"} for name in catalogue.VAES]
    ),
    "/loras": _says(catalogue.loras()),
    "/embeddings": _says(catalogue.embeddings()),
    "/hypernetworks": _says(
        [{"name": n, "path": f"{_FOLDER}/hypernetworks/{n}"} for n in catalogue.HYPERNETWORKS]
    ),
    "/prompt-styles": _says(list(catalogue.STYLES)),
    "/face-restorers": _says([{"name": n, "cmd_dir": None} for n in catalogue.FACE_RESTORERS]),
    "/realesrgan-models": _says(catalogue.realesrgan_models()),
    "/scripts": _says(catalogue.scripts()),
    "/memory": _says(catalogue.memory()),
}


def _without(*names: str) -> dict[str, Listing]:
    return {name: listing for name, listing in _LISTS.items() if name not in names}


A1111: Final = Manner(
    title="Stable Diffusion web UI",
    version=catalogue.VERSION,
    gate=Gate(open=a1111.OPEN_ROUTES),
    actions=_ACTIONS | scripts.WEBUI_ROUTES,
    lists={**_LISTS, "/scripts": _says(catalogue.scripts(*scripts.NAMES))},
    errors=error_forms.a1111,
    missing=_not_found,
    timed=True,
    fields=a1111.FIELDS,
    admit=a1111.admit,
    sampler=catalogue.resolve_sampler,
    check=check_request,
    networks=networks.from_prompt,
    lora_hashes=True,
    scripts=scripts.WEBUI,
    infotext=report.infotext_of,
    texts=a1111.texts,
    info=report.info_of,
    answer=a1111.answer,
)

FORGE: Final = replace(
    A1111,
    title="Forge",
    version=forge.VERSION,
    gate=Gate(open=a1111.OPEN_ROUTES, challenge="Basic"),
    actions=_ACTIONS | scripts.FORGE_ROUTES,
    lists={
        **_without("/sd-vae"),
        "/scripts": A1111.lists["/scripts"],
        "/sd-modules": forge.modules,
        "/samplers": _says(forge.samplers()),
    },
    errors=error_forms.forge,
    timed=False,
    reading=Reading(V2),
    fields=forge.FIELDS,
    options=forge.OPTIONS,
    sampler=forge.resolve,
    check=forge.check,
    scripts=scripts.FORGE,
    vaes=forge.loaded_modules,
    infotext=forge.infotext,
)

SDNEXT: Final = replace(
    A1111,
    title="SD.Next",
    version="058a7f0c",
    gate=Gate(guarded=("/sdapi/", "/internal/"), words="Unauthorized"),
    actions=(_ACTIONS - {"POST /interrogate"}) | {"POST /caption", "GET /png-info"},
    lists={
        **_LISTS,
        "/sd-models": sdnext.models,
        "/samplers": _says(sdnext.samplers()),
        "/schedulers": _says(sdnext.schedulers()),
        "/embeddings": _says(sdnext.embeddings()),
    },
    errors=error_forms.sdnext,
    gzips=True,
    limit_status=429,
    reading=Reading(never_null=frozenset({"sampler_name"})),
    fields=sdnext.FIELDS,
    admit=sdnext.admit,
    sampler=sdnext.resolve,
    scripts={},
    answer=sdnext.answer,
    stops_quietly=True,
    progress=sdnext.progress,
    watched=sdnext.watched,
    preview=Preview("jpeg", first=False),
    updated=sdnext.updated,
)

SDCPP: Final = Manner(
    title="stable-diffusion.cpp",
    version=sdcpp.VERSION,
    gate=_NOBODY,
    actions=_DRAWING,
    lists={
        "/options": sdcpp.options,
        "/sd-models": sdcpp.models,
        "/samplers": _says(sdcpp.samplers()),
        "/schedulers": _says(sdcpp.schedulers()),
        "/upscalers": _says(sdcpp.upscalers()),
        "/latent-upscale-modes": _LISTS["/latent-upscale-modes"],
        "/loras": _says(sdcpp.loras()),
    },
    errors=error_forms.sdcpp,
    missing=sdcpp.missing,
    reading=Reading(CPP, nulls="refuse"),
    fields=sdcpp.FIELDS,
    fixed=_WHOLE_PICTURE,
    admit=sdcpp.admit,
    forgiving=True,
    canvas=Canvas(64, up=True),
    sampler=sdcpp.resolve,
    networks=sdcpp.networks,
    infotext=sdcpp.infotext,
    texts=a1111.texts,
    info=sdcpp.info,
    answer=sdcpp.answer,
)

KOBOLDCPP: Final = Manner(
    title="KoboldCpp",
    version="1.102",
    gate=Gate(guarded=("/api/",), scheme="Bearer"),
    actions=_DRAWING | {"POST /interrogate", "POST /api/extra/abort"},
    lists={
        "/options": sdcpp.options,
        "/sd-models": sdcpp.models,
        "/samplers": _says(koboldcpp.samplers()),
        "/upscalers": _says([]),
    },
    errors=error_forms.koboldcpp,
    missing=koboldcpp.missing,
    missing_waits=True,
    room=6,
    limit_status=503,
    reading=Reading(nulls="default", wrong="default"),
    fields=koboldcpp.FIELDS,
    fixed=_WHOLE_PICTURE,
    admit=koboldcpp.admit,
    forgiving=True,
    canvas=Canvas(64, longest=1024),
    sampler=koboldcpp.resolve,
    infotext=report.infotext_of,
    texts=koboldcpp.texts,
    info=report.info_of,
    answer=koboldcpp.answer,
)

DRAWTHINGS: Final = Manner(
    title="Draw Things",
    version="",
    gate=_NOBODY,
    actions=_DRAWING,
    lists={"/": drawthings.configuration},
    errors=error_forms.drawthings,
    missing=drawthings.missing,
    reading=Reading(nulls="default"),  # clients send back what GET / shows, nulls included
    fields=drawthings.FIELDS,
    fixed=_WHOLE_PICTURE,
    admit=drawthings.admit,
    canvas=Canvas(64),
    sampler=drawthings.resolve,
    networks=drawthings.networks,
    check=check_request,
    infotext=report.infotext_of,
    texts=drawthings.texts,
    info=report.info_of,
    answer=drawthings.answer,
)

MANNERS: Final[Mapping[str, Manner]] = {
    "a1111": A1111,
    "forge": FORGE,
    "sdnext": SDNEXT,
    "sdcpp": SDCPP,
    "koboldcpp": KOBOLDCPP,
    "drawthings": DRAWTHINGS,
}
