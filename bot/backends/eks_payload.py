"""What is sent to Stable Diffusion on EKS: a task around a web UI's body, or a ComfyUI graph.

Sources: contracts, aws 1.2 to 1.4 and the consequences in 1.7.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.backends import sdapi_payload
from bot.backends.sdapi_dialect import Dialect
from bot.errors import BackendRefused, BrokenPicture
from bot.images import codec
from bot.settings.aws import Runtime
from bot.values.request import ImageRequest
from bot.values.source import Role, Source

MOST_BYTES: Final = 262_144
"""SNS takes no longer message, counted after `json.dumps` with ASCII escapes (aws 1.7)."""
MARGIN: Final = 2_048
"""The lambda may add to a message what we do not see."""
LEAST_PICTURE: Final = 8_192
SMALLER = "The picture you gave was made smaller: the image server takes no larger ones."
TOO_LONG = "That is too much for the image server: {size} KB, and it takes {most} KB. {do}"
HUGE: Final = "That is too large for the image server. Use a smaller picture or fewer words."
DIALECT: Final = Dialect(wide=True)
TASKS: Final[Mapping[str, str]] = {
    "txt2img": "text-to-image",
    "img2img": "image-to-image",
    "upscale": "extra-single-image",
}
_COMFY_SAMPLERS: Final[Mapping[str, str]] = {
    "euler a": "euler_ancestral",
    "euler": "euler",
    "heun": "heun",
    "lms": "lms",
    "ddim": "ddim",
    "unipc": "uni_pc",
    "dpm2": "dpm_2",
    "dpm2 a": "dpm_2_ancestral",
    "dpm++ 2s a": "dpmpp_2s_ancestral",
    "dpm++ 2m": "dpmpp_2m",
    "dpm++ sde": "dpmpp_sde",
    "dpm++ 2m sde": "dpmpp_2m_sde",
    "dpm++ 3m sde": "dpmpp_3m_sde",
    "lcm": "lcm",
}


@dataclass(frozen=True)
class Message:
    """A whole body, and a remark for the member when something had to be made smaller."""

    body: dict[str, Any]
    remark: str | None = None


def harmless(value: Any) -> Any:
    """Strings that the agent would fetch from somewhere begin with a space instead (aws 1.7)."""
    if isinstance(value, str):
        bare = value.lstrip().casefold()
        return f" {value}" if bare.startswith(("http", "s3://")) else value
    if isinstance(value, dict):
        return {key: harmless(held) for key, held in value.items()}
    if isinstance(value, list):
        return [harmless(held) for held in value]
    return value


def content(
    request: ImageRequest, runtime: Runtime, title: str | None, operator: Mapping[str, Any]
) -> dict[str, Any]:
    """The body for the runtime, without pictures. Raises BackendRefused for what it can't do."""
    if runtime.type == "comfyui":
        graph: dict[str, Any] = harmless(_graph(request, runtime))
        return graph
    if request.kind == "upscale":
        return {}
    # The runtime has its one model: an override would make it look for another file.
    plain = request.model_copy(update={"model": None})
    body = sdapi_payload.painting(plain, "", DIALECT, operator)
    body.pop("force_task_id", None)
    scripts = dict(body.get("alwayson_scripts") or {})
    if title is not None:
        scripts["sd_model_checkpoint"] = title
    if scripts:
        body["alwayson_scripts"] = scripts
    held: dict[str, Any] = harmless(body)
    return held


def with_links(
    body: dict[str, Any], request: ImageRequest, links: Mapping[Role, str]
) -> dict[str, Any]:
    """The body with addresses in the place of pictures; the agent fetches them."""
    whole = with_pictures(body, request, [Source(role, b"", 0, 0) for role in links])
    if request.kind == "upscale":
        return whole | {"image": links[Role.INIT]}
    whole["init_images"] = [links[Role.INIT]]
    if Role.MASK in links:
        whole["mask"] = links[Role.MASK]
    return whole


def with_pictures(
    body: dict[str, Any], request: ImageRequest, sources: Sequence[Source]
) -> dict[str, Any]:
    """The body with the guest's pictures in it as base64: megabytes, so call it in a thread."""
    if request.kind == "upscale":
        return sdapi_payload.upscale(request, sources[0])
    return sdapi_payload.with_sources(body, request, sources, DIALECT)


def fitting(
    body: dict[str, Any],
    request: ImageRequest,
    sources: Sequence[Source],
    around: Mapping[str, Any],
) -> Message:
    """The body with pictures that fit into one message beside `around`. Runs Pillow: in a thread.

    Raises BackendRefused when even small ones would not.
    """
    bare = size_of(around) + size_of(with_pictures(body, request, _emptied(sources)))
    room = (MOST_BYTES - MARGIN - bare) // 4 * 3 - 16 * len(sources)
    if sum(len(s.data) for s in sources) <= room:
        return Message(with_pictures(body, request, sources))
    masks = [s for s in sources if s.role is Role.MASK]
    rest = room - sum(len(s.data) for s in masks)
    others = [s for s in sources if s.role is not Role.MASK]
    each = rest // max(1, len(others))
    if each < LEAST_PICTURE:
        raise too_long(bare + sum(len(s.data) for s in sources) * 4 // 3, "Say it shorter.")
    try:
        smaller = [_smaller(source, each) for source in others]
    except BrokenPicture as error:
        raise BackendRefused(str(error), sentence=error.sentence) from error
    return Message(with_pictures(body, request, [*smaller, *masks]), SMALLER)


def too_long(size: int, do: str) -> BackendRefused:
    """A refusal that names the size; `do` says what would help."""
    sentence = TOO_LONG.format(size=size // 1024, most=MOST_BYTES // 1024, do=do)
    return BackendRefused(f"a message of {size} bytes (bound {MOST_BYTES})", sentence=sentence)


def size_of(body: Mapping[str, Any]) -> int:
    """Bytes of its JSON with ASCII escapes."""
    return len(json.dumps(body))


def v1alpha2(
    task: str, folder: str, runtime: Runtime, request: ImageRequest, body: dict[str, Any]
) -> dict[str, Any]:
    """`{"task": {"metadata", "content"}}`. The ComfyUI agent never reads the task type, and the
    released lambda refuses `pipeline`: a graph goes as text-to-image (aws 1.7)."""
    metadata = {
        "id": task,
        "runtime": runtime.name,
        "tasktype": TASKS[request.kind],
        "prefix": folder,
        "context": {},
    }
    return {"task": {"metadata": metadata, "content": body}}


def v1alpha1(
    task: str, folder: str, checkpoint: str, request: ImageRequest, body: dict[str, Any]
) -> dict[str, Any]:
    """The task's facts stand among `alwayson_scripts` (aws 1.3)."""
    ours = {
        "task": TASKS[request.kind],
        "id_task": task,
        "save_dir": folder,
        "sd_model_checkpoint": checkpoint,
    }
    return body | {"alwayson_scripts": {**(body.get("alwayson_scripts") or {}), **ours}}


def _emptied(sources: Sequence[Source]) -> list[Source]:
    return [replace(source, data=b"") for source in sources]


def _smaller(source: Source, most: int) -> Source:
    data, _ = codec.shrink_to(source.data, most, "")
    width, height = codec.dimensions(data)
    return replace(source, data=data, width=width, height=height)


def _graph(request: ImageRequest, runtime: Runtime) -> dict[str, Any]:
    """ComfyUI's standard text-to-image graph in API format: one picture, so that each has a seed
    of its own."""
    if request.kind != "txt2img" or runtime.model is None or request.hires or request.control:
        raise BackendRefused(
            f"{request.kind} on the ComfyUI runtime {runtime.name}",
            sentence="This model draws from words only, without further options. "
            "Choose another model for that.",
        )
    sampler = _COMFY_SAMPLERS.get((request.sampler or "Euler").casefold())
    if sampler is None:
        raise BackendRefused(
            f"sampler {request.sampler} on the ComfyUI runtime {runtime.name}",
            sentence="This model can't be drawn with that sampler. Leave `sampler` out.",
        )
    karras = "karras" in (request.scheduler or "").casefold()
    encode = "CLIPTextEncode"
    return {
        "4": _node("CheckpointLoaderSimple", ckpt_name=runtime.model),
        "5": _node("EmptyLatentImage", width=request.width, height=request.height, batch_size=1),
        "6": _node(encode, text=request.prompt, clip=["4", 1]),
        "7": _node(encode, text=request.negative_prompt, clip=["4", 1]),
        "3": _node(
            "KSampler",
            seed=request.seed,
            steps=request.steps,
            cfg=request.cfg_scale,
            sampler_name=sampler,
            scheduler="karras" if karras else "normal",
            denoise=1,
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "8": _node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": _node("SaveImage", filename_prefix="easel", images=["8", 0]),
    }


def _node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}
