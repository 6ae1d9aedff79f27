"""Forge: A1111 with pydantic 2, more samplers, and its own needs (recorded, section 8)."""

from __future__ import annotations

from typing import Any, Final

from bot.demo.servers.sdapi import catalogue, forms
from bot.demo.servers.sdapi.catalogue import Sampler
from bot.demo.servers.sdapi.checks import check_request
from bot.demo.servers.sdapi.engine import Engine
from bot.demo.servers.sdapi.errors import Raised
from bot.demo.servers.sdapi.manners.manner import Asked
from bot.demo.servers.sdapi.options import DEFAULTS, Options
from bot.demo.servers.sdapi.pictures import Source
from bot.demo.servers.sdapi.processing import Kind, Processing
from bot.demo.servers.sdapi.report import Look, infotext_of

_FOLDER: Final = f"{catalogue.MODELS_FOLDER}/VAE"
VERSION: Final = "f2.0.1v1.10.1-previous-669-gdfdcbab6"
FIELDS: Final[dict[Kind, forms.Fields]] = {
    "txt2img": {
        **forms.TXT2IMG,
        "distilled_cfg_scale": ("float", 3.5),
        "hr_additional_modules": ("list", None),
    },
    "img2img": {**forms.IMG2IMG, "distilled_cfg_scale": ("float", 3.5)},
}
OPTIONS: Final = {
    **DEFAULTS,
    "forge_additional_modules": [],
    "forge_inference_memory": 1024,
}
SAMPLERS: Final = (
    *catalogue.SAMPLERS,
    Sampler("HeunPP2", ("k_heunpp2",)),
    Sampler("IPNDM", ("k_ipndm",)),
    Sampler("DEIS", ("k_deis",)),
    Sampler("DDPM", ("k_ddpm",)),
    Sampler("[Forge] Flux Realistic", ("flux_realistic",)),
)
_NO_MODULES: Final = "argument of type 'NoneType' is not iterable"


def modules(engine: Engine) -> list[dict[str, str]]:
    """Rows of ``/sd-modules``, which took the place of ``/sd-vae``."""
    names = engine.shelf.modules
    return [{"model_name": name, "filename": f"{_FOLDER}/{name}"} for name in names]


def loaded_modules(options: Options) -> tuple[str, ...]:
    """File names of ``forge_additional_modules``, which holds paths; no file means none."""
    paths = options["forge_additional_modules"]
    return tuple(str(path).rsplit("/", 1)[-1] for path in paths) if paths else ()


def infotext(work: Processing, index: int, look: Look) -> str:
    """A1111's, with the modules after the version."""
    text = infotext_of(work, index, look)
    for number, name in enumerate(work.manner.vaes(look.options), 1):
        text += f", Module {number}: {name.rsplit('.', 1)[0]}"
    return text


def samplers() -> list[dict[str, Any]]:
    """Rows of ``/samplers``: where A1111 writes "True", a boolean stands here."""
    rows = [row.listed() for row in SAMPLERS]
    for row in rows:
        row["options"] = {k: v == "True" or v for k, v in row["options"].items()}
    return rows


def resolve(name: str | None, scheduler: str | None) -> tuple[Sampler, catalogue.Scheduler]:
    """As A1111 does, from a longer list."""
    return catalogue.resolve_sampler(name, scheduler, SAMPLERS)


def check(asked: Asked, kind: Kind, sources: list[Source]) -> None:
    """Hires also needs ``hr_additional_modules``, be it an empty list (trap 14)."""
    check_request(asked, kind, sources)
    if kind == "txt2img" and asked["enable_hr"] and asked["hr_additional_modules"] is None:
        raise Raised("TypeError", _NO_MODULES)
