"""What a web UI raises somewhere on its way, with the words of the recorded answers.

There is no validation of ranges in A1111: bad numbers simply break something later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bot.demo.servers.sdapi import catalogue
from bot.demo.servers.sdapi.checkpoints import Shelf
from bot.demo.servers.sdapi.errors import Raised, Refused
from bot.demo.servers.sdapi.pictures import Source
from bot.demo.servers.sdapi.processing import Processing

MEMORY_PIXELS: Final = 24_000_000
_SAME: Final = ("None", "Use same checkpoint")
_NULL_NUMBER: Final = "unsupported operand type(s) for //: 'NoneType' and 'NoneType'"
_NO_COMPARISON: Final = "'>' not supported between instances of 'NoneType' and 'int'"
_NO_IMAGE: Final = (
    "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [0]"
)
_EMPTY_CANVAS: Final = (
    "Calculated padded input size per channel: (10 x 2). Kernel size: (3 x 3). "
    "Kernel size can't be greater than actual input size"
)
_SELECTABLE: Final = "Cannot have a selectable script in the always on scripts params"
_NUMBERS: Final = ("steps", "width", "height", "batch_size", "n_iter", "cfg_scale")


def check_scripts(asked: dict[str, Any], added: Iterable[str] = ()) -> None:
    """Raise ``Refused`` (422) for a script that is not there; before the queue.

    ``added`` are always-on scripts of extensions.
    """
    always_on = {*catalogue.ALWAYS_ON, *added}
    chosen, named = asked["script_name"] or "", list(asked["alwayson_scripts"] or {})
    for name in (chosen, *named):
        if name and name.lower() not in {*catalogue.SCRIPTS, *always_on}:
            raise Refused(422, f"Script '{name}' not found")
    if any(name.lower() not in always_on for name in named):
        raise Refused(422, _SELECTABLE)


def check_request(asked: dict[str, Any], kind: str, sources: list[Source]) -> None:
    """Raise ``Raised`` (500) for values that cannot be worked with."""
    if asked["prompt"] is None:
        raise Raised("AssertionError", "")
    if any(asked[key] is None for key in _NUMBERS):
        raise Raised("TypeError", _NULL_NUMBER)
    if kind == "img2img":
        _check_sources(asked, sources)
    elif asked["enable_hr"]:
        _check_hires(asked)
    if asked["batch_size"] < 1 or asked["n_iter"] < 1:
        raise Raised("IndexError", "list index out of range")
    if asked["seed"] is not None and asked["seed"] >= 2**63:
        raise Raised("RuntimeError", "Overflow when unpacking long long")
    if asked["steps"] < 1:
        raise Raised("ZeroDivisionError", "integer division or modulo by zero")
    if asked["width"] < 8 or asked["height"] < 8:
        raise Raised("RuntimeError", _EMPTY_CANVAS)


def check_work(work: Processing, shelf: Shelf) -> None:
    """Raise ``Raised`` (500) for an unknown refiner or hires model, or a picture that is too large.

    Too large is what no card could hold.
    """
    wanted = [work.asked["refiner_checkpoint"]]
    if work.hires:
        wanted.append(work.asked["hr_checkpoint_name"])
    for name in wanted:
        if name and name not in _SAME and shelf.find(name) is None:
            raise Raised("Exception", f"Could not find checkpoint with name {name}")
    width, height = work.size
    pixels = width * height * work.asked["batch_size"]
    if pixels > MEMORY_PIXELS:
        text = f"CUDA out of memory. Tried to allocate {pixels * 1.6e-6:.2f} GiB. GPU "
        raise Raised("OutOfMemoryError", text)


def _check_sources(asked: dict[str, Any], sources: list[Source]) -> None:
    if asked["denoising_strength"] is None:
        raise Raised("TypeError", _NO_COMPARISON)
    if not sources:
        raise Raised("RuntimeError", _NO_IMAGE)
    count, room = len(sources), asked["batch_size"]
    if count > max(room, 1):
        text = f"bad number of images passed: {count}; expecting {room} or less"
        raise Raised("RuntimeError", text)


def _check_hires(asked: dict[str, Any]) -> None:
    name = asked["hr_upscaler"]
    known = {*catalogue.UPSCALER_NAMES, *catalogue.LATENT_UPSCALE_MODES, None}
    if name not in known:
        raise Raised("Exception", f"could not find upscaler named {name}")
    if asked["denoising_strength"] is None:
        raise Raised("TypeError", _NO_COMPARISON)
