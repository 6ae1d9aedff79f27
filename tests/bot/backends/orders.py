"""Requests and answers for the tests of this room."""

from __future__ import annotations

import base64
import json
from typing import Any

from bot.backends.http import Answer
from bot.values.request import ImageRequest
from tests.bot.images import pictures


def request(**more: Any) -> ImageRequest:
    """A complete, small order."""
    given = {"prompt": "a cat", "width": 64, "height": 64, "steps": 4, "cfg_scale": 7.0, "seed": 42}
    return ImageRequest(**given | more)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def painted(images: Any, info: Any = "", **more: Any) -> dict[str, Any]:
    """The body of a 200 of txt2img; an `info` object becomes the JSON string that it is there."""
    told = json.dumps(info) if isinstance(info, dict) else info
    return {"images": images, "parameters": {}, "info": told} | more


def answer(body: Any) -> Answer:
    """A 200."""
    return Answer(200, "application/json", json.dumps(body).encode())


def text(seed: int, prompt: str = "a cat") -> str:
    """Infotext as a web UI writes it."""
    return (
        f"{prompt}\nNegative prompt: blurry\n"
        f"Steps: 4, Sampler: Euler, CFG scale: 7.0, Seed: {seed}, Size: 12x9, Model: tinyA"
    )


def with_chunk(seed: int) -> str:
    """A picture that holds its own infotext, in base64."""
    return b64(pictures.png(text(seed)))


BARE = b64(pictures.png())
"""A picture (12×9) without a word in it, in base64."""
