"""Reads the listings of a `/sdapi/v1` server, whose shapes differ (contracts, sdapi 6 and 10)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from bot.values.ability import Lora, Model, Sampler, Scheduler
from bot.values.request import NetFamily


def public(host: str) -> bool:
    """Whether an address is one of the internet's own; a name is not looked up."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def each(found: Any, make: Callable[[dict[str, Any]], Any]) -> list[Any]:
    """The items of a listing that are as they should be; servers differ in the rest."""
    items = found if isinstance(found, list) else []
    return [made for item in items if isinstance(item, dict) and (made := make(item)) is not None]


def names_of(found: Any, key: str) -> tuple[str, ...]:
    """One name of each item; the paths and the metadata beside it stay on the server."""
    return tuple(each(found, lambda item: n if isinstance(n := item.get(key), str) and n else None))


def embeddings_of(found: Any) -> tuple[str, ...]:
    """`loaded` is an object on A1111 and a list on SD.Next (contracts, sdapi 6)."""
    loaded = found.get("loaded") if isinstance(found, dict) else None
    names = loaded if isinstance(loaded, dict | list) else ()
    return tuple(name for name in names if isinstance(name, str) and name)


def lora_of(item: dict[str, Any]) -> Lora | None:
    """A LoRA; its path and training data stay on the server."""
    name, alias = item.get("name"), item.get("alias")
    if not isinstance(name, str) or not name:
        return None
    return Lora(name, alias if isinstance(alias, str) and alias not in ("", name) else None)


def lora_paths_of(found: Any) -> dict[str, str]:
    """Paths by alias and name, where a request must name them (sd.cpp); never shown."""
    items = each(found, lambda item: item if isinstance(item.get("path"), str) else None)
    known = [(item.get(key), item["path"]) for key in ("alias", "name") for item in items]
    return {name: path for name, path in known if isinstance(name, str)}


def vaes_of(vaes: Any, modules: Any) -> tuple[str, ...]:
    """`/sd-vae`, or what looks like one among Forge's modules (text encoders are there, too)."""
    if vaes is not None:
        return names_of(vaes, "model_name")
    return tuple(n for n in names_of(modules, "model_name") if is_vae(n))


def is_vae(module: str) -> bool:
    """Whether a Forge module's name is a VAE's: "ae.safetensors" is Flux's."""
    return re.search(r"vae|^ae\b", module, re.IGNORECASE) is not None


def scripts_of(found: Any) -> frozenset[str] | None:
    """The lower-case titles of all scripts; None when the server does not tell."""
    if not isinstance(found, dict):
        return None
    lists = [titles for titles in found.values() if isinstance(titles, list)]
    return frozenset(t.casefold() for titles in lists for t in titles if isinstance(t, str))


_CONTROLS = {
    "canny": (("canny",), ("canny",)),
    "depth": (("depth_midas", "depth_anything_v2", "depth_anything", "depth"), ("depth",)),
    "pose": (("openpose_full", "dw_openpose_full", "openpose"), ("openpose",)),
    "lineart": (
        ("lineart_realistic", "lineart_standard (from white bg & black line)", "lineart"),
        ("lineart", "sketch"),
    ),
}
"""For each kind: the preprocessors that will do, best first, and what its models' names hold."""


def control_nets(models: Any, modules: Any) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What ControlNet can follow: for each kind its preprocessor and the models that serve it."""
    names = [n for n in _texts(models, "model_list") if n != "None"]
    known = {n.casefold(): n for n in _texts(modules, "module_list")}
    found = {}
    for kind, (wanted, words) in _CONTROLS.items():
        able = tuple(n for n in names if any(w in n.casefold() for w in words))
        module = next((known[w] for w in wanted if w in known), None)
        if able and module is not None:
            found[kind] = (module, able)
    return found


_NET_FAMILIES: tuple[tuple[NetFamily, tuple[str, ...]], ...] = (
    ("flux", ("flux",)),
    ("sd3", ("sd3", "sd_3", "sd-3")),
    ("sdxl", ("xl", "pony", "illustrious", "noob")),
    ("sd2", ("sd2", "sd_2", "sd-2", "v2-1")),
)
"""What the names of ControlNets hold that fit these families; those without are the first ones."""


def net_family(model: str) -> NetFamily:
    """Whose checkpoints a ControlNet fits, from its name: nothing else tells."""
    name = model.casefold()
    fitting = (family for family, words in _NET_FAMILIES if any(w in name for w in words))
    return next(fitting, "sd15")


def _texts(found: Any, key: str) -> list[str]:
    listed = found.get(key) if isinstance(found, dict) else None
    return [n for n in listed if isinstance(n, str)] if isinstance(listed, list) else []


def model_of(item: dict[str, Any]) -> Model | None:
    """A checkpoint by `model_name`, which stays; None for an entry without a name."""
    name, title = item.get("model_name"), item.get("title")
    if not isinstance(name, str) or not name:
        name = title
    if not isinstance(name, str) or not name:
        return None
    short = item.get("hash")
    return Model(name, str(title or name), short if isinstance(short, str) else None)


def sampler_of(item: dict[str, Any]) -> Sampler | None:
    """A sampler with its aliases; None for an entry without a name."""
    name = item.get("name")
    aliases = item.get("aliases")
    if not isinstance(name, str) or not name:
        return None
    listed = aliases if isinstance(aliases, list) else []
    return Sampler(name, tuple(a for a in listed if isinstance(a, str)))


def scheduler_of(item: dict[str, Any]) -> Scheduler | None:
    """A scheduler; its name serves as its label where it has none."""
    name = item.get("name")
    if not isinstance(name, str) or not name:
        return None
    label = item.get("label")
    return Scheduler(name, label if isinstance(label, str) and label else name)


def current_of(options: Any, models: tuple[Model, ...]) -> str | None:
    """The loaded checkpoint by its lasting name; the option holds a title, null or stale."""
    title = options.get("sd_model_checkpoint") if isinstance(options, dict) else None
    if not isinstance(title, str):
        return None
    bare = title.split(" [")[0]
    for model in models:
        if title in (model.title, model.name) or bare == model.title.split(" [")[0]:
            return model.name
    return None


def number_of(value: Any) -> float | None:
    """A number, or None for anything else."""
    return float(value) if isinstance(value, int | float) else None
