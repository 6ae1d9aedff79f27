"""Reads the listings of a `/sdapi/v1` server, whose shapes differ (contracts, sdapi 6 and 10)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from bot.values.ability import Model, Sampler, Scheduler


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
    return tuple(each(found, lambda item: n if isinstance(n := item.get(key), str) else None))


def embeddings_of(found: Any) -> tuple[str, ...]:
    """`loaded` is an object on A1111 and a list on SD.Next (contracts, sdapi 6)."""
    loaded = found.get("loaded") if isinstance(found, dict) else None
    return tuple(str(name) for name in loaded) if isinstance(loaded, dict | list) else ()


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
