"""ComfyUI's executed graph, walked from its sampler to words and numbers.

The graph is an object of nodes, `{"class_type": …, "inputs": {name: value or [node, output]}}`
(contract comfyui, sections 6 and 9). Nobody promises that it is whole: nodes may be missing, lead
in circles, or be somebody's own. So classes hardly matter here; names of inputs do, and every
walk visits a node once and a bounded number of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.images.reading import model_of, settings_of, size_of, text_of, word_of

Node = Mapping[str, Any]
Graph = Mapping[str, Node]
"""Node id to node; every node has a dict `inputs` and a string `class_type`."""

MOST_NODES = 1_000
"""Of one graph; real ones have 10 to 300."""

_MOST_HOPS = 8
_MOST_PASSES = 8
_LONGEST_PROMPT = 20_000
_PRIMITIVE = ("value", "Value", "int", "float", "number", "string", "text", "seed")
_MODEL = ("ckpt_name", "unet_name", "base_ckpt_name", "model_name")
_SIDES = (("width", "height"), ("empty_latent_width", "empty_latent_height"))
# In the order in which they hold words; a wildcard node keeps what it made in populated_text.
_WORDS = (
    *("populated_text", "text", "text_g", "text_l", "t5xxl", "clip_l", "clip_g", "prompt"),
    *("string", "value", "Value", "string_a", "string_b", "text_a", "text_b", "text_c", "text_d"),
    *("text1", "text2", "text3", "text4", "text_positive", "text_negative"),
)
# Between a sampler and its prompts, these lead elsewhere.
_NOT_WORDS = frozenset(
    {
        *("clip", "model", "vae", "image", "images", "pixels", "mask", "control_net", "samples"),
        *("latent_image", "clip_vision", "clip_vision_output", "style_model", "upscale_model"),
    }
)


@dataclass(frozen=True)
class Found:
    """Prompts and settings of one graph, whatever of them could be found."""

    prompt: str
    negative_prompt: str
    settings: Mapping[str, str]


def graph_of(raw: Mapping[str, Any]) -> Graph:
    """The well-formed nodes of a JSON object, at most MOST_NODES; empty when it is no graph."""
    graph: dict[str, Node] = {}
    for name, node in raw.items():
        if isinstance(node, dict) and isinstance(node.get("class_type"), str):
            inputs = node.get("inputs")
            graph[name] = {**node, "inputs": inputs if isinstance(inputs, dict) else {}}
        if len(graph) == MOST_NODES:
            break
    return graph


def read_graph(graph: Graph) -> Found:
    """Prompts and settings of the sampler that began the picture; empty ones where none is."""
    sampler = _first_sampler(graph)
    if sampler is None:
        return Found("", "", {})
    # KSampler has its numbers itself; others take them from a guider, a schedule, a pipe.
    steering = [sampler, *_upstream(graph, sampler, ("sigmas", "guider", "pipe", "basic_pipe"))]
    loaders = [sampler, *_upstream(graph, sampler, ("model", "guider", "pipe", "basic_pipe"))]
    encoders = [sampler, *_upstream(graph, sampler, ("positive", "guider"))]
    latent = [sampler, *_upstream(graph, sampler, ("latent_image", "latent", "samples", "pipe"))]
    noise = [sampler, *_upstream(graph, sampler, ("noise", "pipe"))]
    settings = settings_of(
        [
            ("Steps", _number(graph, steering, ("steps",))),
            ("CFG scale", _number(graph, steering, ("cfg", "cfg_conds"))),
            ("Distilled CFG Scale", _number(graph, encoders, ("guidance",))),
            ("Seed", _number(graph, noise, ("noise_seed", "seed"))),
            ("Size", _size(graph, latent)),
            ("Model", model_of(_name(graph, loaders, _MODEL))),
            ("Denoising strength", _denoise(graph, steering)),
            ("Clip skip", _clip_skip(graph, encoders)),
            ("LoRAs", _loras(loaders)),
        ],
        sampler=_name(
            graph, [sampler, *_upstream(graph, sampler, ("sampler", "pipe"))], ("sampler_name",)
        ),
        scheduler=_name(graph, steering, ("scheduler",)),
    )
    return Found(
        _words(graph, steering, ("positive", "conditioning")),
        _words(graph, steering, ("negative",)),
        settings,
    )


def _first_sampler(graph: Graph) -> Node | None:
    """The sampler behind the saved picture; of several in a row, the one that began."""
    outputs = [node for node in graph.values() if _is_output(node)]
    sampler = _next_sampler(graph, outputs) or _next_sampler(graph, list(graph.values()))
    for _ in range(_MOST_PASSES):
        if sampler is None:
            return None
        # An earlier pass is found through the latent image, or the picture, it hands on.
        names = ("latent_image", "latent", "samples", "image", "pixels")
        earlier = _next_sampler(graph, list(_sources(graph, sampler, names)))
        if earlier is None or earlier is sampler:
            break
        sampler = earlier
    return sampler


def _next_sampler(graph: Graph, starts: Sequence[Node]) -> Node | None:
    """The nearest sampler among these nodes and all that lies behind them."""
    return next((node for node in _reached(graph, starts) if _is_sampler(node)), None)


def _is_output(node: Node) -> bool:
    kind = node["class_type"].lower()
    return ("save" in kind or "preview" in kind) and "load" not in kind


def _is_sampler(node: Node) -> bool:
    """KSampler and its kin have prompts and steps; SamplerCustomAdvanced a guider and sigmas."""
    inputs = node["inputs"]
    prompts = any(name in inputs for name in ("positive", "guider", "pipe", "basic_pipe"))
    numbers = "steps" in inputs or "sigmas" in inputs
    return prompts and numbers and "sampler" in node["class_type"].lower()


def _link(graph: Graph, value: object) -> str | None:
    """The id of the node that an input's value points at."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return value[0] if value[0] in graph else None
    return None


def _sources(graph: Graph, node: Node, names: Sequence[str]) -> Iterator[Node]:
    """The nodes that feed this one through the inputs of these names."""
    for name in names:
        link = _link(graph, node["inputs"].get(name))
        if link is not None:
            yield graph[link]


def _upstream(graph: Graph, node: Node, names: Sequence[str]) -> Iterator[Node]:
    """All that lies behind the inputs of these names, the nearest first."""
    return _reached(graph, list(_sources(graph, node, names)))


def _reached(graph: Graph, starts: Sequence[Node]) -> Iterator[Node]:
    """These nodes and all that feed them, each once, the nearest first."""
    queue, seen = deque(starts), {id(node) for node in starts}
    while queue:
        node = queue.popleft()
        yield node
        for source in _sources(graph, node, list(node["inputs"])):
            if id(source) not in seen:
                seen.add(id(source))
                queue.append(source)


def _scalar(graph: Graph, node: Node, name: str) -> object:
    """An input's own value, or the value of the little node that it is linked to."""
    value = node["inputs"].get(name)
    for _ in range(_MOST_HOPS):
        link = _link(graph, value)
        if link is None:
            break
        inputs = graph[link]["inputs"]
        named = [inputs[other] for other in (name, *_PRIMITIVE) if other in inputs]
        # A node that only hands on has one input, of whatever name.
        value = next(iter(named or inputs.values()), None)
    return None if isinstance(value, list | dict) else value


def _number(graph: Graph, nodes: Sequence[Node], names: Sequence[str]) -> int | float | None:
    """The first of these inputs that is a number, in the order of the nodes."""
    for node in nodes:
        for name in names:
            value = _scalar(graph, node, name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
    return None


def _name(graph: Graph, nodes: Sequence[Node], names: Sequence[str]) -> str:
    for node in nodes:
        for name in names:
            value = _scalar(graph, node, name)
            if isinstance(value, str) and value:
                return value
    return ""


def _size(graph: Graph, nodes: Sequence[Node]) -> str:
    for node in nodes:
        for names in _SIDES:
            size = size_of(*(_scalar(graph, node, name) for name in names))
            if size:
                return size
    return ""


def _denoise(graph: Graph, nodes: Sequence[Node]) -> float | None:
    """1 is the value of a picture from nothing, where the web UI writes none."""
    value = _number(graph, nodes, ("denoise",))
    return value if value is not None and 0 <= value < 1 else None


def _clip_skip(graph: Graph, nodes: Sequence[Node]) -> int | None:
    """ComfyUI counts from the end, -2 is the web UI's 2; -1 is no skip at all."""
    layer = _number(graph, nodes, ("stop_at_clip_layer",))
    return -int(layer) if layer is not None and -24 <= layer <= -2 else None


def _loras(nodes: Sequence[Node]) -> str:
    """`name:weight` of each LoRA on the model's way, the one nearest the checkpoint first."""
    pairs = [
        (model_of(node["inputs"].get("lora_name")), node["inputs"].get("strength_model", 1))
        for node in reversed(nodes)
    ]
    return ", ".join(f"{name}:{word_of(weight) or 1}" for name, weight in pairs if name)


def _words(graph: Graph, nodes: Sequence[Node], names: Sequence[str]) -> str:
    """The words behind the first of these inputs that one of the nodes has."""
    for node in nodes:
        for name in names:
            if name in node["inputs"]:
                texts = dict.fromkeys(_conditioning(graph, node, name))
                return text_of(", ".join(texts)[:_LONGEST_PROMPT])
    return ""


def _conditioning(graph: Graph, node: Node, side: str) -> Iterator[str]:
    """The texts of all encoders behind one prompt of a sampler, in the order of the links."""
    value = node["inputs"][side]
    if isinstance(value, str):
        yield value.strip()
        return
    stack, seen, said = [_link(graph, value)], set[str](), set[str]()
    while stack:
        name = stack.pop()
        if name is None or name in seen or graph[name]["class_type"] == "ConditioningZeroOut":
            continue
        seen.add(name)
        inputs = graph[name]["inputs"]
        words = [] if side in inputs else list(_text(graph, name, said))
        yield from words
        if isinstance(inputs.get(side), str):
            yield inputs[side].strip()
        elif not words:
            # A node with both prompts hands on each through the input of its name.
            names = [side] if side in inputs else [n for n in inputs if n not in _NOT_WORDS]
            stack += [_link(graph, inputs[n]) for n in reversed(names)]


def _text(graph: Graph, name: str, said: set[str], hops: int = 0) -> Iterator[str]:
    """A node's own words and those of the nodes that its words come from."""
    if name in said or hops > _MOST_HOPS:
        return
    said.add(name)
    inputs = graph[name]["inputs"]
    pieces: list[str] = []
    for key in ("populated_text",) if inputs.get("populated_text") else _WORDS:
        value = inputs.get(key)
        link = _link(graph, value)
        if isinstance(value, str):
            pieces.append(value.strip())
        elif link is not None:
            pieces += _text(graph, link, said, hops + 1)
    whole = [piece for piece in dict.fromkeys(pieces) if piece]
    delimiter = inputs.get("delimiter")
    if whole and isinstance(delimiter, str) and len(delimiter) <= 10:
        yield delimiter.join(whole)
    else:
        yield from whole
