"""Jobs, places and pictures for the tests of the counter."""

from __future__ import annotations

from typing import Any

from bot.queue.job import Job, Status
from bot.values.guest import Address, Guest
from bot.values.picture import Picture
from bot.values.request import ImageRequest
from tests.bot.images import pictures

ADA = Guest(user_id=1_001, name="Ada", guild_id=2_001)


def request(prompt: str = "a maltese puppy", **more: Any) -> ImageRequest:
    """A complete order."""
    given: dict[str, Any] = {
        "prompt": prompt,
        "model": "dreamshaper_8",
        "width": 768,
        "height": 512,
        "steps": 20,
        "sampler": "DPM++ 2M",
        "scheduler": "Karras",
        "cfg_scale": 7.0,
        "seed": 985454925,
    }
    return ImageRequest(**given | more)


def address(**more: Any) -> Address:
    """A public answer in a server whose token never ends here."""
    given: dict[str, Any] = {
        "interaction_id": 10,
        "application_id": 20,
        "token": "token",
        "expires_at": 9e9,
        "channel_id": 30,
        "message_id": 40,
        "private": False,
        "upload_limit": 10 << 20,
    }
    return Address(**given | more)


def job(prompt: str = "a maltese puppy", *, order: ImageRequest | None = None, **more: Any) -> Job:
    """A job in line."""
    given: dict[str, Any] = {
        "id": 7,
        "request": order or request(prompt),
        "guest": ADA,
        "address": address(),
        "route": "main",
        "status": Status.WAITING,
        "attempt": 0,
        "failures": 0,
        "created_at": 1_000.0,
    }
    return Job(**given | more)


def picture(seed: int = 985454925, data: bytes | None = None, **more: Any) -> Picture:
    """A finished picture of 768×512 (its bytes are smaller)."""
    text = f"a cat\nSteps: 4, Sampler: Euler, CFG scale: 7, Seed: {seed}, Size: 768x512"
    given: dict[str, Any] = {
        "data": data if data is not None else pictures.png(text),
        "media_type": "image/png",
        "width": 768,
        "height": 512,
        "seed": seed,
        "infotext": text,
    }
    return Picture(**given | more)
