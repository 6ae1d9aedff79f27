"""The routes that ControlNet and ADetailer add beside the API; they ask nobody for credentials."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from bot.demo.servers.sdapi.scripts import adetailer, controlnet_extension, controlnet_forge
from bot.demo.servers.sdapi.scripts.controlnet import MODELS
from bot.demo.servers.sdapi.web import reply

_YES: Final = frozenset({"1", "true", "True", "on", "yes"})
_API_VERSION: Final = 2


def routes(*, extension: bool) -> list[web.RouteDef]:
    """The routes of this room; ``extension`` tells Mikubill's ControlNet from Forge's."""
    models = list(MODELS) if extension else controlnet_forge.models()
    found: dict[str, Any] = {
        "/controlnet/model_list": {"model_list": models},
        "/controlnet/version": {"version": _API_VERSION},
        "/adetailer/v1/version": {"version": adetailer.VERSION},
        "/adetailer/v1/ad_model": {"ad_model": list(adetailer.MODELS)},
    }
    modules = extension_modules if extension else forge_modules
    return [
        web.get("/controlnet/module_list", modules, allow_head=False),
        *(web.get(path, _says(value), allow_head=False) for path, value in found.items()),
    ]


async def extension_modules(request: web.Request) -> web.Response:
    """Names, or labels with ``?alias_names=true``, and their details."""
    labels = request.query.get("alias_names", "") in _YES
    names = controlnet_extension.names(labels=labels)
    details = controlnet_extension.details(labels=labels)
    return await reply({"module_list": names, "module_detail": details})


async def forge_modules(_: web.Request) -> web.Response:
    """Labels only."""
    return await reply({"module_list": controlnet_forge.names()})


def _says(value: Any) -> Any:
    async def handler(_: web.Request) -> web.Response:
        return await reply(value)

    return handler
