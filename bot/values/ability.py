"""Ability: what one painter can do, as it listed it itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.values.request import NetFamily


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
class Lora:
    """A LoRA: either its `name` or its `alias` stands in `<lora:name:weight>`."""

    name: str
    alias: str | None = None


@dataclass(frozen=True)
class Ability:
    """The lists of one painter. Empty lists mean that it does not tell.

    `current_model` is the `Model.name` that is loaded now, if known. `step_pixels` is the
    multiple that sizes must have (8 on the A1111 family, 64 where unknown).

    `hypernetworks` stand in prompts like LoRAs, `control_models` are ControlNet's own files.
    `faces` are ways of face restoration, `latent_upscalers` serve the second pass beside
    `upscalers`. `nets` are ControlNets: what each can follow (the kinds of
    `values.request.Control`), and for checkpoints of which family.
    `switches_models`: whether a request can choose the checkpoint; `loads`: whether one can be
    brought into memory ahead of all requests. `second_pass`: whether it
    takes A1111's wider fields (hires, tiling, `extra:`). `drops_loras`: `<lora:…>` tags would be
    left out in silence.
    """

    models: tuple[Model, ...] = ()
    samplers: tuple[Sampler, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
    upscalers: tuple[str, ...] = ()
    latent_upscalers: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    embeddings: tuple[str, ...] = ()
    vaes: tuple[str, ...] = ()
    hypernetworks: tuple[str, ...] = ()
    control_models: tuple[str, ...] = ()
    faces: tuple[str, ...] = ()
    nets: tuple[tuple[str, NetFamily], ...] = ()
    current_model: str | None = None
    progress: bool = False
    interrupt: bool = False
    upscale: bool = False
    describe: bool = False
    step_pixels: int = 8
    switches_models: bool = True
    loads: bool = True
    second_pass: bool = True
    clip_skip: bool = True
    drops_loras: bool = False
    warnings: tuple[str, ...] = field(default=())

    @property
    def controls(self) -> tuple[str, ...]:
        """What ControlNet can follow for any checkpoint at all."""
        return self.controls_of(None)

    def controls_of(self, family: NetFamily | None) -> tuple[str, ...]:
        """What ControlNet can follow for checkpoints of a family; None: of whichever."""
        return tuple(dict.fromkeys(kind for kind, own in self.nets if family in (None, own)))


UNKNOWN = Ability()
"""Of a painter that has not told its lists yet: nothing is refused, nothing can be checked."""
