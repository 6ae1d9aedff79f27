"""LoRAs of a request: which of the installed ones it names, and how strongly.

A1111 and its kin read them from tags in the prompt; what is not installed is dropped in
silence, there and here (contract, section 2 and section 10 "loras").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.demo.servers.sdapi.catalogue import LORAS, fake_hash

_TAG: Final = re.compile(r"<lora:([^:>]+)(?::([^>]*))?>")
_HASH_DIGITS: Final = 12


@dataclass(frozen=True)
class Network:
    """One LoRA at work; a ``multiplier`` of 1 is its full strength."""

    name: str
    multiplier: float = 1.0


def from_prompt(asked: dict[str, Any], prompt: str) -> tuple[Network, ...]:
    """The installed LoRAs among the tags of a prompt, ``<lora:name:multiplier>``.

    A multiplier that is no number spoils all of them: the web UI then loads none.
    """
    if asked["disable_extra_networks"]:
        return ()
    try:
        named = [Network(name, _multiplier(rest)) for name, rest in _TAG.findall(prompt)]
    except ValueError:
        return ()
    return tuple(network for network in named if network.name in LORAS)


def without_tags(prompt: str) -> str:
    """What is left for the text encoder; the infotext keeps the tags."""
    return " ".join(_TAG.sub(" ", prompt).split()) if "<lora:" in prompt else prompt


def hashes(networks: Sequence[Network]) -> str:
    """The value of "Lora hashes": ``name: 12 digits`` of each, as A1111 writes it."""
    return ", ".join(f"{row.name}: {fake_hash(row.name)[:_HASH_DIGITS]}" for row in networks)


def none(_: dict[str, Any], __: str) -> tuple[Network, ...]:
    """Of servers that take their LoRAs at start-up only."""
    return ()


def _multiplier(rest: str) -> float:
    """The first positional value; ``te=`` and ``unet=`` name the two parts of a model."""
    values = [part for part in rest.split(":") if part]
    named = dict(part.split("=", 1) for part in values if "=" in part)
    plain = [part for part in values if "=" not in part]
    first = float(plain[0]) if plain else 1.0
    return float(named.get("unet", named.get("te", first)))
