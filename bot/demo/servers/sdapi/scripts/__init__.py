"""The always-on scripts that the stand-in plays: ControlNet and ADetailer.

``controlnet`` has the extension of A1111 and Forge's built-in twin, which differ in what they
swallow; ``stage`` runs those that a request names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.demo.servers.sdapi.scripts import adetailer, controlnet_extension, controlnet_forge
from bot.demo.servers.sdapi.scripts.staged import Job, Script, Staged

__all__ = [
    "FORGE",
    "FORGE_ROUTES",
    "NAMES",
    "WEBUI",
    "WEBUI_ROUTES",
    "Job",
    "Script",
    "Staged",
    "stage",
]

_ADETAILER: Final = Script(adetailer.run, room=6)
WEBUI: Final[Mapping[str, Script]] = {
    "adetailer": _ADETAILER,
    "controlnet": Script(controlnet_extension.run, room=3),
}
FORGE: Final[Mapping[str, Script]] = {
    "adetailer": _ADETAILER,
    "controlnet": Script(controlnet_forge.run, room=3),
}
NAMES: Final = tuple(WEBUI)
WEBUI_ROUTES: Final = frozenset(
    {
        "GET /adetailer/v1/version",
        "GET /adetailer/v1/ad_model",
        "GET /controlnet/model_list",
        "GET /controlnet/module_list",
        "GET /controlnet/version",
    }
)
"""Beside the API, for the actions of a ``Manner``."""
FORGE_ROUTES: Final = WEBUI_ROUTES - {"GET /controlnet/version"}


def stage(asked: dict[str, Any], scripts: Mapping[str, Script], job: Job) -> Staged:
    """What the scripts of a request make of it, in their own order.

    Reads pictures, so it belongs in a thread. Raises ``Raised`` (500) only for what breaks the
    sampling itself.
    """
    named = {name.lower(): said for name, said in (asked["alwayson_scripts"] or {}).items()}
    done = [
        script.run(_arguments(named[name])[: script.room], job)
        for name, script in scripts.items()
        if name in named
    ]
    return Staged(
        extra={key: value for one in done for key, value in one.extra.items()},
        guides=tuple(guide for one in done for guide in one.guides),
        maps=tuple(guide for one in done for guide in one.maps),
        faces=tuple(name for one in done for name in one.faces),
        large_first=any(one.large_first for one in done),
    )


def _arguments(said: Any) -> list[Any]:
    found = said.get("args") if isinstance(said, dict) else None
    return found if isinstance(found, list) else []
