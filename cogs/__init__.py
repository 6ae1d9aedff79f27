"""The counter: everything that a guest sees. Cogs are thin: they hear Discord, ask the studio
one thing, and say the answer. Nothing imports cogs; `bot.client` opens them by their name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.client import EaselBot

ROOMS = (
    "cogs.errors",
    "cogs.delivery",
    "cogs.buttons",
    "cogs.draw",
    "cogs.img2img",
    "cogs.pictures",
    "cogs.readings",
    "cogs.menus",
    "cogs.models",
    "cogs.switch_model",
    "cogs.server",
    "cogs.owner",
    "cogs.backend",
    "cogs.queue",
)
"""In the order of opening: errors are explained and news delivered before orders are taken."""


def setup(bot: EaselBot) -> None:
    """Opens every room (a plain function: py-cord calls it from `load_extension("cogs")`)."""
    for room in ROOMS:
        bot.load_extension(room)
