"""Forms (modals): what they ask, and what was typed into them."""

from __future__ import annotations

from typing import Any

import discord

from bot.values.request import PROMPT_LIMIT

_SOURCE = "source"


def source_id(interaction_id: int) -> str:
    """The id of a form about one picture."""
    return f"{_SOURCE}:{interaction_id}"


def is_source(custom_id: str) -> bool:
    """Whether a form is one of these."""
    return custom_id.partition(":")[0] == _SOURCE


def source(custom_id: str) -> discord.ui.Modal:
    """What to make of a picture."""
    modal = discord.ui.Modal(title="Use as source", custom_id=custom_id)
    modal.add_item(
        discord.ui.InputText(
            label="What to make of it",
            custom_id="prompt",
            style=discord.InputTextStyle.long,
            max_length=PROMPT_LIMIT,
        )
    )
    modal.add_item(
        discord.ui.InputText(
            label="What to keep out of it",
            custom_id="negative_prompt",
            required=False,
            max_length=1000,
        )
    )
    modal.add_item(
        discord.ui.InputText(
            label="How much may change: 0 nothing, 1 all",
            custom_id="strength",
            value="0.6",
            required=False,
            max_length=6,
        )
    )
    return modal


def typed(interaction: discord.Interaction) -> dict[str, str]:
    """What was typed, by the fields' ids."""
    data: dict[str, Any] = interaction.data or {}  # type: ignore[assignment]
    fields = [f for row in data.get("components") or () for f in row.get("components") or ()]
    return {f["custom_id"]: (f.get("value") or "").strip() for f in fields if "custom_id" in f}
