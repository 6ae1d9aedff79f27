"""A few words about a picture: its own prompt if it carries one, else its colours and light."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageStat

from bot.demo.servers.sdapi import infotext
from bot.demo.servers.sdapi.pictures import chunks

_COLOURS: Final = {
    "red": (200, 60, 50),
    "orange": (230, 140, 60),
    "gold": (225, 190, 90),
    "green": (90, 150, 80),
    "teal": (60, 150, 150),
    "blue": (70, 110, 190),
    "violet": (130, 90, 170),
    "pink": (230, 150, 170),
    "brown": (110, 80, 60),
    "white": (235, 235, 235),
    "grey": (130, 130, 130),
    "black": (25, 25, 30),
}


def caption(data: bytes, tags: bool) -> str:
    """A sentence, or comma-separated tags as DeepDanbooru's."""
    prompt = infotext.read(chunks(data).get("parameters", ""))["Prompt"]
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB").resize((48, 48), Image.Resampling.BOX)
    colours = _main_colours(small)
    light = "dark" if ImageStat.Stat(small.convert("L")).mean[0] < 90 else "bright"
    if tags:
        words = [part.strip() for part in str(prompt).split(",") if part.strip()]
        return ", ".join([*words, "no humans", "painting", light, *colours])
    subject = str(prompt).replace("\n", " ") or "an abstract scene"
    return f"{subject}, a {light} painting in {' and '.join(colours)}"


def _main_colours(image: Image.Image) -> list[str]:
    """Names of the two largest colours."""
    reduced = image.quantize(6)
    palette = reduced.getpalette() or []
    counted = sorted(reduced.getcolors() or [], reverse=True)
    names: list[str] = []
    for _, index in counted:
        if not isinstance(index, int):
            continue
        name = _nearest(palette[index * 3 : index * 3 + 3])
        if name not in names:
            names.append(name)
    return names[:2]


def _nearest(colour: list[int]) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(colour, _COLOURS[name], strict=True))

    return min(_COLOURS, key=distance)
