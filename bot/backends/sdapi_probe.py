"""What a `/sdapi/v1` server can do, asked without generating (contracts, sdapi 11.1).

404, 405 and 501 mean "not there"; 401 and 403 a wrong password; a broken connection "later".
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot import log
from bot.backends.http import Answer, Http, raise_for_status
from bot.backends.sdapi_dialect import (
    CHECKPOINT,
    FORGE_MODULES,
    ControlNet,
    Dialect,
    own_options,
)
from bot.backends.sdapi_listings import (
    control_nets,
    current_of,
    each,
    embeddings_of,
    lora_of,
    lora_paths_of,
    model_of,
    names_of,
    net_family,
    public,
    sampler_of,
    scheduler_of,
    scripts_of,
    vaes_of,
)
from bot.errors import BackendBadAnswer, BackendError, BackendFailed, BackendRefused
from bot.settings import BackendSettings
from bot.values.ability import Ability

API = "/sdapi/v1"
ABSENT = frozenset({404, 405, 501})
ADETAILER = "ADetailer"
"""Finds faces and paints them anew: an extension, offered beside the server's own restorers."""
NO_INTERFACE = "The image server has no drawing interface just now."
FEW_OPTIONS = 10
"""The A1111 family lists hundreds of options; those that only speak alike have two (sdapi 5)."""

_NEEDED = frozenset(f"{API}/{name}" for name in ("options", "sd-models", "samplers"))
"""Whoever is closed or busy here can't be used now; any other listing is an ability less."""
_LISTS = {
    **{name: f"{API}/{name}" for name in ("options", "sd-models", "samplers", "schedulers")},
    "progress": f"{API}/progress?skip_current_image=true",
    **{name: f"{API}/{name}" for name in ("upscalers", "latent-upscale-modes", "loras")},
    **{name: f"{API}/{name}" for name in ("embeddings", "sd-vae", "sd-modules")},
    **{name: f"{API}/{name}" for name in ("face-restorers", "scripts")},
    "control-models": "/controlnet/model_list",
    "control-modules": "/controlnet/module_list?alias_names=true",
}
_AT_ONCE = 4
"""Requests in flight: a server has 40 threads for all of its clients (trap 18)."""

_log = log.get("sdapi")
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What a probe saw. `by_task`: `/internal/progress` knows our task ids."""

    ability: Ability
    dialect: Dialect
    by_task: bool


class Probe:
    """One look at one server."""

    def __init__(self, http: Http, settings: BackendSettings) -> None:
        self._http = http
        self._settings = settings
        self._broken: list[BackendError] = []

    async def ask(self, before: Dialect, sent: Sequence[Mapping[str, Any]] = ()) -> Found:
        """The server's lists, its dialect, and what will hurt the operator later.

        `before` is what was known, `sent` whatever has been overridden since. Raises as
        `SdApi.probe` says.
        """
        turns = asyncio.Semaphore(_AT_ONCE)
        answers = await _together(self._list(path, turns) for path in _LISTS.values())
        lists = dict(zip(_LISTS, answers, strict=True))
        if all(lists[name] is None for name in ("options", "sd-models", "samplers")):
            await self._least()
            strict = Dialect(minimal=True, wide=False, batch=None, unwanted=before.unwanted)
            return Found(self._minimal(), strict, by_task=False)
        by_task = await self._knows_tasks()
        can_upscale, can_describe = await _together(
            self._has(path) for path in ("/extra-single-image", "/interrogate")
        )
        dialect = self._dialect(lists, before, sent)
        ability = self._ability(lists, dialect, by_task, can_upscale, can_describe)
        return Found(ability, dialect, by_task)

    async def _least(self) -> None:
        """Raises unless a strict server answers: it tells nothing but its configuration."""
        if self._broken:
            raise self._broken[0]
        answer = await self._http.get("/")
        if answer.status == 200 and answer.body.lstrip()[:1] == b"{":
            return
        raise BackendBadAnswer(
            f"{self._settings.url} answers, but has no {API}: is it the right address, "
            "and was the server started with --api?",
            sentence=NO_INTERFACE,
        )

    def _minimal(self) -> Ability:
        return Ability(
            step_pixels=64,
            switches_models=False,
            second_pass=False,
            clip_skip=False,
            drops_loras=True,
            warnings=tuple(self._warnings()),
        )

    def _dialect(
        self, lists: Mapping[str, Any], before: Dialect, sent: Sequence[Mapping[str, Any]]
    ) -> Dialect:
        options = lists["options"]
        many = isinstance(options, dict) and len(options) > FEW_OPTIONS
        wide = many or lists["progress"] is not None
        own, operators = options, self._operators()
        for override in sent or ({},):
            own = own_options(own, before.own, override, operators)
        return Dialect(
            wide=wide,
            own=own if wide else {},
            forge=isinstance(options, dict) and FORGE_MODULES in options,
            lora_paths={} if wide else lora_paths_of(lists["loras"]),
            controls=_controls(lists),
            batch="n_iter" if wide else _batch(lists),
            unwanted=before.unwanted,
        )

    def _operators(self) -> list[str]:
        """The options that the operator overrides, if only for some models."""
        settings = self._settings
        payloads = (settings.payload, *(m.payload for m in settings.models.values()))
        return [k for p in payloads for k in p.get("override_settings", {}) if k != CHECKPOINT]

    def _ability(
        self,
        lists: Mapping[str, Any],
        dialect: Dialect,
        by_task: bool,
        can_upscale: bool,
        can_describe: bool,
    ) -> Ability:
        models = tuple(each(lists["sd-models"], model_of))
        loras = tuple(each(lists["loras"], lora_of))
        progress = lists["progress"] is not None or by_task
        return Ability(
            models=models,
            samplers=tuple(each(lists["samplers"], sampler_of)),
            schedulers=tuple(each(lists["schedulers"], scheduler_of)),
            upscalers=names_of(lists["upscalers"], "name"),
            latent_upscalers=names_of(lists["latent-upscale-modes"], "name"),
            loras=loras,
            embeddings=embeddings_of(lists["embeddings"]),
            vaes=vaes_of(lists["sd-vae"], lists["sd-modules"]),
            faces=_faces(lists),
            nets=tuple(
                dict.fromkeys(
                    (kind, net_family(model))
                    for kind, net in dialect.controls.items()
                    for model in net.models
                )
            ),
            current_model=current_of(lists["options"], models),
            progress=progress,
            interrupt=progress,
            upscale=can_upscale,
            describe=can_describe or _may_describe(lists, dialect),
            step_pixels=8 if dialect.wide else 64,
            switches_models=dialect.wide,
            second_pass=dialect.wide,
            clip_skip="CLIP_stop_at_last_layers" in dialect.own,
            drops_loras=not loras and (lists["loras"] is not None or not dialect.wide),
            warnings=(
                *self._warnings(scripts_of(lists["scripts"])),
                *self._unknown(lists, dialect),
            ),
        )

    async def _list(self, path: str, turns: asyncio.Semaphore) -> Any | None:
        async with turns:
            answer = await self._http.get(path)
        # A gateway in front may let nothing through but the API itself.
        if answer.status in ABSENT or (answer.status != 200 and not path.startswith(API)):
            return None
        return await self._read(path, answer)

    async def _read(self, path: str, answer: Answer) -> Any | None:
        """Nothing but txt2img is required (11.1): a broken listing is an ability less."""
        try:
            raise_for_status(answer)
            return await asyncio.to_thread(answer.json)
        except BackendError as error:
            broken = isinstance(error, BackendFailed | BackendBadAnswer | BackendRefused)
            if path in _NEEDED and not broken:
                raise
            if path.startswith(API):
                _log.warning(
                    "a listing is broken", backend=self._settings.name, path=path, error=str(error)
                )
                self._broken.append(error)
            return None

    async def _has(self, path: str) -> bool:
        """Whether a POST route is there, without using it: FastAPI answers a GET with 405."""
        return (await self._http.get(API + path)).status == 405

    async def _knows_tasks(self) -> bool:
        """Whether `/internal/progress` answers (web UI mode only; trap 13)."""
        try:
            answer = await self._http.post("/internal/progress", {"id_task": "easel"}, timeout=5)
            return answer.status == 200 and isinstance(answer.json(), dict)
        except BackendError:
            return False

    def _warnings(self, scripts: frozenset[str] | None = None) -> list[str]:
        """What will hurt the operator later."""
        found = []
        auth, url = self._settings.auth, urlsplit(self._settings.url)
        password = auth.password.get_secret_value() if auth.password is not None else ""
        found += [
            f"the {what} holds other than ASCII: A1111 and Forge never accept it"
            for what, word in (("user name", auth.username or ""), ("password", password))
            if not word.isascii()
        ]
        if public(url.hostname or ""):
            if not auth.secrets():
                found.append("it is open to the internet without a password or key")
            elif url.scheme == "http":
                found.append("the password or key travels in the clear: use https://")
        if scripts:
            found += [
                f"payload: names the script {name!r}, which this server does not have: every "
                "picture will be refused"
                for name in map(str, self._settings.scripts())
                if name.casefold() not in scripts
            ]
        return found

    def _unknown(self, lists: Mapping[str, Any], dialect: Dialect) -> list[str]:
        """What the operator overrides and the server does not have: a 500 there (sdapi 2)."""
        options = lists["options"]
        if not dialect.wide or not isinstance(options, dict):
            return []
        return [
            f"payload: overrides the option {key!r}, which this server does not have: every "
            "picture will be refused"
            for key in dict.fromkeys(self._operators())
            if key not in options
        ]


async def _together(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All answers, or the first error as soon as nothing is under way any more."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _faces(lists: Mapping[str, Any]) -> tuple[str, ...]:
    scripts = scripts_of(lists["scripts"]) or frozenset()
    by_extension = (ADETAILER,) if ADETAILER.casefold() in scripts else ()
    return (*names_of(lists["face-restorers"], "name"), *by_extension)


def _batch(lists: Mapping[str, Any]) -> str | None:
    """stable-diffusion.cpp and KoboldCpp: of the two only the first lists schedulers, and only it
    brings several pictures a call (sdapi 10)."""
    return None if lists["schedulers"] is None else "batch_size"


def _may_describe(lists: Mapping[str, Any], dialect: Dialect) -> bool:
    """KoboldCpp has no 405, and says only when it is asked whether it can (sdapi 10)."""
    return not dialect.wide and dialect.batch is None and isinstance(lists["options"], dict)


def _controls(lists: Mapping[str, Any]) -> dict[str, ControlNet]:
    found = control_nets(lists["control-models"], lists["control-modules"])
    return {kind: ControlNet(module, models) for kind, (module, models) in found.items()}
