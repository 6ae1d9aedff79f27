"""ComfyUI's other description: the workflow as its web page draws it.

A picture normally has both. Where only this one is left, the nodes that matter are turned into
the executed form: here values have no names, so each class needs its own list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.images.comfy_graph import MOST_NODES, Graph, Node, graph_of

# The values of a node's widgets, in the page's order; `_` is a control without a name in the graph.
_SAMPLING = ("steps", "cfg", "sampler_name", "scheduler")
_LATENT = ("width", "height", "batch_size")
_WIDGETS: Mapping[str, tuple[str, ...]] = {
    "KSampler": ("seed", "_", *_SAMPLING, "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", "_", *_SAMPLING),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "RandomNoise": ("noise_seed", "_"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": _LATENT,
    "EmptySD3LatentImage": _LATENT,
    "PrimitiveNode": ("value",),
    "PrimitiveInt": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
}
# The page's marks for a muted and a bypassed node.
_SWITCHED_OFF = (2, 4)


def graph_of_workflow(workflow: Mapping[str, Any]) -> Graph:
    """The executed form of a page's workflow; empty when it is none.

    Values are known for ComfyUI's own common classes; links are kept for every class.
    """
    nodes, links = workflow.get("nodes"), workflow.get("links")
    if not isinstance(nodes, list) or not isinstance(links, list):
        return {}
    # A link is [id, from node, from output, to node, to input, type].
    origins = {
        str(link[0]): [str(link[1]), link[2]]
        for link in links[: 4 * MOST_NODES]
        if isinstance(link, list) and len(link) >= 5
    }
    return graph_of(
        {
            str(node.get("id")): _node(node, origins)
            for node in nodes[:MOST_NODES]
            if isinstance(node, dict) and node.get("mode") not in _SWITCHED_OFF
        }
    )


def _node(node: Mapping[str, Any], origins: Mapping[str, list[Any]]) -> Node:
    kind, values, sockets = node.get("type"), node.get("widgets_values"), node.get("inputs")
    inputs: dict[str, Any] = {}
    if isinstance(values, dict):
        inputs |= values
    elif isinstance(values, list):
        names = _WIDGETS.get(kind, ()) if isinstance(kind, str) else ()
        inputs |= dict(zip(names, values, strict=False))
    for socket in sockets if isinstance(sockets, list) else ():
        if isinstance(socket, dict) and isinstance(socket.get("name"), str):
            origin = origins.get(str(socket.get("link")))
            if origin:
                inputs[socket["name"]] = origin
    return {"class_type": kind, "inputs": inputs}
