"""From the answer of a generating call to pictures: which are ours, whole, and what made them.

Runs in a thread: it parses and checks megabytes. Source: contracts, sdapi 2 ("Which image is
which") and 11.5 to 11.7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

from bot import VERSION
from bot.backends.bulky import Bulky
from bot.backends.http import Answer
from bot.errors import BackendBadAnswer, BrokenPicture
from bot.images import codec, infotext, pnginfo
from bot.values.picture import Picture
from bot.values.request import ImageRequest

MAX_PICTURE_BYTES = 64 << 20
MAX_PICTURE_PIXELS = 64 << 20
LARGEST_SEED = 2**63
"""A signed 64-bit number: what the database and every server can hold."""


@dataclass(frozen=True)
class Painted:
    """What came of one generating call. `model` is the listed name of the checkpoint that drew;
    None when the server tells none, or one that is not listed."""

    pictures: list[Picture]
    model: str | None = None


def read_painted(answer: Answer, request: ImageRequest, listed: Sequence[str] = ()) -> Painted:
    """The pictures of a 200, each with infotext in it. Raises BackendBadAnswer if there is none.

    A grid in front and masks or ControlNet maps behind are dropped. `listed` are the names of
    the server's checkpoints.
    """
    bulky = _parsed(answer)
    body = bulky.value
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise BackendBadAnswer("an answer without a list of images")
    info = _info(body.get("info"))
    return Painted(_pictures(bulky, info, request, listed), _drew(info, request, listed))


def _pictures(
    bulky: Bulky, info: Mapping[str, Any], request: ImageRequest, listed: Sequence[str]
) -> list[Picture]:
    images = bulky.value["images"]
    texts = [t if isinstance(t, str) else "" for t in _list(info.get("infotexts"))]
    seeds = [s if _seed(s) else None for s in _list(info.get("all_seeds"))]
    skip = info.get("index_of_first_image")
    front = skip if isinstance(skip, int) and 0 <= skip < len(images) else 0
    texts = [*texts[front:], *([""] * len(images))]
    # An empty string stands for a picture that failed: its place is kept, it is left out.
    made = [
        _Made(n, _decode(bulky.text(image)), texts[n])
        for n, image in enumerate(images[front:])
        if image
    ]
    if not made:
        raise BackendBadAnswer("an answer without a picture (images is empty)")
    ours = _ours(made, len(seeds) or request.count)
    remark = " ".join(_remarks(info, request, listed, behind=len(made) - len(ours))) or None
    return [_picture(one, seeds, request, remark) for one in ours]


def read_upscaled(answer: Answer, request: ImageRequest) -> Picture:
    """The one picture of an upscaling. Raises BackendBadAnswer."""
    bulky = _parsed(answer)
    image = bulky.value.get("image") if isinstance(bulky.value, dict) else None
    if not image:
        raise BackendBadAnswer("an answer without a picture (image is empty)")
    data = _decode(bulky.text(image))
    facts = codec.check_picture(data, max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PICTURE_PIXELS)
    text = pnginfo.read(data) or ""
    told = infotext.Infotext.parse(text).seed if text else None
    seed = told if _seed(told) and told is not None else request.seed
    return Picture(data, facts.media_type, facts.width, facts.height, seed, text)


@dataclass(frozen=True)
class _Made:
    """One returned file: its place behind the grid, and what `infotexts` says of it."""

    place: int
    data: bytes
    listed: str

    @property
    def written(self) -> str | None:
        return pnginfo.read(self.data)


def _ours(made: list[_Made], wanted: int) -> list[_Made]:
    """Without masks and maps: those that carry a text of their own, if any does."""
    with_text = [one for one in made if one.written]
    return with_text or [one for one in made if one.place < wanted] or made


def _parsed(answer: Answer) -> Bulky:
    try:
        return Bulky(answer.body)
    except (ValueError, RecursionError) as error:
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
        except (ValueError, RecursionError):
            return {}
    return raw if isinstance(raw, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST_SEED


def _drew(info: Mapping[str, Any], request: ImageRequest, listed: Sequence[str]) -> str | None:
    """The checkpoint that drew, as the server lists it."""
    told = info.get("sd_model_name")
    if not isinstance(told, str) or not told:
        return None
    if request.model and _same_model(request.model, told, listed):
        return request.model
    return _file(told) if _file(told) in listed else None


def _same_model(asked: str, told: str, listed: Sequence[str]) -> bool:
    """A checkpoint in a folder has the folder in its listed name, and often not in what is told:
    "sd15_anything" or "sd15/anything" is told as "anything", but "my-anything" is another one."""
    drew = _plain(_file(told))
    if drew == _plain(asked):
        return True
    tails = (_plain(asked[m.end() :]) for m in re.finditer(r"[/\\_]", asked))
    return _file(told) not in listed and drew in tails


def _file(model: str) -> str:
    return re.sub(r"\.(safetensors|ckpt)$", "", PureWindowsPath(model).name)


def _remarks(
    info: Mapping[str, Any], request: ImageRequest, listed: Sequence[str], behind: int
) -> Iterator[str]:
    """What the server did otherwise than asked, without a word of its own (traps 2 and 3)."""
    sampler, model = info.get("sampler_name"), info.get("sd_model_name")
    wanted = _plain(request.sampler or "default")  # whatever the server's own is
    if wanted != "default" and isinstance(sampler, str) and _plain(sampler) != wanted:
        drew = "its own sampler" if sampler.upper() in ("", "NONE") else sampler
        yield f"The image server used {drew} instead of {request.sampler}."
    told, asked = model if isinstance(model, str) else "", request.model
    if asked and told and not _same_model(asked, told, listed):
        yield f"The image server drew with {told} instead of {asked}."
    if request.control and behind <= 0:
        # A unit that breaks is passed over in silence; a map behind the pictures proves it.
        yield "The image server drew this without your reference picture."


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _picture(
    one: _Made, seeds: list[int | None], request: ImageRequest, remark: str | None
) -> Picture:
    facts = codec.check_picture(
        one.data, max_bytes=MAX_PICTURE_BYTES, max_pixels=MAX_PICTURE_PIXELS
    )
    text = one.written or one.listed
    told = infotext.Infotext.parse(text).seed if text else None
    if told is not None and not 0 <= told < LARGEST_SEED:
        told = None
    by_place = seeds[one.place] if one.place < len(seeds) else None
    counted = request.rest(one.place).seed
    seed = next((s for s in (told, by_place) if s is not None), counted)
    whole = text or own_text(request, seed, facts.width, facts.height)
    return Picture(
        data=pnginfo.embed(one.data, whole),
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
        seed=seed,
        infotext=whole,
        remark=remark,
    )


def own_text(request: ImageRequest, seed: int, width: int, height: int) -> str:
    """The infotext a webui would have written, from what was asked and the picture's size."""
    hires = request.hires
    strength = hires.strength if hires else request.denoising_strength
    settings = {
        "Steps": request.steps,
        "Sampler": request.sampler or None,
        "Schedule type": request.scheduler or None,
        "CFG scale": f"{request.cfg_scale:g}",
        "Seed": seed,
        "Size": f"{request.width}x{request.height}" if hires else f"{width}x{height}",
        "Model": request.model or None,
        "VAE": request.vae,
        "Denoising strength": None if strength is None else f"{strength:g}",
        "Clip skip": request.clip_skip,
        "Face restoration": request.faces,
        "Tiling": True if request.tiling else None,
        "Hires upscale": f"{hires.scale:g}" if hires else None,
        "Hires upscaler": hires.upscaler if hires else None,
        "Version": f"Easel {VERSION}",
    }
    return infotext.build(request.prompt, request.negative_prompt, settings)
