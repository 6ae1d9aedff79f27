"""Ability: what one painter can do, as it listed it itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Model:
    """A checkpoint. `name` is `model_name`, which stays; `title` changes at the first load.

    Source: contracts, sdapi trap 19.
    """

    name: str
    title: str
    hash: str | None = None


@dataclass(frozen=True)
class Sampler:
    """A sampler with the exact `name` that must be sent, and the aliases members may type."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scheduler:
    """A noise scheduler: `name` ("karras") and `label` ("Karras"); either may be sent."""

    name: str
    label: str


@dataclass(frozen=True)
class Ability:
    """The lists of one painter. Empty lists mean that it does not tell.

    `current_model` is the `Model.name` that is loaded now, if known. `step_pixels` is the
    multiple that sizes must have (8 on the A1111 family, 64 where unknown).
    """

    models: tuple[Model, ...] = ()
    samplers: tuple[Sampler, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
    upscalers: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    embeddings: tuple[str, ...] = ()
    vaes: tuple[str, ...] = ()
    current_model: str | None = None
    progress: bool = False
    interrupt: bool = False
    upscale: bool = False
    describe: bool = False
    step_pixels: int = 8
    warnings: tuple[str, ...] = field(default=())
