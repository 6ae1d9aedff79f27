"""What is handed to the extension's middleware: the job's frame, and the web UI's body in it.

Source: contracts, aws 2.2 and 2.4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.backends import sdapi_payload
from bot.backends.sd_extension_api import Order
from bot.backends.sd_extension_listings import Shelf
from bot.errors import BackendRefused
from bot.images.codec import sniff
from bot.values.request import ImageRequest
from bot.values.source import Source

TASKS: Final[Mapping[str, str]] = {
    "txt2img": "txt2img",
    "img2img": "img2img",
    "upscale": "extra-single-image",
}
MARKS: Final[tuple[str, ...]] = ("prompt", "negative_prompt", "seed", "width", "height", "steps")


@dataclass(frozen=True)
class Parcel:
    """An order with its body as JSON. `marks`: fields by which its outcome can be told from
    another's, as its parameters repeat them."""

    order: Order
    body: bytes
    marks: Mapping[str, Any]

    def one_step(self, endpoint: str) -> bytes:
        """Frame and body as one object; there the service chooses no endpoint by itself."""
        frame = {
            "task_type": self.order.task,
            "models": self.order.models,
            "sagemaker_endpoint_name": self.order.endpoint or endpoint,
        }
        return json.dumps(frame).encode()[:-1] + b", " + self.body[1:]


def parcel_of(
    request: ImageRequest,
    sources: Sequence[Source],
    shelf: Shelf,
    operator: Mapping[str, Any],
    endpoint: str | None,
) -> Parcel:
    """Megabytes of base64 with sources: call it in a thread. Raises BackendRefused."""
    dialect = shelf.dialect()
    if request.kind == "upscale":
        body = sdapi_payload.upscale(request, sources[0])
    else:
        body = sdapi_payload.painting(request, "", dialect, operator)
        body.pop("force_task_id", None)
        body = _as_uris(sdapi_payload.with_sources(body, request, sources, dialect), sources)
    order = Order(TASKS[request.kind], shelf.used(request, body), endpoint)
    marks = {key: body[key] for key in MARKS if key in body}
    try:
        return Parcel(order, json.dumps(body).encode("ascii"), marks)
    except (TypeError, ValueError) as error:
        raise BackendRefused(f"payload: holds a value that JSON can't carry ({error})") from error


def _as_uris(body: dict[str, Any], sources: Sequence[Source]) -> dict[str, Any]:
    """What begins the picture goes as data: URIs, as the middleware's own client sends it."""
    kinds = {source.role.value: sniff(source.data) or "image/png" for source in sources}
    whole = dict(body)
    if "init_images" in body and "init" in kinds:
        whole["init_images"] = [f"data:{kinds['init']};base64,{i}" for i in body["init_images"]]
    if "mask" in body and "mask" in kinds:
        whole["mask"] = f"data:{kinds['mask']};base64,{body['mask']}"
    return whole
