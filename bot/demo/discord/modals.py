"""A modal as Discord keeps it while it is open: no nulls, every component with an id."""

from __future__ import annotations

from bot.demo.discord.compose import numbered, pruned
from bot.demo.discord.wire import Json


def numbered_modal(data: Json) -> Json:
    """Title, custom_id and components of a modal that has been checked."""
    return {
        "title": data["title"],
        "custom_id": data["custom_id"],
        "components": numbered(pruned(data["components"])),
    }
