"""Buttons that work for ever: their ids say what they act on, `job:<id>:<action>`.

Views are rendered only (`store=False`): a stored view makes every click walk all of them, and
none survives a restart (contracts: discord 5.2.4). `cogs.buttons` hears the presses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import discord


class Action(StrEnum):
    """What a button asks for."""

    CANCEL = "cancel"
    AGAIN = "again"
    RETRY = "retry"
    DELETE = "delete"
    KEEP = "keep"
    DRAW = "draw"


_LABELS = {
    Action.CANCEL: ("Cancel", None, discord.ButtonStyle.secondary),
    Action.AGAIN: ("Again", "🔁", discord.ButtonStyle.primary),
    Action.RETRY: ("Try again", "🔁", discord.ButtonStyle.primary),
    Action.DELETE: ("Delete", "🗑️", discord.ButtonStyle.secondary),
    Action.DRAW: ("Draw this", "🎨", discord.ButtonStyle.primary),
    Action.KEEP: ("Keep waiting", "⏳", discord.ButtonStyle.primary),
}


@dataclass(frozen=True)
class Press:
    """A pressed button of ours."""

    job_id: int
    action: Action

    @classmethod
    def parse(cls, custom_id: str) -> Press | None:
        """None when the id is not one of ours."""
        parts = custom_id.split(":")
        if len(parts) != 3 or parts[0] != "job" or not parts[1].isdecimal():
            return None
        try:
            return cls(int(parts[1]), Action(parts[2]))
        except ValueError:
            return None


def row(job_id: int, *actions: Action) -> discord.ui.View:
    """One row of buttons for a job."""
    view = discord.ui.View(timeout=None, store=False)
    for action in actions:
        label, emoji, style = _LABELS[action]
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label=label, emoji=emoji, style=style, custom_id=f"job:{job_id}:{action}"
        )
        view.add_item(button)
    return view
