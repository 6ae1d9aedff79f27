"""From the answer of a generating call to pictures: which are ours, whole, and what made them.

Runs in a thread: it parses and checks megabytes. Source: contracts, sdapi 2 ("Which image is
which") and 11.5 to 11.7.
"""

from __future__ import annotations

import json
from typing import Any

from bot.backends.bulky import Bulky
from bot.backends.http import Answer
from bot.errors import BackendBadAnswer, BrokenPicture
from bot.images import codec, infotext, pnginfo
from bot.values.picture import Picture
from bot.values.request import ImageRequest

MAX_PICTURE_BYTES = 64 << 20
MAX_PICTURE_PIXELS = 64 << 20


def read_pictures(answer: Answer, request: ImageRequest) -> list[Picture]:
    """The pictures of a 200, each with infotext in it. Raises BackendBadAnswer if there is none.

    A grid in front and masks or ControlNet maps behind are dropped.
    """
    bulky = _parsed(answer)
    body = bulky.value
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise BackendBadAnswer("an answer without a list of images")
    info = _info(body.get("info"))
    skip = info.get("index_of_first_image")
    texts = [t if isinstance(t, str) else "" for t in info.get("infotexts") or ()]
    seeds = [s for s in info.get("all_seeds") or () if isinstance(s, int)]
    front = skip if isinstance(skip, int) and 0 <= skip < len(body["images"]) else 0
    made = [_decode(bulky.text(image)) for image in body["images"][front:] if image]
    if not made:
        raise BackendBadAnswer("an answer without a picture (images is empty)")
    written = [pnginfo.read(data) for data in made]
    if any(written):
        ours = [(d, t) for d, t in zip(made, written, strict=True) if t]
    else:
        listed = [*texts[front:], *([""] * len(made))]
        ours = list(zip(made[: len(seeds) or request.count], listed, strict=False))
    return [_picture(data, text, n, seeds, request) for n, (data, text) in enumerate(ours)]


def _parsed(answer: Answer) -> Bulky:
    try:
        return Bulky(answer.body)
    except ValueError as error:
        what = answer.content_type or "no content type"
        raise BackendBadAnswer(f"{answer.status} with {what} instead of JSON") from error


def _decode(image: bytes | None) -> bytes:
    if image is None:
        raise BackendBadAnswer("an image that is not text")
    try:
        data = codec.decode_base64(image, max_bytes=MAX_PICTURE_BYTES)
        codec.check_picture(data, max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PICTURE_PIXELS)
    except BrokenPicture as error:
        raise BackendBadAnswer(f"a broken picture: {error}") from error
    return data


def _info(raw: Any) -> dict[str, Any]:
    """`info` is a JSON string, an object, empty or missing (trap 1); every key is optional."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            return {}
    return raw if isinstance(raw, dict) else {}


def _picture(
    data: bytes, text: str | None, n: int, seeds: list[int], request: ImageRequest
) -> Picture:
    told = infotext.Infotext.parse(text).seed if text else None
    seed = told if told is not None else seeds[n] if n < len(seeds) else request.seed + n
    facts = codec.check_picture(data, max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PICTURE_PIXELS)
    whole = text or _own_text(request, seed, facts.width, facts.height)
    return Picture(
        data=pnginfo.embed(data, whole),
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
        seed=seed,
        infotext=whole,
    )


def _own_text(request: ImageRequest, seed: int, width: int, height: int) -> str:
    """The infotext a webui would have written, from what was asked and the picture's size."""
    settings = {
        "Steps": str(request.steps),
        "Sampler": request.sampler or "",
        "Schedule type": request.scheduler or "",
        "CFG scale": f"{request.cfg_scale:g}",
        "Seed": str(seed),
        "Size": f"{width}x{height}",
        "Model": request.model or "",
    }
    kept = {key: value for key, value in settings.items() if value}
    return infotext.build(request.prompt, request.negative_prompt, kept)
