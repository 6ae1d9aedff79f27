"""A small interpreter of ComfyUI graphs in API format: what a text-to-image graph is made of.

It walks from each output node up its links, as ComfyUI does, and is as strict before anything
runs: unknown classes and names, values out of range and wrong links are refused (contract
comfyui, sections 2 and 9). What comes out is what the sampler was told, not a picture yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from bot.demo.painter import PaintOrder

SAMPLERS: Final = frozenset(
    {"euler", "euler_ancestral", "heun", "lms", "dpm_2", "dpm_2_ancestral", "dpm_fast"}
    | {"dpm_adaptive", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"}
    | {"dpmpp_sde", "dpmpp_2s_ancestral", "ddim", "uni_pc", "lcm"}
)
SCHEDULERS: Final = frozenset(
    {"normal", "karras", "exponential", "sgm_uniform", "simple", "ddim_uniform", "beta"}
    | {"kl_optimal"}
)
_LARGEST_SEED: Final = 2**64 - 1
_SIDES: Final = (16, 16_384)
T = TypeVar("T")


class GraphError(Exception):
    """ComfyUI refuses the graph; over the agent nobody learns why."""


@dataclass(frozen=True)
class Model:
    """Weights by the name of their file."""

    name: str


@dataclass(frozen=True)
class Clip:
    """A text encoder."""


@dataclass(frozen=True)
class Vae:
    """A decoder."""


@dataclass(frozen=True)
class Conditioning:
    """An encoded prompt."""

    text: str


@dataclass(frozen=True)
class Latent:
    """``count`` pictures of this size in pixels; ``order`` None is still empty.

    ``steps`` are those of all samplers it went through.
    """

    width: int
    height: int
    count: int
    order: PaintOrder | None = None
    steps: int = 0


@dataclass(frozen=True)
class Pictures:
    """A decoded latent."""

    latent: Latent


class Inputs:
    """The inputs of one node; every reader raises ``GraphError`` for what does not fit."""

    def __init__(self, values: Mapping[str, Any], follow: Callable[[list[Any]], Any]) -> None:
        self._values, self._follow = values, follow

    def value(self, name: str) -> Any:
        """As it stands there, or what a link leads to."""
        if name not in self._values:
            raise GraphError(f"required_input_missing: {name}")
        given = self._values[name]
        return self._follow(given) if isinstance(given, list) else given

    def link(self, name: str, kind: type[T]) -> T:
        """Another node's output."""
        found = self.value(name)
        if not isinstance(found, kind):
            raise GraphError(f"return_type_mismatch: {name}")
        return found

    def number(self, name: str, low: float, high: float) -> float:
        """A number within its range, both ends included."""
        found = self.value(name)
        try:
            number: float = found if isinstance(found, int) else float(found)
        except (TypeError, ValueError) as error:
            raise GraphError(f"invalid_input_type: {name}") from error
        if not low <= number <= high:
            raise GraphError(f"value out of range: {name}")
        return number

    def choice(self, name: str, among: Sequence[str] | frozenset[str]) -> str:
        """One of the names the server has, byte for byte."""
        found = self.value(name)
        if found not in among:
            raise GraphError(f"value_not_in_list: {name}")
        return str(found)


class Graph:
    """One graph on a server with these checkpoint files. Raises ``GraphError`` at once."""

    def __init__(self, nodes: object, checkpoints: Sequence[str]) -> None:
        if not isinstance(nodes, dict) or not nodes:
            raise GraphError("no_prompt")
        self._nodes, self._checkpoints = nodes, checkpoints
        self._done: dict[str, tuple[Any, ...]] = {}
        self._open: set[str] = set()
        for node in nodes.values():
            if not isinstance(node, dict) or node.get("class_type") not in _CLASSES:
                raise GraphError("missing_node_type")

    def outputs(self) -> list[Latent]:
        """What each output node saves, in the graph's order."""
        names = [key for key, node in self._nodes.items() if node["class_type"] in _OUTPUTS]
        if not names:
            raise GraphError("prompt_no_outputs")
        found = [self._run(name)[0].latent for name in names]
        if any(latent.order is None for latent in found):
            raise GraphError("nothing was sampled")
        return found

    def _run(self, name: str) -> tuple[Any, ...]:
        if name in self._open:
            raise GraphError("dependency_cycle")
        if name not in self._done:
            self._open.add(name)
            node = self._nodes[name]
            inputs = Inputs(node.get("inputs") or {}, self._follow)
            self._done[name] = _CLASSES[node["class_type"]](inputs, self._checkpoints)
            self._open.discard(name)
        return self._done[name]

    def _follow(self, link: list[Any]) -> Any:
        if len(link) != 2 or link[0] not in self._nodes or not isinstance(link[1], int):
            raise GraphError("bad_linked_input")
        outputs = self._run(link[0])
        if not 0 <= link[1] < len(outputs):
            raise GraphError("bad_linked_input")
        return outputs[link[1]]


def _checkpoint(inputs: Inputs, checkpoints: Sequence[str]) -> tuple[Any, ...]:
    return Model(inputs.choice("ckpt_name", checkpoints)), Clip(), Vae()


def _encode(inputs: Inputs, _: Sequence[str]) -> tuple[Any, ...]:
    inputs.link("clip", Clip)
    return (Conditioning(str(inputs.value("text"))),)


def _empty(inputs: Inputs, _: Sequence[str]) -> tuple[Any, ...]:
    width, height = (int(inputs.number(side, *_SIDES)) // 8 * 8 for side in ("width", "height"))
    return (Latent(width, height, int(inputs.number("batch_size", 1, 4096))),)


def _sample(inputs: Inputs, _: Sequence[str]) -> tuple[Any, ...]:
    latent, denoise = inputs.link("latent_image", Latent), inputs.number("denoise", 0, 1)
    sampler = inputs.choice("sampler_name", SAMPLERS)
    order = PaintOrder(
        prompt=inputs.link("positive", Conditioning).text,
        negative_prompt=inputs.link("negative", Conditioning).text,
        width=latent.width,
        height=latent.height,
        seed=int(inputs.number("seed", 0, _LARGEST_SEED)),
        steps=int(inputs.number("steps", 1, 10_000)),
        cfg_scale=inputs.number("cfg", 0, 100),
        sampler=f"{sampler} {inputs.choice('scheduler', SCHEDULERS)}",
        model=inputs.link("model", Model).name,
    )
    # A second pass keeps what stands in the picture; only a whole one begins anew.
    kept = order if latent.order is None or denoise >= 1 else latent.order
    kept = replace(kept, width=latent.width, height=latent.height)
    return (replace(latent, order=kept, steps=latent.steps + order.steps),)


def _larger(inputs: Inputs, _: Sequence[str]) -> tuple[Any, ...]:
    latent, scale = inputs.link("samples", Latent), inputs.number("scale_by", 0.01, 8)
    width, height = (round(side * scale / 8) * 8 for side in (latent.width, latent.height))
    return (replace(latent, width=width, height=height),)


def _decode(inputs: Inputs, _: Sequence[str]) -> tuple[Any, ...]:
    inputs.link("vae", Vae)
    return (Pictures(inputs.link("samples", Latent)),)


def _save(inputs: Inputs, _: Sequence[str]) -> tuple[Any, ...]:
    inputs.value("filename_prefix")
    return (inputs.link("images", Pictures),)


_CLASSES: Final[Mapping[object, Callable[[Inputs, Sequence[str]], tuple[Any, ...]]]] = {
    "CheckpointLoaderSimple": _checkpoint,
    "CLIPTextEncode": _encode,
    "EmptyLatentImage": _empty,
    "KSampler": _sample,
    "LatentUpscaleBy": _larger,
    "VAEDecode": _decode,
    "SaveImage": _save,
}
_OUTPUTS: Final = frozenset({"SaveImage"})
