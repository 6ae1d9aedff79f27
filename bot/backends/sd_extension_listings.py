"""From the extension's rows of models and endpoints to what members may ask for, and back.

Members choose a checkpoint by its name; the service wants files, listed by type with each job,
and paints with no LoRA, VAE or ControlNet that is not listed there (contracts, aws 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from bot.backends.sd_extension_api import checkpoints_of
from bot.backends.sdapi_dialect import ControlNet, Dialect
from bot.backends.sdapi_listings import control_nets, net_family, public
from bot.backends.sdapi_payload import CONTROL_NET
from bot.backends.steward import IN_SERVICE, EndpointState
from bot.errors import BackendRefused
from bot.settings import BackendSettings
from bot.settings.aws import ExtensionSettings
from bot.values.ability import Ability, Lora, Model, Sampler, Scheduler
from bot.values.request import ImageRequest

_FILE: Final = re.compile(r"\.(safetensors|ckpt|pth|pt|bin)$", re.IGNORECASE)
_HYPERNET_TAG: Final = re.compile(r"<hypernet:([^:<>]+)", re.IGNORECASE)
_LORA_TAG: Final = re.compile(r"<(?:lora|lyco):([^:<>]+)", re.IGNORECASE)
_NO_MODELS: Final = (".yaml", ".yml", ".txt", ".json")
_PREPROCESSORS: Final = {
    "module_list": ["canny", "depth_midas", "openpose_full", "lineart_realistic"]
}
"""No route lists them; these came with every release of the ControlNet extension."""
CHOSEN_ELSEWHERE: Final = ("None", "Automatic")
"""A VAE that is no file (aws 2.4)."""


@dataclass(frozen=True)
class Shelf:
    """The usable files by type and name; names are without their endings, but for VAEs, whose
    files the web UI lists whole."""

    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Shelf:
        """Two files of one name keep their endings."""
        files: dict[str, dict[str, str]] = {}
        for row in checkpoints_of(rows):
            if row.name.casefold().endswith(_NO_MODELS):
                continue
            held = files.setdefault(row.type, {})
            name = row.name if row.type == "VAE" else _FILE.sub("", row.name)
            held[name if held.get(name, row.name) == row.name else row.name] = row.name
        return cls(files)

    def names(self, kind: str) -> tuple[str, ...]:
        """In the service's order."""
        return tuple(self.files.get(kind, ()))

    def controls(self) -> dict[str, ControlNet]:
        """What ControlNet can follow, by the names of its models."""
        found = control_nets({"model_list": list(self.names("ControlNet"))}, _PREPROCESSORS)
        return {kind: ControlNet(module, nets) for kind, (module, nets) in found.items()}

    def dialect(self) -> Dialect:
        """How an order is written for what paints there, an A1111."""
        return Dialect(wide=True, controls=self.controls())

    def used(self, request: ImageRequest, body: Mapping[str, Any]) -> dict[str, list[str]]:
        """`models` of a job: what paints first, then all else that the order names.

        Raises BackendRefused when there is no checkpoint to paint with.
        """
        if request.kind == "upscale":
            return {"Stable-diffusion": [], "embeddings": []}
        prompts = _prompts(request)
        hires = request.hires
        checkpoints = [request.model, hires.checkpoint if hires else None, request.rare.refiner]
        chosen = {
            "Stable-diffusion": self._files("Stable-diffusion", checkpoints),
            "embeddings": self._files("embeddings", self._spoken("embeddings", prompts)),
            "Lora": self._files("Lora", _LORA_TAG.findall(prompts)),
            "hypernetworks": self._files("hypernetworks", _HYPERNET_TAG.findall(prompts)),
            "ControlNet": self._files("ControlNet", _units(body)),
            "VAE": [request.vae] if request.vae in CHOSEN_ELSEWHERE else [],
        }
        chosen["VAE"] += self._files("VAE", [request.vae])
        first = self._files("Stable-diffusion", [request.model])
        if not first:
            first = list(self.files.get("Stable-diffusion", {}).values())[:1]
            if request.model is not None or not first:
                raise BackendRefused(
                    f"no active checkpoint for {request.model}",
                    sentence="The image server doesn't have that model any more. "
                    "Please choose another one.",
                )
            chosen["Stable-diffusion"] = [*first, *chosen["Stable-diffusion"]]
        always = ("Stable-diffusion", "embeddings")
        return {kind: files for kind, files in chosen.items() if files or kind in always}

    def _files(self, kind: str, names: Iterable[str | None]) -> list[str]:
        held = {name.casefold(): file for name, file in self.files.get(kind, {}).items()}
        found = (held.get(name.strip().casefold()) for name in names if name)
        return list(dict.fromkeys(file for file in found if file))

    def _spoken(self, kind: str, prompts: str) -> list[str]:
        """An embedding is used by its bare name, anywhere in a prompt."""
        said = prompts.casefold()
        return [
            name
            for name in self.names(kind)
            if re.search(rf"(?<![\w-]){re.escape(name.casefold())}(?![\w-])", said)
        ]


def _prompts(request: ImageRequest) -> str:
    hires = request.hires
    more = (hires.prompt, hires.negative_prompt) if hires else ()
    return "\n".join((request.prompt, request.negative_prompt, *more))


def _units(body: Mapping[str, Any]) -> list[str]:
    """The models that ControlNet units name, the operator's own among them."""
    scripts = body.get("alwayson_scripts") or {}
    units = [
        unit
        for name, script in scripts.items()
        if name.casefold() == CONTROL_NET.casefold()
        for unit in script.get("args", ())
        if isinstance(unit, dict)
    ]
    return [m.split(" [")[0] for unit in units if isinstance(m := unit.get("model"), str)]


def ability_of(
    shelf: Shelf,
    endpoints: Sequence[EndpointState],
    settings: BackendSettings,
    own: ExtensionSettings,
    generation: str,
) -> Ability:
    """What members may ask for; samplers, schedulers and upscalers are not listed there."""
    nets = [
        (kind, net_family(name)) for kind, net in shelf.controls().items() for name in net.models
    ]
    models = shelf.files.get("Stable-diffusion", {})
    return Ability(
        models=tuple(Model(name, file) for name, file in models.items()),
        samplers=tuple(Sampler(name) for name in own.samplers),
        schedulers=tuple(Scheduler(name, name) for name in own.schedulers),
        upscalers=own.upscalers,
        loras=tuple(Lora(name) for name in shelf.names("Lora")),
        embeddings=shelf.names("embeddings"),
        vaes=shelf.names("VAE"),
        hypernetworks=shelf.names("hypernetworks"),
        control_models=shelf.names("ControlNet"),
        nets=tuple(dict.fromkeys(nets)),
        # The first generation keeps no pictures of an upscaling (aws 2.4).
        upscale=generation != "classic",
        loads=False,
        warnings=tuple(_warnings(shelf, endpoints, settings, own, generation)),
    )


def _warnings(
    shelf: Shelf,
    endpoints: Sequence[EndpointState],
    settings: BackendSettings,
    own: ExtensionSettings,
    generation: str,
) -> list[str]:
    found = []
    if not shelf.names("Stable-diffusion"):
        found.append(
            f"no active checkpoint is there for the user {own.user}: upload one, or give the "
            "user the right to see them"
        )
    real_time = own.real_time and generation != "classic"
    missing = _missing(endpoints, own.endpoint, real_time=real_time)
    found += [f"{missing}: no picture can be drawn until then"] if missing else []
    named = next((e for e in endpoints if e.name == own.endpoint), None)
    if named is not None and (named.type == "Real-time") != own.real_time:
        found.append(
            f"the endpoint {named.name} is of type {named.type}: set extension.real_time to "
            f"{str(named.type == 'Real-time').lower()}"
        )
    if own.real_time and generation == "classic":
        found.append("extension.real_time: this release knows no real-time endpoints")
    url = urlsplit(settings.url)
    if url.scheme == "http" and public(url.hostname or ""):
        found.append("the key travels in the clear: use https://")
    return found


def _missing(
    endpoints: Sequence[EndpointState], name: str | None, *, real_time: bool
) -> str | None:
    """What must still be done before anything can be drawn; None when all is there."""
    if name is None:
        kind = "Real-time" if real_time else "Async"
        ready = any(e.status == IN_SERVICE and e.type == kind for e in endpoints)
        return None if ready else "no endpoint is in service; deploy one"
    named = next((e for e in endpoints if e.name == name), None)
    if named is None:
        return f"there is no endpoint called {name}; deploy it, or correct its name"
    return None if named.status == IN_SERVICE else f"the endpoint {name} is {named.status}"
